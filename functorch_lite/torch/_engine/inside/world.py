"""Tensors under the transforms: the world that ``fl.grad``, ``fl.vmap`` and the others look for.

Inside a transform JAX differentiates, and the tape is silent: an operand with a history hands out
:func:`lifted`'s array instead of asking for a node. Around the outermost transform stands a
:class:`Boundary`, which makes the whole transform *one* node of the tape: the tensors with a
history that it reads, arguments or captured, are its inputs, and its backward is ``jax.vjp`` of it
all. The boundary learns its inputs by running: the first read of one that it does not know starts
it anew.
"""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero, zero_from_primal

from ...._core import dtype as dt
from ...._core.execute import x64
from ....ops._program import conj
from ....transforms._levels import (
    FORWARD,
    REVERSE,
    Level,
    active,
    differentiating,
    state,
)
from ....transforms._where import explained
from ....transforms._world import Kept, World, interleaved, opened, register_world
from ..grad_mode import mode, recording
from ..graph import FREED, Node, node_type, sequence
from ..tensor import Tensor, make, read_chain
from .captured import captured


class TensorWorld(World):
    """The world whose boxes are tensors."""

    box = (Tensor,)
    conjugate = True

    def unwrap(self, box: Tensor) -> Any:
        """Return a tensor's array; under a boundary the traced one, if it has a history."""
        return lifted(box) if active.count and mode.grad and has_history(box) else box._array

    def wrap(self, array: Any, like: Any = None, tracked: bool = False) -> Tensor:
        """Return a new tensor; one that a transform differentiates by says that it wants a grad."""
        tensor = make(array if isinstance(array, jax.Array) else jnp.asarray(array))
        tensor._requires_grad = tracked
        return tensor

    def cell(self, box: Tensor) -> Any:
        """Return the tensor's storage."""
        return box._storage

    def write(self, box: Tensor, array: Any) -> None:
        """Write through the tensor's view chain."""
        box._write(array)

    def written(self, box: Tensor) -> bool:
        """Return True if the tensor was written to since ``wrap``."""
        return box._storage.version > 0

    def inside(self, level: Level) -> AbstractContextManager[Any]:
        """Switch grad mode on in a function that is differentiated, as torch.func does."""
        return recording(True) if level.kind == REVERSE else nullcontext()

    def taped(self) -> bool:
        """Return True if the last outermost ``run`` in this thread became a node."""
        return bool(state.stack == [] and last.inputs)

    def draw_state(self) -> Any:
        """Return the state of the default generator."""
        return GENERATOR[0].snapshot() if state.ground is None else state.ground.position()

    def set_draw_state(self, before: Any) -> None:
        """Go back to a state of the default generator."""
        if state.ground is None:
            GENERATOR[0].rewind(before)
        else:
            state.ground.rewind(before)

    def number(self, traced: Any, kind: type = float) -> Tensor:
        """Return a tensor that takes part in arithmetic as a Python number does."""
        tensor = make(traced)
        tensor._desc = kind
        return tensor

    def refers(self, func: Any) -> bool:
        """Return True if a function refers to tensors, or to modules that have some."""
        return bool(captured(func))

    def compiled(self, func: Callable[..., Any], static: frozenset[Any] = frozenset()) -> Any:
        """Return ``func`` as a captured program."""
        return COMPILED[0](func, fullgraph=True, pure=True, static=static)

    def captured(self, function: Any) -> list[Any]:
        """Return the tensors with a history that a function refers to, where the tape records."""
        if state.stack or not mode.grad:
            return []
        return [t for t in captured(function) if has_history(t)]

    def run(self, call: Callable[[], Any], boxes: Sequence[Any]) -> Any:
        """Run a transform: with 64-bit types, and as one node where a history takes part."""
        with x64(True):
            if state.stack:
                return call()
            last.inputs = ()
            if not mode.grad:
                return call()
            return _bounded(call, [t for t in boxes if has_history(t)])


GENERATOR: list[Any] = []
"""The engine of the default generator (set by ``random``)."""


COMPILED: list[Any] = []
"""The class of captured functions (set by ``capture.function``)."""


class _Last(threading.local):
    """The inputs of this thread's last boundary: none if it did not become a node."""

    inputs: Sequence[Tensor] = ()


last = _Last()


def has_history(tensor: Tensor) -> bool:
    """Return True if a gradient is wanted for the tensor."""
    base = tensor._grad_base
    return tensor._requires_grad or (base is not None and base._requires_grad)


# --- what operands hand out -----------------------------------------------------------------------


def lifted(tensor: Tensor) -> Any:
    """Return the array of an operand with a history, where a transform is running."""
    stack = state.stack
    if not stack or tensor._storage.born >= stack[0].stamp:
        return tensor._array
    for level in reversed(stack):
        if isinstance(level, Boundary) and level.knows(tensor):
            return level.value_of(tensor)
    outermost = stack[0]
    if isinstance(outermost, Boundary):
        raise _Unknown(_input_of(tensor))
    return tensor._array


def _input_of(tensor: Tensor) -> Tensor:
    """Return the tensor whose history a view follows, or the tensor itself."""
    base = tensor._grad_base
    return base if base is not None and base._requires_grad else tensor


class _Unknown(BaseException):
    """A tensor with a history was read that the boundary did not know of."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Boundary(Level):
    """The outermost level: what is differentiated by the tape."""

    def __init__(self, inputs: Sequence[Tensor], arrays: Sequence[Any]) -> None:
        super().__init__(REVERSE, "the transform")
        self.arrays = {id(t): a for t, a in zip(inputs, arrays, strict=True)}

    def refusal(self, at: str) -> Exception:
        """Return the error for a recorded write to a tensor from outside."""
        return explained(
            NotImplementedError,
            "functorch_lite does not support writing a value that requires grad to a captured "
            "tensor inside a transform.",
            "return the value, or write a detached one.",
            at,
        )

    def knows(self, tensor: Tensor) -> bool:
        """Return True if the tensor, or the base of the view that it is, is an input."""
        return id(_input_of(tensor)) in self.arrays

    def value_of(self, tensor: Tensor) -> Any:
        """Return the traced value of an input, or of a view of one."""
        if any(tensor._storage in level.writes for level in state.stack):
            raise NotImplementedError(
                "functorch_lite does not support reading a tensor that requires grad after it was "
                "written to inside the same transform. Write to a clone of it."
            )
        source = _input_of(tensor)
        array = self.arrays[id(source)]
        if source is tensor:
            return array
        return read_chain(array, tensor._chain[tensor._view_depth :])


def _bounded(call: Callable[[], Any], inputs: list[Tensor]) -> Any:
    """Run ``call`` as one node of the tape if it reads a tensor with a history."""
    inputs = list({id(t): t for t in map(_input_of, inputs)}.values())
    draws = world.draw_state()
    while True:
        try:
            return _attempt(call, inputs, draws)
        except _Unknown as unknown:
            inputs.append(unknown.tensor)
            world.set_draw_state(draws)


def _attempt(call: Callable[[], Any], inputs: list[Tensor], draws: Any) -> Any:
    if not inputs:
        boundary = Boundary((), ())
        with boundary.running():
            result = call()
        boundary.settle(boundary.left)
        return result
    whole = _Whole(call, inputs)
    arrays = [t._array for t in inputs]
    outputs, pull, extra = jax.vjp(whole, *arrays, has_aux=True)
    result, depend = whole.finish(outputs, extra)
    if not any(depend):
        return result
    node = node_type("TransformBackward0", TransformNode)()
    node.whole, node.pull, node.draws = whole, pull, draws
    node.edges = tuple(t._history() for t in inputs)
    node.number = next(sequence)
    node.outputs = len(outputs)
    node.metas = [(o.shape, o.dtype) for o in outputs]
    places = iter(enumerate(depend))
    for leaf in opened(result).leaves:
        if isinstance(leaf, Tensor) and leaf._dtype.category >= dt.FLOATING:
            place, depends = next(places)
            if depends:
                leaf._node, leaf._nr, leaf._requires_grad = node, place, True
    last.inputs = tuple(inputs)
    return result


class _Whole:
    """A transform call as a pure function of its inputs' arrays."""

    def __init__(self, call: Callable[[], Any], inputs: list[Tensor]) -> None:
        self.call, self.inputs = call, inputs
        self.kept, self.hits = Kept(), _Hits()

    def __call__(self, *arrays: Any) -> tuple[list[Any], Any]:
        """Return (outputs that carry a gradient, everything else)."""
        self.boundary = boundary = Boundary(self.inputs, tapped(arrays, self.hits))
        with boundary.running():
            result = self.call()
            found = self.kept.put(result)
        self.smooth = [
            is_tensor and jnp.issubdtype(a.dtype, jnp.inexact)
            for a, is_tensor in zip(found, self.kept.boxed(), strict=True)
        ]
        self.inside = [a for a, smooth in zip(found, self.smooth, strict=True) if smooth]
        rest = [a for a, smooth in zip(found, self.smooth, strict=True) if not smooth]
        return self.inside, (rest, boundary.left, self.inside)

    def finish(self, outputs: list[Any], extra: Any) -> tuple[Any, list[bool]]:
        """Settle the writes; return the result, and for each output whether it has a gradient.

        An output that depends on no input comes out of the trace as the object that it was.
        """
        rest, written, outside = extra
        self.boundary.settle(written)
        result = self.kept.take(interleaved(self.smooth, outputs, rest))
        depend = [a is not b for a, b in zip(self.inside, outside, strict=True)]
        self.inside = []
        return result, depend


class TransformNode(Node):
    """The node of a whole transform; its backward pulls back through all of it."""

    opaque = True
    whole: Any = None
    pull: Any = None
    draws: Any = None
    metas: Any = ()

    def backward_tensors(self, gradients: list) -> list:
        """Return one gradient an input; recorded (by running the transform again) if asked to."""
        if self.pull is None:
            raise RuntimeError(FREED)
        if mode.grad:
            return self._recorded(gradients)
        given = [None if g is None else g._array for g in gradients]
        with x64(True):
            return self._taken(self.whole, self.pull, given)

    def _taken(self, whole: "_Whole", pull: Any, gradients: list) -> list:
        """Pull back; return one tensor an input, None where no gradient arrived."""
        whole.hits.places.clear()
        found = pull(self._cotangents(gradients))
        return [
            make(conj(g)) if place in whole.hits.places else None for place, g in enumerate(found)
        ]

    def _cotangents(self, gradients: list) -> list[Any]:
        return [
            jnp.zeros(shape, d) if g is None else conj(jnp.asarray(g, d))
            for g, (shape, d) in zip(gradients, self.metas, strict=True)
        ]

    def _recorded(self, gradients: list) -> list:
        """Pull back under a boundary of its own, so that the gradients have a history."""
        whole = self.whole

        def again() -> list:
            here = [world.unwrap(t) for t in whole.inputs]
            given = [None if g is None else world.unwrap(g) for g in gradients]
            inner = _Whole(whole.call, whole.inputs)
            with world.replayed(self.draws):
                _, pull, _ = jax.vjp(inner, *here, has_aux=True)
            return self._taken(inner, pull, given)

        present = [g for g in gradients if g is not None]
        return world.run(again, [*whole.inputs, *present])

    def free(self) -> None:
        """Drop what the backward needs."""
        self.pull = self.whole = None


# --- no_grad inside a transform -------------------------------------------------------------------


def cut(out: Any) -> Any:
    """Hide results of an operation under ``no_grad`` from reverse-mode transforms.

    Forward mode does not heed ``no_grad``, in PyTorch neither.
    """
    kinds = differentiating()
    if REVERSE not in kinds:
        return out
    if isinstance(out, tuple):
        return tuple(cut(o) for o in out)
    if not isinstance(out, jax.core.Tracer) or not jnp.issubdtype(out.dtype, jnp.inexact):
        return out
    return hidden(kinds)(out)


@cache
def hidden(kinds: tuple[str, ...]) -> Callable[[Any], Any]:
    """Return the identity whose derivative only the forward-mode ones of ``kinds`` see.

    ``kinds`` are those of the transforms that differentiate, innermost first.
    """
    if FORWARD not in kinds:
        return jax.lax.stop_gradient

    @jax.custom_jvp
    def identity(x: Any) -> Any:
        return x

    def rule(primals: tuple, tangents: tuple) -> tuple:
        (x,), (t,) = primals, tangents
        further_out = hidden(kinds[1:])
        if kinds[0] == REVERSE:
            return further_out(x), zero_from_primal(x, symbolic_zeros=True)
        return further_out(x), t if isinstance(t, SymbolicZero) else further_out(t)

    identity.defjvp(rule, symbolic_zeros=True)
    return identity


def tapped(arrays: Sequence[Any], hits: "_Hits") -> list[Any]:
    """Return the arrays as they are; a pull-back then notes in ``hits`` which got a gradient.

    JAX hands zeros to inputs that took no part; PyTorch leaves their ``.grad`` alone.
    """
    return list(_tap(hits, list(arrays)))


def _tap_forward(hits: "_Hits", primals: list[Any]) -> tuple[list[Any], None]:
    return [p.value for p in primals], None


def _tap_backward(hits: "_Hits", _: None, cotangents: list[Any]) -> tuple[list[Any]]:
    missing = [isinstance(c, SymbolicZero) for c in cotangents]
    hits.places |= {place for place, none in enumerate(missing) if not none}
    return ([None if none else c for c, none in zip(cotangents, missing, strict=True)],)


_tap = jax.custom_vjp(lambda hits, arrays: arrays, nondiff_argnums=(0,))
_tap.defvjp(_tap_forward, _tap_backward, symbolic_zeros=True)


class _Hits:
    """The inputs that got a gradient in the pull-back that is running."""

    def __init__(self) -> None:
        self.places: set[int] = set()


world = TensorWorld()
register_world(world)
