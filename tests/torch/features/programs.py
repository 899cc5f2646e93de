"""Rows 9, 10, 15, 16: whole programs, run in a process of their own.

Under PyTorch as ``python program.py``, here as ``python -m functorch_lite run program.py``.
"""

IMPORTS = """
import importlib

def missing(name):
    try:
        importlib.import_module(name)
        print(name, "is there")
    except Exception as error:
        print(type(error).__name__, error)

for name in ("torch.utils.trainer", "torch.utils.trainer.plugins", "torch.legacy",
             "torch.legacy.nn", "torch.legacy.optim", "torch.tong", "torch.nn.functionals"):
    missing(name)
try:
    from torch import tong
except ImportError as error:
    print(type(error).__name__, str(error).partition(" (")[0])
"""

SPELLINGS = """
import torch
from torch import nn
import torch.nn as nn2
import torch.nn.functional as F
import torch.optim
import torch.optim as optim
from torch.utils.data import Dataset, DataLoader
from torch.autograd import Variable
import torch.utils.data as data
from torch.nn import Linear, Module as Base
from torch import Tensor, tensor, float32
import torch.nn.init, torch.autograd, torch.cuda, torch.multiprocessing as mp

print(nn is nn2 is torch.nn, F is torch.nn.functional, optim is torch.optim)
print(data.Dataset is Dataset, DataLoader.__module__.split(".")[0])
print(torch.__name__, nn.__name__, F.__name__, torch.optim.__name__)
print(Linear(1, 1), issubclass(Linear, Base), Tensor is torch.Tensor)
print(tensor([1]), float32, Variable, Linear)
"""

SCRIPT = """
import multiprocessing
import sys
import warnings

import torch

print("imported as", __name__, flush=True)


def work(x):
    return torch.tensor([x]).square().item()


if __name__ == "__main__":
    print("Grüße, 张量, ∑", sys.stdout.encoding.lower())
    warnings.warn("on stderr only")
    torch.tensor(torch.ones(1))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(work, [2.0, 3.0]))
    sys.stdout.flush()
    sys.exit(3)
"""

# name -> (row, program)
PROGRAMS = {
    "trainer helpers and legacy are gone": (9, IMPORTS),
    "import spellings": (15, SPELLINGS),
    "a script behaves as a script": (16, SCRIPT),
}
