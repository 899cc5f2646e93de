"""Which op autocast treats how: one table for each type of device.

The lists are PyTorch's, in terms of the ops declared here: one that PyTorch composes (``inner`` is
a product, ``cross_entropy`` a ``log_softmax`` and an ``nll_loss``) has the rule that its parts come
to. ``tests/torch/test_amp.py`` compares every row with live PyTorch.
"""

from typing import Any

from .rules import (
    Rule,
    full,
    full_unless_told,
    lower,
    lstm_layers,
    refused,
    rounded,
    weights_lower,
    where,
    widest,
)

# Products and convolutions: in low precision on every device.
_PRODUCTS = """
    mm bmm matmul __rmatmul__ addmm addbmm baddbmm linalg.multi_dot _chain_matmul linalg.vecdot
    nn.functional.linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d
    nn.functional.scaled_dot_product_attention prelu
    rnn_tanh rnn_tanh.data rnn_relu rnn_relu.data rnn_tanh_cell rnn_relu_cell
"""

# Losses: in float32 on every device.
_LOSSES = """
    nn.functional.cross_entropy nn.functional.nll_loss nn.functional.mse_loss nn.functional.l1_loss
    nn.functional.smooth_l1_loss nn.functional.huber_loss nn.functional.kl_div
    nn.functional.poisson_nll_loss nn.functional.binary_cross_entropy_with_logits
    nn.functional.cosine_embedding_loss nn.functional.hinge_embedding_loss
    nn.functional.margin_ranking_loss nn.functional.soft_margin_loss
    nn.functional.multi_margin_loss nn.functional.multilabel_margin_loss
    nn.functional.triplet_margin_loss
"""


def _is_product(n: int, **others: Any) -> bool:
    """Return True if a power takes products: not of 0, 1 and -1."""
    return abs(n) > 1


def _contracts(equation: str, operands: Any) -> bool:
    """Return True if an einsum sums over an index of two operands, which makes it a product."""
    terms, arrow, output = equation.replace(" ", "").partition("->")
    parts = terms.split(",")
    shared = {c for c in terms if c.isalpha() and sum(c in part for part in parts) > 1}
    return bool(shared - set(output)) if arrow else bool(shared)


def _mirrors(mode: str, **others: Any) -> bool:
    return mode in ("reflect", "replicate")


def _has_planes(input: Any, **others: Any) -> bool:
    return len(input._sizes) > 3


def _is_no_area(mode: str, **others: Any) -> bool:
    return mode != "area"


_CPU: dict[Rule, str] = {
    lower: _PRODUCTS + "inner tensordot",
    where(_is_product, lower): "linalg.matrix_power matrix_power",
    where(_contracts, lower): "_einsum",
    rounded: "cov corrcoef linalg.pinv.tolerance linalg.pinv.rcond",
    lstm_layers: "lstm",
    weights_lower: "lstm.data lstm_cell gru gru.data gru_cell",
    full: _LOSSES
    + """
        nn.functional.binary_cross_entropy nn.functional.ctc_loss
        prod prod.dim_int trace cdist quantile nanquantile polar view_as_complex stft
        max_pool3d nn.functional.avg_pool3d nn.functional.adaptive_avg_pool3d
        nn.functional.adaptive_max_pool3d_with_indices
        _fractional_max_pool2d _fractional_max_pool3d _max_unpool2d _max_unpool3d
        nn.functional.grid_sample grid_sampler grid_sampler_3d
        linalg.cholesky_ex cholesky_solve cholesky_inverse linalg.inv_ex linalg.qr qr geqrf
        linalg.householder_product orgqr ormqr linalg.svd linalg.svdvals svd linalg.eigh
        linalg.eigvalsh linalg.eig linalg.eigvals linalg.solve_ex lu_solve linalg.lstsq
        linalg.matrix_rank.tolerance linalg.matrix_rank.tol linalg.cond linalg.tensorinv
        linalg.tensorsolve triangular_solve pinverse
        fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft fft.fft2 fft.ifft2 fft.rfft2
        fft.irfft2 fft.fftn fft.ifftn fft.rfftn fft.irfftn
    """,
    where(_mirrors, full): "nn.functional.pad",
    where(_has_planes, full): "nn.functional.local_response_norm",
    widest: "cat stack index_copy",
}

_CUDA: dict[Rule, str] = {
    lower: _PRODUCTS
    + """
        mv addmv addr _einsum
        lstm lstm.data lstm_cell gru gru.data gru_cell
    """,
    where(_is_product, lower): "linalg.matrix_power matrix_power",
    rounded: "cov corrcoef linalg.pinv.tolerance linalg.pinv.rcond pinverse",
    full: _LOSSES
    + """
        acos asin cosh sinh tan exp expm1 log log2 log10 log1p rsqrt reciprocal erfinv
        pow pow.base pow.tensor square nn.functional.softplus
        logsumexp norm linalg.norm linalg.vector_norm linalg.matrix_norm renorm cdist pdist
        layer_norm _native_layer_norm group_norm native_group_norm nn.functional.group_norm rms_norm
        nn.functional.local_response_norm nn.functional.normalize
        nn.functional.lp_pool1d nn.functional.lp_pool2d nn.functional.lp_pool3d
        nn.functional.upsample_nearest nn.functional.upsample_bilinear
        nn.functional.multilabel_soft_margin_loss nn.functional.gaussian_nll_loss
        cosine_similarity pairwise_distance
    """,
    full_unless_told: """
        softmax log_softmax nn.functional.softmax nn.functional.log_softmax nn.functional.softmin
        cumsum cumprod sum sum.dim sum.all prod prod.dim_int
    """,
    where(_is_no_area, full): "nn.functional.interpolate nn.functional.upsample",
    widest: """
        addcdiv addcmul atan2 nn.functional.bilinear cross dot vdot inner tensordot index_put
        scatter_add nn.functional.grid_sample grid_sampler grid_sampler_3d
    """,
    refused: "nn.functional.binary_cross_entropy",
}


def _by_op(table: dict[Rule, str]) -> dict[str, Rule]:
    return {name: rule for rule, names in table.items() for name in names.split()}


RULES: dict[str, dict[str, Rule]] = {"cpu": _by_op(_CPU), "cuda": _by_op(_CUDA)}
"""Type of device -> name of an op -> its rule. Ops without one run in the dtypes they are given."""
RULES["xla"] = RULES["cuda"]
