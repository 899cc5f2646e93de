"""Special functions: borders recorded from PyTorch, values and gradients beside live torch."""

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import check, evaluate, gradients

GRID = np.concatenate([np.linspace(-6, 6, 49), np.linspace(0.01, 40, 30)])
ABOVE_0 = np.linspace(0.01, 12, 25)


def test_digamma_has_pytorchs_poles():
    result = evaluate("digamma", np.array([0.0, -0.0, -1.0]))
    np.testing.assert_array_equal(result, [-np.inf, np.inf, np.nan])


def test_zeta_of_a_negative_shift_sums_the_terms_below_zero():
    result = evaluate("special.zeta.tensor", np.array([3.0]), np.array([-8.3]))
    np.testing.assert_allclose(result, -34.4123359347954, rtol=1e-7)


def test_bessel_functions_are_right_in_float64_where_pytorch_errs_by_1e_7():
    at = np.array([-5.25, 5.25])
    # mpmath, 17 digits.
    np.testing.assert_allclose(
        evaluate("special.bessel_j0", at), [-0.09308098963931788] * 2, rtol=1e-14
    )
    np.testing.assert_allclose(
        evaluate("special.bessel_j1", at), [0.34501397857943766, -0.34501397857943766], rtol=1e-14
    )


def test_gradients_that_pytorch_does_not_have_raise():
    with pytest.raises(NotImplementedError, match="igamma: input"):
        gradients("igamma", np.ones(1), np.ones(1))
    with pytest.raises(NotImplementedError, match="the derivative for 'zeta' is not implemented"):
        gradients("special.zeta.tensor", np.full(1, 3.0), np.ones(1))


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("polygamma", [-1, np.ones(1)], "does not support negative n"),
        ("mvlgamma", [np.ones(1), 0], "p has to be greater than or equal to 1"),
    ],
)
def test_error(name, args, words):
    with pytest.raises(RuntimeError, match=words):
        evaluate(name, *args)


# --- beside live torch ----------------------------------------------------------------------------

UNARY = [
    "erf",
    "erfc",
    "erfinv",
    "lgamma",
    "digamma",
    "i0",
    "special.ndtr",
    "special.ndtri",
    "special.log_ndtr",
    "special.entr",
    "special.erfcx",
    "special.i0e",
    "special.i1",
    "special.i1e",
]
WITHOUT_GRADIENT = [
    name
    for name in OPS
    if "bessel" in name or (name == "special.airy_ai" and "special.i" not in name)
]


def function_of(torch, name):
    own = name.split(".")[1] if name.startswith("special.") else name.split(".")[0]
    return getattr(torch.special if name.startswith("special.") else torch, own)


@pytest.mark.parity
@pytest.mark.parametrize("name", UNARY)
def test_special_function_equals_torch(name):
    torch = pytest.importorskip("torch")
    check(torch, function_of(torch, name), name, GRID)


@pytest.mark.parity
@pytest.mark.parametrize("name", [*UNARY, *WITHOUT_GRADIENT])
def test_special_function_of_float32_equals_torch(name):
    torch = pytest.importorskip("torch")
    check(torch, function_of(torch, name), name, GRID.astype(np.float32), grad=False)


@pytest.mark.parity
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_polygamma_equals_torch(n):
    torch = pytest.importorskip("torch")
    check(torch, torch.polygamma, "polygamma", n, GRID)


@pytest.mark.parity
def test_functions_of_two_equal_torch():
    torch = pytest.importorskip("torch")
    a, b = np.repeat(ABOVE_0, 25), np.tile(ABOVE_0, 25)
    check(torch, torch.igamma, "igamma", a, b, grad=False)
    check(torch, torch.igammac, "igammac", a, b, grad=False)
    check(torch, torch.special.zeta, "special.zeta.tensor", a + 1, b - 6, grad=False)
    check(torch, torch.special.xlog1py, "special.xlog1py.tensor", a, b)
    check(torch, torch.mvlgamma, "mvlgamma", ABOVE_0 + 2, 3)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", [name for name in OPS if "polynomial" in name and not name.endswith(".base")]
)
def test_polynomial_equals_torch(name):
    torch = pytest.importorskip("torch")
    x, n = np.repeat(np.linspace(-2.5, 2.5, 11), 9), np.tile(np.arange(-1.0, 8), 11)
    check(torch, function_of(torch, name), name, x, n, grad=False)
