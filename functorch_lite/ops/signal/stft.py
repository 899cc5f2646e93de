"""Short-time Fourier transform and its inverse.

Frames are cut by a gather, and put back by the scatter-add that is its transpose.
"""

import functools
import math
import warnings

import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from .._common import kind
from .._registry import op
from ..shape.pad import pad
from .fft import fft, irfft, rfft
from .fft import ifft as _ifft

_WINDOW = (
    "To suppress this warning and use a rectangular window, explicitly set "
    "`window=torch.ones(n_fft, device=<device>)`."
)


@functools.cache
def _warn(text: str) -> None:
    """Warn once, as PyTorch does."""
    where = " (Triggered internally at /pytorch/aten/src/ATen/native/SpectralOps.cpp:835.)"
    warnings.warn(text + where, UserWarning, stacklevel=2)


def _shown(x):
    """Return how PyTorch's messages show an optional operand or flag."""
    if x is None:
        return "None"
    if isinstance(x, bool):
        return str(int(x))
    return str(x)


def _window_text(window):
    if window is None:
        return "None"
    return f"torch.{dt.from_np(window.dtype).legacy}{{{list(window.shape)}}}"


def _padded_window(window, n_fft, win_length, real):
    """Return the window, ones where None is given, centred in ``n_fft`` points."""
    window = jnp.ones(win_length, real) if window is None else window
    left = (n_fft - win_length) // 2
    return jnp.pad(window, (left, n_fft - win_length - left))


def _places(frames, n_fft, hop_length):
    return np.arange(frames)[:, None] * hop_length + np.arange(n_fft)


# --- forward --------------------------------------------------------------------------------------


@op("fm", node="TransposeBackward0")
def stft(
    input,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window=None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
):
    """Spectra of windows of ``n_fft`` samples, ``hop_length`` apart: (*, L) -> (*, F, frames).

    ``center`` pads both ends so that frame t is centred at ``t * hop_length``.  Real input gives
    the frequencies that are not negative unless ``onesided`` is False.
    """
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if center:
        extended = input.reshape((1,) * (3 - input.ndim) + input.shape)
        input = pad(extended, (n_fft // 2, n_fft // 2), pad_mode).reshape(*input.shape[:-1], -1)
    hop_length = n_fft // 4 if hop_length is None else hop_length
    win_length = n_fft if win_length is None else win_length
    is_complex = kind(input) == "c" or (window is not None and kind(window) == "c")
    return_complex = _returns(return_complex, is_complex)
    given = (n_fft, hop_length, win_length, window, normalized, onesided)
    _check(input, *given, return_complex, align_to_window)
    onesided = not is_complex if onesided is None else onesided
    if is_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if align_to_window:
        left = (n_fft - win_length) // 2
        ends = (left, n_fft - win_length - left)
        input = jnp.pad(input, [*((0, 0),) * (input.ndim - 1), ends])
    count = 1 + (input.shape[-1] - n_fft) // hop_length
    frames = input[..., _places(count, n_fft, hop_length)]
    if window is not None or win_length < n_fft:
        frames = frames * _padded_window(window, n_fft, win_length, input.dtype)
    norm = "ortho" if normalized else None
    spectra = rfft(frames, norm=norm) if onesided else fft(frames, norm=norm)
    spectra = spectra.swapaxes(-1, -2)
    return spectra if return_complex else jnp.stack([spectra.real, spectra.imag], -1)


def _returns(return_complex, is_complex):
    if return_complex is None and not is_complex:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further "
            "require that return_complex=True in a future PyTorch release."
        )
    if return_complex is False:
        _warn(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will "
            "return "
            "complex tensors for all inputs, and return_complex=False will raise an error.\nNote: "
            "you can "
            "still call torch.view_as_real on the complex output to recover the old return format."
        )
    return True if return_complex is None else return_complex


def _check(x, n_fft, hop, win, window, normalized, onesided, return_complex, align):
    if window is None:
        _warn(
            "A window was not provided. A rectangular window will be applied,which is known to "
            "cause spectral "
            "leakage. Other windows such as torch.hann_window or torch.hamming_window are "
            "recommended to "
            "reduce spectral leakage." + _WINDOW
        )

    def fail(why):
        legacy = dt.from_np(x.dtype).legacy
        return RuntimeError(
            f"stft(torch.{legacy}{list(x.shape)}, n_fft={n_fft}, hop_length={hop}, "
            f"win_length={win}, "
            f"window={_window_text(window)}, normalized={int(normalized)}, "
            f"onesided={_shown(onesided)}, "
            f"return_complex={_shown(return_complex)}, align_to_window={_shown(align)}) : {why}"
        )

    if kind(x) in "bi":
        raise fail("expected a tensor of floating point or complex values")
    if x.ndim not in (1, 2):
        raise fail("expected a 1D or 2D tensor")
    length = x.shape[-1]
    if not 0 < n_fft <= length:
        raise fail(f"expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    if hop <= 0:
        raise fail(f"expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win <= n_fft:
        raise fail(f"expected 0 < win_length <= n_fft, but got win_length={win}")
    if window is not None and window.shape != (win,):
        raise fail(
            f"expected a 1D window tensor of size equal to win_length={win}, but got window with "
            "size "
            f"{list(window.shape)}"
        )


# --- back -----------------------------------------------------------------------------------------


def _envelope(window, frames, n_fft, hop_length, start, stop):
    """Return what the squared windows of all frames add up to."""
    places = _places(frames, n_fft, hop_length)
    length = n_fft + hop_length * (frames - 1)
    square = jnp.broadcast_to(window * window, places.shape)
    return jnp.zeros(length, window.dtype).at[places].add(square)[start:stop]


def _check_overlap(
    input, n_fft, hop_length=None, win_length=None, window=None, center=True, normalized=False,
    onesided=None, length=None, return_complex=False,
):  # fmt: skip
    """Raise where the windows leave a sample without weight, which depends on their values."""
    hop, win = _lengths(n_fft, hop_length, win_length)
    given = (n_fft, hop, win, window, center, normalized, onesided, length, return_complex)
    fail = _check_inverse(input, *given)
    own = np.ones(win) if window is None else np.asarray(window)
    left = (n_fft - win) // 2
    square = np.pad(own, (left, n_fft - win - left)) ** 2
    frames = input.shape[-1]
    total = np.zeros(n_fft + hop * (frames - 1), square.dtype)
    np.add.at(total, _places(frames, n_fft, hop).reshape(-1), np.tile(square, frames))
    start, stop = _span(total.size, n_fft, center, length)
    weights = np.abs(total[start:stop])
    if weights.size and weights.min() < 1e-11:
        raise fail("window overlap add min: 1\n[ CPUBoolType{} ]", "")
    if stop > total.size:
        warnings.warn(
            "The length of signal is shorter than the length parameter. Result is being padded "
            "with zeros in "
            "the tail. Please check your center and hop_length settings. (Triggered internally at "
            "/pytorch/aten/src/ATen/native/SpectralOps.cpp:1199.)",
            UserWarning,
            stacklevel=5,
        )


def _lengths(n_fft, hop_length, win_length):
    hop = n_fft // 4 if hop_length is None else hop_length
    return hop, n_fft if win_length is None else win_length


def _span(total, n_fft, center, length):
    start = n_fft // 2 if center else 0
    if length is not None:
        return start, start + length
    return start, total - n_fft // 2 if center else total


@op("fm", node="DivBackward0", check=_check_overlap)
def istft(
    input,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window=None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
):
    """Inverse of ``stft``: (*, F, frames) -> (*, samples), the signal by least squares.

    A sample without weight under the windows raises when called eagerly, and is not a number in a
    trace.
    """
    hop_length, win_length = _lengths(n_fft, hop_length, win_length)
    given = (n_fft, hop_length, win_length, window, center, normalized, onesided, length)
    _check_inverse(input, *given, return_complex)
    onesided = input.shape[-2] != n_fft if onesided is None else onesided
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    real = input.real.dtype
    window = _padded_window(window, n_fft, win_length, real)
    spectra = input.swapaxes(-1, -2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = _ifft(spectra, norm=norm)
    else:
        frames = irfft(spectra[..., : n_fft // 2 + 1], n_fft, norm=norm)
    count = frames.shape[-2]
    total = n_fft + hop_length * (count - 1)
    places = _places(count, n_fft, hop_length)
    weighted = frames * window
    signal = jnp.zeros((*frames.shape[:-2], total), weighted.dtype).at[..., places].add(weighted)
    start, stop = _span(total, n_fft, center, length)
    signal = signal[..., start:stop] / _envelope(window, count, n_fft, hop_length, start, stop)
    missing = max(stop - total, 0)
    return jnp.pad(signal, [*((0, 0),) * (signal.ndim - 1), (0, missing)])


def _check_inverse(
    x, n_fft, hop, win, window, center, normalized, onesided, length, return_complex
):
    """Raise for arguments that do not fit; return the function that makes such an error."""
    if window is None:
        _warn(
            "A window was not provided. A rectangular window will be applied.Please provide the "
            "same window "
            "used by stft to make the inversion lossless." + _WINDOW
        )
    if kind(x) != "c":
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if x.ndim < 2:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-x.ndim - 1}, {x.ndim}], but "
            "got -3)"
        )

    def fail(why, between=": "):
        name = f"CPU{dt.scalar_name(dt.from_np(x.dtype))}Type"
        return RuntimeError(
            f"istft({name}{list(x.shape)}, n_fft={n_fft}, hop_length={hop}, win_length={win}, "
            f"window={_window_text(window)}, center={int(center)}, normalized={int(normalized)}, "
            f"onesided={_shown(onesided)}, length={_shown(length)}, "
            f"return_complex={int(return_complex)}) "
            f"{between}{why}"
        )

    if math.prod(x.shape) == 0:
        raise fail("input tensor cannot be empty.")
    if x.ndim > 3:
        raise fail(f"expected a tensor with 3 or 4 dimensions, but got {x.ndim + 1}")
    half = x.shape[-2] != n_fft if onesided is None else onesided
    wanted, words = (n_fft // 2 + 1, "n_fft / 2 + 1") if half else (n_fft, "n_fft")
    if x.shape[-2] != wanted:
        raise fail(
            "expected the frequency dimension (3rd to the last) of the input tensor to match "
            f"{words} when onesided={half}, but got {x.shape[-2]}"
        )
    if not 0 < hop <= win:
        raise fail("expected 0 < hop_length <= win_length")
    if not 0 < win <= n_fft:
        raise fail("expected 0 < win_length <= n_fft")
    if window is not None and window.shape != (win,):
        raise fail("Invalid window shape. window has to be 1D and length of `win_length`")
    if window is not None and kind(window) == "c" and not return_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    return fail
