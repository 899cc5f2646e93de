"""Initial distributions are PyTorch's: bounds and moments of what ``init`` draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn
from tests.nn.against_module import fresh

UNIFORM = [
    (nn.Linear(100, 50), {"weight": 0.1, "bias": 0.1}),
    (nn.Bilinear(25, 40, 50), {"weight": 0.2, "bias": 0.2}),
    (nn.Conv2d(16, 40, 5, groups=4), {"weight": 0.1, "bias": 0.1}),
    (nn.ConvTranspose1d(40, 25, 4), {"weight": 0.1, "bias": 0.1}),
    (
        nn.LSTM(7, 25, num_layers=2),
        {f"{p}_{k}_l{i}": 0.2 for p in ("weight", "bias") for k in ("ih", "hh") for i in (0, 1)},
    ),
    (nn.GRUCell(7, 25, bias=False), {"weight_ih": 0.2, "weight_hh": 0.2}),
    (
        nn.MultiheadAttention(48, 2),
        {
            **{"in_proj_weight": (6 / (4 * 48)) ** 0.5, "in_proj_bias": 0.0},
            **{"out_proj.weight": 48**-0.5, "out_proj.bias": 0.0},
        },
    ),
    (
        nn.MultiheadAttention(48, 2, kdim=24, vdim=96, bias=False),
        {
            **{"q_proj_weight": 0.25, "k_proj_weight": (6 / 72) ** 0.5},
            **{"v_proj_weight": (6 / 144) ** 0.5, "out_proj.weight": 48**-0.5},
        },
    ),
]


@pytest.mark.parametrize(("layer", "bounds"), UNIFORM, ids=[repr(layer) for layer, _ in UNIFORM])
def test_weights_are_uniform_within_pytorchs_bounds(layer, bounds):
    flat = nn.flatten(fresh(layer)[0])
    assert flat.keys() == bounds.keys()
    for name, bound in bounds.items():
        x = np.asarray(flat[name])
        assert np.abs(x).max() <= bound * 1.0001
        if bound and x.size > 500:
            assert np.abs(x).max() > bound * 0.95
            np.testing.assert_allclose(x.std(), bound / 3**0.5, rtol=0.1)


def test_embeddings_are_normal_and_norms_start_as_the_identity():
    table = fresh(nn.Embedding(100, 50))[0]["weight"]
    np.testing.assert_allclose([table.mean(), table.std()], [0, 1], atol=0.05)
    params, state = fresh(nn.BatchNorm2d(3))
    assert params["weight"].tolist() == [1, 1, 1] == state["running_var"].tolist()
    assert params["bias"].tolist() == [0, 0, 0] == state["running_mean"].tolist()
    assert state["num_batches_tracked"] == 0
    assert fresh(nn.PReLU(2))[0]["weight"].tolist() == [0.25, 0.25]


def test_params_depend_on_the_key_and_on_nothing_else():
    layer = nn.serial(nn.Linear(3, 3), nn.Linear(3, 3))
    one, same, other = (nn.flatten(fresh(layer, seed)[0]) for seed in (0, 0, 1))
    for name in one:
        assert jnp.array_equal(one[name], same[name])
        assert not jnp.array_equal(one[name], other[name])
    assert not jnp.array_equal(one["0.weight"], one["1.weight"])


def test_old_style_keys_do_as_well():
    params, _ = nn.Linear(3, 2).init(jax.random.PRNGKey(0))
    assert params["weight"].shape == (2, 3)
