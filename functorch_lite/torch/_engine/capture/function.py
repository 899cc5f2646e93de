"""A compiled function: one program for each structure of its arguments, eager where none can be."""

import copy
import operator
import sys
import threading
import traceback
import warnings
import weakref
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

from ...._core import dtype as dt
from ....transforms._explain import Explanation
from ....transforms._levels import state
from ....transforms._where import is_library
from ....transforms._world import opened
from ..grad_mode import mode
from ..inside.world import COMPILED
from ..mixed.state import trace_key
from ..tensor import Tensor
from .arguments import is_other_object, leaf_key
from .breaks import GraphBreak
from .program import Program, Stale
from .report import PREFIX, History, difference
from .tracing import KindAsked, Trace

_PLAIN = frozenset((Tensor, bool, int, float, str, type(None)))

RUN_TIME, STATIC, STATIC_INT = range(3)
"""What an argument's leaf is: numbers and arrays are operands unless it is static, an int only once
a second value of it was seen."""


EXACT = 2**53
"""Numbers are handed to a program as float64, which holds smaller ints exactly."""

_one_at_a_time = threading.RLock()
"""Held while a program is captured or run: a capture puts traced values into tensors."""


class Limits:
    """How often a function is compiled before it runs eagerly (``torch._dynamo.config``).

    Attributes:
        recompile_limit: programs for arguments that differ in Python values only.
        shape_limit: programs in all.
    """

    recompile_limit = 8
    shape_limit = 64


class Call(NamedTuple):
    """One call: its leaves, what they are a key for, and how to take the arguments apart."""

    key: tuple
    leaves: Sequence[Any]
    fixed: Sequence[int]
    args: tuple
    kwargs: dict[str, Any]

    def general(self) -> "Call":
        """Return the call with ints as operands."""
        fixed = tuple(RUN_TIME if f == STATIC_INT else f for f in self.fixed)
        return self._replace(
            key=(*self.key[:PREFIX], *map(leaf_key, self.leaves, fixed)), fixed=fixed
        )


class Compiled:
    """What ``torch.compile`` and ``fl.jit`` make of a function of tensors.

    Args:
        function: the Python function.
        fullgraph: raise where the function cannot be captured, instead of running it eagerly.
        pure: JAX's contract: Python runs while tracing only, and its state is not looked at.
        static: positions and names of arguments that are part of the program.
        quiet: do not warn of graph breaks.

    Attributes:
        programs: by key, the latest first.
        eager: keys of calls that run eagerly -> how often a capture was tried.
        ints: by key with ints as operands, whether a second value may be tried as one.
        floats: whether floats are operands, or STATIC since the code asks for types.
        history: what happened.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        fullgraph: bool = False,
        pure: bool = False,
        static: frozenset[Any] = frozenset(),
        quiet: bool = False,
    ) -> None:
        self.function, self.fullgraph, self.pure, self.static = function, fullgraph, pure, static
        self.warned = quiet
        self.history = History(self.name())
        self.reset()
        everyone.add(self)

    def reset(self) -> None:
        """Forget all programs."""
        self.programs: dict[Any, list[Program]] = {}
        self.eager: dict[Any, int] = {}
        self.ints: dict[Any, bool] = {}
        self.floats = RUN_TIME
        self.history.clear()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for these arguments, captured now if there is none."""
        if state.stack or state.ground is not None:
            return self.function(*args, **kwargs)  # part of what is running
        call = self._call(args, kwargs)
        reason = ""
        for candidate in (call, call.general()) if STATIC_INT in call.fixed else (call,):
            if self.eager.get(candidate.key, 0) > 1:
                return self.function(*args, **kwargs)
            for program in self.programs.get(candidate.key, ()):
                with _one_at_a_time:
                    reason = program.broken(call.leaves)
                    if not reason:
                        try:
                            return program(call.leaves)
                        except Stale:
                            reason = "the shape of a captured tensor changed"
        return self._capture(call, reason)

    def _call(self, args: tuple, kwargs: dict[str, Any]) -> Call:
        """Take the arguments apart; leaves are the arguments themselves in the usual case."""
        leaves: Sequence[Any] = args
        spec, static = None, ()
        if kwargs or self.static or not _PLAIN.issuperset(map(type, args)):
            flat = opened((args, kwargs))
            leaves, spec = flat.leaves, flat.spec
            static = self._static(args, kwargs)
        fixed = tuple([self._kind(leaf) for leaf in leaves])
        if static:
            fixed = tuple([STATIC if s else f for s, f in zip(static, fixed, strict=True)])
        if len(leaves) > 1 and (shared := _sharing(leaves)):
            spec = (spec, shared)
        modes = (spec, mode.grad, mode.inference, dt._default, trace_key())
        key = (*modes, *map(leaf_key, leaves, fixed))
        return Call(key, leaves, fixed, args, kwargs)

    def _kind(self, leaf: Any) -> int:
        """Return how a leaf is treated: JAX's contract makes an int part of the program."""
        if type(leaf) is int:
            return STATIC if self.pure or abs(leaf) >= EXACT else STATIC_INT
        return self.floats if type(leaf) is float else RUN_TIME

    def _static(self, args: tuple, kwargs: dict[str, Any]) -> Sequence[bool]:
        """Return for each leaf whether it belongs to a static argument."""
        if not self.static:
            return ()
        named = [*enumerate(args), *kwargs.items()]
        return [name in self.static for name, arg in named for _ in opened(arg).leaves]

    # --- capturing --------------------------------------------------------------------------------

    def _capture(self, call: Call, reason: str) -> Any:
        """Make a program for a call that has none, and run it."""
        general = call.general()
        seen = self.ints.get(general.key)
        if STATIC_INT in call.fixed and seen is not None:  # an int with a second value
            if seen:
                try:
                    return self._captured(general, reason)
                except (GraphBreak, Exception):
                    self.ints[general.key] = False  # its value is needed in Python
        elif STATIC_INT in call.fixed:
            self.ints[general.key] = True
        over = self._over_the_limit(call, general)
        if over:
            return self._fall_back(call, f"{over}: {reason or self._difference(call)}")
        try:
            return self._captured(call, reason)
        except KindAsked:
            self.floats = STATIC
            return self._capture(self._call(call.args, call.kwargs), reason)
        except GraphBreak as stop:
            return self._stopped(call, stop)
        except Exception as error:
            if self.fullgraph or self.pure:
                raise
            why = f"{type(error).__name__}: {error}".split("\n")[0]
            return self._fall_back(call, why, _line(error))

    def _captured(self, call: Call, reason: str) -> Any:
        with _one_at_a_time:
            return self._captured_alone(call, reason)

    def _captured_alone(self, call: Call, reason: str) -> Any:
        flat = opened((call.args, call.kwargs))
        start = perf_counter()
        program = Program(Trace(self.function, flat, call.fixed, self.pure), start)
        known = [key for key, found in self.programs.items() if found]
        reason = reason or self._difference(call)
        kind = "recompile" if known else "capture"
        self.history.note(kind, reason or "the first call")
        result = program(flat.leaves)
        self.programs.setdefault(call.key, []).insert(0, program)
        return result

    def _difference(self, call: Call) -> str:
        """Return in what a call differs from the captured one that is most like it."""
        known = [key for key, programs in self.programs.items() if programs]
        if not known:
            return ""
        nearest = max(known, key=lambda key: sum(map(operator.eq, key, call.key)))
        return difference(self.function, nearest, call.key)

    def _over_the_limit(self, call: Call, general: Call) -> str:
        alike = [key for key in self.programs if len(key) == len(call.key)]
        of_values = max(
            len(self.programs.get(call.key, ())), sum(_is_like(key, general.key) for key in alike)
        )
        total = sum(map(len, self.programs.values()))
        if of_values >= Limits.recompile_limit:
            return f"recompiled {of_values} times (torch._dynamo.config.recompile_limit)"
        if total >= Limits.shape_limit:
            return f"{total} programs for different shapes"
        return ""

    # --- running eagerly --------------------------------------------------------------------------

    def name(self) -> str:
        """Return how messages call the function."""
        function = self.function
        if getattr(function, "__name__", "") == "_call_impl":  # a module's own call
            function = function.__self__  # type: ignore[attr-defined]
        return getattr(function, "__qualname__", type(function).__name__)

    def _text(self, reason: str, at: str, instead: str) -> str:
        lines = [reason if self.pure else f"torch.compile: graph break in {self.name()}: {reason}"]
        if at:
            lines.append(f"  at {at}")
        if instead:
            lines.append(f"  Instead: {instead}")
        return "\n".join(lines)

    def _stopped(self, call: Call, stop: GraphBreak) -> Any:
        if self.fullgraph:
            raise Unsupported(self._text(stop.reason, stop.at, stop.instead)) from None
        return self._fall_back(call, stop.reason, stop.at, stop.instead)

    def _fall_back(self, call: Call, reason: str, at: str = "", instead: str = "") -> Any:
        """Run eagerly and say so, once. A first failure may be due to state that is new: a second
        call is tried again.
        """
        result = self.function(*call.args, **call.kwargs)
        tried = self.eager[call.key] = self.eager.get(call.key, 0) + 1
        if tried == 1:
            self.history.note("graph break", reason, at)
        if not self.warned:
            self.warned = True
            warnings.warn(
                self._text(reason, at, instead) + "\n  The function runs eagerly.",
                UserWarning,
                stacklevel=_user_frame(),
            )
        return result

    def __deepcopy__(self, memo: dict[int, Any]) -> "Compiled":
        return _compiled_anew(copy.deepcopy(self.function, memo), *self._options())

    def __reduce__(self) -> tuple:
        return _compiled_anew, (self.function, *self._options())

    def _options(self) -> tuple:
        return self.fullgraph, self.pure, self.static

    def explanation(self) -> Explanation:
        """Return what is known of the programs, and what happened."""
        facts = [p.facts() for programs in self.programs.values() for p in reversed(programs)]
        return Explanation(self.name(), tuple(facts), tuple(self.history))


def _sharing(leaves: Sequence[Any]) -> tuple:
    """Return which tensors share memory, and which are the same; () if each is on its own."""
    tensors = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    cells = [id(tensor._storage) for tensor in tensors]
    if len(set(cells)) == len(cells):
        return ()
    names = [id(tensor) for tensor in tensors]
    return (*map(cells.index, cells), *map(names.index, names))


def _compiled_anew(function: Any, fullgraph: bool, pure: bool, static: frozenset) -> Compiled:
    """Return a compiled function without programs, for a copy."""
    return Compiled(function, fullgraph=fullgraph, pure=pure, static=static)


def _is_like(key: tuple, general: tuple) -> bool:
    """Return True if two keys differ only in the values of ints, or in which object they hold."""
    return all(
        a == b or (b is int and isinstance(a, tuple) and a[0] is int) or is_other_object(a, b)
        for a, b in zip(key, general, strict=True)
    )


everyone: "weakref.WeakSet[Compiled]" = weakref.WeakSet()
"""All compiled functions, for ``torch.compiler.reset``."""

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
