"""The errors that are ours.

Where PyTorch has an exception for a mistake, the shim raises PyTorch's type with PyTorch's words.
What is left for this file is what PyTorch cannot say:

    NotImplementedError
    └── UnsupportedError     a feature of PyTorch that functorch_lite does not have (yet)

Floor 0; nothing above is imported.
"""


class UnsupportedError(NotImplementedError):
    """A PyTorch feature that functorch_lite lacks; the message names it and a way around it."""

    def __init__(self, feature: str, instead: str = "") -> None:
        """Say that ``feature`` is not supported, and what to do ``instead``."""
        hint = f" {instead}" if instead else ""
        super().__init__(f"functorch_lite does not support {feature}.{hint}")


class OutOfMemoryError(RuntimeError):
    """The device has no room for the requested array (``torch.OutOfMemoryError``)."""

    __module__ = "torch"
