"""Anomaly mode: remember where each node of the graph was made, and look for NaN in backward.

While the mode is on, every new node notes the Python stack (``metadata["traceback_"]``), and the
engine runs node by node and checks what each one returns.  While it is off, nothing is looked at.
"""

import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from .graph import Node

_OURS = str(Path(__file__).resolve().parents[2])


class _Anomaly:
    on = False
    check_nan = True


anomaly = _Anomaly()


def is_anomaly_enabled() -> bool:
    """Return True while anomaly mode is on."""
    return anomaly.on


def is_anomaly_check_nan_enabled() -> bool:
    """Return True if anomaly mode looks for NaN."""
    return anomaly.check_nan


def set_anomaly_enabled(enabled: bool, check_nan: bool = True) -> None:
    """Switch anomaly mode."""
    anomaly.on, anomaly.check_nan = enabled, check_nan
    if enabled:
        # A node that is made calls no constructor of its own: giving the class one, for as long as
        # the mode is on, costs nothing while it is off.
        Node.__init__ = _remember  # type: ignore[method-assign]
    elif "__init__" in Node.__dict__:
        del Node.__init__


def _remember(node: Node) -> None:
    """Note the user's stack at the birth of a node."""
    frames = [
        f
        for f in traceback.extract_stack()
        if not f.filename.startswith((_OURS, "<functorch_lite"))
    ]
    node.metadata["traceback_"] = traceback.format_list(frames)


class watching:
    """Around one node's backward: on any error, warn where its forward was."""

    def __init__(self, node: Node) -> None:
        self.node = node

    def __enter__(self) -> "watching":
        return self

    def check(self, gradients: list[Any]) -> None:
        """Raise if a gradient holds a NaN."""
        for index, gradient in enumerate(gradients if anomaly.check_nan else ()):
            if gradient is None:
                continue
            if np.isnan(np.asarray(getattr(gradient, "_array", gradient))).any():
                raise RuntimeError(
                    f"Function '{self.node.name()}' returned nan values in its {index}th output."
                )

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            warnings.warn(_report(self.node), UserWarning, stacklevel=2)


def _report(node: Node) -> str:
    lines = node.metadata.get("traceback_")
    where = "(Triggered internally at /pytorch/torch/csrc/autograd/python_anomaly_mode.cpp:122.)"
    if lines is None:
        return (
            f"Error detected in {node.name()}. No forward pass information available. Enable "
            "detect anomaly "
            f"during forward pass for more information. {where.replace('122', '100')}"
        )
    return (
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n"
        f"{''.join(lines)} {where}"
    )
