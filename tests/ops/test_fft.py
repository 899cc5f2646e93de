"""Fourier transforms: dtypes, sizes, scaling and errors, beside live torch; ``stft`` and back."""

import numpy as np
import pytest

import functorch_lite.torch as torch
from tests.parity import live_torch, outcome

REAL = np.linspace(-2, 3, 48, dtype=np.float32).reshape(2, 4, 6) ** 3
ONE_DIM = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SEVERAL = [name + more for name in ONE_DIM for more in ("2", "n")]
REAL_ONLY = ("rfft", "ihfft")


def same(call, *arrays):
    """Assert that value, gradient or error of ``call(torch, *tensors)`` is PyTorch's."""
    told = []
    for library in (live_torch(), torch):
        given = [library.tensor(a) for a in arrays]
        for t in given:
            t.requires_grad_(t.is_floating_point() or t.is_complex())
        kind, result = outcome(lambda given=given, lib=library: call(lib, *given))
        if kind == "value":
            result.abs().pow(2).sum().backward()
            parts = [result, given[0].grad] if given[0].grad is not None else [result]
            result = [t.detach().resolve_conj().numpy() for t in parts]
        told.append((kind, result))
    (kind, theirs), (kind_here, ours) = told
    assert kind_here == kind, told
    if kind == "error":
        assert ours == theirs
        return
    for mine, wanted in zip(ours, theirs, strict=True):
        assert (mine.dtype, mine.shape) == (wanted.dtype, wanted.shape)
        np.testing.assert_allclose(mine, wanted, 2e-5, 1e-5 * max(1, np.abs(wanted).max(initial=0)))


@pytest.mark.parity
@pytest.mark.parametrize("norm", [None, "ortho", "forward"])
@pytest.mark.parametrize("name", [*ONE_DIM, *SEVERAL])
def test_transform_equals_torch(name, norm):
    same(lambda t, x: getattr(t.fft, name)(x, norm=norm), REAL)
    if not name.startswith(REAL_ONLY):
        same(lambda t, x: getattr(t.fft, name)(x, norm=norm), REAL + 1j * REAL[::-1])


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: t.fft.fft(x, 3, 1),
        lambda t, x: t.fft.fft(x, 9),
        lambda t, x: t.fft.irfft(x, 7),
        lambda t, x: t.fft.fftn(x, (3, -1), (0, 2)),
        lambda t, x: t.fft.irfftn(x, s=(5, 3)),
        lambda t, x: t.fft.fft(x, 0),
        lambda t, x: t.fft.fft(x, dim=5),
        lambda t, x: t.fft.fft(x, norm="a"),
        lambda t, x: t.fft.fft(x.half()),
        lambda t, x: t.fft.fft2(x, s=(2,)),
        lambda t, x: t.fft.fftn(x, dim=(0, 0)),
        lambda t, x: t.fft.rfft(t.complex(x, x)),
        lambda t, x: t.fft.rfftn(x, dim=()),
        lambda t, x: t.fft.fftshift(x, (0, 1)),
        lambda t, x: t.fft.ifftshift(x),
    ],
)
def test_sizes_dims_and_errors_equal_torch(call):
    same(call, REAL)


def test_integers_are_transformed_as_the_default_float():
    assert torch.fft.fft(torch.tensor([1, 2, 3])).dtype is torch.complex64
    assert torch.fft.ihfft(torch.tensor([1, 2, 3])).dtype is torch.complex64


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"center": False},
        {"normalized": True, "onesided": False},
        {"win_length": 4, "hop_length": 3},
        {"center": False, "align_to_window": True, "win_length": 4},
        {"pad_mode": "constant"},
        {"hop_length": 0},
        {"win_length": 9},
    ],
)
def test_stft_equals_torch(options):
    signal = np.sin(np.arange(40, dtype=np.float32)).reshape(2, 20)

    def call(t, x):
        window = t.hann_window(options.get("win_length", 8))
        return t.stft(x, 8, window=window, return_complex=True, **options)

    same(call, signal)


@pytest.mark.parametrize("center", [True, False])
def test_istft_undoes_stft(center):
    signal = torch.sin(torch.arange(40.0))
    window = torch.hamming_window(8)
    spectra = torch.stft(signal, 8, 2, window=window, center=center, return_complex=True)
    back = torch.istft(spectra, 8, 2, window=window, center=center)
    np.testing.assert_allclose(back.numpy(), signal.numpy()[: len(back)], atol=1e-5)


def test_istft_refuses_windows_that_leave_samples_without_weight():
    spectra = torch.ones(3, 5, dtype=torch.complex64)
    with pytest.raises(RuntimeError, match="window overlap add min: 1"):
        torch.istft(spectra, 4, window=torch.zeros(4))
