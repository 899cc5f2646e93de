"""The one helper: the same code in live PyTorch and here, and everything that can be told apart.

- ``transcript(script, torch)`` is what a script prints: text, warnings and how it ended.
- ``facts(tensor)`` is what a tensor shows of itself, as plain Python and NumPy values.
- ``outcome(call)`` is what a call gives: its value, or its error's type and first line.
- ``assert_same(call, *arrays)`` runs one call in both libraries and compares all of it:
  value, dtype, shape, strides, aliasing, printed text, gradients, error type and message.

Real torch is imported here and nowhere else in the tests, through ``live_torch()``.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import functorch_lite.torch as shim

# (relative, absolute) difference that is rounding. Integers and bools must be equal.
TOLERANCES = {
    "float16": (2e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (2e-6, 1e-6),
    "float64": (1e-12, 1e-12),
    "complex64": (4e-6, 2e-6),
    "complex128": (1e-12, 1e-12),
}


def live_torch() -> ModuleType:
    """Return real PyTorch; the test that asks is skipped where there is none."""
    return pytest.importorskip("torch")


# PyTorch's own trouble with NumPy 2, and what it says only once a process.
UNTOLD = (
    "__array_",
    "Using backward() with create_graph=True",
    "Attempted to insert a get_attr",
    "`torch.jit.script` is deprecated",
)


# --- scripts: what is printed ---------------------------------------------------------------------


def attempt(call: Callable[[], Any]) -> None:
    """Call, and print the error's type and first line; print "no error" if there is none."""
    try:
        call()
    except Exception as error:
        print(describe(error))
    else:
        print("no error")


def describe(error: BaseException) -> str:
    """Return ``TypeName: first line of the message``."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first_line}"


def transcript(script: Callable[[ModuleType], Any], torch: ModuleType) -> str:
    """Run ``script(torch)`` and return what it prints, warns of, and the error that ends it.

    Warnings stand below the text, since Python writes them elsewhere. Addresses become ``0x...``.
    """
    torch.manual_seed(0)
    printed = io.StringIO()
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(printed):
        warnings.simplefilter("always")
        try:
            script(torch)
        except Exception as error:
            print("ended by", describe(error))
        finally:
            torch.set_default_dtype(torch.float32)
            torch.set_printoptions(profile="default")
    told = [w for w in caught if not str(w.message).startswith(UNTOLD)]
    warned = [f"{w.category.__name__}: {w.message}".partition("\n")[0] for w in told]
    text = printed.getvalue() + "".join(f"warned {line}\n" for line in warned)
    return re.sub(r" \(Triggered internally.*", "", re.sub(r"0x[0-9a-f]+", "0x...", text))


# --- facts: what a tensor shows -------------------------------------------------------------------


def is_tensor(value: Any) -> bool:
    """Return True for a tensor of either library."""
    return type(value).__module__.startswith("torch") and hasattr(value, "grad_fn")


def values(tensor: Any) -> np.ndarray:
    """Return a tensor's values (bfloat16 as float32, which holds them exactly)."""
    plain = tensor.detach()
    if plain.is_conj() or plain.is_neg():
        plain = plain.resolve_conj().resolve_neg()
    if name_of(plain.dtype) == "bfloat16":
        plain = plain.float()
    return np.array(plain.numpy())


def name_of(dtype: Any) -> str:
    """Return a dtype's name without the ``torch.``."""
    return str(dtype).removeprefix("torch.")


def facts(tensor: Any) -> dict[str, Any]:
    """Return what a tensor shows, apart from its values."""
    return {
        "dtype": str(tensor.dtype),
        "shape": tuple(tensor.shape),
        "strides": tensor.stride() if tensor.numel() else None,
        "offset": tensor.storage_offset(),
        "contiguous": tensor.is_contiguous(),
        "requires_grad": tensor.requires_grad,
        "is_leaf": tensor.is_leaf,
        "grad_fn": None if tensor.grad_fn is None else tensor.grad_fn.name(),
        "is_view": tensor._is_view(),
    }


def storage_of(tensor: Any) -> Any:
    """Return something that two tensors share exactly if they share memory."""
    own = getattr(tensor, "_storage", None)
    return id(own) if isinstance(tensor, shim.Tensor) else tensor.untyped_storage()._cdata


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    """Return ("value", what the call gives) or ("error", its type and first line)."""
    try:
        return "value", call()
    except Exception as error:
        return "error", describe(error)


# --- comparing ------------------------------------------------------------------------------------


def compare(theirs: Any, ours: Any, where: str = "result", *, exact: bool = False) -> None:
    """Raise AssertionError, saying where, if two results differ by more than rounding."""
    if is_tensor(theirs):
        assert isinstance(ours, shim.Tensor), f"{where}: {ours!r} instead of {theirs!r}"
        if "gradients" in where:  # how PyTorch lays out a gradient is its own affair
            assert (ours.shape, str(ours.dtype)) == (theirs.shape, str(theirs.dtype)), where
        else:
            assert facts(ours) == facts(theirs), where
        compare_values(theirs, ours, where, exact=exact)
    elif isinstance(theirs, tuple | list):
        assert type(ours).__name__ == type(theirs).__name__, where
        assert len(ours) == len(theirs), f"{where}: length"
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            compare(a, b, f"{where}[{i}]", exact=exact)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for key in theirs:
            compare(theirs[key], ours[key], f"{where}[{key!r}]", exact=exact)
    elif isinstance(theirs, float):
        assert type(ours) is float, f"{where}: {ours!r} instead of {theirs!r}"
        np.testing.assert_allclose(ours, theirs, *TOLERANCES["float32"], err_msg=where)
    elif isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), where
        np.testing.assert_allclose(ours, theirs, *tolerance(theirs.dtype.name), err_msg=where)
    else:
        assert str(ours) == str(theirs), where


def compare_values(theirs: Any, ours: Any, where: str, *, exact: bool = False) -> None:
    """Compare the values of two tensors within the dtype's tolerance, and the text if equal."""
    want, got = values(theirs), values(ours)
    relative, absolute = (0, 0) if exact else tolerance(name_of(theirs.dtype))
    np.testing.assert_allclose(got, want, relative, absolute, err_msg=where)
    if want.tobytes() == got.tobytes() and "gradients" not in where:
        assert repr(ours) == repr(theirs), where


def tolerance(name: str) -> tuple[float, float]:
    """Return (relative, absolute) for a dtype's name: zero unless it rounds."""
    return TOLERANCES.get(name, (0, 0))


def run_call(torch: ModuleType, call: Callable[..., Any], arrays: tuple, grad: bool) -> dict:
    """Run ``call(torch, *tensors)``; return its outcome, aliasing, and its inputs after it."""
    tensors = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arrays]
    leaves = [t for t in tensors if is_tensor(t) and t.dtype.is_floating_point]
    for leaf in leaves:
        leaf.requires_grad_(grad)
    kind, result = outcome(lambda: call(torch, *tensors))
    told = {"kind": kind, "result": result}
    if kind == "value":
        given = [t for t in tensors if is_tensor(t)]
        told["aliases"] = [
            [storage_of(r) == storage_of(t) for t in given] for r in _tensors_in(result)
        ]
        told["inputs"] = given
        if grad:
            told["gradients"] = _gradients(torch, result, leaves)
    return told


def _tensors_in(result: Any) -> list:
    if is_tensor(result):
        return [result]
    if isinstance(result, tuple | list):
        return [t for item in result for t in _tensors_in(item)]
    return []


def _gradients(torch: ModuleType, result: Any, leaves: list) -> Any:
    """Return the gradients of all outputs, each weighted by 1, 2, 3, ... to tell elements apart."""
    outputs = [r for r in _tensors_in(result) if r.requires_grad]
    if not outputs:
        return None
    weights = [
        torch.arange(1, r.numel() + 1, dtype=torch.float64).reshape(r.shape).to(r.dtype)
        for r in outputs
    ]
    return outcome(lambda: torch.autograd.grad(outputs, leaves, weights, allow_unused=True))


def assert_same(call: Callable[..., Any], *arrays: Any, grad: bool = False, exact: bool = False):
    """Compare ``call(torch, *tensors)`` in PyTorch and here, with everything that it leaves behind.

    Args:
        call: takes the library and the inputs: ``lambda torch, x: torch.sort(x, stable=True)``.
        arrays: NumPy arrays become tensors; anything else is handed on as it is.
        grad: floating-point inputs require grad, and the gradients are compared too.
        exact: no rounding is allowed.
    """
    theirs = run_call(live_torch(), call, arrays, grad)
    ours = run_call(shim, call, arrays, grad)
    compare(theirs, ours, "call", exact=exact)
