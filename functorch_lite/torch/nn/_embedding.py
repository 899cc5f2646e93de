"""Look-ups in tables under the signatures of ``torch.nn.functional``."""

from __future__ import annotations

from .. import _api as torch
from .._engine.override import overridable
from .._engine.register import SPACES

__all__ = ["embedding", "embedding_bag", "one_hot"]

Tensor = torch.Tensor
_BAG = SPACES["nn.functional"]["embedding_bag"]


def _renormalize(weight: Tensor, input: Tensor, max_norm: float, norm_type: float) -> None:
    with torch.no_grad():
        torch.embedding_renorm_(weight, input, max_norm, norm_type)


@overridable
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Return the rows of ``weight`` (V, D) that ``input`` (*) names: (*, D).

    With ``max_norm`` the rows are first scaled down to it, in place.
    """
    if padding_idx is not None:
        if not -weight.size(0) <= padding_idx < max(weight.size(0), 1):
            raise AssertionError("Padding_idx must be within num_embeddings")
        if padding_idx < 0:
            padding_idx += weight.size(0)
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    skipped = -1 if padding_idx is None else padding_idx
    return torch.embedding(weight, input, skipped, scale_grad_by_freq, sparse)


@overridable
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """Return the sum, mean or maximum of the rows of each bag: (B, D).

    Bags are the rows of a 2-d ``input``, or the stretches of a 1-d one that begin at ``offsets``.
    """
    if max_norm is not None:
        _renormalize(weight, input, max_norm, norm_type)
    return _BAG(
        input,
        weight,
        offsets,
        None,
        norm_type,
        scale_grad_by_freq,
        mode,
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )


@overridable
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return rows of zeros with a one at each class; -1 classes means as many as ``tensor``
    needs.
    """
    if tensor.dtype != torch.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if not tensor.numel():
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return torch.empty(*tensor.shape, num_classes, dtype=torch.int64)
    if num_classes == -1:
        num_classes = max(int(tensor.max()) + 1, 1)
    return torch._one_hot(tensor, num_classes)
