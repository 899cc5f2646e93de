"""Pooling: ties, NaN, padding and ragged windows beside live torch; recorded errors."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate, gradients

F = "nn.functional."
SIZES = (9, 8, 7)


def rough(*shape):
    """Return numbers with many ties, some NaN and some minus infinities."""
    x = np.round(np.random.default_rng(0).standard_normal(shape))
    x.ravel()[::7], x.ravel()[3::5] = np.nan, -np.inf
    return x


def named(n):
    return "max_pool1d_with_indices" if n == 1 else f"{F}max_pool{n}d_with_indices"


@pytest.mark.parity
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 1, "padding": 1},
        {"stride": 3, "dilation": 2},
        {"stride": 2, "padding": 1, "ceil_mode": True},
    ],
    ids=str,
)
def test_max_pool_picks_torchs_element(n, options):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = rough(2, 3, *SIZES[:n])
    pool = getattr(functional, f"max_pool{n}d")
    check(torch, pool, f"max_pool{n}d", x, 3, **options)
    want = getattr(functional, f"max_pool{n}d_with_indices")(torch.tensor(x), 3, **options)
    got = evaluate(named(n), x, 3, **options)
    np.testing.assert_array_equal(got[0], want[0].numpy())
    np.testing.assert_array_equal(got[1], want[1].numpy())


def test_gradient_goes_to_the_first_maximum():
    x = np.array([[[[2.0, 2.0], [2.0, 1.0]]]])
    np.testing.assert_array_equal(gradients("max_pool2d", x, 2)[0], [[[[1, 0], [0, 0]]]])


def test_minus_infinity_wins_over_padding():
    x = np.full((1, 1, 2, 2), -np.inf)
    values, indices = evaluate(named(2), x, 3, 1, 1)
    assert np.isneginf(values).all()
    assert (indices == 0).all()


@pytest.mark.parity
@pytest.mark.parametrize("n", [1, 2, 3])
def test_average_and_adaptive_pools(n):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = np.random.default_rng(1).standard_normal((2, 3, *SIZES[:n]))
    name = "avg_pool1d" if n == 1 else f"{F}avg_pool{n}d"
    pool = getattr(functional, f"avg_pool{n}d")
    for options in (
        {"stride": 2, "padding": 1, "ceil_mode": True},
        {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
        {"stride": 1},
    ):
        check(torch, pool, name, x, 3, **options)
    for size in (1, 3, 5):
        adaptive = "adaptive_avg_pool1d" if n == 1 else f"{F}adaptive_avg_pool{n}d"
        check(torch, getattr(functional, f"adaptive_avg_pool{n}d"), adaptive, x, size)
    check(torch, getattr(functional, f"lp_pool{n}d"), f"{F}lp_pool{n}d", np.abs(x), 3.0, 2)


@pytest.mark.parity
def test_adaptive_max_pool_of_uneven_windows():
    torch = pytest.importorskip("torch")
    x = rough(2, 3, 9, 8)
    name = "adaptive_max_pool2d_with_indices"
    want = getattr(torch.nn.functional, name)(torch.tensor(x), (5, 3))
    got = evaluate(F + name, x, (5, 3))
    np.testing.assert_array_equal(got[0], want[0].numpy())
    np.testing.assert_array_equal(got[1], want[1].numpy())


def test_unpooling_puts_values_back():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    values, indices = evaluate(named(2), x, 2)
    put = evaluate("_max_unpool2d", values, indices, (4, 4))
    np.testing.assert_array_equal(put, np.where(np.isin(x, values), x, 0))


@pytest.mark.parametrize(
    ("name", "args", "error", "words"),
    [
        ("max_pool2d", [0], RuntimeError, "stride should not be zero"),
        ("max_pool2d", [2, 2, 2], RuntimeError, "pad should be at most half of effective kernel"),
        ("max_pool2d", [9], RuntimeError, r"Calculated output size: \(1x0x0\)"),
        (F + "avg_pool2d", [2, (1, 2, 3)], RuntimeError, "stride must either be omitted"),
        (F + "adaptive_avg_pool2d", [(1, 2, 3)], RuntimeError, "output_size must be 2"),
    ],
)
def test_error(name, args, error, words):
    with pytest.raises(error, match=words):
        evaluate(name, np.zeros((1, 1, 6, 6)), *args)
