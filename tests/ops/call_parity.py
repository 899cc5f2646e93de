"""``assert_alike``: one call in PyTorch and here, without regard to strides and views.

Compares values, dtypes, shapes, node names, gradients, and the type and first line of errors.
"""

import warnings
from typing import Any

import numpy as np

import functorch_lite.torch as shim
from tests.parity import is_tensor, live_torch, name_of, run_call, tolerance, values


def assert_alike(call: Any, *arrays: Any, grad: bool = False) -> None:
    """Compare ``call(torch, *tensors)`` in PyTorch and here; ``grad`` compares gradients too."""
    with warnings.catch_warnings():  # they differ in how often they are shown
        warnings.simplefilter("ignore")
        theirs = run_call(live_torch(), call, arrays, grad)
        ours = run_call(shim, call, arrays, grad)
    assert ours["kind"] == theirs["kind"], f"{ours['result']!r} instead of {theirs['result']!r}"
    _compare(theirs["result"], ours["result"], "result")
    _compare(theirs.get("gradients"), ours.get("gradients"), "gradients")


def _compare(theirs: Any, ours: Any, where: str) -> None:
    if is_tensor(theirs):
        assert (name_of(ours.dtype), tuple(ours.shape)) == (
            name_of(theirs.dtype),
            tuple(theirs.shape),
        ), where
        assert _node(ours) == _node(theirs), where
        relative, absolute = tolerance(name_of(theirs.dtype))
        np.testing.assert_allclose(values(ours), values(theirs), relative, absolute, err_msg=where)
    elif isinstance(theirs, tuple | list):
        assert type(ours).__name__ == type(theirs).__name__, where
        for i, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            _compare(a, b, f"{where}[{i}]")
    else:
        assert ours == theirs, where


def _node(tensor: Any) -> str | None:
    return None if tensor.grad_fn is None else tensor.grad_fn.name()
