"""The file of an exported program: a zip of JSON, StableHLO and ``.npy`` tensors.

    description.json    what goes in and out, names, dtypes, shapes, versions
    program             the serialized StableHLO (``jax.export``)
    tensors/N.npy       the N-th tensor of the description
    extra/NAME          what the caller adds

Nothing in it is code that Python would run: no pickles. Every size is checked before it is used.
Floor 4.
"""

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.export
import ml_dtypes
import numpy as np

from ..._core.files import replacing

FORMAT, VERSION = "functorch_lite.export", 1
_DESCRIPTION, _PROGRAM = "description.json", "program"
_MAX_DESCRIPTION = 100_000_000
_NPY_HEADER = 1 << 16  # more than any header of .npy that we write


@dataclass
class Archive:
    """The parts of a file.

    Attributes:
        description: what JSON holds.
        program: the serialized program.
        tensors: by name; equal objects are written once.
        extra: further content by name.
    """

    description: dict[str, Any]
    program: bytes
    tensors: Mapping[str, np.ndarray]
    extra: Mapping[str, bytes] = field(default_factory=dict)


def serialized(exported: jax.export.Exported) -> bytes:
    """Return a program as bytes; ImportError, with the remedy, where flatbuffers is missing."""
    try:
        return bytes(exported.serialize())
    except ImportError as error:
        raise _without_flatbuffers() from error


def deserialized(program: bytes, description: Mapping[str, Any]) -> jax.export.Exported:
    """Return the program of a file.

    Raises:
        ImportError: flatbuffers is missing.
        RuntimeError: this JAX cannot read it.
    """
    made, known = description["calling_convention"], _conventions()
    if made not in known:
        raise RuntimeError(
            f"the exported program has version {made} of JAX's calling convention (written by jax "
            f"{description['jax']}), and jax {jax.__version__} reads versions {known[0]} to "
            f"{known[-1]}: " + ("update jax." if made > known[-1] else "export it anew.")
        )
    try:
        return jax.export.deserialize(bytearray(program))
    except ImportError as error:
        raise _without_flatbuffers() from error
    except Exception as error:  # whatever broken bytes make flatbuffers raise
        raise RuntimeError(f"the exported program cannot be read: {error}") from error


def _conventions() -> range:
    export = jax.export
    return range(
        export.minimum_supported_calling_convention_version,
        export.maximum_supported_calling_convention_version + 1,
    )


def _without_flatbuffers() -> ImportError:
    return ImportError(
        "files of exported programs need the flatbuffers package: "
        "pip install 'functorch_lite[export]'"
    )


# --- writing --------------------------------------------------------------------------------------


def write(file: Any, archive: Archive) -> None:
    """Write to a path, where a file takes its place when all went well, or to a binary file."""
    if isinstance(file, (str, os.PathLike)):
        with replacing(os.path.realpath(file)) as opened:
            write(opened, archive)
        return
    places: dict[int, int] = {}
    arrays = []
    entries = {}
    for name, array in archive.tensors.items():
        if id(array) not in places:
            places[id(array)] = len(arrays)
            arrays.append(array)
        entries[name] = {
            "file": places[id(array)],
            "dtype": array.dtype.name,
            "shape": list(array.shape),
        }
    head = {"format": FORMAT, "version": VERSION, "program_bytes": len(archive.program)}
    text = json.dumps({**head, **archive.description, "tensors": entries}, indent=1)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as target:
        target.writestr(_DESCRIPTION, text)
        target.writestr(_PROGRAM, archive.program)
        for place, array in enumerate(arrays):
            with target.open(f"tensors/{place}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, _plain(array), allow_pickle=False)
        for name, content in archive.extra.items():
            target.writestr(f"extra/{name}", content)


def _plain(array: np.ndarray) -> np.ndarray:
    """Return the array with a dtype that .npy files know: bfloat16 and its like as integers."""
    array = np.ascontiguousarray(array).reshape(array.shape)
    return array.view(f"u{array.itemsize}") if _is_foreign(array.dtype) else array


def _is_foreign(dtype: np.dtype) -> bool:
    return dtype.kind == "V" or dtype.isbuiltin != 1


# --- reading --------------------------------------------------------------------------------------


def read(file: Any) -> Archive:
    """Read from a path or a binary file.

    Raises:
        RuntimeError: it is not such a file, is damaged, or newer than this version knows.
    """
    try:
        with zipfile.ZipFile(file) as source:
            return _read(source)
    except (zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError) as error:
        reason = "not a zip file, or cut short" if _is_cut(error) else str(error)
        raise RuntimeError(f"{_shown(file)} is not a whole exported program: {reason}") from error


def _is_cut(error: Exception) -> bool:
    return "not a zip file" in str(error)


def _shown(file: Any) -> str:
    return repr(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else "the file"


def _read(source: zipfile.ZipFile) -> Archive:
    if _DESCRIPTION not in source.namelist():
        raise ValueError("there is no description.json in it")
    description = json.loads(_content(source, _DESCRIPTION, _MAX_DESCRIPTION))
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise ValueError("its description is of another kind of file")
    if description["version"] > VERSION:
        raise ValueError(
            f"version {description['version']} of the format is newer than {VERSION}, the last "
            "that this functorch_lite reads; update it"
        )
    size = description["program_bytes"]
    program = _content(source, _PROGRAM, size)
    if len(program) != size:
        raise ValueError(f"the program has {len(program)} bytes instead of {size}")
    arrays: dict[int, np.ndarray] = {}
    tensors = {}
    for name, entry in description.pop("tensors").items():
        place = entry["file"]
        if place not in arrays:
            arrays[place] = _tensor(source, place, name, entry)
        tensors[name] = arrays[place]
    extra = {
        name.removeprefix("extra/"): _content(source, name)
        for name in source.namelist()
        if name.startswith("extra/")
    }
    return Archive(description, program, tensors, extra)


def _content(source: zipfile.ZipFile, name: str, limit: int | None = None) -> bytes:
    """Return an entry, which must be stored as it is and not be longer than ``limit``."""
    info = source.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name} is compressed")
    if limit is not None and info.file_size > limit:
        raise ValueError(f"{name} has {info.file_size} bytes, more than {limit}")
    return source.read(info)


def _tensor(source: zipfile.ZipFile, place: int, name: str, entry: Any) -> np.ndarray:
    dtype, shape = np.dtype(_dtype(entry["dtype"])), tuple(entry["shape"])
    size = math.prod(shape) * dtype.itemsize
    content = _content(source, f"tensors/{place}.npy", size + _NPY_HEADER)
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if _is_foreign(dtype) and array.dtype == np.dtype(f"u{dtype.itemsize}"):
        array = array.view(dtype)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"tensor {name!r} is {array.dtype}{list(array.shape)}, not {dtype}{list(shape)}"
        )
    return array


def _dtype(name: str) -> Any:
    return getattr(ml_dtypes, name, None) or np.dtype(name)
