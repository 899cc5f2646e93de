"""The zip container: ``NAME/data.pkl``, one record ``NAME/data/KEY`` a storage, and some marks.

Records are stored without compression and aligned to 64 bytes, as PyTorch's are, so that a file can
be mapped into memory.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from typing import Any

import numpy as np

from ._locations import make_placer
from ._reader import Reader
from ._safe_pickle import as_text
from ._tensors import LoadedStorage, storage_dtype
from ._writer import Storages, pickled

ALIGNMENT = 64
FORMAT_VERSION = b"3\n"
_LOCAL_HEADER_BYTES = 30
_PADDING_HEADER_BYTES = 4
_ZIP64_EXTRA_BYTES = 20
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_BROKEN = (
    "PytorchStreamReader failed {}. This is an internal miniz error. If you are seeing this error, "
    "there is a high likelihood that your checkpoint file is corrupted. This can happen if the "
    "checkpoint was not saved properly, was transferred incorrectly, or the file was modified "
    "after saving."
)


# --- writing -------------------------------------------------------------------------------------


def write(obj: Any, file: Any, name: str, pickle_module: Any, protocol: int, mark: bool) -> None:
    """Write a checkpoint; ``name`` is the folder in the archive, ``mark`` notes the byte order."""
    storages = Storages()
    data = pickled(obj, pickle_module, protocol, storages, legacy=False)
    digest = hashlib.sha256(data)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write_record(archive, f"{name}/data.pkl", data)
        _write_record(archive, f"{name}/.storage_alignment", str(ALIGNMENT).encode())
        if mark:
            _write_record(archive, f"{name}/byteorder", sys.byteorder.encode())
        for key, saved in storages.by_key.items():
            content = saved.content()
            digest.update(content.data)
            _write_record(archive, f"{name}/data/{key}", content.data)
        _write_record(archive, f"{name}/version", FORMAT_VERSION)
        identity = f"{int(digest.hexdigest(), 16) % 10**40:040d}"
        _write_record(archive, f"{name}/.data/serialization_id", identity.encode())


def _write_record(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """Write one aligned record; the padding is an extra field of its local header."""
    size = len(data)
    info = zipfile.ZipInfo(name, _FIRST_DAY)
    info.file_size = size
    start = archive.fp.tell() + _LOCAL_HEADER_BYTES + len(name.encode())  # type: ignore[union-attr]
    if size * 1.05 > zipfile.ZIP64_LIMIT:  # zipfile's own condition for a longer header
        start += _ZIP64_EXTRA_BYTES
    padding = -(start + _PADDING_HEADER_BYTES) % ALIGNMENT
    info.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(info, "w") as record:
        record.write(data)
    info.extra = b""  # the central directory needs no padding


# --- reading -------------------------------------------------------------------------------------


class Archive:
    """A checkpoint's records, by name without the archive's folder."""

    def __init__(self, file: Any) -> None:
        """Open the archive; RuntimeError in PyTorch's words if it is broken."""
        try:
            self._zip = zipfile.ZipFile(file)
        except zipfile.BadZipFile as error:
            what = "reading zip archive: failed finding central directory"
            raise RuntimeError(_BROKEN.format(what)) from error
        self._file = file
        members = self._zip.namelist()
        self._folder = members[0].partition("/")[0] if members else ""
        self._members = set(members)

    def has(self, name: str) -> bool:
        """Whether there is such a record."""
        return f"{self._folder}/{name}" in self._members

    def read(self, name: str) -> bytes:
        """Return a record; RuntimeError if it is missing or damaged."""
        if not self.has(name):
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found")
        try:
            return self._zip.read(f"{self._folder}/{name}")
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            what = f"reading file {name}: file read failed"
            raise RuntimeError(_BROKEN.format(what)) from error

    def span(self, name: str) -> tuple[int, int]:
        """Return where a record's content begins in the file, and its length."""
        info = self._zip.getinfo(f"{self._folder}/{name}")
        if info.compress_type != zipfile.ZIP_STORED:
            raise RuntimeError(f"cannot map the compressed record {name} into memory")
        self._file.seek(info.header_offset)
        header = self._file.read(_LOCAL_HEADER_BYTES)
        lengths = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
        return info.header_offset + _LOCAL_HEADER_BYTES + sum(lengths), info.file_size


class ZipLoader:
    """Loads one checkpoint from an archive."""

    def __init__(self, archive: Archive, map_location: Any, mapped: np.ndarray | None) -> None:
        """Take storages from ``archive``, or from ``mapped``, the whole file as bytes."""
        self._archive = archive
        self._mapped = mapped
        self._place = make_placer(map_location)
        self._storages: dict[str, LoadedStorage] = {}
        order = archive.read("byteorder") if archive.has("byteorder") else b"little"
        if order not in (b"little", b"big"):
            raise ValueError("Unknown endianness type: " + order.decode())
        self._swap = order.decode() != sys.byteorder

    def load(self, reader: Reader) -> Any:
        """Return the object with all its storages in place."""
        pickle_ = io.BytesIO(self._archive.read("data.pkl"))
        result = reader.load(pickle_, self._persistent_load)
        for storage in self._storages.values():
            storage.settle()
        return result

    def _persistent_load(self, reference: Any) -> LoadedStorage:
        if not isinstance(reference, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(reference).__name__}")
        kind = as_text(reference[0])
        if kind != "storage":
            raise AssertionError(
                f"Unknown typename for persistent_load, expected 'storage' but got '{kind}'"
            )
        storage_type, key, location, numel = reference[1:]
        if key not in self._storages:
            storage = self._read_storage(storage_type, as_text(key), numel)
            self._place(storage, as_text(location))
            self._storages[key] = storage
        return self._storages[key]

    def _read_storage(self, storage_type: Any, key: str, numel: int) -> LoadedStorage:
        dtype = storage_dtype(storage_type)
        name = f"data/{key}"
        if self._mapped is None:
            raw = np.frombuffer(bytearray(self._archive.read(name)), np.uint8)
        else:
            start, size = self._archive.span(name)
            raw = self._mapped[start : start + size]
        if raw.size != numel * dtype.itemsize:
            raise RuntimeError(
                f"corrupt file: record {name} has {raw.size} bytes, "
                f"{numel * dtype.itemsize} were expected"
            )
        flat = raw.view(dtype.np)
        if self._swap and dtype.itemsize > 1:
            part = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
            flat = raw.reshape(-1, part)[:, ::-1].reshape(-1).copy().view(dtype.np)
        loaded = LoadedStorage(flat, dtype)
        loaded.mapped = self._mapped is not None
        return loaded
