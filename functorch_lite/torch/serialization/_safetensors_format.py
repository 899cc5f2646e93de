"""The safetensors container: a length, a JSON header with dtype, shape and span, the bytes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...ops._common import contiguous_strides
from .. import _api as torch
from ._locations import make_placer
from ._tensors import LoadedStorage

MAX_HEADER_BYTES = 100_000_000
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "U64": "uint64",
    "BOOL": "bool",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}


def load(path: str, map_location: Any = None) -> dict[str, Any]:
    """Return the tensors of a file by name; RuntimeError if the header does not fit the file."""
    place = make_placer(map_location)
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > MAX_HEADER_BYTES:
            raise RuntimeError(f"corrupt safetensors file: a header of {size} bytes")
        try:
            header = json.loads(file.read(size))
        except ValueError as error:
            raise RuntimeError("corrupt safetensors file: the header is not JSON") from error
        header.pop("__metadata__", None)
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        dtype = getattr(torch, _DTYPES[entry["dtype"]])
        begin, end = entry["data_offsets"]
        count = int(np.prod(entry["shape"], dtype=np.int64))
        if not 0 <= begin <= end <= len(data) or end - begin != count * dtype.itemsize:
            raise RuntimeError(f"corrupt safetensors file: the span of {name!r}")
        flat = np.frombuffer(bytearray(data[begin:end]), np.uint8).view(dtype.np)
        storage = LoadedStorage(flat, dtype)
        place(storage, "cpu")
        shape = tuple(entry["shape"])
        tensors[name] = storage.tensor(0, shape, contiguous_strides(shape), dtype)
        storage.settle()
    return tensors
