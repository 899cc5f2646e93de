"""``torch.export.save`` and ``load``: a program and its tensors in one file, without pickles."""

from typing import Any

import numpy as np

from ...transforms._exported.archive import Archive, read, serialized, write
from ...transforms._exported.function import restored
from .._engine.storage import to_device
from .._engine.tensor import make
from ..nn.parameter import Parameter
from ._program import BUFFER, CONSTANT, PARAMETER, UNSAVED, ExportedProgram, Member

_KINDS = (PARAMETER, BUFFER, UNSAVED, CONSTANT)


def save(
    ep: ExportedProgram,
    f: Any,
    *,
    extra_files: dict[str, Any] | None = None,
    opset_version: dict[str, int] | None = None,
    pickle_protocol: int = 2,
) -> None:
    """Write a program with its tensors to ``f``, a path or a binary file.

    Args:
        ep: what ``torch.export.export`` returned.
        extra_files: further texts, or bytes, by name.
        opset_version, pickle_protocol: accepted, without effect.

    Raises:
        TypeError: ``ep`` is something else.
        ImportError: the ``flatbuffers`` package is missing.
    """
    del opset_version, pickle_protocol
    if not isinstance(ep, ExportedProgram):
        raise TypeError(
            "The 'ep' parameter must be an instance of 'ExportedProgram', got "
            f"'{type(ep).__name__}' instead."
        )
    arrays: dict[int, np.ndarray] = {}
    for member in ep._members.values():
        arrays.setdefault(id(member.tensor), np.asarray(member.tensor._array))
    description = {
        **ep._exported.described("module"),
        "operands": ep._operands,
        "members": {
            name: {"kind": kind, "requires_grad": bool(tensor.requires_grad)}
            for name, (kind, tensor) in ep._members.items()
        },
    }
    tensors = {name: arrays[id(m.tensor)] for name, m in ep._members.items()}
    extra = {
        name: text if isinstance(text, bytes) else str(text).encode()
        for name, text in (extra_files or {}).items()
    }
    write(f, Archive(description, serialized(ep._exported.program), tensors, extra))


def load(
    f: Any,
    *,
    extra_files: dict[str, Any] | None = None,
    expected_opset_version: dict[str, int] | None = None,
) -> ExportedProgram:
    """Return what ``save`` wrote. No source is needed, and nothing in the file is run as Python.

    XLA runs the program as native code: load what you trust.

    Args:
        f: a path or a binary file.
        extra_files: its keys say which further texts to read; the values are filled in.
        expected_opset_version: accepted, without effect.

    Raises:
        RuntimeError: the file is another one, damaged, or too new.
    """
    del expected_opset_version
    archive = read(f)
    exported = restored(archive, "module", "use fl.load_exported.")
    found = archive.description
    try:
        members = _members(found["members"], archive)
        operands = [str(name) for name in found["operands"]]
        _compare(exported, [archive.tensors[name] for name in operands])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"the description of the exported program is damaged: {error!r}"
        raise RuntimeError(reason) from error
    for name in extra_files or ():
        extra_files[name] = archive.extra[name].decode()  # type: ignore[index]
    return ExportedProgram(exported, operands, members)


def _members(described: dict[str, Any], archive: Archive) -> dict[str, Member]:
    """Return the tensors; names that shared one do so again."""
    made: dict[int, Any] = {}
    members = {}
    for name, entry in described.items():
        kind, array = entry["kind"], archive.tensors[name]
        if kind not in _KINDS:
            raise ValueError(f"{name} is a {kind}")
        if id(array) not in made:
            tensor: Any = make(to_device(array))
            if kind == PARAMETER:
                tensor = Parameter(tensor, requires_grad=bool(entry["requires_grad"]))
            made[id(array)] = tensor
        members[name] = Member(kind, made[id(array)])
    return members


def _compare(exported: Any, operands: list[np.ndarray]) -> None:
    """Raise ValueError unless the program takes these operands and the signature's inputs."""
    wanted = [(aval.dtype.name, tuple(aval.shape)) for aval in exported.program.in_avals]
    found = [(array.dtype.name, array.shape) for array in operands]
    if wanted != [*found, *exported.signature.inputs]:
        raise ValueError("the tensors and inputs are not those of the program")
