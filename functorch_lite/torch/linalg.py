"""``torch.linalg``: linear algebra.  The functions are the ops declared with ``space="linalg"``."""

from ._engine.register import SPACES

globals().update(SPACES["linalg"], __all__=sorted(SPACES["linalg"]))
