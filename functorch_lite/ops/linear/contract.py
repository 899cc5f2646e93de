"""Contractions of named dims: ``einsum``, ``tensordot`` and chains of matrix products.  Floor 2."""

import itertools
import re

import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._core import dtype as dt
from .._common import kind, require, wrap_dim
from .._registry import Dims, op
from .matmul import product

# --- einsum -------------------------------------------------------------------------------------


def _subscripts(text, where):
    """Return the letters and "..." of one operand's part of an equation."""
    plain = text.replace("...", "")
    bad = re.search(r"[^a-zA-Z]", plain)
    if bad and bad.group() == ".":
        raise RuntimeError(
            f"einsum(): found '.' for operand {where} that is not part of any ellipsis"
        )
    if text.count("...") > 1:
        raise RuntimeError(
            f"einsum(): found '.' for operand {where} for which an ellipsis was already found"
        )
    return plain


def _check_equation(equation, operands):
    """Raise PyTorch's RuntimeError for an equation that does not fit its operands."""
    left, arrow, right = equation.partition("->")
    for position, c in enumerate(equation):
        if not (c.isascii() and c.isalpha()) and c not in ".,->":
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {position} in the equation string, "
                "subscripts "
                "must be in [a-zA-Z]"
            )
    parts = left.split(",")
    if len(parts) > len(operands):
        raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
    if len(parts) < len(operands):
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    sizes = {}
    for i, (part, x) in enumerate(zip(parts, operands, strict=True)):
        letters = _subscripts(part, i)
        _check_rank(letters, "..." in part, x.ndim, i)
        shape = x.shape
        if "..." in part:
            before = len(_subscripts(part.partition("...")[0], i))
            shape = shape[:before] + shape[x.ndim - (len(letters) - before) :]
        for letter, n in zip(letters, shape, strict=True):
            seen = sizes.setdefault(letter, n)
            if n != seen and 1 not in (n, seen):
                raise RuntimeError(
                    f"einsum(): subscript {letter} has size {n} for operand {i} which does not "
                    "broadcast with "
                    f"previously seen size {seen}"
                )
            sizes[letter] = max(n, seen) if 1 in (n, seen) else seen
    if arrow:
        _check_output(right, sizes)


def _check_rank(letters, has_ellipsis, rank, i):
    if has_ellipsis and len(letters) > rank:
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(letters)}) is more than "
            "the number of "
            f"dimensions ({rank}) for operand {i}"
        )
    if not has_ellipsis and len(letters) != rank:
        word = "does not match the number of dimensions"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation ({len(letters)}) {word} ({rank}) "
            "for operand "
            f"{i} and no ellipsis was given"
        )


def _check_output(right, sizes):
    letters = right.replace("...", "")
    for letter in letters:
        if letters.count(letter) > 1:
            raise RuntimeError(
                f"einsum(): output subscript {letter} appears more than once in the output"
            )
        if letter not in sizes:
            raise RuntimeError(
                f"einsum(): output subscript {letter} does not appear in the equation for any "
                "input operand"
            )


def einsum_array(equation, *operands):
    """Contract ``operands`` at full precision, the half types in float32."""
    x = operands[0]
    half = kind(x) == "f" and x.dtype.itemsize < 4
    wide = np.float32 if half else None
    out = jnp.einsum(
        equation,
        *operands,
        precision=lax.Precision.HIGHEST,
        preferred_element_type=wide,
        optimize="auto",
    )
    return out.astype(x.dtype)


@op("", name="_einsum", node="ViewBackward0")
def einsum(equation: str, operands):
    """Sum of products by Einstein's convention: ``"ij,jk->ik"``; sizes of 1 broadcast."""
    if not operands:
        raise RuntimeError("einsum(): must provide at least one operand")
    equation = equation.replace(" ", "")
    _check_equation(equation, operands)
    for x in operands[1:]:
        if x.dtype != operands[0].dtype:
            names = [dt.scalar_name(dt.from_np(np.dtype(o.dtype))) for o in (operands[0], x)]
            raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")
    if len(operands) > 1:
        require("bmm", "ifc", operands[0])
    left, arrow, right = equation.partition("->")
    if (
        not arrow and "..." in left
    ):  # the implicit output of jnp.einsum and of PyTorch: "..." in front
        letters = left.replace("...", "").replace(",", "")
        right = "..." + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
        equation = f"{left}->{right}"
    if arrow and "..." not in right and "..." in left:  # PyTorch sums the broadcast dims away
        full = einsum_array(f"{left}->...{right}", *operands)
        return jnp.sum(full, axis=tuple(range(full.ndim - len(right))), dtype=full.dtype)
    return einsum_array(equation, *operands)


# --- tensordot ------------------------------------------------------------------------------------


@op("fo", node="ViewBackward0")
def tensordot(a, b, dims: Dims = 2):
    """Sum of products over the last ``dims`` dims of ``a`` and first of ``b``, or over two lists
    of dims.
    """
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.ndim, b.ndim):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        left, right = tuple(range(-dims, 0)), tuple(range(dims))
    else:
        left, right = ((d,) if isinstance(d, int) else d for d in dims)
    if len(left) != len(right):
        raise RuntimeError("both dimension lists should have same length")
    if a.dtype != b.dtype:
        raise RuntimeError("both inputs should have same dtype")
    sizes = zip(left, right, strict=True)
    left_dims, right_dims = (
        [wrap_dim(d, a.ndim) for d in left],
        [wrap_dim(d, b.ndim) for d in right],
    )
    for (d, e), i, j in zip(sizes, left_dims, right_dims, strict=True):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[i]} in dim {d} "
                "and second "
                f"has size {b.shape[j]} in dim {e}"
            )
        if a.shape[i] == 1:
            b = jnp.sum(b, axis=j, keepdims=True, dtype=b.dtype)
        elif b.shape[j] == 1:
            a = jnp.sum(a, axis=i, keepdims=True, dtype=a.dtype)
    rows = [d for d in range(a.ndim) if d not in left_dims]
    columns = [d for d in range(b.ndim) if d not in right_dims]
    inner = int(np.prod([a.shape[d] for d in left_dims]))
    flat_a = jnp.transpose(a, rows + left_dims).reshape(-1 if a.size else _size(a, rows), inner)
    flat_b = jnp.transpose(b, right_dims + columns).reshape(inner, _size(b, columns))
    require("addmm_impl_cpu_", "ifc", a)
    out = product(flat_a.reshape(_size(a, rows), inner), flat_b)
    return out.reshape([a.shape[d] for d in rows] + [b.shape[d] for d in columns])


def _size(x, dims):
    return int(np.prod([x.shape[d] for d in dims], dtype=np.int64))


# --- chains ---------------------------------------------------------------------------------------


def _cheapest_order(sizes):
    """Return the split table of the textbook dynamic programme for a chain of matrix products."""
    n = len(sizes) - 1
    cost = np.zeros((n, n))
    split = np.zeros((n, n), int)
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [
                cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]
                for k in range(i, j)
            ]
            split[i, j] = i + int(np.argmin(options))
            cost[i, j] = min(options)
    return split


def _chain(matrices):
    split = _cheapest_order([m.shape[0] for m in matrices] + [matrices[-1].shape[1]])

    def between(i, j):
        if i == j:
            return matrices[i]
        k = split[i, j]
        return product(between(i, k), between(k + 1, j))

    return between(0, len(matrices) - 1)


@op("fo", space="linalg", node="ViewBackward0")
def multi_dot(tensors):
    """Product of two or more matrices in the cheapest order; the first and last may be vectors."""
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {count}")
    for i, x in enumerate(tensors):
        ends = i in (0, count - 1)
        if x.ndim != 2 and not (ends and x.ndim == 1):
            allowed = "1D or 2D" if ends else "2D"
            where = ("the first tensor", "the last tensor")[i > 0] if ends else f"tensor {i}"
            raise RuntimeError(f"multi_dot(): {where} must be {allowed} but got {x.ndim}D")
        if x.dtype != tensors[0].dtype:
            raise RuntimeError(
                f"multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{dt.from_np(np.dtype(tensors[0].dtype))} and tensor {i} "
                f"{dt.from_np(np.dtype(x.dtype))}"
            )
    first, last = tensors[0].ndim == 1, tensors[-1].ndim == 1
    chain = list(tensors)
    if first:
        chain[0] = chain[0][None]
    if last:
        chain[-1] = chain[-1][:, None]
    for i, (x, y) in enumerate(itertools.pairwise(chain)):
        if x.shape[1] != y.shape[0]:
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {list(tensors[i].shape)} and "
                f"{list(tensors[i + 1].shape)} cannot be multiplied"
            )
    out = _chain(chain)
    shape = ([] if first else [out.shape[0]]) + ([] if last else [out.shape[1]])
    return out.reshape(shape)


@op("", name="_chain_matmul", node="ViewBackward0")
def chain_matmul(matrices):
    """Product of one or more matrices in the cheapest order (``torch.chain_matmul``,
    deprecated).
    """
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for x in matrices:
        if x.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {x.ndim}, expected 2 instead.")
    return jnp.array(matrices[0]) if len(matrices) == 1 else multi_dot(matrices)
