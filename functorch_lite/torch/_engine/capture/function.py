"""A compiled function: one program for each structure of its arguments, eager where none can be."""

import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from ...._core import dtype as dt
from ....transforms._levels import state
from ....transforms._where import is_library
from ....transforms._world import opened
from ..grad_mode import mode
from ..inside.world import COMPILED
from ..tensor import Tensor
from .arguments import leaf_key
from .breaks import GraphBreak
from .program import Program, Stale
from .tracing import Trace

_PLAIN = frozenset((Tensor, bool, int, float, str, type(None)))

RECOMPILE_LIMIT = 8
"""Programs for one structure of arguments; beyond, the function runs eagerly (as in PyTorch)."""


class Compiled:
    """What ``torch.compile`` and ``fl.jit`` make of a function of tensors.

    Args:
        function: the Python function.
        fullgraph: raise where the function cannot be captured, instead of running it eagerly.
        pure: JAX's contract: Python runs while tracing only, and its state is not looked at.
        static: positions and names of arguments that are part of the program.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        fullgraph: bool = False,
        pure: bool = False,
        static: frozenset[Any] = frozenset(),
    ) -> None:
        self.function, self.fullgraph, self.pure, self.static = function, fullgraph, pure, static
        self.programs: dict[Any, list[Program]] = {}
        self.eager: dict[Any, str] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments, captured now if there is none."""
        if state.stack or state.ground is not None:
            return self.function(*args, **kwargs)  # part of what is running
        leaves: Sequence[Any]
        if kwargs or self.static or not _PLAIN.issuperset(map(type, args)):
            flat = opened((args, kwargs))
            leaves, spec = flat.leaves, flat.spec
            fixed = self._fixed(args, kwargs, len(leaves))
        else:  # the usual case: arguments that are leaves
            flat, leaves, spec, fixed = None, args, None, (False,) * len(args)
        key = (
            spec,
            mode.grad,
            mode.inference,
            dt._default,
            *map(leaf_key, leaves, fixed),
        )
        programs = self.programs.get(key)
        if programs is None:
            if key in self.eager:
                return self.function(*args, **kwargs)
            programs = self.programs[key] = []
        reason = ""
        for program in programs:
            reason = program.broken(leaves)
            if not reason:
                try:
                    return program(leaves)
                except Stale:
                    reason = "the shape of a captured tensor"
        return self._capture(key, flat or opened((args, kwargs)), fixed, reason)

    def _fixed(self, args: tuple, kwargs: dict[str, Any], count: int) -> Sequence[bool]:
        """Return for each leaf whether it belongs to a static argument."""
        if not self.static:
            return (False,) * count
        named = [*enumerate(args), *kwargs.items()]
        return [name in self.static for name, arg in named for _ in opened(arg).leaves]

    def _capture(self, key: Any, flat: Any, fixed: Sequence[bool], reason: str) -> Any:
        args, kwargs = flat.with_leaves(flat.leaves)
        programs = self.programs[key]
        if len(programs) >= RECOMPILE_LIMIT:
            return self._fall_back(key, args, kwargs, f"recompiled {len(programs)} times: {reason}")
        try:
            program = Program(Trace(self.function, flat, fixed, self.pure))
        except GraphBreak as stop:
            if self.fullgraph:
                raise Unsupported(self._text(stop.reason, stop.at, stop.instead)) from None
            return self._fall_back(key, args, kwargs, stop.reason, stop.at, stop.instead)
        except Exception as error:
            if self.fullgraph:
                raise
            if self.pure:
                raise
            why = f"{type(error).__name__}: {error}".split("\n")[0]
            return self._fall_back(key, args, kwargs, why, _line(error))
        programs.insert(0, program)
        return program(flat.leaves)

    def name(self) -> str:
        """Return how messages call the function."""
        return getattr(self.function, "__qualname__", type(self.function).__name__)

    def _text(self, reason: str, at: str, instead: str) -> str:
        lines = [reason if self.pure else f"torch.compile: graph break in {self.name()}: {reason}"]
        if at:
            lines.append(f"  at {at}")
        if instead:
            lines.append(f"  Instead: {instead}")
        return "\n".join(lines)

    def _fall_back(
        self, key: Any, args: tuple, kwargs: dict, reason: str, at: str = "", instead: str = ""
    ) -> Any:
        """Run eagerly from now on for arguments like these, and say so once."""
        result = self.function(*args, **kwargs)
        del self.programs[key]
        self.eager[key] = reason
        warnings.warn(
            self._text(reason, at, instead) + "\n  The function runs eagerly.",
            UserWarning,
            stacklevel=_user_frame(),
        )
        return result


COMPILED.append(Compiled)


_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


def compile_function(
    function: Callable[..., Any],
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    disable: bool = False,
) -> Callable[..., Any]:
    """Return ``function`` as one that is captured; the options are those of ``torch.compile``.

    Only ``fullgraph``, ``disable`` and ``backend="eager"`` change anything: there is one compiler,
    and a program for each combination of shapes.

    Raises:
        RuntimeError: a ``mode`` that PyTorch does not know, or a mode and options.
    """
    del dynamic
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(_MODES)}")
    if disable or backend == "eager":
        return function
    return Compiled(function, fullgraph=fullgraph)


class Unsupported(RuntimeError):
    """A function that must be captured whole (``fullgraph=True``) cannot be."""

    __module__ = "torch._dynamo.exc"


def _user_frame() -> int:
    """Return the ``stacklevel``, for our caller, of the innermost frame of user code."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and is_library(frame.f_code.co_filename):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level


def _line(error: BaseException) -> str:
    """Return the innermost line of user code in an error's traceback."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not is_library(frame.filename):
            return f"{frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}"
    return ""
