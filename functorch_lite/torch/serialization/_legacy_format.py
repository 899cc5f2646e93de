"""The format before PyTorch 1.6: pickles one after another, then the storages' bytes.

Written with ``_use_new_zipfile_serialization=False``. The tar format of 2016 is refused by name.
"""

from __future__ import annotations

import pickle
import struct
import sys
import tarfile
from typing import Any

import numpy as np

from ._locations import make_placer
from ._reader import Reader
from ._safe_pickle import as_text
from ._tensors import LoadedStorage, storage_dtype
from ._writer import Storages, make_pickler

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_LENGTH = struct.Struct("<q")
_SYSTEM = {
    "protocol_version": PROTOCOL_VERSION,
    "little_endian": sys.byteorder == "little",
    "type_sizes": {"short": 2, "int": 4, "long": 4},
}


def write(obj: Any, file: Any, pickle_module: Any, protocol: int) -> None:
    """Write a checkpoint to an open file."""
    for header in (MAGIC_NUMBER, PROTOCOL_VERSION, _SYSTEM):
        pickle_module.dump(header, file, protocol=protocol)
    storages = Storages()
    make_pickler(file, pickle_module, protocol, storages, legacy=True).dump(obj)
    keys = sorted(storages.by_key)
    pickle_module.dump(keys, file, protocol=protocol)
    for key in keys:
        saved = storages.by_key[key]
        file.write(_LENGTH.pack(saved.numel))
        file.write(saved.content().data)


class LegacyLoader:
    """Loads one checkpoint from an open file."""

    def __init__(self, file: Any, map_location: Any) -> None:
        """Take everything from ``file``, from its present position on."""
        self._file = file
        self._place = make_placer(map_location)
        self._storages: dict[str, LoadedStorage] = {}

    def load(self, reader: Reader, unsafe_message: str) -> Any:
        """Return the object with all its storages in place.

        Raises: RuntimeError for a file of another kind; ``unsafe_message`` ends what is said of a
            tar file that is to be read safely.
        """
        self._refuse_tar(reader, unsafe_message)
        if reader.load(self._file) != MAGIC_NUMBER:
            raise RuntimeError("Invalid magic number; corrupt file?")
        version = reader.load(self._file)
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {version}")
        reader.load(self._file)  # byte order and sizes of the machine that wrote it
        result = reader.load(self._file, self._persistent_load)
        for key in reader.load(self._file):
            if key not in self._storages:
                raise AssertionError(f"storage key {key!r} not found in deserialized_objects")
            self._read_storage(self._storages[key])
        for storage in self._storages.values():
            storage.settle()
        return result

    def _refuse_tar(self, reader: Reader, unsafe_message: str) -> None:
        start = self._file.tell()
        head = self._file.read(tarfile.BLOCKSIZE)
        self._file.seek(start)
        if len(head) < tarfile.BLOCKSIZE or head[257:262] != b"ustar":
            return
        if reader.is_safe:
            raise RuntimeError(
                "Cannot use ``weights_only=True`` with files saved in the legacy .tar format. "
                + unsafe_message
            )
        raise NotImplementedError(
            "functorch_lite: the .tar format of PyTorch 0.1 is not supported; load the file with "
            "PyTorch and save it again."
        )

    def _persistent_load(self, reference: Any) -> Any:
        if not isinstance(reference, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(reference).__name__}")
        kind = as_text(reference[0])
        if kind == "module":
            return reference[1]
        if kind != "storage":
            raise RuntimeError(f"Unknown saved id type: {reference[0]}")
        storage_type, key, location, numel, view = reference[1:]
        if key not in self._storages:
            dtype = storage_dtype(storage_type)
            self._storages[key] = LoadedStorage(np.zeros(int(numel), dtype.np), dtype)
            self._place(self._storages[key], as_text(location))
        if view is not None:
            raise NotImplementedError(
                "functorch_lite: a storage that is a part of another (PyTorch 0.3 and older) is "
                "not supported; load the file with PyTorch and save it again."
            )
        return self._storages[key]

    def _read_storage(self, storage: LoadedStorage) -> None:
        """Read a length and that many elements into the storage's memory."""
        head = self._file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            raise pickle.UnpicklingError("the file ends before its storages do")
        (numel,) = _LENGTH.unpack(head)
        memory = storage.flat
        if numel != memory.size:
            raise RuntimeError(
                f"corrupt file: a storage of {numel} elements, {memory.size} were expected"
            )
        data = self._file.read(memory.nbytes)
        if len(data) < memory.nbytes:
            raise RuntimeError(
                f"unexpected EOF, expected {memory.nbytes - len(data)} more bytes. "
                "The file might be corrupted."
            )
        memory.view(np.uint8)[:] = np.frombuffer(data, np.uint8)
