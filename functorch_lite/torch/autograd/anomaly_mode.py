"""Anomaly mode: find the operation whose backward fails or gives NaN."""

import warnings
from typing import Any

from .._engine.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled, set_anomaly_enabled

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch anomaly mode at once; as a context, restore it at the end.

    Args:
        mode: on or off.
        check_nan: raise an error when a backward gives NaN.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        """Keep the arguments."""
        self.previous = is_anomaly_enabled(), is_anomaly_check_nan_enabled()
        set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        """Enter the context."""
        return None

    def __exit__(self, *exc: Any) -> None:
        """Leave the context."""
        set_anomaly_enabled(*self.previous)


class detect_anomaly:
    """Context in which anomaly mode is on; it says so in a warning.

    >>> with torch.autograd.detect_anomaly():  # doctest: +SKIP
    ...     loss = model(x)
    ...     loss.backward()
    """

    def __init__(self, check_nan: bool = True) -> None:
        """Keep the arguments."""
        self.check_nan = check_nan
        self.previous = is_anomaly_enabled(), is_anomaly_check_nan_enabled()
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled "
            "for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        """Enter the context."""
        self.previous = is_anomaly_enabled(), is_anomaly_check_nan_enabled()
        set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *exc: Any) -> None:
        """Leave the context."""
        set_anomaly_enabled(*self.previous)
