"""Windows for spectra (``hann_window`` and its kin), and the frequencies of ``torch.fft``.

Each is computed as PyTorch computes it, step by step in the dtype asked for.
"""

import math
from collections.abc import Callable
from typing import Any

from ..._core import dtype as dt
from .._engine.register import SPACES, expose
from .._engine.tensor import Tensor
from .._engine.writing import store_out
from .arguments import integer
from .constants import empty, ones
from .create import require_grad
from .ranges import arange

_C_NAMES = {
    **{dt.bool_: "bool", dt.uint8: "unsigned char", dt.int8: "signed char", dt.int16: "short int"},
    **{dt.int32: "int", dt.int64: "long int"},
}


def _window(
    name: str,
    formula: Callable[..., Tensor],
    length: int,
    periodic: bool,
    dtype: Any,
    device: Any,
    wants: bool,
) -> Tensor:
    """Return the window that ``formula(places, last)`` gives, as a fresh tensor.

    A periodic window is the symmetric one of one more point, without that point.
    """
    kind = dtype or dt.get_default_dtype()
    count = integer(length, name, "window_length", 1)
    if kind.category < dt.FLOATING:
        raise RuntimeError(
            f"{name} expects floating point dtypes, got: "
            f"TensorOptions(dtype={_C_NAMES.get(kind, kind.name)}, "
            "device=cpu, layout=Strided (default), requires_grad=false (default), "
            "pinned_memory=false, "
            "memory_format=(nullopt))"
        )
    if count < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={count}")
    if count < 2:
        made = (ones if count else empty)((count,), dtype=kind, device=device)
    else:
        points = count + periodic
        places: Any = arange(points, dtype=kind, device=device)
        made = formula(places, points - 1).narrow(0, 0, count).clone()
    if wants:
        require_grad(made)
    return made


def _cosine(places: Any, last: int, alpha: float, beta: float) -> Tensor:
    return places.mul_(2 * math.pi / last).cos_().mul_(-beta).add_(alpha)


@expose("f")
def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return Hann's window ``(1 - cos(2 pi n / (N - 1))) / 2``."""

    def formula(places: Any, last: int) -> Tensor:
        return _cosine(places, last, 0.5, 0.5)

    return _window("hann_window", formula, window_length, periodic, dtype, device, requires_grad)


@expose("f")
def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return Hamming's window ``alpha - beta cos(2 pi n / (N - 1))``."""

    def formula(places: Any, last: int) -> Tensor:
        return _cosine(places, last, alpha, beta)

    return _window("hamming_window", formula, window_length, periodic, dtype, device, requires_grad)


@expose("f")
def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return Blackman's window, ``0.42 - 0.5 cos(2 pi n / (N - 1)) + 0.08 cos(4 pi n / (N -
    1))``.
    """

    def formula(places: Any, last: int) -> Tensor:
        angle = places.mul_(math.pi / last)
        return angle.mul(4).cos_().mul_(0.08) - angle.mul(2).cos_().mul_(0.5) + 0.42

    return _window(
        "blackman_window", formula, window_length, periodic, dtype, device, requires_grad
    )


@expose("f")
def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return Bartlett's window, a triangle from 0 to 1 and back."""

    def formula(places: Any, last: int) -> Tensor:
        rising: Any = places.mul_(2.0 / last)
        rising[(last >> 1) + 1 :].mul_(-1).add_(2)
        return rising

    return _window(
        "bartlett_window", formula, window_length, periodic, dtype, device, requires_grad
    )


@expose("f")
def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return Kaiser's window ``I0(beta sqrt(1 - (2 n / (N - 1) - 1)^2)) / I0(beta)``."""

    def formula(places: Any, last: int) -> Tensor:
        kind = places.dtype
        wide = places.float() if kind in dt.REDUCED_FLOATS else places
        across = wide * (2.0 / last) - 1
        height = (1 - across * across).clamp_min(0)
        bessel = SPACES[""]["i0"]
        top = bessel(wide.new_tensor(beta))
        return (bessel(beta * height.sqrt()) * (1 / top)).to(kind)

    return _window("kaiser_window", formula, window_length, periodic, dtype, device, requires_grad)


# --- frequencies ---------------------------------------------------------------------------------


def _frequencies(
    name: str, pieces: list[tuple[int, int]], step: float, out: Any, more: dict[str, Any]
) -> Tensor:
    kind = more["dtype"] or (out._dtype if out is not None else dt.get_default_dtype())
    if kind.category < dt.FLOATING:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    parts = [arange(*piece, dtype=kind, device=more["device"]) for piece in pieces]
    scaled = SPACES[""]["cat"](parts).mul_(step)
    if out is not None:
        if out._sizes != scaled._sizes:
            out.resize_(scaled._sizes)
        store_out(scaled, out)
        return out
    if more["requires_grad"]:
        require_grad(scaled)
    return scaled


def _step(n: int, d: float) -> float:
    return 1.0 / (n * d) if n * d else math.inf


@expose("f", space="fft")
def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the ``n`` frequencies of ``fft`` of samples ``d`` apart: 0 and up, then the negative
    ones.
    """
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    more = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _frequencies("fftfreq", [(0, (n + 1) // 2), (-(n // 2), 0)], _step(n, d), out, more)


@expose("f", space="fft")
def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Return the ``n // 2 + 1`` frequencies of ``rfft`` of samples ``d`` apart."""
    more = {"dtype": dtype, "device": device, "requires_grad": requires_grad}
    return _frequencies("rfftfreq", [(0, n // 2 + 1)], _step(n, d), out, more)
