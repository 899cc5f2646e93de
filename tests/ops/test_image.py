"""Padding, blocks, shuffles, resizing and grid sampling beside live torch; recorded errors."""

import itertools

import numpy as np
import pytest

from functorch_lite.ops import OPS
from tests.ops.op_parity import check, evaluate

F = "nn.functional."


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


X = normal(2, 3, 4, 5)


@pytest.mark.parity
@pytest.mark.parametrize(
    ("pad", "mode"),
    [
        ((1, 2, -1, 0), "constant"),
        ((1, 2, 3, 1), "reflect"),
        ((-1, 1, 1, -1), "reflect"),
        ((5, 5, 4, 4), "replicate"),
        ((5, 5, 4, 4), "circular"),
        ((1, 1, -1, 2), "circular"),
        ((1, 2, 0, 1, 1, 1), "replicate"),
    ],
)
def test_pad(pad, mode):
    torch = pytest.importorskip("torch")
    check(torch, torch.nn.functional.pad, F + "pad", X, pad, mode)


@pytest.mark.parity
def test_blocks_and_shuffles():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    check(torch, functional.unfold, F + "unfold", X, (2, 3), 1, 1, 2)
    check(torch, functional.fold, F + "fold", normal(2, 12, 6), (4, 5), 2, 2, 1, 2)
    check(torch, functional.pixel_shuffle, "pixel_shuffle", normal(1, 8, 2, 3), 2)
    check(torch, functional.pixel_unshuffle, "pixel_unshuffle", normal(1, 2, 4, 6), 2)
    check(torch, functional.channel_shuffle, "channel_shuffle", normal(1, 6, 2, 2), 3)


MODES = [
    ("nearest", 1),
    ("nearest-exact", 2),
    ("area", 2),
    ("linear", 1),
    ("bilinear", 2),
    ("bicubic", 2),
    ("trilinear", 3),
]


@pytest.mark.parity
@pytest.mark.parametrize(("mode", "n"), MODES)
@pytest.mark.parametrize("size", [{"scale_factor": 1.7}, {"scale_factor": 0.6}, {"size": 7}])
def test_interpolate(mode, n, size):
    torch = pytest.importorskip("torch")
    x = normal(2, 3, *(5, 6, 4)[:n])
    corners = (False, True) if mode.endswith(("linear", "cubic")) else (None,)
    for align in corners:
        options = {**size, "mode": mode, "align_corners": align}
        check(torch, torch.nn.functional.interpolate, F + "interpolate", x, **options)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_antialiased_shrinking(mode):
    torch = pytest.importorskip("torch")
    options = {"size": (3, 2), "mode": mode, "antialias": True}
    check(torch, torch.nn.functional.interpolate, F + "interpolate", normal(1, 2, 9, 8), **options)


@pytest.mark.parity
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_grid_sample(mode, padding):
    torch = pytest.importorskip("torch")
    fun = torch.nn.functional.grid_sample
    for align in (False, True):
        options = {"mode": mode, "padding_mode": padding, "align_corners": align}
        check(torch, fun, F + "grid_sample", X, 1.5 * normal(2, 6, 7, 2), **options)


@pytest.mark.parity
def test_affine_grid():
    torch = pytest.importorskip("torch")
    fun = torch.nn.functional.affine_grid
    for align in (False, True):
        options = {"align_corners": align}
        check(torch, fun, F + "affine_grid", normal(2, 2, 3), (2, 3, 4, 5), **options)
        check(torch, fun, F + "affine_grid", normal(2, 3, 4), (2, 3, 4, 5, 6), **options)


def test_warnings():
    with pytest.warns(UserWarning, match="align_corners=False since 1.3.0"):
        OPS[F + "grid_sample"].check(input=X, grid=X)
    with pytest.warns(UserWarning, match=r"`nn.functional.upsample` is deprecated"):
        OPS[F + "upsample"].check(input=X)


@pytest.mark.parametrize(
    ("name", "args", "error", "words"),
    [
        ("pad", [(1,)], RuntimeError, "Padding length must be divisible by 2"),
        ("pad", [(1, 1), "reflect"], NotImplementedError, "Padding size 2 is not supported for 4D"),
        ("pad", [(5, 1, 1, 1), "reflect"], RuntimeError, r"padding \(5, 1\) at dimension 3"),
        ("unfold", [10], RuntimeError, r"sliding blocks as \(-5, -4\)"),
        ("interpolate", [], ValueError, "either size or scale_factor should be defined"),
        ("interpolate", [2, None, "linear"], NotImplementedError, "linear mode needs 3D input"),
        ("grid_sample", [np.zeros((1, 2, 2, 2))], RuntimeError, "same batch size"),
    ],
)
def test_error(name, args, error, words):
    with pytest.raises(error, match=words):
        evaluate(F + name, X, *args)


def test_nearest_by_a_whole_factor_repeats():
    for n, mode in itertools.product((2, 3), ("nearest", "nearest-exact")):
        got = evaluate(F + "interpolate", X, scale_factor=float(n), mode=mode)
        np.testing.assert_array_equal(got, X.repeat(n, 2).repeat(n, 3))
