"""The programs that are timed, as plain PyTorch code: each runs under PyTorch and under us.

``make(name)`` builds one with fixed synthetic data. This package knows neither of us: what
``import torch`` finds is the business of whoever starts the process.
"""

from benchmarks.models._program import Wraps as Wraps
from benchmarks.models._registry import PROGRAMS as PROGRAMS
from benchmarks.models._registry import make as make
