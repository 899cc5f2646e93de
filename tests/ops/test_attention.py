"""Scaled dot product attention beside live torch: masks, causality, shared heads."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

NAME = "nn.functional.scaled_dot_product_attention"


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


Q, K, V = normal(2, 4, 5, 8), normal(2, 4, 6, 8), normal(2, 4, 6, 3)


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}], ids=str)
def test_without_mask(options):
    torch = pytest.importorskip("torch")
    check(torch, torch.nn.functional.scaled_dot_product_attention, NAME, Q, K, V, **options)


@pytest.mark.parity
def test_masks_and_groups_of_heads():
    torch = pytest.importorskip("torch")
    fun = torch.nn.functional.scaled_dot_product_attention
    allowed = normal(5, 6) > -0.5
    allowed[2] = False
    check(torch, fun, NAME, Q, K, V, allowed)
    check(torch, fun, NAME, Q, K, V, normal(5, 6))
    check(torch, fun, NAME, Q, K[:, :2], V[:, :2], enable_gqa=True)


def test_a_row_without_keys_gives_zeros():
    result = evaluate(NAME, Q, K, V, np.full((5, 6), -np.inf))
    np.testing.assert_array_equal(result, 0)


def test_dropout_multiplies_the_weights_by_the_noise():
    result = evaluate(NAME, Q, K, V, dropout_p=0.5, noise=np.full((2, 4, 5, 6), 2.0))
    np.testing.assert_allclose(result, 2 * evaluate(NAME, Q, K, V))


def test_error():
    with pytest.raises(RuntimeError, match="at least 2 dimensional, but got"):
        evaluate(NAME, Q[0, 0, 0], K, V)
