"""Rows 7, 9, 10, 15, 16, 48: whole programs, run in a process of their own.

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

SHARING = """
from multiprocessing.reduction import ForkingPickler

import torch
import torch.multiprocessing as mp
from torch import nn


def work(x, part, net, given, answers):
    x += 1
    part[0] = 7
    with torch.no_grad():
        net[0].weight.fill_(0.5)
        for p in net.parameters():
            p.sub_(1)
    y = given.get()
    y.mul_(2)
    print("child", x, part, net[0].weight is net[1].weight, y, x.is_shared(), flush=True)
    answers.put(torch.arange(3.0))
    answers.put((x, {"y": y}))
    given.get()


def square(x):
    x.square_()
    return x


if __name__ == "__main__":
    mp.set_start_method("spawn")
    x = torch.zeros(2, 3).share_memory_()
    column = x[:, 1]
    column.add_(1)
    part = torch.arange(6.0).view(2, 3).t()[1:]
    net = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1))
    net[1].weight = net[0].weight
    net.share_memory()
    given, answers = mp.Queue(), mp.Queue()
    process = mp.Process(target=work, args=(x, part, net, given, answers))
    process.start()
    y = torch.ones(2, dtype=torch.double)
    given.put(y)
    fresh = answers.get()
    same, named = answers.get()
    given.put("done")
    process.join()
    print(x, column, part, net[0].weight, y, y.is_shared(), part.is_shared())
    print(fresh, fresh.is_shared(), same.data_ptr() == x.data_ptr(), named)
    same.zero_()
    print(x, column, process.exitcode)
    try:
        ForkingPickler.dumps(net(torch.ones(1, 1)))
    except RuntimeError as error:
        print(error)
    with mp.Pool(1) as pool:
        z = torch.full((2,), 3.0)
        print(pool.map(square, [z, torch.tensor(2.0)]), z)
"""

CLASSES = """
import inspect
import pickle

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

for kind in (torch.Tensor, torch.Size, torch.Generator, nn.Parameter, nn.Module, nn.Linear, nn.ReLU,
             nn.CrossEntropyLoss, nn.Sequential, optim.Adam, optim.lr_scheduler.StepLR, Dataset,
             DataLoader, torch.autograd.Function, torch.dtype, torch.device):
    print(kind)
print(type(nn.Parameter(torch.ones(1))), type(nn.ReLU()), type(torch.ones(2).shape))
for kind in (nn.Linear, nn.Parameter, optim.Adam, torch.Tensor):
    print(pickle.loads(pickle.dumps(kind)) is kind)
print(inspect.getmodule(nn.Linear) is torch.nn.modules.linear)
print(inspect.getsource(nn.Linear).splitlines()[0])
print(type(pickle.loads(pickle.dumps(nn.Linear(1, 1)))))
"""

# name -> (row, program)
PROGRAMS = {
    "memory is shared between processes": (7, SHARING),
    "classes show where they are found": (48, CLASSES),
    "trainer helpers and legacy are gone": (9, IMPORTS),
    "import spellings": (15, SPELLINGS),
    "a script behaves as a script": (16, SCRIPT),
}
