"""What ATen checks before it pools: kernel, stride, padding, dilation and the ranks of inputs.

The texts differ from op to op in small ways; :class:`Window` is the checked and complete result.
Floor 1.
"""

from dataclasses import dataclass
from typing import Any

from ._windows import extent, per_dim, pooled_size

_WORDS = {1: "one", 2: "two", 3: "three"}


@dataclass(frozen=True, slots=True)
class Window:
    """A pooling window over the trailing dims, one entry of each field per dim."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    counts: tuple[int, ...]

    def axis(self, i: int) -> tuple[int, int, int, int, int]:
        """Return (kernel, stride, dilation, padding, count) of dim ``i``, as ``slices`` takes
        them.
        """
        return self.kernel[i], self.stride[i], self.dilation[i], self.padding[i], self.counts[i]


def window(
    name: str,
    n: int,
    shape: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Window:
    """Check the arguments of pooling op ``name`` over ``n`` dims (1-d ops come here as 2-d)."""
    kernel, step, pad, dil = (
        _spread(n, v)
        for v in (kernel_size, kernel_size if stride in (None, ()) else stride, padding, dilation)
    )
    for what, value in (
        ("kernel_size", kernel),
        ("stride", step),
        ("padding", pad),
        ("dilation", dil),
    ):
        if len(value) != n:
            raise RuntimeError(f"{name}: {what} must {_form(name, n, what)}")
    _check_rank(name, n, shape)
    _check_steps(kernel, step, pad, dil)
    spatial = shape[-n:]
    counts = tuple(
        pooled_size(*numbers, ceil_mode)
        for numbers in zip(spatial, kernel, step, pad, dil, strict=True)
    )
    _check_signs(n, kernel, step, dil)
    _check_sizes(name, n, shape, kernel, counts)
    return Window(kernel, step, pad, dil, counts)


def _spread(n: int, value: Any) -> tuple[int, ...]:
    return per_dim(value, n)


def _form(name: str, n: int, what: str) -> str:
    count = _WORDS[n]
    if name == "avg_pool3d":
        return (
            f"be {'omitted, ' if what == 'stride' else ''}a single int, or a tuple of {count} ints"
        )
    if what == "stride":
        return f"either be omitted, a single int, or a tuple of {count} ints"
    if what == "dilation":
        return f"be either a single int, or a tuple of {count} ints"
    return f"either be a single int, or a tuple of {count} ints"


def _check_rank(name: str, n: int, shape: tuple[int, ...]) -> None:
    if len(shape) in (n + 1, n + 2):
        return
    if name == "avg_pool2d":
        if len(shape) < 3:
            rank = max(len(shape), 1)
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{rank}, {rank - 1}], but "
                "got -3)"
            )
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(shape)}"
        )
    raise RuntimeError(f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")


def _check_steps(kernel: tuple, stride: tuple, padding: tuple, dilation: tuple) -> None:
    for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True):
        if s == 0:
            raise RuntimeError("stride should not be zero")
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if k > 0 and p > extent(k, d) // 2:
            raise RuntimeError(
                "pad should be at most half of effective kernel size, but got "
                f"pad={p}, kernel_size={k} and dilation={d}"
            )


def _check_signs(n: int, kernel: tuple, stride: tuple, dilation: tuple) -> None:
    dims = ("T", "H", "W")[-n:]
    for what, prefix, values in (
        ("kernel size", "k", kernel),
        ("stride", "d", stride),
        ("dilation", "dilation", dilation),
    ):
        if any(v <= 0 for v in values):
            text = " ".join(f"{prefix}{dim}: {v}" for dim, v in zip(dims, values, strict=True))
            raise RuntimeError(f"{what} should be greater than zero, but got {text}")


def _check_sizes(name: str, n: int, shape: tuple[int, ...], kernel: tuple, counts: tuple) -> None:
    own = shape[-n - 1 :]
    if n == 2 and 0 in own:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(shape)}"
        )
    if n == 3 and 0 in own:
        kernel_name = "max_pool3d_with_indices_out_cpu_template" if "max" in name else name
        raise RuntimeError(
            f"{kernel_name}(): Expected input's non-batch dimensions to have positive length, but "
            "input has "
            f"a shape of {list(shape)} and non-batch dimension 0 has length zero!"
        )
    if name == "avg_pool3d" and any(c < 1 for c in counts):
        have = " ".join(f"{d}: {v}" for d, v in zip("THW", shape[-3:], strict=True))
        want = " ".join(f"k{d}: {v}" for d, v in zip("THW", kernel, strict=True))
        raise RuntimeError(f"input image ({have}) smaller than kernel size ({want})")
    if any(c < 1 for c in counts):
        have, got = "x".join(map(str, own)), "x".join(map(str, (own[0], *counts)))
        raise RuntimeError(
            f"Given input size: ({have}). Calculated output size: ({got}). Output size is too small"
        )


def check_one_dim(name: str, shape: tuple[int, ...], **sizes: Any) -> None:
    """Check the ranks that ``name``, a 1-d pooling op computed as 2-d, accepts."""
    if len(shape) not in (2, 3):
        raise RuntimeError(
            f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 "
            "'self' "
            f"(while checking arguments for {name})"
        )
    for what, value in sizes.items():
        if isinstance(value, (tuple, list)) and len(value) > 1:
            raise RuntimeError(
                f"{name}() argument '{what}' should contain one int (got {len(value)})"
            )


def check_max_pool1d(
    shape: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> None:
    """Check the arguments of ``max_pool1d``, which has a kernel and texts of its own."""
    if len(shape) not in (2, 3) or 0 in shape[-2:]:
        raise RuntimeError(
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for "
            "input, "
            f"but got:{list(shape)}"
        )
    given = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    for what, value in given.items():
        if isinstance(value, (tuple, list)) and len(value) > 1:
            form = {
                "stride": "None, an int, list of ints,",
                "padding": "an int, list of ints,",
            }.get(what, "an int, list of ints")
            raise RuntimeError(
                f"max_pool1d() {what} must be {form} or tuple of ints of size 1 but got size "
                f"{len(value)}"
            )
    (k,), (s,), (p,), (d,) = (
        per_dim(v, 1)
        for v in (kernel_size, kernel_size if stride in (None, ()) else stride, padding, dilation)
    )
    for what, value in (("kernel_size", k), ("stride", s)):
        if value <= 0:
            raise RuntimeError(f"max_pool1d() {what} must be greater than zero, but got {value}")
    if p < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
    if p > k // 2:
        raise RuntimeError(
            "max_pool1d() padding should be at most half of kernel size, "
            f"but got padding={p} and kernel_size={k}"
        )
    if d <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d}")
    size = pooled_size(shape[-1], k, s, p, d, ceil_mode)
    if size <= 0:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {size}")
