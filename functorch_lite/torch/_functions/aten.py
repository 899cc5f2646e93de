"""ATen's own spellings of functions that ``nn.functional`` and ``linalg`` spell more kindly.

Reductions and modes are numbers here, every argument is positional, and a convolution is one
function.  ``reduction`` is 0 (none) by default, whatever PyTorch's documentation says.
"""

from collections.abc import Callable, Sequence
from typing import Any

from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor

_F, _LINALG, _TORCH = SPACES["nn.functional"], SPACES["linalg"], SPACES[""]

# --- losses --------------------------------------------------------------------------------------

_REDUCTIONS = ("none", "mean", "sum")

# name -> parameters before ``reduction``, after the tensors, with their defaults
_LOSSES: dict[str, dict[str, Any]] = {
    "binary_cross_entropy_with_logits": {"weight": None, "pos_weight": None},
    "cosine_embedding_loss": {"margin": 0.0},
    "hinge_embedding_loss": {"margin": 1.0},
    "kl_div": {},
    "margin_ranking_loss": {"margin": 0.0},
    "triplet_margin_loss": {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False},
}
_TENSORS = {"cosine_embedding_loss": 3, "margin_ranking_loss": 3, "triplet_margin_loss": 3}


def _loss(name: str, options: dict[str, Any], count: int) -> None:
    def loss(input: Tensor, *args: Any, reduction: int = 0, **named: Any) -> Tensor:
        tensors, given = args[: count - 1], args[count - 1 :]
        chosen = dict(zip((*options, "reduction"), given, strict=False)) | named
        how = chosen.pop("reduction", reduction)
        losses = _F[name](input, *tensors, **options | chosen, reduction="none")
        return losses.mean() if how == 1 else losses.sum() if how == 2 else losses

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = f"``nn.functional.{name}`` with ``reduction`` 0 (none), 1 (mean) or 2 (sum)."
    expose("f", name=name)(loss)


for _name, _options in _LOSSES.items():
    _loss(_name, _options, _TENSORS.get(_name, 2))


@expose("f")
def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """``nn.functional.poisson_nll_loss`` with ``reduction`` 0 (none), 1 (mean) or 2 (sum)."""
    kind = _REDUCTIONS[reduction]
    return _F["poisson_nll_loss"](
        input, target, log_input=log_input, full=full, eps=eps, reduction=kind
    )


@expose("f")
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """``nn.functional.ctc_loss`` with ``reduction`` 0 (none), 1 (mean) or 2 (sum)."""
    given = (log_probs, targets, input_lengths, target_lengths, blank, _REDUCTIONS[reduction])
    return _F["ctc_loss"](*given, zero_infinity)


# --- convolutions --------------------------------------------------------------------------------


@expose("f")
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """Convolve (N, C, *) over one, two or three dims, or with ``transposed`` undo the strides."""
    n = len(weight._sizes) - 2
    if transposed:
        function: Callable[..., Tensor] = _TORCH[f"conv_transpose{n}d"]
        return function(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return _TORCH[f"conv{n}d"](input, weight, bias, stride, padding, dilation, groups)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """Convolve over time: (T, B, C) with weights (K, C, D) and a bias (D) gives (T', B, D)."""
    for name, given, rank, words in (
        ("Input", input, 3, "time, batch, in_channels"),
        ("Weight", weight, 3, "kernel_width, in_channels, out_channels"),
        ("Bias", bias, 1, ""),
    ):
        if len(given._sizes) != rank:
            shape = f" {rank} dims: {words}" if words else " must be 1-D"
            verb = " must have" if words else ""
            raise RuntimeError(f"{name}{verb}{shape}")
    moved = _TORCH["conv1d"](input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, 1, pad)
    return moved.permute(2, 0, 1)


expose("f")(conv_tbc)
expose("f", space="nn.functional")(conv_tbc)


# --- images, tables, norms -----------------------------------------------------------------------


@expose("f", aliases="grid_sampler_2d grid_sampler_3d")
def grid_sampler(
    input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Tensor:
    """``nn.functional.grid_sample`` with its modes as numbers."""
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    padding = ("zeros", "border", "reflection")[padding_mode]
    return _F["grid_sample"](input, grid, mode, padding, align_corners)


@expose("f")
def affine_grid_generator(theta: Tensor, size: Sequence[int], align_corners: bool) -> Tensor:
    """``nn.functional.affine_grid`` without defaults."""
    return _F["affine_grid"](theta, size, align_corners)


@expose("f")
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``nn.functional.bilinear``."""
    return _F["bilinear"](input1, input2, weight, bias)


@expose("f")
def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """Return the norm over all dims but ``dim`` (-1: over all), shaped to broadcast with ``v``."""
    norm = _TORCH["norm"]
    if dim == -1:
        return norm(v, pow)
    rows = v.transpose(0, dim).contiguous()
    shape = [1] * len(v._sizes)
    shape[dim] = v._sizes[dim]
    return norm(rows.view(rows._sizes[0], -1), pow, 1).view(shape)


@expose("f")
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False, *, out: Any = None) -> Tensor:
    """Return the square root of the sum of squares over ``dim``."""
    return _LINALG["vector_norm"](input, 2, dim, keepdim, out=out)


@expose("f")
def nuclear_norm(
    input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None
) -> Tensor:
    """Return the sum of the singular values of matrices, those of the last two dims by default."""
    if isinstance(dim, bool):
        dim, keepdim = None, dim
    if dim is None:
        dim = (-2, -1)
        if len(input._sizes) != 2:
            raise RuntimeError(
                f"Expected a tensor with 2 dimensions, but got a tensor with {len(input._sizes)} "
                f"dimension{'s' * (len(input._sizes) != 1)} instead."
            )
    return _LINALG["matrix_norm"](input, "nuc", dim, keepdim, out=out)
