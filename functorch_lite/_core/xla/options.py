"""Compiler options for the CPU, chosen by what a program contains.  Floor 0.

A choice is a word of ``CPU_OPTIONS``, or "" for XLA's defaults.  Each option is here for a
measurement, in milliseconds a step on two cores; the programs are those of ``benchmarks/``.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
from jax.extend.core import Var

CALLS = ("jit", "pjit", "closed_call", "custom_jvp_call", "custom_vjp_call")
"""Primitives that run another program on their own operands."""

# Optimization barriers stay to the end: what they keep apart is not fused, what they put in order
# keeps it (else XLA's CPU compiler drops them before it fuses). A loop that is made one function
# for being small must not hold one: the compiler aborts.
_BARRIERS = {"xla_disable_hlo_passes": "cse_barrier_expander"}
_BARRIERS_IN_LOOPS = {"xla_disable_hlo_passes": "cse_barrier_expander,small-while-loop-hoisting"}

# XLA's YNN fusion makes convolutions slower (a small CNN: 111 with, 56 without). A program with
# matrix products, too, follows its convolutions.
_CONVOLUTION = {"xla_cpu_experimental_ynn_fusion_type": ""}

# Programs of matrix products keep it (a small GPT: 48 with, 51 with products and reductions only,
# 54 without; an LSTM: 16 and 23). With 512-bit vectors, where the machine has them, and without
# the order of operations that is meant for many cores the GPT is 5 % faster. oneDNN's products,
# which are in jaxlib, too, are no faster within a program, and ``(a @ b) * 2 + c`` came out wrong.
_PRODUCT = {
    "xla_cpu_prefer_vector_width": 512,
    "xla_cpu_enable_concurrency_optimized_scheduler": False,
}

# With YNN's element-wise loops as well the outputs of ten MLPs of width 128 take 0.58 and not 0.80,
# of width 256 1.0 and not 1.7. Their gradients, smaller ones, and layer norm gain nothing or lose
# up to a third.
_WIDE = {
    "xla_cpu_experimental_ynn_fusion_type": ",".join(
        f"LIBRARY_FUSION_TYPE_{kind}" for kind in ("DOT", "REDUCE", "ELTWISE")
    )
}

CPU_OPTIONS: dict[str, dict[str, Any]] = {
    "convolution": {**_CONVOLUTION, **_BARRIERS_IN_LOOPS},
    "stack": {**_PRODUCT, **_BARRIERS_IN_LOOPS},
    "stack, wide": {**_PRODUCT, **_WIDE, **_BARRIERS_IN_LOOPS},
    "product, loops": {**_PRODUCT, **_BARRIERS_IN_LOOPS},
    "product": {**_PRODUCT, **_BARRIERS},
}


def tuning(jaxpr: Any) -> str:
    """Return the word for a program; "product, loops" if there are barriers in its loops.

    The values of a "convolution" or a "stack" lie in other orders as well (``layout.py``).
    """
    if convolves(jaxpr):
        return "convolution"
    products = list(_products(jaxpr, (*jaxpr.invars, *jaxpr.constvars)))
    if _holds_stack(products):
        return "stack, wide" if _is_wide(products) else "stack"
    return "product, loops" if any(map(_holds_barrier, _loops(jaxpr))) else "product"


def joined(words: Iterable[str]) -> str:
    """Return the word for a program made of parts that have these."""
    asked = set(words)
    return next((word for word in CPU_OPTIONS if word in asked), "")


def convolves(jaxpr: Any) -> bool:
    """Return True if there is a convolution in a program or in one that it calls."""
    return any(e.primitive.name == "conv_general_dilated" for e in _equations(jaxpr))


def _holds_stack(products: list[Any]) -> bool:
    """Return True if a product takes a stack of matrices from outside that ``stands_left``.

    Not so if there are products of more dims: the heads of an attention lie well as they are.
    """
    flat = all(equation.outvars[0].aval.ndim <= 3 for equation, _ in products)
    return flat and any(stands_left(*product) for product in products)


def _is_wide(products: list[Any]) -> bool:
    """Return True if every product takes values from outside, and one takes large matrices."""
    from_outside = all(any(given) for _, given in products)
    return from_outside and any(_is_large(equation) for equation, _ in products)


def _is_large(product: Any) -> bool:
    _, (_, stacked) = product.params["dimension_numbers"]
    rhs = product.invars[1].aval
    return bool(stacked) and rhs.size >= 128 * 128 * math.prod(rhs.shape[d] for d in stacked)


def _products(jaxpr: Any, given: Iterable[Any]) -> Iterator[tuple[Any, list[bool]]]:
    """Yield the products of a program, and which operands of each come from outside.

    ``given``: the variables from outside. A transpose of one still counts as one.
    """
    known = set(given)
    for equation in jaxpr.eqns:
        inputs = [isinstance(v, Var) and v in known for v in equation.invars]
        if equation.primitive.name == "dot_general":
            yield equation, inputs
        elif equation.primitive.name == "transpose" and inputs[0]:
            known.add(equation.outvars[0])
        elif equation.primitive.name in CALLS:
            for body in _inner(equation):
                own = zip(body.invars, inputs, strict=True)
                yield from _products(body, [v for v, outer in own if outer])
        else:
            for body in _inner(equation):
                yield from _products(body, ())


def stands_left(product: Any, given: Sequence[bool]) -> bool:
    """Return True if the right operand of a product had better stand on its left.

    So it is for the weights of an ensemble, a stack of matrices from outside under one ``vmap``,
    that are not small beside the result. Where both operands may be such stacks they may as well be
    the queries and keys of an attention; those stay.

    Args:
        product: the equation.
        given: whether its operands come from outside.
    """
    lhs, rhs = (v.aval for v in product.invars)
    stack = given[1] and rhs.ndim == 3 and lhs.ndim < (3 if given[0] else 4)
    return stack and product.outvars[0].aval.size <= 4 * rhs.size


def _loops(jaxpr: Any) -> Iterator[Any]:
    return (e for e in _equations(jaxpr) if e.primitive.name in ("scan", "while"))


def _holds_barrier(loop: Any) -> bool:
    kinds = ("optimization_barrier", "remat2")  # the second, a checkpoint, is lowered to the first
    return any(e.primitive.name in kinds for body in _inner(loop) for e in _equations(body))


def _equations(jaxpr: Any) -> Iterator[Any]:
    """Yield the equations of a program and of those that it calls."""
    for equation in jaxpr.eqns:
        yield equation
        for body in _inner(equation):
            yield from _equations(body)


def _inner(equation: Any) -> list[Any]:
    values = jax.tree.leaves(equation.params, is_leaf=_is_jaxpr)
    return [getattr(value, "jaxpr", value) for value in values if _is_jaxpr(value)]


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns")
