"""``torch.export.export`` and what it returns."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..._core.errors import UnsupportedError
from ..._core.execute import x64
from ...transforms._exported.function import Exported
from ...transforms._exported.signature import Mismatch
from ...transforms._levels import innermost
from ...transforms._world import ARRAYS
from .. import _api as torch
from .._engine.capture.exporting import Export
from .._engine.tensor import make
from ..nn.modules.module import Module
from ._shapes import refuse_dynamic

PARAMETER, BUFFER, UNSAVED, CONSTANT = "parameter", "buffer", "non-persistent buffer", "constant"


class Member(NamedTuple):
    """A tensor that a program may read: what it is in its module, and itself."""

    kind: str
    tensor: Any


def export(
    mod: Any,
    args: tuple,
    kwargs: Mapping[str, Any] | None = None,
    *,
    dynamic_shapes: Any = None,
    strict: bool = False,
    preserve_module_call_signature: tuple[str, ...] = (),
    prefer_deferred_runtime_asserts_over_guards: bool = False,
    platforms: Sequence[str] | None = None,
) -> "ExportedProgram":
    """Return a module's forward pass as a program, for arguments like these.

    Args:
        mod: a module. It is exported in the mode (``train`` or ``eval``) that it is in, without
            gradients.
        args, kwargs: examples. Shapes, dtypes and all values that are no tensors are part of the
            program.
        dynamic_shapes: must leave no size open.
        platforms: what it is lowered for ("cpu", "cuda", "tpu"); by default, where JAX runs now.
            (PyTorch has no such argument.)
        strict, preserve_module_call_signature, prefer_deferred_runtime_asserts_over_guards:
            accepted, without effect.

    Raises:
        ValueError: ``mod`` is no module.
        NotImplementedError: it writes to tensors, draws random numbers, or shapes are dynamic.
        torch._dynamo.exc.Unsupported: the value of a tensor is needed in Python.
    """
    del strict, preserve_module_call_signature, prefer_deferred_runtime_asserts_over_guards
    if not isinstance(mod, Module):
        raise ValueError(f"Expected `mod` to be an instance of `torch.nn.Module`, got {type(mod)}.")
    if not isinstance(args, tuple):
        raise TypeError(
            f"Expecting `args` to be a tuple of example positional inputs, got {type(args)}"
        )
    refuse_dynamic(dynamic_shapes)
    members = dict(_members(mod))
    made = Export(
        mod, args, kwargs or {}, {name: m.tensor for name, m in members.items()}, platforms
    )
    used = {*made.operands, *made.returned}
    members = {n: m for n, m in members.items() if m.kind in (PARAMETER, BUFFER) or n in used}
    members |= {name: Member(CONSTANT, t) for name, t in made.constants.items()}
    return ExportedProgram(made.exported, made.operands, members, (args, dict(kwargs or {})))


def _members(mod: Module) -> Iterator[tuple[str, Member]]:
    """Yield the tensors of a module by name, those under a second name too."""
    for prefix, part in mod.named_modules(remove_duplicate=False):
        own = part.__dict__
        dot = f"{prefix}." if prefix else ""
        for name, tensor in own["_parameters"].items():
            if tensor is not None:
                yield dot + name, Member(PARAMETER, tensor)
        for name, tensor in own["_buffers"].items():
            if tensor is not None:
                kind = UNSAVED if name in own["_non_persistent_buffers_set"] else BUFFER
                yield dot + name, Member(kind, tensor)
        for name, value in own.items():
            if isinstance(value, torch.Tensor):
                yield dot + name, Member(CONSTANT, value)


class ExportedProgram:
    """A program with the tensors that it reads.

    Attributes:
        example_inputs: (args, kwargs) that it was exported with; None after ``load``.
    """

    def __init__(
        self,
        exported: Exported,
        operands: list[str],
        members: dict[str, Member],
        example_inputs: Any = None,
    ) -> None:
        """Keep the parts: ``operands`` names the members that ``exported`` takes first."""
        self._exported, self._operands, self._members = exported, operands, members
        self.example_inputs = example_inputs
        self._module: ExportedModule | None = None

    def _of(self, *kinds: str) -> dict[str, Any]:
        return {name: m.tensor for name, m in self._members.items() if m.kind in kinds}

    @property
    def state_dict(self) -> dict[str, Any]:
        """The parameters and buffers by name: the very tensors, not copies."""
        return self._of(PARAMETER, BUFFER)

    @property
    def constants(self) -> dict[str, Any]:
        """The other tensors that the program reads."""
        return self._of(UNSAVED, CONSTANT)

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters with their names."""
        yield from self._of(PARAMETER).items()

    def parameters(self) -> Iterator[Any]:
        """Yield the parameters."""
        yield from self._of(PARAMETER).values()

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """Yield the buffers with their names."""
        yield from self._of(BUFFER, UNSAVED).items()

    def buffers(self) -> Iterator[Any]:
        """Yield the buffers."""
        yield from self._of(BUFFER, UNSAVED).values()

    def module(self, check_guards: bool = True) -> Module:
        """Return a module that runs the program; it shares the tensors."""
        del check_guards
        return ExportedModule(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program. (PyTorch wants ``module()`` to be called.)"""
        if self._module is None:
            self._module = ExportedModule(self)
        return self._module(*args, **kwargs)

    def stablehlo(self) -> str:
        """Return the program as text."""
        return self._exported.program.mlir_module()

    @property
    def graph_module(self) -> Any:
        """Raise: the program is StableHLO, there is no FX graph."""
        raise UnsupportedError("FX graphs of exported programs", "Look at stablehlo().")

    graph = graph_signature = graph_module

    def run_decompositions(self, decomp_table: Any = None, **options: Any) -> "ExportedProgram":
        """Return the program as it is: StableHLO has no composed operators."""
        del decomp_table, options
        return self

    def __repr__(self) -> str:
        """Show the call, the tensors and the size of the program."""
        exported = self._exported
        lines = [
            "ExportedProgram:",
            f"    {exported.typed()}",
            f"    {len(exported.program.mlir_module_serialized):,} bytes of StableHLO for "
            f"{', '.join(exported.program.platforms)}",
        ]
        for name, (kind, tensor) in self._members.items():
            unused = "" if name in self._operands else ", not read"
            shape = list(tensor.shape)
            lines.append(f"    {name}: {tensor.dtype.name}{shape} ({kind}{unused})")
        return "\n".join(lines)


class ExportedModule(Module):
    """Runs an exported program; its parameters and buffers have the names of the original's."""

    def __init__(self, program: ExportedProgram) -> None:
        """Put the program's tensors where their names say."""
        super().__init__()
        own = self.__dict__
        own["_exported"] = program._exported
        own["_constants"] = {}
        own["_homes"] = {name: self._plant(name, m) for name, m in program._members.items()}
        own["_operands"] = program._operands

    def _plant(self, path: str, member: Member) -> tuple[dict, str]:
        """Put one tensor into a part; return the dict and the key that hold it."""
        kind, tensor = member
        if kind == CONSTANT:
            self.__dict__["_constants"][path] = tensor
            return self.__dict__["_constants"], path
        *parts, name = path.split(".")
        home: Module = self
        for part in parts:
            if part not in home._modules:
                home.add_module(part, Module())
            home = home._modules[part]  # type: ignore[assignment]
        if kind == PARAMETER:
            home.register_parameter(name, tensor)
            return home._parameters, name
        home.register_buffer(name, tensor, persistent=kind == BUFFER)
        return home._buffers, name

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program, without gradients.

        Raises:
            ValueError, AssertionError: the arguments are not like those it was exported for.
            NotImplementedError: an input wants a gradient.
        """
        own = self.__dict__
        exported: Exported = own["_exported"]
        leaves = exported.signature.leaves(args, kwargs)
        for place, leaf in enumerate(leaves):
            _check(exported, place, leaf)
        tensors = _Found(own["_homes"])
        operands = [tensors[name] for name in own["_operands"]]
        arrays = [t._array if isinstance(t, torch.Tensor) else t for t in (*operands, *leaves)]
        try:
            with x64(True):
                outputs = exported.run(*arrays)
        except (NotImplementedError, TypeError, ValueError) as error:
            level = innermost()
            if level is None:
                raise
            raise UnsupportedError(
                f"an exported program under {level.name}",
                "Export a module whose forward does what the transform does.",
            ) from error
        return exported.signature.result(outputs, leaves, make, tensors)

    def train(self, mode: bool = True) -> Any:
        """Raise: the mode is part of the program."""
        raise NotImplementedError("Calling train() is not supported yet.")

    def eval(self) -> Any:
        """Raise: the mode is part of the program."""
        raise NotImplementedError("Calling eval() is not supported yet.")

    def extra_repr(self) -> str:
        """Show the call."""
        return self.__dict__["_exported"].typed()


class _Found(dict):
    """Tensors by name, looked up where a module holds them now."""

    def __init__(self, homes: Mapping[str, tuple[dict, str]]) -> None:
        self.homes = homes

    def __missing__(self, name: str) -> Any:
        home, key = self.homes[name]
        return home[key]


def _check(exported: Exported, place: int, leaf: Any) -> None:
    if isinstance(leaf, torch.Tensor):
        exported.signature.check(place, leaf.dtype.np.name, tuple(leaf.shape))
        if leaf.requires_grad and torch.is_grad_enabled():
            raise UnsupportedError(
                "gradients through an exported program",
                "Call it under torch.no_grad(), or with detached inputs.",
            )
    elif isinstance(leaf, ARRAYS):
        exported.signature.check(place, leaf.dtype.name, leaf.shape)
    else:
        name = exported.signature.name_of(place)
        raise Mismatch(f"Guard failed: {name} must be a tensor, not {leaf!r}")
