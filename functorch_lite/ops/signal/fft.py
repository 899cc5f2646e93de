"""Discrete Fourier transforms: ``torch.fft``.

Every transform is one of three: complex to complex, real to half of a Hermitian spectrum, and back.
Scaling is left to the end: each body multiplies once by what its ``norm`` and direction ask for.
"""

import math

import jax.numpy as jnp
from jax.lax import FftType
from jax.lax import fft as _lax_fft

from ..._core import dtype as dt
from .._common import kind, wrap_dim
from .._registry import Dims, op

_MAX_RANK = 3  # trailing dims that one XLA transform covers
C2C, R2C, C2R = "FftC2CBackward0", "FftR2CBackward0", "FftC2RBackward0"

# --- arguments ------------------------------------------------------------------------------------


def _floats(x, to_complex=False):
    """Return ``x`` in the dtype that is transformed; integers count as the default float dtype."""
    own = dt.from_np(x.dtype)
    if own.category <= dt.INTEGRAL:
        own = dt.get_default_dtype()
    if own not in (dt.float32, dt.float64, dt.complex64, dt.complex128):
        raise RuntimeError(f"Unsupported dtype {dt.scalar_name(own)}")
    return x.astype((own.to_complex() if to_complex else own).np)


def _real(name, x):
    if kind(x) == "c":
        words = "real-valued" if name.endswith("n") else "real"
        found = dt.scalar_name(dt.from_np(x.dtype))
        raise RuntimeError(f"{name} expects a {words} input tensor, but got {found}")
    return _floats(x)


def _one_dim(x, dim):
    if not x.ndim:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, x.ndim)


def _points(n):
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _sizes(x, s, dim, half=False):
    """Return the checked (dims, sizes); ``half`` says that the last dim holds half of a
    spectrum.
    """
    s = (s,) if isinstance(s, int) else s
    dim = (dim,) if isinstance(dim, int) else dim
    if dim is not None:
        dim = tuple(_one_dim(x, d) for d in dim)
        if len(set(dim)) != len(dim):
            raise RuntimeError("FFT dims must be unique")
    if s is not None:
        if dim is not None and len(dim) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > x.ndim:
            raise RuntimeError(
                f"Got shape with {len(s)} values but input tensor only has {x.ndim} dimensions."
            )
        dim = tuple(range(x.ndim - len(s), x.ndim)) if dim is None else dim
    dim = tuple(range(x.ndim)) if dim is None else dim
    s = (-1,) * len(dim) if s is None else s
    sizes = [x.shape[d] if n == -1 else n for d, n in zip(dim, s, strict=True)]
    if half and dim and s[-1] == -1:
        sizes[-1] = 2 * (x.shape[dim[-1]] - 1)
    return dim, tuple(_points(n) for n in sizes)


def _scale(norm, count, inverse):
    """Return the factor of a transform over ``count`` points."""
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    if norm == "ortho":
        return 1 / math.sqrt(count)
    return 1 / count if inverse == (norm != "forward") else 1.0


def _resized(x, dims, sizes):
    """Cut or zero-pad the dims to the sizes."""
    for d, n in zip(dims, sizes, strict=True):
        own = x.shape[d]
        if n < own:
            x = x[(slice(None),) * d + (slice(n),)]
        elif n > own:
            x = jnp.pad(x, [(0, n - own if i == d else 0) for i in range(x.ndim)])
    return x


# --- the three transforms, unscaled ---------------------------------------------------------------


def _lax(x, type, dims, sizes):
    """Run one XLA transform over ``dims``, moved to the end; the inverse ones divide by the
    count.
    """
    if 0 in x.shape:
        shape = list(x.shape)
        shape[dims[-1]] = sizes[-1] // 2 + 1 if type is FftType.RFFT else sizes[-1]
        return jnp.zeros(shape, _result_dtype(x, type))
    last = tuple(range(x.ndim - len(dims), x.ndim))
    return jnp.moveaxis(_lax_fft(jnp.moveaxis(x, dims, last), type, sizes), last, dims)


def _result_dtype(x, type):
    own = dt.from_np(x.dtype)
    return (own.to_real() if type is FftType.IRFFT else own.to_complex()).np


def _c2c(x, dims, sizes, inverse):
    for start in range(0, len(dims), _MAX_RANK):
        part = slice(start, start + _MAX_RANK)
        x = _lax(x, FftType.IFFT if inverse else FftType.FFT, dims[part], sizes[part])
    return x * math.prod(sizes) if inverse and sizes else x


def _r2c(x, dims, sizes):
    half = _lax(x, FftType.RFFT, dims[-1:], sizes[-1:])
    return _c2c(half, dims[:-1], sizes[:-1], False)


def _c2r(x, dims, sizes):
    """Transform back, without the division: the last dim from half of a Hermitian spectrum."""
    x = _c2c(x, dims[:-1], sizes[:-1], True)
    return _lax(x, FftType.IRFFT, dims[-1:], sizes[-1:]) * sizes[-1]


def _times(x, factor):
    return x if factor == 1 else x * jnp.asarray(factor, x.dtype)


def _complex_to_complex(x, dims, sizes, norm, inverse):
    factor = _scale(norm, math.prod(sizes), inverse)
    x = _resized(_floats(x, to_complex=True), dims, sizes)
    return _times(_c2c(x, dims, sizes, inverse), factor)


def _complex_to_real(x, dims, sizes, norm, inverse):
    factor = _scale(norm, math.prod(sizes), inverse)
    x = _resized(_floats(x, to_complex=True), dims, (*sizes[:-1], sizes[-1] // 2 + 1))
    return _times(_c2r(x, dims, sizes), factor)


def _real_to_complex(x, dims, sizes, norm, inverse):
    factor = _scale(norm, math.prod(sizes), inverse)
    return _times(_r2c(_resized(x, dims, sizes), dims, sizes), factor)


# --- one dim --------------------------------------------------------------------------------------


def _single(x, n, dim, half=False):
    dim = _one_dim(x, dim)
    own = 2 * (x.shape[dim] - 1) if half else x.shape[dim]
    return (dim,), (_points(own if n is None else n),)


@op("fo", space="fft", node=C2C)
def fft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """Fourier transform over ``dim``, cut or zero-padded to ``n`` points."""
    return _complex_to_complex(input, *_single(input, n, dim), norm, False)


@op("fo", space="fft", node=C2C)
def ifft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """Inverse of ``fft``; divides by ``n`` unless ``norm`` says otherwise."""
    return _complex_to_complex(input, *_single(input, n, dim), norm, True)


@op("fo", space="fft", node=R2C)
def rfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """``fft`` of real input: the ``n // 2 + 1`` frequencies that are not negative."""
    x = _real("rfft", input)
    return _real_to_complex(x, *_single(x, n, dim), norm, False)


@op("fo", space="fft", node=C2R)
def irfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """Inverse of ``rfft``: ``n`` real points (default ``2 * (size - 1)``) from half of a
    spectrum.
    """
    return _complex_to_real(input, *_single(input, n, dim, half=True), norm, True)


@op("fo", space="fft", node=C2R)
def hfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """``fft`` of a Hermitian signal given by half: ``n`` real points."""
    x = jnp.conj(_floats(input, to_complex=True))
    return _complex_to_real(x, *_single(x, n, dim, half=True), norm, False)


@op("fo", space="fft", node="ConjBackward0")
def ihfft(input, n: int | None = None, dim: int = -1, norm: str | None = None):
    """Inverse of ``hfft``: half of a Hermitian signal from real input."""
    x = _real("ihfft", input)
    return jnp.conj(_real_to_complex(x, *_single(x, n, dim), norm, True))


# --- several dims ---------------------------------------------------------------------------------


def _at_least_one(name, dims):
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


@op("fo", space="fft", node=C2C)
def fftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """``fft`` over all of ``dim`` (default: the last ``len(s)`` dims, or all)."""
    return _complex_to_complex(input, *_sizes(input, s, dim), norm, False)


@op("fo", space="fft", node=C2C)
def ifftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """Inverse of ``fftn``."""
    return _complex_to_complex(input, *_sizes(input, s, dim), norm, True)


@op("fo", space="fft", node=R2C)
def rfftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """``fftn`` of real input; the last of ``dim`` keeps the frequencies that are not negative."""
    x = _real("rfftn", input)
    dims, sizes = _sizes(x, s, dim)
    _at_least_one("rfftn", dims)
    return _real_to_complex(x, dims, sizes, norm, False)


@op("fo", space="fft", node=C2R)
def irfftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """Inverse of ``rfftn``."""
    dims, sizes = _sizes(input, s, dim, half=True)
    _at_least_one("irfftn", dims)
    return _complex_to_real(input, dims, sizes, norm, True)


@op("fo", space="fft", node=C2R)
def hfftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """``fftn`` of a Hermitian signal of which the last dim holds half: real output."""
    dims, sizes = _sizes(input, s, dim, half=True)
    _at_least_one("hfftn", dims)
    x = jnp.conj(_floats(input, to_complex=True))
    return _complex_to_real(x, dims, sizes, norm, False)


@op("fo", space="fft", node=C2C)
def ihfftn(input, s: Dims | None = None, dim: Dims | None = None, norm: str | None = None):
    """Inverse of ``hfftn``."""
    if kind(input) == "c":
        found = dt.scalar_name(dt.from_np(input.dtype))
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {found}")
    x = _floats(input)
    dims, sizes = _sizes(x, s, dim)
    _at_least_one("ihfftn", dims)
    return jnp.conj(_real_to_complex(x, dims, sizes, norm, True))


def _planar(name, general, doc, node):
    """Declare the two-dimensional form of an n-dimensional transform."""

    def body(input, s: Dims | None = None, dim: Dims = (-2, -1), norm: str | None = None):
        return general(input, s, dim, norm)

    body.__name__ = body.__qualname__ = name
    body.__doc__ = doc
    op("fo", space="fft", node=node)(body)


_planar("fft2", fftn, "``fftn`` over two dims.", C2C)
_planar("ifft2", ifftn, "``ifftn`` over two dims.", C2C)
_planar("rfft2", rfftn, "``rfftn`` over two dims.", R2C)
_planar("irfft2", irfftn, "``irfftn`` over two dims.", C2R)
_planar("hfft2", hfftn, "``hfftn`` over two dims.", C2R)
_planar("ihfft2", ihfftn, "``ihfftn`` over two dims.", C2C)


# --- order of frequencies -------------------------------------------------------------------------


def _shifted(x, dim, amount):
    if dim is None:
        dims = tuple(range(x.ndim))
        if not dims:
            raise RuntimeError("`shifts` required")
    else:
        dims = tuple(wrap_dim(d, x.ndim) for d in ((dim,) if isinstance(dim, int) else dim))
    for d in dims:
        x = jnp.roll(x, amount(x.shape[d]), d)
    return x


@op("f", space="fft", node="RollBackward0")
def fftshift(input, dim: Dims | None = None):
    """Move frequency 0 to the middle of ``dim`` (default: all dims)."""
    return _shifted(input, dim, lambda n: n // 2)


@op("f", space="fft", node="RollBackward0")
def ifftshift(input, dim: Dims | None = None):
    """Undo ``fftshift``."""
    return _shifted(input, dim, lambda n: (n + 1) // 2)
