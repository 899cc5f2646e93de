"""``torch.fft``: discrete Fourier transforms.  The functions are the ops declared with
``space="fft"``."""

from ._engine.register import SPACES

globals().update(SPACES["fft"], __all__=sorted(SPACES["fft"]))
