"""Random chains of views and writes, run in PyTorch and here, compared after every step.

A program is a list of steps (what, which tensor, three small integers). The integers are wrapped to
what the tensor allows, so nearly every step is legal; errors that remain must be the same as well.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import functorch_lite.torch as shim
from tests.parity import compare, live_torch, outcome, values

# PyTorch warns of T, mT, H and mH of other ranks once in a process, hence in one of the two runs.
pytestmark = pytest.mark.filterwarnings("ignore:.*deprecated:UserWarning")

MAX_STEPS = 7
EXAMPLES = 60

Action = Callable[..., Any]


def dim(x, a):
    return a % max(x.dim(), 1)


def index(x, d, b):
    return b % (2 * x.shape[d] or 1) - x.shape[d]


def rows_of(x):
    return x.shape[0] if x.dim() else 1


VIEWS: dict[str, Action] = {
    "select": lambda t, x, a, b, c: x.select(dim(x, a), index(x, dim(x, a), b)),
    "getitem int": lambda t, x, a, b, c: x[index(x, 0, b)],
    "getitem slice": lambda t, x, a, b, c: x[b - 2 : b + c : 1 + a % 2],
    "getitem last slice": lambda t, x, a, b, c: x[..., b:],
    "getitem column": lambda t, x, a, b, c: x[:, index(x, 1, b)],
    "getitem mixed": lambda t, x, a, b, c: x[None, :, ..., a % 2 :],
    "getitem none": lambda t, x, a, b, c: x[..., None],
    "getitem empty tuple": lambda t, x, a, b, c: x[()],
    "narrow": lambda t, x, a, b, c: x.narrow(dim(x, a), 0, 1 + b % max(x.shape[dim(x, a)], 1)),
    "transpose": lambda t, x, a, b, c: x.transpose(dim(x, a), dim(x, b)),
    "permute": lambda t, x, a, b, c: x.permute(*np.roll(np.arange(x.dim()), a).tolist()),
    "movedim": lambda t, x, a, b, c: x.movedim(dim(x, a), dim(x, b)),
    "T": lambda t, x, a, b, c: x.t(),
    "mT": lambda t, x, a, b, c: x.mT,
    "view flat": lambda t, x, a, b, c: x.view(-1),
    "view two rows": lambda t, x, a, b, c: x.view(2, -1),
    "view columns": lambda t, x, a, b, c: x.view(-1, 2),
    "reshape": lambda t, x, a, b, c: x.reshape(-1, 1 + a % 3),
    "flatten": lambda t, x, a, b, c: x.flatten(),
    "unflatten": lambda t, x, a, b, c: x.unflatten(dim(x, a), (-1, 1 + b % 2)),
    "unsqueeze": lambda t, x, a, b, c: x.unsqueeze(a % (x.dim() + 1)),
    "squeeze": lambda t, x, a, b, c: x.squeeze(),
    "squeeze dim": lambda t, x, a, b, c: x.squeeze(dim(x, a)),
    "expand": lambda t, x, a, b, c: x.expand(1 + a % 2, *x.shape),
    "diagonal": lambda t, x, a, b, c: x.diagonal(b % 3 - 1),
    "unfold": lambda t, x, a, b, c: x.unfold(dim(x, a), 1 + b % 2, 2 + c % 2),
    "unbind": lambda t, x, a, b, c: x.unbind(dim(x, a))[0],
    "chunk": lambda t, x, a, b, c: x.chunk(2, dim(x, a))[b % 1],
    "split": lambda t, x, a, b, c: x.split(1 + b % 2, dim(x, a))[-1],
    "view as": lambda t, x, a, b, c: x.view_as(x),
    "detach": lambda t, x, a, b, c: x.detach(),
    "data": lambda t, x, a, b, c: x.data,
    "alias": lambda t, x, a, b, c: x.view(x.shape),
    "as strided": lambda t, x, a, b, c: x.as_strided((2, 1), (1, 1), x.storage_offset()),
    "contiguous": lambda t, x, a, b, c: x.contiguous(),
    "index tensor copies": lambda t, x, a, b, c: x[[b % rows_of(x), 0]],
}


def counting(t, x, start):
    """Return a fresh contiguous tensor of the shape of ``x``: start, start + 1, ..."""
    return t.arange(start, start + x.numel()).to(x.dtype).reshape(x.shape)


def set_item(x, key, value):
    x[key] = value


def add_to_item(x, key, value):
    x[key] += value


def write_through_numpy(t, x, a, b, c):
    array = x.detach().numpy()
    array[...] = array * 2 - a


WRITES: dict[str, Action] = {
    "add_ number": lambda t, x, a, b, c: x.add_(a + 1),
    "mul_ number": lambda t, x, a, b, c: x.mul_(-1.5),
    "add_ tensor": lambda t, x, a, b, c: x.add_(counting(t, x, a)),
    "mul_ broadcast": lambda t, x, a, b, c: x.mul_(t.tensor([2.0])),
    "addcmul_": lambda t, x, a, b, c: x.addcmul_(counting(t, x, 1), counting(t, x, 2), value=0.5),
    "sub_ itself": lambda t, x, a, b, c: x.mul_(x),
    "neg_": lambda t, x, a, b, c: x.neg_(),
    "clamp_": lambda t, x, a, b, c: x.clamp_(-3, 7),
    "zero_": lambda t, x, a, b, c: x.zero_(),
    "fill_": lambda t, x, a, b, c: x.fill_(b),
    "copy_": lambda t, x, a, b, c: x.copy_(counting(t, x, b)),
    "copy_ broadcast": lambda t, x, a, b, c: x.copy_(t.tensor(float(c))),
    "out": lambda t, x, a, b, c: t.add(counting(t, x, a), 1, out=x),
    "masked_fill_": lambda t, x, a, b, c: x.masked_fill_(x > b, -1),
    "index_fill_": lambda t, x, a, b, c: x.index_fill_(dim(x, a), t.tensor([0]), b),
    "data mul_": lambda t, x, a, b, c: x.data.mul_(2),
    "detach add_": lambda t, x, a, b, c: x.detach().add_(1),
    "numpy": write_through_numpy,
    "set int": lambda t, x, a, b, c: set_item(x, index(x, 0, a), b),
    "set slice": lambda t, x, a, b, c: set_item(x, slice(a % 3, None), float(c)),
    "set all": lambda t, x, a, b, c: set_item(x, ..., counting(t, x, c)),
    "set column": lambda t, x, a, b, c: set_item(x, (slice(None), -1), t.tensor(2.5)),
    "set mask": lambda t, x, a, b, c: set_item(x, x > a, -b),
    "set mask tensor": lambda t, x, a, b, c: set_item(x, x > a, x[x > a] * 2),
    "set index tensor": lambda t, x, a, b, c: set_item(x, t.tensor([b % rows_of(x)]), 9),
    "set list": lambda t, x, a, b, c: set_item(x, [0, -1], 4.5),
    "set mixed": lambda t, x, a, b, c: set_item(x, (slice(None), [0]), 6),
    "add to item": lambda t, x, a, b, c: add_to_item(x, index(x, 0, a), b),
    "add to index tensor": lambda t, x, a, b, c: add_to_item(x, t.tensor([0]), 1),
    "isub": lambda t, x, a, b, c: x.__isub__(1),
}

# Python numbers cannot take part in a graph; these write a tensor that does (``leaf``: 0-d).
GRADIENT_WRITES: dict[str, Action] = {
    "mul_ leaf": lambda t, x, a, b, c, leaf: x.mul_(leaf),
    "copy_ leaf": lambda t, x, a, b, c, leaf: x.copy_(leaf * 2),
    "set leaf": lambda t, x, a, b, c, leaf: set_item(x, index(x, 0, a), leaf),
    "set slice leaf": lambda t, x, a, b, c, leaf: set_item(x, slice(1, None), leaf + 1),
    "set index leaf": lambda t, x, a, b, c, leaf: set_item(x, t.tensor([0]), leaf * 3),
    "set mask leaf": lambda t, x, a, b, c, leaf: set_item(x, x > b, leaf),
    "sin_": lambda t, x, a, b, c, leaf: x.sin_(),
}


# PyTorch lets these write to an expanded tensor, some with a warning; here all raise its error.
WRITES_TO_EXPANDED = ("set mask", "set mask tensor", "set index tensor", "set list", "set mixed")
WRITES_TO_EXPANDED += ("add to index tensor", "set index leaf", "set mask leaf", "zero_", "fill_")


class Step(NamedTuple):
    """One step of a program: an action on tensor ``which`` (counted from the newest)."""

    action: str
    which: int
    a: int
    b: int
    c: int


SMALL = st.integers(0, 5)


def programs(*tables: dict) -> st.SearchStrategy:
    """Draw programs whose steps come from the tables, views and writes mixed."""
    flags = st.one_of(*(st.sampled_from(sorted(table)) for table in tables))
    step = st.builds(Step, flags, st.integers(0, 3), SMALL, SMALL, SMALL)
    return st.lists(step, min_size=2, max_size=MAX_STEPS)


SHAPES = st.lists(st.integers(1, 4), max_size=3).map(tuple)


def take_step(torch: Any, step: Step, tensors: list, *extra: Any) -> Any:
    """Run one step; a new tensor joins ``tensors``. Returns what is to be compared."""
    x = tensors[-1 - step.which % len(tensors)]
    if step.action in WRITES_TO_EXPANDED and 0 in x.stride():
        return None
    if step.action == "index_fill_" and not x.numel():  # PyTorch speaks of storage sizes
        return None
    action = VIEWS.get(step.action) or WRITES.get(step.action)
    arguments = (torch, x, step.a, step.b, step.c)
    if action is None:
        action, arguments = GRADIENT_WRITES[step.action], (*arguments, *extra)
    kind, result = outcome(lambda: action(*arguments))
    if kind == "value" and step.action in VIEWS:
        tensors.append(result)
    return (kind, result if kind == "error" else None)


def compare_all(theirs: list, ours: list, steps: list) -> None:
    """Compare all tensors: values, strides, offsets, history, and who is whose base."""
    where = "after " + "; ".join(f"{s.action}{tuple(s[1:])}" for s in steps)
    for number, (a, b) in enumerate(zip(theirs, ours, strict=True)):
        compare(a, b, f"tensor {number} {where}")
        bases = [[x is y._base for x in family] for family, y in ((theirs, a), (ours, b))]
        assert bases[0] == bases[1], f"base of tensor {number} {where}"


@pytest.mark.parity
@settings(max_examples=EXAMPLES)
@given(SHAPES, programs(VIEWS, WRITES))
def test_views_and_writes_do_what_pytorch_does(shape, program):
    torch = live_torch()
    start = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    theirs, ours = [torch.tensor(start)], [shim.tensor(start)]
    for number, step in enumerate(program):
        assert take_step(shim, step, ours) == take_step(torch, step, theirs), program[: number + 1]
        compare_all(theirs, ours, program[: number + 1])


@pytest.mark.parity
@settings(max_examples=EXAMPLES // 2)
@given(SHAPES, programs(VIEWS, WRITES))
def test_a_numpy_alias_follows_every_write(shape, program):
    torch = live_torch()
    start = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape)
    buffers = start.copy(), start.copy()
    theirs, ours = [torch.from_numpy(buffers[0])], [shim.from_numpy(buffers[1])]
    for number, step in enumerate(program):
        done = program[: number + 1]
        assert take_step(shim, step, ours) == take_step(torch, step, theirs), done
        np.testing.assert_array_equal(buffers[1], buffers[0], err_msg=str(done))
        for buffer in buffers:
            buffer += 1
        compare_all(theirs, ours, done)


@pytest.mark.parity
@settings(max_examples=EXAMPLES)
@given(SHAPES, programs(VIEWS, WRITES), st.booleans())
def test_versions_rise_together(shape, program, lent):
    torch = live_torch()
    start = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    theirs, ours = [torch.tensor(start)], [shim.tensor(start)]
    kept = [family[0].numpy() for family in (theirs, ours) if lent]
    for number, step in enumerate(program):
        take_step(shim, step, ours)
        take_step(torch, step, theirs)
        versions = [[x._version for x in family] for family in (theirs, ours)]
        assert versions[1] == versions[0], program[: number + 1]
    if kept:
        np.testing.assert_array_equal(kept[1], kept[0])


def gradients(torch: Any, shape: tuple, program: list, from_leaf: bool) -> tuple:
    """Run a program on a tensor with history; return the steps' outcomes and the gradients."""
    count = int(np.prod(shape, dtype=int))
    leaf = torch.linspace(-1, 1, count).reshape(shape).clone().requires_grad_()
    other = torch.tensor(0.7, requires_grad=True)
    tensors = [leaf if from_leaf else leaf * 1.5]
    outcomes, flags = [], []
    for step in program:
        quiet = step.c == 0 and step.action not in VIEWS
        with torch.no_grad() if quiet else contextlib.nullcontext():
            outcomes.append(take_step(torch, step, tensors, other))
        flags.append(outcome(lambda: [(x.requires_grad, x.is_leaf) for x in tensors]))
        if (
            flags[-1][0] == "error"
        ):  # PyTorch refuses to look at a view whose sibling was written to
            return outcomes, flags, [], []
    weights = [torch.arange(1.0, x.numel() + 1).reshape(x.shape) for x in tensors]
    total = sum(((x * w).sin().sum() for x, w in zip(tensors, weights, strict=True)), other * 0)
    flags.append([x.grad_fn is None for x in tensors])
    kind, error = outcome(total.backward)
    outcomes.append((kind, error and error[:60]))  # the rest flags one of several modified tensors
    if kind == "error":  # PyTorch may be half-way through, we look before we start
        return outcomes, flags, [None], [values(x) for x in tensors]
    found = [None if g is None else values(g) for g in (leaf.grad, other.grad)]
    return outcomes, flags, found, [values(x) for x in tensors]


@pytest.mark.parity
@settings(max_examples=EXAMPLES)
@given(SHAPES, programs(VIEWS, WRITES, GRADIENT_WRITES), st.booleans())
def test_gradients_flow_through_views_and_writes_alike(shape, program, from_leaf):
    theirs = gradients(live_torch(), shape, program, from_leaf)
    assume(theirs[2])
    ours = gradients(shim, shape, program, from_leaf)
    assert ours[0] == theirs[0], program
    assert ours[1] == theirs[1], program
    for want, got in zip(theirs[2] + theirs[3], ours[2] + ours[3], strict=True):
        assert (want is None) == (got is None), program
        if want is not None:
            np.testing.assert_allclose(got, want, 1e-4, 1e-4, err_msg=str(program))
