"""The text of tensors: recorded from PyTorch 2.13, and compared with a live one if there is one."""

import json
from pathlib import Path

import hypothesis.extra.numpy as arrays
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functorch_lite.torch._functions.print import (
    OPTIONS,
    PrintOptions,
    get_printoptions,
    printoptions,
    set_printoptions,
    tensor_repr,
    tensor_text,
)

RECORDED = json.loads((Path(__file__).parent / "print_recorded.json").read_text())


def build(case: dict) -> np.ndarray:
    """Make the values of a recorded case: an expression over ``np``."""
    values = eval(case["values"], {"np": np, "inf": np.inf, "nan": np.nan})
    if case["dtype"] == "torch.bfloat16":
        return np.asarray(values).astype(ml_dtypes.bfloat16)
    return np.asarray(values, dtype=case["dtype"].removeprefix("torch."))


@pytest.fixture(autouse=True)
def default_options():
    """Leave every test with the options a process starts with."""
    yield
    set_printoptions(profile="default")


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["values"][:40])
def test_text_is_the_one_recorded_from_pytorch(case):
    with printoptions(**case["options"]):
        assert tensor_repr(build(case), dtype=case["dtype"], **case["fields"]) == case["text"]


def test_options_are_set_read_and_restored():
    set_printoptions(precision=2, sci_mode=True)
    set_printoptions(edgeitems=5)  # sci_mode goes back to automatic, the rest stays
    expected = {
        "precision": 2,
        "threshold": 1000,
        "edgeitems": 5,
        "linewidth": 80,
        "sci_mode": None,
    }
    assert get_printoptions() == expected
    with pytest.raises(KeyError), printoptions(profile="short", linewidth=40):
        assert get_printoptions()["linewidth"] == 40
        raise KeyError
    assert get_printoptions() == expected


def test_profile_default_restores_the_first_options():
    set_printoptions(profile="full", precision=9)
    assert (OPTIONS.threshold, OPTIONS.precision) == (float("inf"), 9)
    set_printoptions(profile="default")
    assert PrintOptions() == OPTIONS


def test_a_large_array_is_asked_for_its_edges_only():
    class Remote:
        shape = (10_000, 10_000)

        def __getitem__(self, index):
            rows, columns = index
            assert rows.size == columns.size == 6
            return rows * 10_000 + columns

    assert tensor_text(Remote()).splitlines()[-1] == (
        " [99990000, 99990001, 99990002,  ..., 99999997, 99999998, 99999999]]"
    )


# --- against a live PyTorch

SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=7)
SCALES = st.sampled_from([1.0, 0.1, 1e-3, 1e3, 1e5, 1e-6, 1e9])
DTYPES = ["float32", "float64", "float16", "bfloat16", "complex64", "complex128"]
DTYPES += ["int64", "int32", "int8", "uint8", "bool"]
OPTION_SETS = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.sampled_from([0, 1, 10, 50, 1000]),
        "edgeitems": st.integers(0, 4),
        "linewidth": st.integers(1, 130),
        "profile": st.sampled_from(["default", "short", "full", "unknown"]),
        "sci_mode": st.sampled_from([None, True, False]),
    },
)


@st.composite
def float_arrays(draw, dtype):
    """Draw floats as tensors hold them: whole, short, anything at all, with inf and nan."""
    special = st.sampled_from([0.0, -0.0, float("inf"), float("-inf"), float("nan")])
    width = np.dtype(dtype).itemsize * 8
    items = draw(
        st.sampled_from(
            [
                st.integers(-20, 20).map(float),
                st.integers(-5000, 5000).map(lambda n: n / 1000),
                st.integers(-(10**6), 10**6).map(float) | special,
                st.floats(-10, 10, width=width) | special,
                st.floats(width=width),
            ]
        )
    )
    values = draw(arrays.arrays(np.float64, draw(SHAPES), elements=items))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values * draw(SCALES), dtype)


@st.composite
def tensors(draw):
    """Draw (values for us, dtype name)."""
    name = draw(st.sampled_from(DTYPES))
    if name == "bfloat16":
        with np.errstate(over="ignore"):
            return np.asarray(draw(float_arrays("float32")), ml_dtypes.bfloat16), name
    if name.startswith("float"):
        return draw(float_arrays(name)), name
    if name.startswith("complex"):
        real = draw(float_arrays("float32" if name == "complex64" else "float64"))
        values = np.empty(real.shape, name)
        with np.errstate(invalid="ignore"):
            values.real, values.imag = (
                real,
                draw(st.sampled_from([real, -real, real * 0, real / 3])),
            )
        return values, name
    return np.asarray(draw(arrays.arrays(name, draw(SHAPES)))), name


@pytest.mark.parity
@settings(max_examples=300, deadline=None)
@given(tensor=tensors(), options=OPTION_SETS, grad=st.booleans(), double=st.booleans())
def test_text_equals_that_of_a_live_pytorch(tensor, options, grad, double):
    torch = pytest.importorskip("torch")
    values, name = tensor
    theirs = (
        torch.from_numpy(values.view(np.int16)).view(torch.bfloat16)
        if name == "bfloat16"
        else torch.from_numpy(values)
    )
    grad = grad and (theirs.is_floating_point() or theirs.is_complex())
    default = torch.float64 if double else torch.float32
    torch.set_default_dtype(default)
    try:
        with torch._tensor_str.printoptions(**options), printoptions(**options):
            expected = repr(theirs.requires_grad_(grad))
            found = tensor_repr(
                values, dtype=f"torch.{name}", default_dtype=str(default), requires_grad=grad
            )
    finally:
        torch.set_default_dtype(torch.float32)
    assert found == expected
