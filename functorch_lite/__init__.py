"""functorch_lite: PyTorch scripts on JAX, with PyTorch's own numbers, and the mathematics beneath.

    import functorch_lite.torch as torch            # PyTorch's namespace
    python -m functorch_lite run script.py          # any script that says ``import torch``

The torch half is imported by its own name; importing this package alone costs nothing.
"""

from ._core.version import __version__ as __version__

__all__ = ["__version__"]
