"""Convolutions: every path beside live torch, recorded errors, and the fast path's derivatives."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

SIZES = (7, 8, 6)
KERNEL = (3, 2, 3)


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parity
@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("channels", "outputs", "groups"), [(2, 4, 1), (4, 6, 2), (4, 4, 4), (12, 3, 1)]
)
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), (2, 0, 2), (3, 1, 1)])
def test_convolution_and_its_transpose(n, channels, outputs, groups, stride, padding, dilation):
    torch = pytest.importorskip("torch")
    x = normal(2, channels, *SIZES[:n])
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    weight, bias = normal(outputs, channels // groups, *KERNEL[:n]), normal(outputs)
    check(torch, getattr(torch, f"conv{n}d"), f"conv{n}d", x, weight, bias, **options)
    weight = normal(channels, outputs // groups, *KERNEL[:n])
    name = f"conv_transpose{n}d"
    check(torch, getattr(torch, name), name, x, weight, bias, **options)


@pytest.mark.parity
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_named_padding_of_an_unbatched_input(padding):
    torch = pytest.importorskip("torch")
    options = {"padding": padding, "dilation": 2}
    check(torch, torch.conv2d, "conv2d", normal(4, 7, 8), normal(6, 4, 3, 3), **options)


@pytest.mark.parity
def test_output_padding_and_complex_numbers():
    torch = pytest.importorskip("torch")
    options = {"stride": 3, "padding": 2, "output_padding": 2}
    x, weight = normal(2, 4, 7, 8), normal(4, 3, 3, 2)
    check(torch, torch.conv_transpose2d, "conv_transpose2d", x, weight, **options)
    z = x + 1j * normal(2, 4, 7, 8)
    check(torch, torch.conv2d, "conv2d", z, weight[:, :1] + 0j, groups=4, grad=False)


def test_half_is_computed_in_float32_and_rounded_once():
    x = np.full((1, 1, 64), 0.1, np.float16)
    weight = np.full((1, 1, 64), 0.1, np.float16)
    wanted = np.float16((x.astype(np.float32) * weight.astype(np.float32)).sum())
    np.testing.assert_array_equal(evaluate("conv1d", x, weight).ravel(), [wanted])


@pytest.mark.parametrize(
    ("x", "weight", "options", "words"),
    [
        ((5, 5), (4, 2, 3, 3), {}, r"Expected 3D \(unbatched\) or 4D \(batched\) input to conv2d"),
        ((1, 3, 5, 5), (4, 2, 3, 3), {}, r"input\[1, 3, 5, 5\] to have 2 channels, but got 3"),
        ((1, 2, 2, 2), (4, 2, 3, 3), {}, r"Calculated padded input size per channel: \(2 x 2\)"),
        ((1, 2, 5, 5), (4, 2, 3, 3), {"stride": 0}, "non-positive stride is not supported"),
        ((1, 2, 5, 5), (4, 2, 3, 3), {"groups": 3}, "divisible by 3 at dimension 0"),
        ((1, 2, 5, 5), (4, 2, 3, 3), {"padding": "same", "stride": 2}, "for strided convolutions"),
        ((1, 2, 5, 5), (4, 2, 3), {}, "a list of 1 values to match the convolution dimensions"),
    ],
)
def test_error(x, weight, options, words):
    with pytest.raises(RuntimeError, match=words):
        evaluate("conv2d", np.zeros(x), np.zeros(weight), **options)
