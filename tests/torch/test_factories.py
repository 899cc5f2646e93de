"""Tensors from Python data, constants and ranges: what is inferred, what is refused."""

import re

import numpy as np
import pytest

import functorch_lite.torch as torch
from tests.parity import live_torch, outcome

REFUSED = [
    ("tensor('a')", "TypeError: new(): invalid data type 'str'"),
    ("tensor(None)", "RuntimeError: Could not infer dtype of NoneType"),
    ("tensor({1})", "RuntimeError: Could not infer dtype of set"),
    ("tensor({1: 2})", "RuntimeError: Could not infer dtype of dict"),
    ("tensor(['a'])", "ValueError: too many dimensions 'str'"),
    ("tensor([1, 'a'])", "TypeError: new(): invalid data type 'str'"),
    ("tensor([[1, 2], [3]])", "ValueError: expected sequence of length 2 at dim 1 (got 1)"),
    ("tensor([[1], 2])", "TypeError: not a sequence"),
    ("tensor([1, [2]])", "TypeError: 'list' object cannot be interpreted as an integer"),
    ("tensor([2**63])", "ValueError: Overflow when unpacking long long"),
    (
        "tensor([300], dtype=torch.uint8)",
        "RuntimeError: value cannot be converted to type uint8 without overflow",
    ),
    ("tensor([1j], dtype=torch.float32)", "TypeError: must be real number, not complex"),
    (
        "zeros('a')",
        "TypeError: zeros(): argument 'size' (position 1) must be tuple of ints, not str",
    ),
    ("zeros(-1)", "RuntimeError: zeros: Dimension size must be non-negative."),
    ("ones(-1)", "RuntimeError: Trying to create tensor with negative dimension -1: [-1]"),
    (
        "full((2,), 300, dtype=torch.uint8)",
        "RuntimeError: value cannot be converted to type uint8_t without overflow",
    ),
    ("eye(2, -1)", "RuntimeError: m must be greater or equal to 0, got -1"),
    ("arange(0, 5, -1)", "RuntimeError: upper bound and lower bound inconsistent with step sign"),
    ("linspace(0, 1, -1)", "RuntimeError: number of steps must be non-negative"),
]


@pytest.mark.parametrize(("call", "words"), REFUSED)
def test_what_cannot_be_a_tensor_is_refused_in_these_words(call, words):
    assert outcome(lambda: eval(f"torch.{call}")) == ("error", words)


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        ([], torch.float32, (0,)),
        ([[], [1]], torch.float32, (2, 0)),
        ([True, 2], torch.int64, (2,)),
        ([1, 2.5], torch.float32, (2,)),
        ([1, 2j], torch.complex64, (2,)),
        ([np.float32(1), np.float64(2)], torch.float64, (2,)),
        ([np.int32(3)], torch.int32, (1,)),
        (range(3), torch.int64, (3,)),
        (bytearray(b"ab"), torch.int64, (2,)),
    ],
)
def test_dtype_and_shape_are_inferred_from_all_items(data, dtype, shape):
    made = torch.tensor(data)
    assert (made.dtype, tuple(made.shape)) == (dtype, shape)


def test_negative_numbers_wrap_in_unsigned_dtypes_but_fractions_do_not():
    assert torch.tensor([-1], dtype=torch.uint8).tolist() == [255]
    with pytest.raises(RuntimeError, match="without overflow"):
        torch.tensor([-1.5], dtype=torch.uint8)


def test_empty_strided_has_the_strides_asked_for():
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert torch.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    assert torch.ones(2).new_empty_strided((2, 3), (1, 2)).stride() == (1, 2)


def test_a_factory_resizes_its_out_tensor_and_arange_says_so():
    out = torch.zeros(3)
    torch.ones(2, out=out)
    assert out.tolist() == [1, 1]
    with pytest.warns(UserWarning, match=re.escape("computed number of elements 4")):
        torch.arange(4, out=out)


SAME = """
torch.arange(0, 1, 0.1)
torch.arange(2.5, dtype=torch.int64)
torch.linspace(0, 1, 7)
torch.linspace(-3, 10, 5, dtype=torch.int64)
torch.linspace(2, 8, 1, dtype=torch.int64)
torch.linspace(1j, 2, 3)
torch.logspace(0, 2, 5)
torch.full((2,), 2.5, dtype=torch.float16)
torch.eye(2, 3, dtype=torch.complex64)
torch.tril_indices(3, 4, 1)
torch.hann_window(6)
torch.hann_window(1)
torch.hamming_window(7, False, 0.5, 0.4)
torch.blackman_window(5)
torch.bartlett_window(8, periodic=False)
torch.kaiser_window(6, True, 9.0)
torch.fft.fftfreq(5, 0.5)
torch.fft.rfftfreq(6)
"""


@pytest.mark.parity
@pytest.mark.parametrize("call", SAME.strip().splitlines())
def test_factory_equals_torch(call):
    want, got = eval(call, {"torch": live_torch()}), eval(call)
    assert str(got.dtype) == str(want.dtype)
    np.testing.assert_allclose(got.numpy(), want.numpy(), 2e-6, 2e-6)


@pytest.mark.parity
@pytest.mark.parametrize("call", [call for call, _ in REFUSED])
def test_refusals_equal_torch(call):
    theirs = outcome(lambda: eval(f"torch.{call}", {"torch": live_torch()}))
    assert outcome(lambda: eval(f"torch.{call}")) == theirs


@pytest.mark.parametrize(
    ("start", "end", "steps", "dtype", "wanted"),
    [
        (36, -88, 7, "int16", [36, 15, -5, -25, -46, -67, -88]),  # not -26: one rounding
        (-78, 20, 7, "int8", [-78, -61, -45, -28, -12, 3, 20]),
        (-3.7, 4.9, 8, "int64", [-3, -2, -1, 0, 1, 2, 3, 4]),  # whole bounds first
    ],
)
def test_whole_numbers_are_spaced_as_by_pytorchs_kernel(start, end, steps, dtype, wanted):
    kind = getattr(torch, dtype)
    assert torch.linspace(start, end, steps, dtype=kind).tolist() == wanted
    bounds = (torch.tensor([float(b)], dtype=torch.float64) for b in (int(start), int(end)))
    traced = torch.vmap(lambda a, b: torch.linspace(a, b, steps, dtype=kind))(*bounds)
    assert traced[0].tolist() == wanted


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8"])
def test_whole_numbers_are_spaced_as_by_a_live_pytorch(dtype):
    live, random = live_torch(), np.random.default_rng(0)
    for steps in (1, 2, 3, 7, 8, 33, 50, 257):
        for start, end in random.integers(-100, 100, (50, 2)).tolist():
            found, wanted = (
                lib.linspace(start, end, steps, dtype=getattr(lib, dtype)).tolist()
                for lib in (torch, live)
            )
            assert found == wanted, (start, end, steps)
