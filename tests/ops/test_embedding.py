"""Look-ups and bags of rows beside live torch; indices are checked."""

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import check, evaluate, gradients

TABLE = np.random.default_rng(0).standard_normal((6, 3))
INDICES = np.array([[1, 4, 1], [0, 5, 2]])


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 1])
def test_bags(mode, padding_idx):
    torch = pytest.importorskip("torch")
    options = {"mode": mode, "padding_idx": padding_idx}
    fun, name = torch.nn.functional.embedding_bag, "nn.functional.embedding_bag"
    check(torch, fun, name, INDICES, TABLE, **options)
    check(torch, fun, name, INDICES.ravel(), TABLE, np.array([0, 2, 2, 4]), **options)


@pytest.mark.parity
def test_weights_of_samples_have_gradients():
    torch = pytest.importorskip("torch")
    weights = np.arange(6.0).reshape(2, 3)
    fun, name = torch.nn.functional.embedding_bag, "nn.functional.embedding_bag"

    def call(input, weight, per_sample_weights, **options):
        return fun(input, weight, mode="sum", per_sample_weights=per_sample_weights)

    want = call(*(torch.tensor(v) for v in (INDICES, TABLE, weights)))
    got = evaluate(name, INDICES, TABLE, mode="sum", per_sample_weights=weights)
    np.testing.assert_allclose(got, want.numpy())


def test_no_gradient_for_padding_and_less_for_frequent_rows():
    rows = gradients("embedding", TABLE, INDICES, padding_idx=4)[0][:, 0]
    np.testing.assert_array_equal(rows, [1, 2, 1, 0, 0, 1])
    rows = gradients("embedding", TABLE, INDICES, scale_grad_by_freq=True)[0][:, 0]
    np.testing.assert_array_equal(rows, [1, 1, 1, 0, 1, 1])


def test_renormalization_touches_only_named_rows():
    table = np.array([[3.0, 4.0], [3.0, 4.0], [0.1, 0.1]])
    result = evaluate("_embedding_renorm", table, np.array([0, 2]), 1.0, 2.0)
    np.testing.assert_allclose(result, [[0.6, 0.8], [3, 4], [0.1, 0.1]], rtol=1e-6)


def test_values_are_checked_before_the_program_runs():
    with pytest.raises(IndexError, match="index out of range in self"):
        OPS["embedding"].check(weight=TABLE, indices=np.array([6]))
    with pytest.raises(RuntimeError, match=r"offsets\[0\] has to be 0"):
        bags = {"input": INDICES[0], "weight": TABLE, "offsets": np.array([1, 2])}
        OPS["nn.functional.embedding_bag"].check(**bags)
    with pytest.raises(RuntimeError, match="Class values must be smaller"):
        OPS["_one_hot"].check(tensor=INDICES, num_classes=5)


def test_one_hot():
    np.testing.assert_array_equal(evaluate("_one_hot", np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
