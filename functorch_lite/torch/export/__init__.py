"""``torch.export``: modules as programs that load and run without their Python source.

Programs are StableHLO, by ``jax.export``; a file holds no pickles (``transforms/_exported``).
"""

from ._files import load, save
from ._program import ExportedProgram, export
from ._shapes import Dim, dims

__all__ = ["Dim", "ExportedProgram", "dims", "export", "load", "save"]
