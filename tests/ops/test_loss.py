"""Losses: each beside live torch in every reduction; edges and errors recorded."""

import warnings

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import check, evaluate, gradients

F = "nn.functional."


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


X, Y = normal(3, 4), normal(4, 4)[:3]
P, Q = 1 / (1 + np.exp(-X)), 1 / (1 + np.exp(-Y))
SIGNS = np.sign(Y)

PAIRS = [
    ("mse_loss", [X, Y], {}),
    ("l1_loss", [X, Y], {}),
    ("l1_loss", [X, X], {}),
    ("smooth_l1_loss", [3 * X, Y], {"beta": 0.5}),
    ("smooth_l1_loss", [X, Y], {"beta": 0.0}),
    ("huber_loss", [3 * X, Y], {"delta": 2.0}),
    ("binary_cross_entropy", [P, Q], {}),
    ("binary_cross_entropy_with_logits", [30 * X, Q], {}),
    ("kl_div", [X, Q], {}),
    ("kl_div", [X, Y], {"log_target": True}),
    ("poisson_nll_loss", [X, 5 * Q], {"full": True}),
    ("poisson_nll_loss", [P, Q], {"log_input": False}),
    ("gaussian_nll_loss", [X, Y, Q], {"full": True}),
    ("cosine_embedding_loss", [X, Y, np.array([1.0, -1.0, 1.0])], {"margin": 0.1}),
    ("margin_ranking_loss", [X, Y, SIGNS], {"margin": 0.3}),
    ("hinge_embedding_loss", [X, SIGNS.astype(int)], {}),
    ("soft_margin_loss", [X, SIGNS.astype(int)], {}),
    ("multi_margin_loss", [X, np.array([0, 3, 1])], {"p": 2}),
    (
        "multilabel_margin_loss",
        [X, np.array([[0, 2, -1, 1], [3, -1, 0, 0], [-1, 0, 0, 0]])],
        {},
    ),
    ("multilabel_soft_margin_loss", [X, Q], {}),
    ("triplet_margin_loss", [X, Y, X - Y], {"swap": True}),
    ("cross_entropy", [X, np.array([1, 0, 3])], {"ignore_index": 0}),
    ("cross_entropy", [X, np.array([1, 0, 3])], {"label_smoothing": 0.1}),
    ("cross_entropy", [X, Q], {"label_smoothing": 0.1}),
    ("cross_entropy", [normal(2, 5, 3), np.array([[0, 4, 1], [2, 2, 3]])], {}),
    ("nll_loss", [X, np.array([1, 0, 3])], {}),
]


@pytest.mark.parity
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "args", "options"), PAIRS)
def test_loss(name, args, options, reduction):
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fun = getattr(torch.nn.functional, name)
        check(torch, fun, F + name, *args, **options, reduction=reduction)


@pytest.mark.parity
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_loss(reduction):
    torch = pytest.importorskip("torch")
    logits = normal(6, 2, 5)
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    lengths = np.array([6, 5]), np.array([3, 2])
    padded, joined = np.array([[1, 2, 3], [2, 2, 4]]), np.array([1, 2, 3, 2, 2])
    for targets in (padded, joined):
        fun = torch.nn.functional.ctc_loss
        check(torch, fun, F + "ctc_loss", log_probs, targets, *lengths, reduction=reduction)


def test_binary_cross_entropy_clamps_the_logarithm_and_the_slope():
    x, t = np.array([0.0, 1.0, 0.5]), np.array([1.0, 0.0, 0.5])
    losses = evaluate(F + "binary_cross_entropy", x, t, reduction="none")
    np.testing.assert_allclose(losses, [100, 100, np.log(2)])
    slopes = gradients(F + "binary_cross_entropy", x, t, reduction="sum")[0]
    np.testing.assert_allclose(slopes, [-1e12, 1e12, 0])


def test_all_targets_ignored_is_nan():
    assert np.isnan(evaluate(F + "cross_entropy", X, np.array([7, 7, 7]), ignore_index=7))


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        ("cross_entropy", {"target": np.array([1, 0, 9])}, IndexError, "Target 9 is out of bounds"),
        ("binary_cross_entropy", {"target": Q}, RuntimeError, "input should be between 0 and 1"),
        ("multi_margin_loss", {"target": np.array([0, 4, 1])}, RuntimeError, "target out of range"),
        ("gaussian_nll_loss", {"target": Y, "var": -Q}, ValueError, "negative entry"),
    ],
)
def test_values_are_checked_before_the_program_runs(name, arguments, error, words):
    with pytest.raises(error, match=words):
        OPS[F + name].check(input=X, **arguments)


def test_warnings():
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[4\]\)\) that is different"):
        OPS[F + "mse_loss"].check(input=X, target=X[0])
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        OPS[F + "l1_loss"].check(input=X, target=Y, size_average=False)


@pytest.mark.parametrize(
    ("name", "args", "options", "error", "words"),
    [
        ("cross_entropy", [X, np.array([1, 0])], {}, ValueError, r"batch_size \(3\) to match"),
        ("cross_entropy", [X, np.array([1.0, 0, 1])], {}, RuntimeError, "but got Double"),
        ("mse_loss", [X, Y], {"reduction": "foo"}, ValueError, "foo is not a valid value"),
        ("mse_loss", [np.ones(2, int), np.ones(2, int)], {}, NotImplementedError, "mse_cpu"),
        ("huber_loss", [X, Y], {"delta": 0.0}, RuntimeError, "non-positive values for delta"),
    ],
)
def test_error(name, args, options, error, words):
    with pytest.raises(error, match=words):
        evaluate(F + name, *args, **options)
