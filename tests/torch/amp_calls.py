"""Calls whose results' dtypes autocast decides, one a line, for PyTorch and for the shim alike.

``CALLS[name](t, F, x)`` runs one operation: ``t`` is ``torch`` of either library, ``F`` its
``nn.functional`` and ``x`` the inputs (:func:`inputs`) in one floating dtype.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


def inputs(t: Any, dtype: Any, device: str = "cpu") -> SimpleNamespace:
    """Return the tensors of the calls, floats in ``dtype``; the names of integers end in ``_``."""
    draw = np.random.default_rng(0)

    def of(*shape: int, shift: float = 0.0) -> Any:
        values = (draw.standard_normal(shape) + shift).astype(np.float32)
        return t.tensor(values.tolist(), device=device).to(dtype)

    def whole(*values: int) -> Any:
        return t.tensor(values, device=device)

    square = draw.standard_normal((4, 4)).astype(np.float32)
    spd = t.tensor((square @ square.T + 4 * np.eye(4, dtype=np.float32)).tolist(), device=device)
    return SimpleNamespace(
        v=of(4), w=of(4), m=of(4, 4), n=of(4, 4), b=of(2, 4, 4), c=of(2, 4, 4), spd=spd.to(dtype),
        line=of(2, 4, 8), kernel1=of(4, 4, 3), image=of(2, 4, 8, 8), kernel2=of(4, 4, 3, 3),
        volume=of(2, 4, 6, 6, 6), kernel3=of(4, 4, 3, 3, 3), grid2=of(2, 3, 3, 2),
        grid3=of(2, 3, 3, 3, 3), unit=t.sigmoid(of(4, 4)), one=of(1), q=of(2, 2, 4, 4),
        classes_=whole(0, 2, 1, 3), signs_=whole(1, -1, 1, -1), rows_=whole(0, 1, 1, 2),
        many_=t.tensor([[0, 1, -1, -1]] * 4, device=device), square_=whole(*range(4)).repeat(4, 1),
        gates4=of(16, 4), gates3=of(12, 4), hidden=of(4, 4), wave=of(64), window=of(16),
        bias16=of(16), bias12=of(12), trilinear=of(3, 4, 4),
    )  # fmt: skip


UNARY = """
    acos asin atan cos cosh sin sinh tan tanh exp exp2 expm1 log log10 log1p log2 sqrt rsqrt
    reciprocal erf erfc erfinv sigmoid square abs neg lgamma digamma relu selu celu floor logit
"""
SPECTRA = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 hfft2 fftn ifftn rfftn irfftn"

CALLS: dict[str, Callable[[Any, Any, SimpleNamespace], Any]] = {
    # products
    "mm": lambda t, F, x: t.mm(x.m, x.n),
    "bmm": lambda t, F, x: t.bmm(x.b, x.c),
    "mv": lambda t, F, x: t.mv(x.m, x.v),
    "dot": lambda t, F, x: t.dot(x.v, x.w),
    "vdot": lambda t, F, x: t.vdot(x.v, x.w),
    "matmul": lambda t, F, x: x.b @ x.m,
    "matmul of vectors": lambda t, F, x: x.v @ x.w,
    "rmatmul": lambda t, F, x: x.m.__rmatmul__(x.n),
    "outer": lambda t, F, x: t.outer(x.v, x.w),
    "inner": lambda t, F, x: t.inner(x.m, x.n),
    "kron": lambda t, F, x: t.kron(x.m, x.n),
    "tensordot": lambda t, F, x: t.tensordot(x.m, x.n, 1),
    "addmm": lambda t, F, x: t.addmm(x.m, x.m, x.n),
    "addmv": lambda t, F, x: t.addmv(x.v, x.m, x.w),
    "addr": lambda t, F, x: t.addr(x.m, x.v, x.w),
    "addbmm": lambda t, F, x: t.addbmm(x.m, x.b, x.c),
    "baddbmm": lambda t, F, x: t.baddbmm(x.b, x.b, x.c),
    "multi_dot": lambda t, F, x: t.linalg.multi_dot([x.m, x.n, x.m]),
    "chain_matmul": lambda t, F, x: t.chain_matmul(x.m, x.n, x.m),
    "matrix_power": lambda t, F, x: t.linalg.matrix_power(x.m, 2),
    "vecdot": lambda t, F, x: t.linalg.vecdot(x.m, x.n),
    "linear": lambda t, F, x: F.linear(x.m, x.n, x.v),
    "linear without bias": lambda t, F, x: F.linear(x.b, x.n),
    "bilinear": lambda t, F, x: F.bilinear(x.m, x.n, x.trilinear),
    "einsum of products": lambda t, F, x: t.einsum("bij,bjk->bik", x.b, x.c),
    "einsum of one": lambda t, F, x: t.einsum("bij->bji", x.b),
    "einsum outer": lambda t, F, x: t.einsum("i,j->ij", x.v, x.w),
    "einsum elementwise": lambda t, F, x: t.einsum("ij,ij->ij", x.m, x.n),
    "einsum to a number": lambda t, F, x: t.einsum("ij,ij", x.m, x.n),
    "cov": lambda t, F, x: t.cov(x.m),
    "corrcoef": lambda t, F, x: t.corrcoef(x.m),
    "attention": lambda t, F, x: F.scaled_dot_product_attention(x.q, x.q, x.q),
    # convolutions
    "conv1d": lambda t, F, x: F.conv1d(x.line, x.kernel1, x.v),
    "conv2d": lambda t, F, x: F.conv2d(x.image, x.kernel2, x.v, padding="same"),
    "conv3d": lambda t, F, x: F.conv3d(x.volume, x.kernel3),
    "conv_transpose1d": lambda t, F, x: F.conv_transpose1d(x.line, x.kernel1),
    "conv_transpose2d": lambda t, F, x: F.conv_transpose2d(x.image, x.kernel2),
    "conv_transpose3d": lambda t, F, x: F.conv_transpose3d(x.volume, x.kernel3),
    # recurrence
    "lstm_cell": lambda t, F, x: t.lstm_cell(
        x.m, (x.n, x.n), x.gates4, x.gates4, x.bias16, x.bias16
    ),
    "gru_cell": lambda t, F, x: t.gru_cell(x.m, x.n, x.gates3, x.gates3, x.bias12, x.bias12),
    "rnn_tanh_cell": lambda t, F, x: t.rnn_tanh_cell(x.m, x.n, x.hidden, x.hidden, x.v, x.v),
    "rnn_relu_cell": lambda t, F, x: t.rnn_relu_cell(x.m, x.n, x.hidden, x.hidden, x.v, x.v),
    # element by element
    **{name: lambda t, F, x, name=name: getattr(t, name)(x.unit) for name in UNARY.split()},
    "special.expm1": lambda t, F, x: t.special.expm1(x.m),
    "pow": lambda t, F, x: t.pow(x.unit, 2.5),
    "pow of tensors": lambda t, F, x: x.unit**x.n,
    "pow of a number": lambda t, F, x: 2.0**x.m,
    "float_power": lambda t, F, x: t.float_power(x.unit, 2),
    "add": lambda t, F, x: x.m + x.n,
    "mul": lambda t, F, x: x.m * 2.5,
    "div": lambda t, F, x: x.m / x.n,
    "rdiv": lambda t, F, x: 1.0 / x.m,
    "addcmul": lambda t, F, x: t.addcmul(x.m, x.n, x.m),
    "addcdiv": lambda t, F, x: t.addcdiv(x.m, x.n, x.unit),
    "atan2": lambda t, F, x: t.atan2(x.m, x.n),
    "hypot": lambda t, F, x: t.hypot(x.m, x.n),
    "polar": lambda t, F, x: t.polar(x.m.float(), x.n.float()),
    "softplus": lambda t, F, x: F.softplus(x.m),
    "logsigmoid": lambda t, F, x: F.logsigmoid(x.m),
    "gelu": lambda t, F, x: F.gelu(x.m),
    "silu": lambda t, F, x: F.silu(x.m),
    "elu": lambda t, F, x: F.elu(x.m),
    "mish": lambda t, F, x: F.mish(x.m),
    "prelu": lambda t, F, x: F.prelu(x.m, x.one),
    "glu": lambda t, F, x: F.glu(x.m),
    "softmax": lambda t, F, x: t.softmax(x.m, 1),
    "log_softmax": lambda t, F, x: F.log_softmax(x.m, 1),
    "softmin": lambda t, F, x: F.softmin(x.m, 1),
    "softmax to a dtype": lambda t, F, x: t.softmax(x.m, 1, dtype=t.float16),
    # reductions
    "sum": lambda t, F, x: x.m.sum(),
    "sum.dim": lambda t, F, x: x.m.sum(0),
    "sum to a dtype": lambda t, F, x: x.m.sum(0, dtype=t.float16),
    "nansum": lambda t, F, x: t.nansum(x.m),
    "prod": lambda t, F, x: x.unit.prod(),
    "prod.dim": lambda t, F, x: x.unit.prod(0),
    "mean": lambda t, F, x: x.m.mean(),
    "std": lambda t, F, x: x.m.std(),
    "var": lambda t, F, x: x.m.var(0),
    "cumsum": lambda t, F, x: x.m.cumsum(0),
    "cumprod": lambda t, F, x: x.m.cumprod(0),
    "logsumexp": lambda t, F, x: t.logsumexp(x.m, 1),
    "logcumsumexp": lambda t, F, x: t.logcumsumexp(x.m, 1),
    "norm": lambda t, F, x: t.norm(x.m),
    "norm.dim": lambda t, F, x: x.m.norm(2, 0),
    "norm nuclear": lambda t, F, x: t.norm(x.m, "nuc"),
    "linalg.norm": lambda t, F, x: t.linalg.norm(x.m),
    "vector_norm": lambda t, F, x: t.linalg.vector_norm(x.m),
    "matrix_norm": lambda t, F, x: t.linalg.matrix_norm(x.m),
    "renorm": lambda t, F, x: t.renorm(x.m, 2, 0, 1.0),
    "cdist": lambda t, F, x: t.cdist(x.m, x.n),
    "pdist": lambda t, F, x: t.pdist(x.m),
    "trace": lambda t, F, x: t.trace(x.m),
    "quantile": lambda t, F, x: t.quantile(x.m.float(), 0.5),
    "nanquantile": lambda t, F, x: t.nanquantile(x.m.float(), 0.5),
    "max": lambda t, F, x: x.m.max(),
    # normalisation
    "layer_norm": lambda t, F, x: F.layer_norm(x.m, (4,), x.v, x.w),
    "group_norm": lambda t, F, x: F.group_norm(x.image, 2, x.v, x.w),
    "rms_norm": lambda t, F, x: F.rms_norm(x.m, (4,), x.v),
    "batch_norm": lambda t, F, x: F.batch_norm(
        x.image, x.v.detach().clone(), x.w.detach().abs(), training=True
    ),
    "instance_norm": lambda t, F, x: F.instance_norm(x.image),
    "local_response_norm": lambda t, F, x: F.local_response_norm(x.image, 2),
    "normalize": lambda t, F, x: F.normalize(x.m),
    # pooling, padding, sampling
    "max_pool2d": lambda t, F, x: F.max_pool2d(x.image, 2),
    "max_pool3d": lambda t, F, x: F.max_pool3d(x.volume, 2),
    "avg_pool2d": lambda t, F, x: F.avg_pool2d(x.image, 2),
    "avg_pool3d": lambda t, F, x: F.avg_pool3d(x.volume, 2),
    "lp_pool2d": lambda t, F, x: F.lp_pool2d(x.image.abs(), 2.0, 2),
    "adaptive_avg_pool2d": lambda t, F, x: F.adaptive_avg_pool2d(x.image, 2),
    "adaptive_avg_pool3d": lambda t, F, x: F.adaptive_avg_pool3d(x.volume, 2),
    "adaptive_max_pool2d": lambda t, F, x: F.adaptive_max_pool2d(x.image, 2),
    "adaptive_max_pool3d": lambda t, F, x: F.adaptive_max_pool3d(x.volume, 2),
    "max_unpool2d": lambda t, F, x: F.max_unpool2d(
        *F.max_pool2d(x.image, 2, return_indices=True), 2
    ),
    "max_unpool3d": lambda t, F, x: F.max_unpool3d(
        *F.max_pool3d(x.volume, 2, return_indices=True), 2
    ),
    "reflection_pad1d": lambda t, F, x: F.pad(x.line, (1, 1), mode="reflect"),
    "reflection_pad2d": lambda t, F, x: F.pad(x.image, (1, 1, 1, 1), mode="reflect"),
    "replication_pad1d": lambda t, F, x: F.pad(x.line, (1, 1), mode="replicate"),
    "replication_pad2d": lambda t, F, x: F.pad(x.image, (1, 1, 1, 1), mode="replicate"),
    "replication_pad3d": lambda t, F, x: F.pad(x.volume, (1, 1, 1, 1, 1, 1), mode="replicate"),
    "circular_pad2d": lambda t, F, x: F.pad(x.image, (1, 1, 1, 1), mode="circular"),
    "constant_pad": lambda t, F, x: F.pad(x.image, (1, 1)),
    "grid_sample of images": lambda t, F, x: F.grid_sample(x.image, x.grid2, align_corners=False),
    "grid_sample of volumes": lambda t, F, x: F.grid_sample(x.volume, x.grid3, align_corners=False),
    "interpolate nearest": lambda t, F, x: F.interpolate(x.image, scale_factor=2),
    "interpolate linear": lambda t, F, x: F.interpolate(x.line, scale_factor=2, mode="linear"),
    "interpolate bilinear": lambda t, F, x: F.interpolate(x.image, scale_factor=2, mode="bilinear"),
    "interpolate bicubic": lambda t, F, x: F.interpolate(x.image, scale_factor=2, mode="bicubic"),
    "interpolate area": lambda t, F, x: F.interpolate(x.image, scale_factor=0.5, mode="area"),
    "unfold": lambda t, F, x: F.unfold(x.image, 2),
    # losses
    "cross_entropy": lambda t, F, x: F.cross_entropy(x.m, x.classes_),
    "cross_entropy smooth": lambda t, F, x: F.cross_entropy(x.m, x.classes_, label_smoothing=0.1),
    "cross_entropy of shares": lambda t, F, x: F.cross_entropy(x.m, x.unit),
    "nll_loss": lambda t, F, x: F.nll_loss(x.m, x.classes_),
    "nll_loss weighted": lambda t, F, x: F.nll_loss(x.m, x.classes_, x.unit[0].detach()),
    "nll_loss2d": lambda t, F, x: F.nll_loss(x.q[:, :, 0], x.rows_[:2, None].expand(2, 4)),
    "mse_loss": lambda t, F, x: F.mse_loss(x.m, x.n),
    "l1_loss": lambda t, F, x: F.l1_loss(x.m, x.n),
    "smooth_l1_loss": lambda t, F, x: F.smooth_l1_loss(x.m, x.n),
    "huber_loss": lambda t, F, x: F.huber_loss(x.m, x.n),
    "kl_div": lambda t, F, x: F.kl_div(x.m, x.unit, reduction="sum"),
    "poisson_nll_loss": lambda t, F, x: F.poisson_nll_loss(x.m, x.n),
    "gaussian_nll_loss": lambda t, F, x: F.gaussian_nll_loss(x.m, x.n, x.unit),
    "binary_cross_entropy": lambda t, F, x: F.binary_cross_entropy(x.unit, x.unit),
    "bce_with_logits": lambda t, F, x: F.binary_cross_entropy_with_logits(x.m, x.unit),
    "cosine_embedding_loss": lambda t, F, x: F.cosine_embedding_loss(x.m, x.n, x.signs_),
    "hinge_embedding_loss": lambda t, F, x: F.hinge_embedding_loss(x.m, x.signs_),
    "margin_ranking_loss": lambda t, F, x: F.margin_ranking_loss(x.v, x.w, x.signs_),
    "soft_margin_loss": lambda t, F, x: F.soft_margin_loss(x.m, x.signs_.to(x.m.dtype)),
    "multi_margin_loss": lambda t, F, x: F.multi_margin_loss(x.m, x.classes_),
    "multilabel_margin_loss": lambda t, F, x: F.multilabel_margin_loss(x.m, x.many_),
    "multilabel_soft_margin_loss": lambda t, F, x: F.multilabel_soft_margin_loss(x.m, x.unit),
    "triplet_margin_loss": lambda t, F, x: F.triplet_margin_loss(x.m, x.n, x.unit),
    "ctc_loss": lambda t, F, x: F.ctc_loss(
        F.log_softmax(x.b, -1).float(), x.rows_.view(4, 1)[:, [0, 0]] * 0 + 1, (2,) * 4, (1,) * 4
    ),
    "cosine_similarity": lambda t, F, x: F.cosine_similarity(x.m, x.n),
    "pairwise_distance": lambda t, F, x: F.pairwise_distance(x.m, x.n),
    # factorisations and spectra
    "cholesky": lambda t, F, x: t.linalg.cholesky(x.spd),
    "cholesky_ex": lambda t, F, x: t.linalg.cholesky_ex(x.spd),
    "old cholesky": lambda t, F, x: t.cholesky(x.spd),
    "cholesky_inverse": lambda t, F, x: t.cholesky_inverse(x.spd),
    "cholesky_solve": lambda t, F, x: t.cholesky_solve(x.m, x.spd),
    "inv": lambda t, F, x: t.linalg.inv(x.spd),
    "inverse": lambda t, F, x: t.inverse(x.spd),
    "inv_ex": lambda t, F, x: t.linalg.inv_ex(x.spd),
    "solve": lambda t, F, x: t.linalg.solve(x.spd, x.m),
    "qr": lambda t, F, x: t.linalg.qr(x.m),
    "svd": lambda t, F, x: t.linalg.svd(x.m),
    "svdvals": lambda t, F, x: t.linalg.svdvals(x.m),
    "eigh": lambda t, F, x: t.linalg.eigh(x.spd),
    "eigvalsh": lambda t, F, x: t.linalg.eigvalsh(x.spd),
    "eig": lambda t, F, x: t.linalg.eig(x.m),
    "eigvals": lambda t, F, x: t.linalg.eigvals(x.m),
    "matrix_rank": lambda t, F, x: t.linalg.matrix_rank(x.m),
    "cond": lambda t, F, x: t.linalg.cond(x.m),
    "pinv": lambda t, F, x: t.linalg.pinv(x.m.float()),
    "pinverse": lambda t, F, x: t.pinverse(x.m.float()),
    "lstsq": lambda t, F, x: t.linalg.lstsq(x.spd, x.m)[0],
    "geqrf": lambda t, F, x: t.geqrf(x.m),
    "householder_product": lambda t, F, x: t.linalg.householder_product(x.m, x.v),
    "ormqr": lambda t, F, x: t.ormqr(x.m, x.v, x.n),
    "triangular_solve": lambda t, F, x: t.triangular_solve(x.m, x.spd),
    "tensorinv": lambda t, F, x: t.linalg.tensorinv(x.spd, 1),
    "tensorsolve": lambda t, F, x: t.linalg.tensorsolve(x.spd, x.v),
    "det": lambda t, F, x: t.linalg.det(x.spd.float()),
    "lu_solve": lambda t, F, x: t.lu_solve(x.m.float(), *t.linalg.lu_factor(x.spd.float())),
    **{
        f"fft.{name}": lambda t, F, x, name=name: getattr(t.fft, name)(x.m)
        for name in SPECTRA.split()
    },
    "stft": lambda t, F, x: t.stft(x.wave, 16, window=x.window, return_complex=True),
    "view_as_complex": lambda t, F, x: t.view_as_complex(x.m.view(4, 2, 2)),
    # joining and writing
    "cat": lambda t, F, x: t.cat([x.m, x.n]),
    "cat of both": lambda t, F, x: t.cat([x.m, x.n.float()]),
    "stack": lambda t, F, x: t.stack([x.m, x.n]),
    "stack of both": lambda t, F, x: t.stack([x.m, x.n.float()]),
    "vstack of both": lambda t, F, x: t.vstack([x.m, x.n.float()]),
    "hstack": lambda t, F, x: t.hstack([x.m, x.n]),
    "column_stack of both": lambda t, F, x: t.column_stack([x.m, x.n.float()]),
    "index_copy": lambda t, F, x: t.index_copy(x.m, 0, x.rows_[:1], x.n[:1]),
    "index_copy of both": lambda t, F, x: t.index_copy(x.m, 0, x.rows_[:1], x.n[:1].float()),
    "index_put": lambda t, F, x: t.index_put(x.m, (x.rows_[:1],), x.n[:1]),
    "scatter_add": lambda t, F, x: t.scatter_add(x.m, 0, x.square_, x.n),
    "cross": lambda t, F, x: t.linalg.cross(x.m[:3, :3], x.n[:3, :3]),
    "addcmul of both": lambda t, F, x: t.addcmul(x.m, x.n.float(), x.m),
    "dot of both": lambda t, F, x: t.dot(x.v, x.w.float()),
    "where of both": lambda t, F, x: t.where(x.m > 0, x.m, x.n.float()),
    "add of both": lambda t, F, x: x.m + x.n.float(),
    "mm of both": lambda t, F, x: t.mm(x.m, x.n.float()),
    "layer_norm of both": lambda t, F, x: F.layer_norm(x.m, (4,), x.v.float(), x.w.float()),
    "group_norm of both": lambda t, F, x: F.group_norm(x.image, 2, x.v.float(), x.w.float()),
    "batch_norm of both": lambda t, F, x: F.batch_norm(
        *(x.image, x.v.detach().float().clone(), x.w.detach().float().abs()),
        *(x.v.float(), x.w.float(), True),
    ),
    "instance_norm of both": lambda t, F, x: F.instance_norm(
        x.image, weight=x.v.float(), bias=x.w.float()
    ),
    "prelu of both": lambda t, F, x: F.prelu(x.m, x.one.float()),
    # doubles and integers are left alone
    "mm of doubles": lambda t, F, x: t.mm(x.m.double(), x.n.double()),
    "mm of integers": lambda t, F, x: t.mm(x.square_, x.square_),
    "sum of integers": lambda t, F, x: x.square_.sum(),
    "mse_loss of doubles": lambda t, F, x: F.mse_loss(x.m.double(), x.n.double()),
}
