"""Look-up tables: ``embedding``, bags of embeddings, one-hot rows, and the renormalization of rows.

A lookup is a gather and its backward a scatter-add.  Indices out of range raise when called
eagerly; inside a trace they are clamped to the table.  There are no sparse tensors: asking a
lookup with ``sparse=True`` for a gradient raises.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from ..._core.errors import UnsupportedError
from .._registry import Scalar, op


def _check_indices(weight, indices, **_):
    """Raise IndexError if an index is outside the table."""
    values = np.asarray(indices)
    if weight.ndim == 2 and values.size and (values.min() < 0 or values.max() >= weight.shape[0]):
        raise IndexError("index out of range in self")


@op("f", check=_check_indices)
def embedding(
    weight, indices, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
):
    """Rows of ``weight`` (V, D) at ``indices``: shape (*, D).

    No gradient flows to row ``padding_idx``; ``scale_grad_by_freq`` divides a row's gradient by its
    number of occurrences.
    """
    _check_integers("embedding", indices)
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    rows = _rows(weight, indices)
    if sparse:
        rows = _without_gradient(rows)
    if padding_idx >= 0:
        rows = jnp.where((indices == padding_idx)[..., None], jax.lax.stop_gradient(rows), rows)
    if scale_grad_by_freq:
        rows = _scale_gradient(rows, 1 / _frequency(weight, indices)[..., None].astype(rows.dtype))
    return rows


@op("f", name="_embedding_renorm", grad=False, check=_check_indices)
def embedding_renorm(weight, indices, max_norm: Scalar, norm_type: float = 2.0):
    """``weight`` with each row that ``indices`` name scaled down to a ``norm_type`` norm of
    ``max_norm``.
    """
    size = jnp.abs(weight)
    norm = size.max(1) if np.isinf(norm_type) else (size**norm_type).sum(1) ** (1 / norm_type)
    named = jnp.zeros(weight.shape[0], bool).at[indices.reshape(-1)].set(True, mode="drop")
    scale = jnp.where(named & (norm > max_norm), max_norm / (norm + 1e-7), 1)
    return weight * scale[:, None].astype(weight.dtype)


def _check_bags(input, weight, offsets=None, include_last_offset=False, **_):
    """Raise for an index outside the table and for offsets that are not those of bags."""
    values = np.asarray(input).reshape(-1)
    if (
        input.ndim == 1
        and offsets is not None
        and offsets.size
        and offsets.dtype in (np.int32, np.int64)
    ):
        starts = np.asarray(offsets)
        if starts[0] != 0:
            raise RuntimeError(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start "
                "from "
                f"position 0. However, got {starts[0]}"
            )
        if starts[-1] > values.size:
            raise RuntimeError(
                f"offsets[-1] can not be greater than input's length {values.size} but got "
                "offsets[-1] of "
                f"{starts[-1]}"
            )
    if values.dtype not in (np.int32, np.int64) or weight.ndim != 2:
        return
    wrong = (values < 0) | (values >= weight.shape[0])
    if wrong.any():
        at = wrong.argmax()
        raise RuntimeError(
            f"Index {at} of input takes value {values[at]} which is not in the valid range "
            f"[0, {weight.shape[0]})"
        )


@op("f", space="nn.functional", check=_check_bags)
def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights=None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
):
    """Sum, mean or maximum of the rows of each bag: (B, D).

    Bags are the rows of a 2-d ``input``, or the stretches of a 1-d one that start at ``offsets``.
    Rows equal to ``padding_idx`` do not count.  ``max_norm`` is applied to the table before.
    """
    if max_norm is not None:
        raise UnsupportedError("max_norm inside embedding_bag", "Renormalize the table first.")
    indices, offsets, weights, count = _bags(
        input, weight, offsets, per_sample_weights, include_last_offset
    )
    _check_mode(mode, scale_grad_by_freq, per_sample_weights)
    _check_integers("embedding_bag", indices, offsets)
    bag = jnp.searchsorted(offsets, jnp.arange(indices.size), side="right") - 1
    rows = _rows(weight, indices)
    if sparse:
        rows = _without_gradient(rows)
    counted = bag < count
    if padding_idx is not None:
        counted &= indices != padding_idx % weight.shape[0]
    if scale_grad_by_freq:
        rows = _scale_gradient(
            rows, 1 / _bag_frequency(weight, indices)[:, None].astype(rows.dtype)
        )
    if mode == "max":
        return _bag_max(rows, bag, counted, count)
    rows = jnp.where(counted[:, None], rows if weights is None else rows * weights[:, None], 0)
    sums = jax.ops.segment_sum(rows, bag, count)
    if mode == "sum":
        return sums
    sizes = jax.ops.segment_sum(counted.astype(rows.dtype), bag, count)
    return sums / jnp.maximum(sizes, 1)[:, None]


def _check_classes(tensor, num_classes):
    values = np.asarray(tensor)
    if values.size and values.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if values.size and values.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")


@op("f", name="_one_hot", grad=False, check=_check_classes)
def one_hot(tensor, num_classes: int):
    """Rows of zeros with a one at each class: (*, num_classes) of int64."""
    if tensor.dtype != jnp.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    return (tensor[..., None] == jnp.arange(num_classes)).astype(jnp.int64)


def _rows(weight, indices):
    return jnp.take(weight, indices, axis=0, mode="clip")


@jax.custom_jvp
def _without_gradient(x):
    """Return ``x``; NotImplementedError if its derivative is asked for."""
    return x


@_without_gradient.defjvp
def _without_gradient_jvp(primals, tangents):
    raise UnsupportedError("sparse gradients of an embedding", "Use sparse=False.")


@jax.custom_jvp
def _scale_gradient(x, scale):
    """Return ``x``; its derivative is multiplied by ``scale``."""
    return x


@_scale_gradient.defjvp
def _scale_gradient_jvp(primals, tangents):
    (x, scale), (dx, _) = primals, tangents
    return x, dx * scale


def _frequency(weight, indices, asked=None):
    """Return how often each of ``asked`` (``indices`` themselves) occurs among ``indices``."""
    counts = jnp.zeros(weight.shape[0], jnp.int32).at[indices.reshape(-1)].add(1, mode="drop")
    return jnp.take(counts, indices if asked is None else asked, mode="clip")


def _bag_frequency(weight, indices):
    """Return the divisor that PyTorch's bags use: of the n-th distinct index, that of the n-th
    sorted one.
    """
    present = jnp.zeros(weight.shape[0], jnp.int32).at[indices].set(1, mode="drop")
    rank = jnp.take(jnp.cumsum(present) - 1, indices, mode="clip")
    return _frequency(weight, indices, jnp.sort(indices)[rank])


def _bag_max(rows, bag, counted, count):
    """Maximum of each bag, element by element; the first of several equal ones has the gradient."""
    constant = jnp.where(counted[:, None], jax.lax.stop_gradient(rows), -jnp.inf)
    best = jax.ops.segment_max(constant, bag, count)
    order = jnp.arange(rows.shape[0])[:, None]
    hit = (constant == best[bag]) & counted[:, None]
    first = jax.ops.segment_min(jnp.where(hit, order, rows.shape[0]), bag, count)
    return jax.ops.segment_sum(jnp.where(hit & (first[bag] == order), rows, 0), bag, count)


def _bags(input, weight, offsets, weights, include_last_offset):
    """Check the layout of the bags; return flat indices, offsets, weights and the number of
    bags.
    """
    if weights is not None and input.shape != weights.shape:
        raise ValueError(
            f"embedding_bag: If per_sample_weights (torch.Size({list(weights.shape)})) is not "
            "None, "
            f"then it must have the same shape as the input (torch.Size({list(input.shape)}))"
        )
    if weight.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.ndim}")
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch "
                "of fixed "
                "length sequences. However, found offsets of type <class 'torch.Tensor'>"
            )
        starts = jnp.arange(input.shape[0]) * input.shape[1]
        flat = None if weights is None else weights.reshape(-1)
        return input.reshape(-1), starts, flat, input.shape[0]
    if input.ndim != 1:
        raise ValueError(
            f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.ndim}"
        )
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    # What lies behind the last offset, if that is included, is in no bag.
    return input, offsets, weights, offsets.shape[0] - include_last_offset


def _check_mode(mode, scale_grad_by_freq, per_sample_weights):
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported "
            "for "
            f"mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
        )


def _check_integers(name, *arrays):
    for array in arrays:
        if array.dtype not in (jnp.int32, jnp.int64):
            kind = dt.from_np(array.dtype).legacy.removesuffix("Tensor")
            raise RuntimeError(
                "Expected tensor for argument #1 'indices' to have one of the following scalar "
                "types: Long, "
                f"Int; but got torch.{kind}Tensor instead (while checking arguments for {name})"
            )
