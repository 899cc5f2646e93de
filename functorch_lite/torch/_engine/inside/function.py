"""Custom functions under transforms: one operation with the user's own derivatives.

``Function.apply`` comes here while a transform is running. Under reverse mode it is a
``jax.custom_vjp`` with the user's ``backward``, under forward mode a ``jax.custom_jvp`` with the
user's ``jvp``, under ``vmap`` a ``custom_vmap`` where the user wrote ``vmap``. Each rule stands for
one level; for levels further out its result is again such an operation, so that every derivative,
of any order, is the user's. The forward itself sees values that nothing differentiates.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from ....ops._program import conj
from ....transforms._levels import BATCH, FORWARD, REVERSE, Level, state
from ....transforms._world import Opened, opened
from ..grad_mode import recording
from ..graph import node_type
from ..tensor import Tensor, make
from .world import world


class VmapInfo(NamedTuple):
    """What a custom ``vmap`` is told.

    Attributes:
        batch_size: the length of the mapped dimension.
        randomness: "error", "same" or "different", as given to ``torch.vmap``.
    """

    batch_size: int
    randomness: str


def apply_inside(function: Any, args: tuple, kwargs: dict, node_class: type) -> Any:
    """Run ``function`` (a subclass of ``autograd.Function``) inside the running transforms."""
    call = _Call(function, args, kwargs, node_class)
    arrays = [world.unwrap(args[i]) for i in call.places]
    outputs = call.at(len(state.stack))(*arrays)
    return call.closed(outputs)


class _Call:
    """One application: the arguments, and the operation that it is at each level."""

    def __init__(self, function: Any, args: tuple, kwargs: dict, node_class: type) -> None:
        self.function, self.args, self.kwargs, self.node_class = function, args, kwargs, node_class
        self.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.single = False
        self.template: list[Any] = []

    def at(self, height: int) -> Callable[..., list[Any]]:
        """Return the operation for the lowest ``height`` levels: ``(*arrays) -> arrays``."""
        while height:
            level = state.stack[height - 1]
            if level.kind == REVERSE:
                return self._reverse(height - 1)
            if level.kind == FORWARD:
                return self._forward(height - 1)
            if level.kind == BATCH and self._has("vmap"):
                return self._mapped(level, height - 1)
            height -= 1
        return lambda *arrays: self.forward(arrays)[1]

    def _has(self, rule: str) -> bool:
        return getattr(self.function, rule, None) is not None and rule in {
            name for kind in self.function.__mro__[:-2] for name in vars(kind)
        }

    # --- forward ---------------------------------------------------------------------------------

    def forward(
        self, arrays: Sequence[Any], perturbed: Sequence[bool] = ()
    ) -> tuple[Any, list[Any]]:
        """Run the user's forward on values that nothing differentiates; return (ctx, outputs).

        ``perturbed`` says of each tensor argument whether a gradient is wanted for it.
        """
        ctx = node_type(self.function.__name__ + "Backward", self.node_class)()
        ctx.function = self.function
        inputs = [make(jax.lax.stop_gradient(a)) for a in arrays]
        full = self.filled(inputs)
        wanted = {place for place, wants in zip(self.places, perturbed, strict=False) if wants}
        ctx.needs_input_grad = tuple(place in wanted for place in range(len(full)))
        with recording(False):
            output = self.function.run_forward(ctx, full, self.kwargs)
        self.single = not isinstance(output, tuple)
        outputs = (output,) if self.single else output
        self.template = list(outputs)
        ctx.traced_inputs = {id(t): i for i, t in enumerate(inputs)}
        tensors = [o for o in outputs if isinstance(o, Tensor)]
        ctx.traced_outputs = {id(t): i for i, t in enumerate(tensors)}
        return ctx, [t._array for t in tensors]

    def filled(self, tensors: Sequence[Any]) -> tuple:
        """Return the arguments with ``tensors`` in the tensors' places."""
        full = list(self.args)
        for place, tensor in zip(self.places, tensors, strict=True):
            full[place] = tensor
        return tuple(full)

    def closed(self, arrays: Sequence[Any]) -> Any:
        """Return the output around its arrays."""
        rest = iter(arrays)
        outputs = tuple(make(next(rest)) if isinstance(o, Tensor) else o for o in self.template)
        return outputs[0] if self.single else outputs

    def _run(
        self, height: int, arrays: Sequence[Any], perturbed: Sequence[bool] = ()
    ) -> tuple["_Saved", list[Any]]:
        """Run forward for a rule; its outputs are again the operation for the levels below."""
        ctx, outputs = self.forward(arrays, perturbed)
        if any(level.kind in (REVERSE, FORWARD) for level in state.stack[:height]):
            outputs = self.at(height)(*arrays)
        return _Saved.of(ctx, arrays, outputs), outputs

    # --- the rules -------------------------------------------------------------------------------

    def _reverse(self, height: int) -> Callable[..., list[Any]]:
        operation = jax.custom_vjp(lambda *arrays: self.at(height)(*arrays))

        def forward(*primals: Any) -> tuple[list[Any], tuple]:
            arrays = [p.value for p in primals]
            saved, outputs = self._run(height, arrays, [p.perturbed for p in primals])
            return outputs, (saved, [jnp.zeros_like(a) for a in arrays])

        def backward(kept: tuple, cotangents: list[Any]) -> tuple:
            saved, zeros = kept
            ctx = saved.context()
            given = self._gradients(ctx, cotangents)
            with recording(True):
                answer = self.function.backward(ctx, *given)
            answer = ctx.check_count(
                answer if isinstance(answer, tuple) else (answer,), len(self.args)
            )
            return tuple(
                _cotangent(ctx, place, answer[place], zero)
                for place, zero in zip(self.places, zeros, strict=True)
            )

        operation.defvjp(forward, backward, symbolic_zeros=True)
        return operation

    def _gradients(self, ctx: Any, cotangents: list[Any]) -> list[Any]:
        """Return one gradient tensor (or None) an output of forward."""
        rest = iter(cotangents)
        return [
            _gradient(ctx, next(rest)) if isinstance(o, Tensor) else None for o in self.template
        ]

    def _forward(self, height: int) -> Callable[..., list[Any]]:
        operation = jax.custom_jvp(lambda *arrays: self.at(height)(*arrays))

        def rule(primals: tuple, tangents: tuple) -> tuple[list[Any], list[Any]]:
            saved, outputs = self._run(height, primals)
            ctx = saved.context(forward=True)
            moves: list[Any] = [None] * len(self.args)
            for place, t, p in zip(self.places, tangents, primals, strict=True):
                if jnp.issubdtype(p.dtype, jnp.inexact):
                    moves[place] = make(t)
            answer = self.function.jvp(ctx, *moves)
            answer = answer if isinstance(answer, tuple) else (answer,)
            tensors = [
                a for a, o in zip(answer, self.template, strict=True) if isinstance(o, Tensor)
            ]
            return outputs, [_tangent(t, out) for t, out in zip(tensors, outputs, strict=True)]

        operation.defjvp(rule)
        return operation

    def _mapped(self, level: Level, height: int) -> Callable[..., list[Any]]:
        operation = jax.custom_batching.custom_vmap(lambda *arrays: self.at(height)(*arrays))

        def rule(size: int, mapped: list[bool], *arrays: Any) -> tuple[list[Any], list[bool]]:
            in_dims: list[Any] = [None] * len(self.args)
            for place, is_mapped in zip(self.places, mapped, strict=True):
                in_dims[place] = 0 if is_mapped else None
            stack = state.stack
            state.stack = stack[:height]
            try:
                info = VmapInfo(size, level.randomness)
                answer = self.function.vmap(
                    info, tuple(in_dims), *self.filled(list(map(make, arrays)))
                )
                outputs, dims = answer
                outputs = outputs if isinstance(outputs, tuple) else (outputs,)
                dims = dims if isinstance(dims, tuple) else (dims,) * len(outputs)
                pairs = [
                    (o._array, d)
                    for o, d in zip(outputs, dims, strict=True)
                    if isinstance(o, Tensor)
                ]
            finally:
                state.stack = stack
            return (
                [a if d is None else jnp.moveaxis(a, d, 0) for a, d in pairs],
                [d is not None for _, d in pairs],
            )

        operation.def_vmap(rule)
        return operation


def _gradient(ctx: Any, cotangent: Any) -> Tensor | None:
    """Return an output's gradient as the user's backward gets it: zeros or None for no gradient."""
    kind: Any = cotangent.dtype
    if kind == jax.dtypes.float0:
        return None
    if not isinstance(cotangent, SymbolicZero):
        return make(conj(cotangent))
    return make(jnp.zeros(cotangent.shape, kind)) if ctx._materialize else None


def _cotangent(ctx: Any, place: int, gradient: Any, zero: Any) -> Any:
    """Return the user's gradient of one argument as JAX wants it."""
    if not jnp.issubdtype(zero.dtype, jnp.inexact):
        return jnp.zeros(zero.shape, jax.dtypes.float0)
    if gradient is None or not ctx.needs_input_grad[place]:
        return zero
    ctx.check_gradient(place, gradient, zero.shape)
    return conj(jnp.asarray(gradient._array, zero.dtype))


def _tangent(tangent: Any, output: Any) -> Any:
    if not jnp.issubdtype(output.dtype, jnp.inexact):
        return jnp.zeros(output.shape, jax.dtypes.float0)
    return jnp.zeros_like(output) if tangent is None else jnp.asarray(tangent._array, output.dtype)


@jax.tree_util.register_pytree_node_class
class _Saved:
    """What a rule keeps of the ``ctx``: its tensors as arrays, everything else as it is.

    A saved input or output is kept as the traced array, so that derivatives flow through it.
    """

    def __init__(self, arrays: list[Any], ctx: Any, tree: Opened) -> None:
        self.arrays, self.ctx, self.tree = arrays, ctx, tree

    @staticmethod
    def of(ctx: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> "_Saved":
        """Collect the tensors that the user put on ``ctx``."""
        own = {k: v for k, v in vars(ctx).items() if k not in _ENGINE}
        tree = opened(
            {
                "saved": [t for t, _ in ctx._saved or ()],
                "forward": list(getattr(ctx, "saved_for_forward", ())),
                "own": {k: v for k, v in own.items() if k != "saved_for_forward"},
            }
        )
        arrays = []
        for leaf in tree.boxes:
            if id(leaf) in ctx.traced_inputs:
                arrays.append(inputs[ctx.traced_inputs[id(leaf)]])
            elif id(leaf) in ctx.traced_outputs:
                arrays.append(outputs[ctx.traced_outputs[id(leaf)]])
            else:
                arrays.append(leaf._array)
        return _Saved(arrays, ctx, tree)

    def context(self, forward: bool = False) -> Any:
        """Return a ``ctx`` like the one that forward filled, around the kept arrays."""
        rest = iter(self.arrays)
        leaves = [make(next(rest)) if isinstance(x, Tensor) else x for x in self.tree.leaves]
        content = self.tree.with_leaves(leaves)
        ctx = type(self.ctx)()
        ctx.__dict__.update(self.ctx.__dict__)
        ctx.__dict__.update(content["own"])
        kept = content["forward"] if forward and content["forward"] else content["saved"]
        ctx._saved = tuple((t, 0 if t is None else t._storage.version) for t in kept)
        return ctx

    def tree_flatten(self) -> tuple[list[Any], Any]:
        """Give JAX the arrays; the rest is static."""
        return self.arrays, _Static(self.ctx, self.tree)

    @staticmethod
    def tree_unflatten(static: "_Static", arrays: Any) -> "_Saved":
        """Rebuild from what ``tree_flatten`` gave."""
        return _Saved(list(arrays), static.ctx, static.tree)


class _Static:
    """The static part of what is kept, equal only to itself: tensors cannot be compared."""

    def __init__(self, ctx: Any, tree: Opened) -> None:
        self.ctx, self.tree = ctx, tree


_ENGINE = frozenset(
    (
        "_dirty",
        "_freed",
        "_materialize",
        "_non_differentiable",
        "_saved",
        "function",
        "needs_input_grad",
        "traced_inputs",
        "traced_outputs",
    )
)
