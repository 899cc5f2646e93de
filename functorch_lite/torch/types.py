"""``torch.types``: names for type annotations."""

import builtins
import os
from collections.abc import Sequence
from typing import IO, TypeAlias, Union

from .._core.dtype import dtype as _dtype  # noqa: F401 - a name that scripts annotate with
from ._engine.tensor import Size, Tensor
from ._functions.device import device as _device
from ._functions.storages import TypedStorage, UntypedStorage

__all__ = ["Device", "FileLike", "Number", "Storage"]

_TensorOrTensors: TypeAlias = Tensor | Sequence[Tensor]
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_dispatchkey: TypeAlias = str
_int, _float, _bool, _complex = builtins.int, builtins.float, builtins.bool, builtins.complex

Number: TypeAlias = int | float | bool
Device: TypeAlias = Union[_device, str, int, None]  # noqa: UP007 - shown by scripts as a Union
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage: TypeAlias = UntypedStorage | TypedStorage
