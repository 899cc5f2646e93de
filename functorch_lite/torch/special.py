"""``torch.special``: special functions.  The functions are the ops declared with
``space="special"``."""

from ._engine.register import SPACES

globals().update(SPACES["special"], __all__=sorted(SPACES["special"]))
