"""``torch.storage``: the memory behind tensors."""

from ._functions.storages import TypedStorage as TypedStorage
from ._functions.storages import UntypedStorage as UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
