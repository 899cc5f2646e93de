"""``torch.storage``: the memory behind tensors."""

from ._storages import TypedStorage as TypedStorage
from ._storages import UntypedStorage as UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]
