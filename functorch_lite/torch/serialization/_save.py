"""``torch.save`` and ``torch.load``: arguments, files, messages. Formats are in files beside.

A file is written under a temporary name and then renamed, so that a crash leaves the old one whole.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..._core.files import replacing
from . import _legacy_format, _safetensors_format, _zip_format
from ._reader import Reader

__all__ = ["load", "save"]

DEFAULT_PROTOCOL = 2
_ZIP_SIGNATURE = b"PK\x03\x04"
UNSAFE_MESSAGE = (
    "In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` "
    "from `False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will "
    "likely succeed, but it can result in arbitrary code execution. Do it only if you got the "
    "file from a trusted source."
)
_DOCS = (
    "\n\nCheck the documentation of torch.load to learn more about types accepted by default with "
    "weights_only https://pytorch.org/docs/stable/generated/torch.load.html."
)
_TRUE = ("1", "y", "yes", "true")


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write an object with its tensors to a file that PyTorch can read.

    Args: ``f`` a path or an object with ``write``; ``pickle_module`` and ``pickle_protocol`` how
        everything but the tensors is written.
    """
    is_path = isinstance(f, (str, os.PathLike))
    if not is_path and not hasattr(f, "write"):
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )
    name = "archive"
    if is_path:
        path = os.fspath(f)
        name = os.path.splitext(os.path.basename(path))[0] or name
        opened: Any = _replacing(path, _use_new_zipfile_serialization)
    else:
        opened = contextlib.nullcontext(f)
    with opened as file:
        if _use_new_zipfile_serialization:
            mark = not _disable_byteorder_record
            _zip_format.write(obj, file, name, pickle_module, pickle_protocol, mark)
        else:
            _legacy_format.write(obj, file, pickle_module, pickle_protocol)
        if hasattr(file, "flush"):
            file.flush()


@contextlib.contextmanager
def _replacing(path: Any, is_zip: bool) -> Iterator[Any]:
    """Open a temporary file beside ``path`` that takes its place when all went well."""
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    if is_zip and not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {os.path.dirname(path)} does not exist.")
    if is_zip and os.path.isdir(target):
        raise RuntimeError(
            "[enforce fail at inline_container.cc] . open file failed with strerror: Is a directory"
        )
    if not os.path.isdir(folder) or (os.path.exists(target) and not os.path.isfile(target)):
        with open(target, "wb") as file:  # a pipe or a device; or the error that open gives
            yield file
        return
    with replacing(target) as file:
        yield file


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Read an object with its tensors from a file written by ``torch.save``.

    Args:
        f: a path, or an object with ``read`` and ``seek``.
        map_location: where storages go: None, a device, its name, a dict of names, a function.
        pickle_module: reads instead of ``pickle`` (only with ``weights_only=False``).
        weights_only: True (the default) executes nothing and allows only harmless types.
        mmap: leave tensors in the file until they are used; needs a path.
    """
    safe = _is_safe(weights_only, pickle_module)
    if safe and pickle_load_args:
        warnings.warn("pickle_load_args only works if `weights_only=False`.", stacklevel=2)
    options = {"encoding": "utf-8", **pickle_load_args}
    reader = Reader(None if safe else pickle_module or pickle, options)
    if isinstance(f, (str, os.PathLike)) and os.fspath(f).endswith(".safetensors"):
        return _safetensors_format.load(os.fspath(f), map_location)
    with _open(f) as file:
        try:
            return _load_opened(file, f, map_location, reader, bool(mmap))
        except pickle.UnpicklingError as error:
            if not safe:
                raise
            raise pickle.UnpicklingError(_safe_message(str(error))) from None


def _load_opened(file: Any, f: Any, map_location: Any, reader: Reader, mmap: bool) -> Any:
    start = file.tell()
    is_zip = file.read(len(_ZIP_SIGNATURE)) == _ZIP_SIGNATURE
    file.seek(start)
    if not is_zip:
        if mmap:
            shown = f"{f}, " if isinstance(f, str) else ""
            raise RuntimeError(
                f"mmap can only be used with files saved with `torch.save({shown}"
                "_use_new_zipfile_serialization=True), please torch.save your checkpoint with this "
                "option in order to use mmap."
            )
        return _legacy_format.LegacyLoader(file, map_location).load(reader, UNSAFE_MESSAGE)
    archive = _zip_format.Archive(file)
    if archive.has("constants.pkl"):
        _refuse_torchscript(reader)
    mapped = None
    if mmap:
        if not isinstance(f, (str, os.PathLike)):
            raise ValueError("f must be a file path in order to use the mmap argument")
        mapped = np.memmap(os.fspath(f), np.uint8, "c")
    return _zip_format.ZipLoader(archive, map_location, mapped).load(reader)


def _refuse_torchscript(reader: Reader) -> None:
    if reader.is_safe:
        raise RuntimeError(
            "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. "
            + UNSAFE_MESSAGE
        )
    raise NotImplementedError("functorch_lite: TorchScript archives are not supported.")


def _open(f: Any) -> Any:
    """Open a path; check that anything else can be read and positioned."""
    if isinstance(f, (str, os.PathLike)):
        return open(f, "rb")
    for method in ("seek", "tell", "read"):
        if not hasattr(f, method):
            raise AttributeError(
                f"'{type(f).__name__}' object has no attribute '{method}'. You can only torch.load "
                "from a file that is seekable. Please pre-load the data into a buffer like "
                "io.BytesIO and try to load from it instead."
            )
    return contextlib.nullcontext(f)


def _is_safe(weights_only: bool | None, pickle_module: Any) -> bool:
    """Decide by argument and environment whether nothing may be executed."""
    safe = pickle_module is None if weights_only is None else weights_only
    force = os.getenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE
    force_not = os.getenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in _TRUE
    if force and force_not:
        raise RuntimeError(
            "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` "
            "should be set, but both were set."
        )
    if force:
        safe = True
    elif force_not and weights_only is None:
        warnings.warn(
            "Environment variable TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected, since the"
            "`weights_only` argument was not explicitly passed to `torch.load`, forcing "
            "weights_only=False.",
            UserWarning,
            stacklevel=3,
        )
        safe = False
    if safe and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    return safe


def _safe_message(message: str) -> str:
    """Return PyTorch's advice for a load that was refused."""
    if re.search(r"GLOBAL (\S+) was not an allowed global by default.", message):
        return (
            "Weights only load failed. This file can still be loaded, to do so you have two "
            "options, \033[1mdo those steps only if you trust the source of the checkpoint\033[0m."
            f" \n\t(1) {UNSAFE_MESSAGE}\n\t(2) Alternatively, to load with `weights_only=True` "
            "please check the recommended steps in the following error message.\n\t"
            f"WeightsUnpickler error: {message}{_DOCS}"
        )
    request = ""
    if not re.search(r"whose module (\S+) is blocked", message):
        request = (
            "Please file an issue with the following so that we can make `weights_only=True` "
            "compatible with your use case: WeightsUnpickler error: "
        )
    return f"Weights only load failed. {UNSAFE_MESSAGE}\n{request}\n\n{message}{_DOCS}"
