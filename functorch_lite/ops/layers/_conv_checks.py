"""What ATen checks before it convolves, in its order and words.  Floor 1."""

import warnings
from collections.abc import Sequence
from typing import Any

from ..._core import dtype as dt
from ._windows import extent, per_dim


def check_dims(n: int, weight: Any, stride: Any) -> None:
    """Check that the weight has as many dims as the function convolves over."""
    dims = weight.ndim - 2
    if dims < 1:
        raise RuntimeError("weight should have at least three dimensions")
    if dims != n:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {dims} values to match the "
            f"convolution dimensions, but got stride={list(per_dim(stride, n))}"
        )


def check_rank(name: str, n: int, input: Any) -> bool:
    """Return True for a batched input, False for an unbatched one; check that it is either."""
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, "
            f"but got input of size: {list(input.shape)}"
        )
    return input.ndim == n + 2


def check_dtypes(input: Any, weight: Any, bias: Any) -> None:
    """Check that weight and bias have the dtype of the input."""
    if bias is not None and bias.dtype != input.dtype:
        names = [
            _TYPE_NAMES.get(dt.from_np(x.dtype).name, dt.from_np(x.dtype).name)
            for x in (input, bias)
        ]
        raise RuntimeError(f"Input type ({names[0]}) and bias type ({names[1]}) should be the same")
    if weight.dtype != input.dtype:
        names = [dt.scalar_name(dt.from_np(x.dtype)) for x in (input, weight)]
        raise RuntimeError(f"expected scalar type {names[0]} but found {names[1]}")


_TYPE_NAMES = {
    "float32": "float",
    "float64": "double",
    "int64": "long",
    "int32": "int",
    "float16": "c10::Half",
}


def not_implemented(kernel: str, input: Any) -> NotImplementedError:
    """Return the error that a kernel lacks the input's dtype."""
    return NotImplementedError(
        f"\"{kernel}\" not implemented for '{dt.scalar_name(dt.from_np(input.dtype))}'"
    )


def expand(name: str, value: Any, n: int) -> tuple[int, ...]:
    """Return a number or a sequence as one number for each of ``n`` dims."""
    values = per_dim(value, n)
    if len(values) != n:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {n} values to match the "
            f"convolution dimensions, but got {name}={list(values)}"
        )
    return values


def named_padding(
    n: int, padding: str, weight: Any, stride: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """Return the (low, high) pads of "valid" or "same"."""
    if padding == "valid":
        return [(0, 0)] * n
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    totals = [
        extent(k, d) - 1
        for k, d in zip(weight.shape[2:], expand("dilation", dilation, n), strict=True)
    ]
    if any(total % 2 for total in totals):
        warnings.warn(
            "Using padding='same' with even kernel lengths and odd dilation may require a "
            "zero-padded "
            "copy of the input be created",
            UserWarning,
            stacklevel=2,
        )
    return [(total // 2, total - total // 2) for total in totals]


def check_numbers(
    stride: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    groups: int,
    output_padding: Sequence[int] = (),
) -> None:
    """Check the signs of all numbers."""
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(p < 0 for p in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(d <= 0 for d in dilation):
        shown = [1, *dilation] if len(dilation) == 1 else list(dilation)
        raise RuntimeError(f"dilation should be greater than zero, but got {shown}")


def check_weight(x: Any, weight: Any, groups: int, bias: Any, transposed: bool) -> None:
    """Check weight and bias against the channels of ``x`` (N, C, *) and the groups."""
    size, given = list(weight.shape), f"Given transposed={int(transposed)}"
    if size[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, "
            f"but got weight of size {size} instead"
        )
    if size[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, "
            f"but got weight of size [{size}] instead"
        )
    wanted = size[0] if transposed else size[1] * groups
    if x.shape[1] != wanted:
        given = given if transposed else f"Given groups={groups}"
        raise RuntimeError(
            f"{given}, weight of size {size}, expected input{list(x.shape)} to have {wanted} "
            "channels, "
            f"but got {x.shape[1]} channels instead"
        )
    outputs = size[1] * groups if transposed else size[0]
    if bias is not None and bias.shape != (outputs,):
        given = f"{given}, weight" if transposed else "Given weight"
        raise RuntimeError(
            f"{given} of size {size}, expected bias to be 1-dimensional with {outputs} elements, "
            f"but got bias of size {list(bias.shape)} instead"
        )


def check_kernel(
    x: Any, weight: Any, pads: Sequence[tuple[int, int]], dilation: Sequence[int]
) -> None:
    """Check that the padded input has room for the kernel."""
    padded = [size + low + high for size, (low, high) in zip(x.shape[2:], pads, strict=True)]
    kernel = [extent(k, d) for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(k > p for k, p in zip(kernel, padded, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({_times(padded)}). Kernel size: "
            f"({_times(kernel)}). "
            "Kernel size can't be greater than actual input size"
        )
    if 0 in weight.shape[2:]:
        size = (1, *weight.shape[2:])[-max(len(kernel), 2) :]
        text = (
            f": {_times(size)} (TxHxW)"
            if len(size) == 3
            else f" kernel_height: {size[0]} kernel_width: {size[1]}"
        )
        raise RuntimeError(f"kernel size should be greater than zero, but got{text}")


def check_transposed(
    x: Any,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    extra: Sequence[int],
) -> None:
    """Check the output size of a transposed convolution."""
    if 0 in x.shape[2:]:
        shown = [*x.shape[:2], *(1,) * (len(kernel) == 1), *x.shape[2:]]
        raise RuntimeError(
            f"Only zero batch or zero channel inputs are supported, but got input shape: {shown}"
        )
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        names = {1: ("height", "width"), 2: ("height", "width"), 3: ("depth", "height", "width")}[
            len(kernel)
        ]
        rows = (("output_padding", extra, 0), ("stride", stride, 1), ("dilation", dilation, 1))
        text = " ".join(
            f"{row}_{dim}: {value}"
            for row, values, first in rows
            for dim, value in zip(
                names, (*(first,) * (len(names) - len(values)), *values), strict=True
            )
        )
        raise RuntimeError(
            f"output padding must be smaller than either stride or dilation, but got {text}"
        )
    out = [
        (size - 1) * s - 2 * p + extent(k, d) + e
        for size, s, p, k, d, e in zip(
            x.shape[2:], stride, padding, kernel, dilation, extra, strict=True
        )
    ]
    if any(size < 1 for size in out):
        low, high = list(x.shape[2:]), out
        if len(out) == 1:
            low, high = [1, *low], [1, *high]
        raise RuntimeError(
            f"Given input size per channel: ({_times(low)}). Calculated output size per channel: "
            f"({_times(high)}). Output size is too small"
        )


def _times(sizes):
    return " x ".join(str(size) for size in sizes)
