"""Programs that people write, eagerly and compiled: all they change must agree at every step."""

import collections
import copy
import dataclasses
import functools
import gc
import itertools
import logging
import pickle
import threading
import types
import warnings
import weakref

import jax
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.torch.nn import functional as F
from tests.torch.capture.twin import twin


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def inputs(count=3, *shape):
    return [torch.randn(*(shape or (5, 3))) for _ in range(count)]


class Box:
    """Something with attributes."""


# --- captured as one program ----------------------------------------------------------------------


def trainer_with_attributes(compile):
    class Trainer:
        def __init__(self):
            self.model, self.last = network(), None
            self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
            self.count = torch.zeros((), dtype=torch.int64)

        def step(self, x):
            self.optimizer.zero_grad()
            loss = self.model(x).pow(2).mean()
            loss.backward()
            self.optimizer.step()
            self.count += 1
            self.last = loss.detach().clone()
            return loss.detach()

    trainer = Trainer()
    step = compile(trainer.step)
    for x in inputs():
        yield step(x), trainer


def adversaries(compile):
    maker, judge = nn.Linear(3, 3), nn.Linear(3, 1)
    first = torch.optim.Adam(maker.parameters())
    second = torch.optim.Adam(judge.parameters())

    @compile
    def step(x):
        fake = maker(torch.randn(5, 3))
        loss = F.softplus(-judge(x)).mean() + F.softplus(judge(fake.detach())).mean()
        second.zero_grad()
        loss.backward()
        second.step()
        first.zero_grad()
        F.softplus(-judge(fake)).mean().backward()
        first.step()
        return loss.detach()

    for x in inputs():
        yield step(x), maker, judge, first, second


def gradient_penalty(compile):
    judge = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    @compile
    def step(x):
        x = (x + torch.randn(5, 3)).requires_grad_()
        (grad,) = torch.autograd.grad(judge(x).sum(), x, create_graph=True)
        judge.zero_grad()
        ((grad.norm(2, dim=1) - 1) ** 2).mean().backward()
        return grad.detach()

    step(torch.ones(5, 3))  # the first call leaves gradients behind
    for x in inputs():
        yield step(x), judge


def shared_weights_across_the_boundary(compile):
    table = nn.Embedding(5, 3)
    decode = compile(lambda hidden: hidden @ table.weight.t())
    for _ in range(3):
        hidden = table(torch.randint(0, 5, (4,)))
        hidden.retain_grad()
        hidden.register_hook(lambda g: g * 3)
        decode(hidden).pow(2).sum().backward()
        yield hidden.grad, table


def names_swapped(compile):
    box = Box()
    box.a, box.b = torch.zeros(3), torch.ones(3)

    @compile
    def step(x):
        box.a, box.b = box.b, box.a
        box.b = x.sin()
        return box.a, box.a * 2

    for x in inputs(4, 3):
        yield step(x), box


def memory_of_numpy(compile):
    array = np.ones(3, np.float32)
    tensor = torch.from_numpy(array)
    step = compile(lambda x: tensor.add_(x) * 2)
    for x in inputs(3, 3):
        yield step(x), tensor, array.tolist()
        array += 1


def gradients_kept(compile):
    weight, box = nn.Parameter(torch.ones(3)), Box()
    box.grad = torch.zeros(3)

    @compile
    def step(x):
        weight.grad = None
        (weight * x).sum().backward()
        box.grad = weight.grad
        return box.grad

    for x in inputs(3, 3):
        yield step(x), weight, box


ONE = [
    trainer_with_attributes,
    adversaries,
    shared_weights_across_the_boundary,
    names_swapped,
    memory_of_numpy,
]


# --- programs that change ------------------------------------------------------------------------


def options_of_the_optimizer(compile):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=torch.tensor(0.1))

    @compile
    def step(x):
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()

    group = optimizer.param_groups[0]
    for number, x in enumerate(inputs(6)):
        yield step(x), model, optimizer
        if number == 0:
            group["lr"].mul_(0.5)
        elif number == 1:
            group["lr"] = torch.tensor(0.5)
        elif number == 2:
            group["momentum"] = 0.9
        elif number == 3:
            group["params"] = list(network().parameters())


def hooks_that_come_and_go(compile):
    model = network()
    step = compile(lambda x: model(x))
    handle = None
    for number, x in enumerate(inputs(6)):
        y = step(x)
        y.sum().backward()
        yield y, model
        if handle is not None:
            handle.remove()
        if number < 2:
            handle = model[0].register_forward_hook(lambda m, a, o, n=number: o * (n + 2))
        elif number == 2:
            handle = model[0].weight.register_hook(lambda g: g * 2)
        elif number == 3:
            handle = nn.modules.module.register_module_forward_hook(lambda m, a, o: o + 1)


def arguments_that_are_one(compile):
    same = compile(lambda a, b: a * 2 if a is b else a + b)
    write = compile(lambda a, b: (a.add_(1), b.mul_(2), a + b)[2])
    for x in inputs():
        yield same(x, x), same(x, x.clone()), write(x, x.clone()), write(x, x), x


def parts_of_modules(compile):
    class Scaled(nn.Module):
        scale = 2.0

        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 3)

        def forward(self, x):
            return self.layer(x) * self.scale

    module = Scaled()
    step = compile(lambda x: module(x))
    for number, x in enumerate(inputs(5)):
        yield step(x), module
        if number == 0:
            module.scale = 3.0
        elif number == 1:
            module.layer.forward = torch.sin
        elif number == 2:
            module.layer = nn.Linear(3, 2)


def containers_read(compile):
    many = [torch.full((2,), float(i)) for i in range(300)]
    by_name = {"aa": 1.0, "bb": 2.0}
    options = types.SimpleNamespace(scale=2.0)
    step = compile(lambda x: (x + many[250]) * sum(by_name[k] for k in by_name) * options.scale)
    for number, x in enumerate(inputs(4, 2)):
        yield step(x)
        if number == 0:
            many[250] = many[250] + 1
        elif number == 1:
            by_name["b" + "b"] = 7.0
        else:
            options.scale += 1


def numbers_among_the_arguments(compile):
    @compile
    def step(x, s, n):
        return x * s + n, s, n, isinstance(s, float), {1.5: x}.get(s, -x)

    for number in range(3):
        yield step(torch.ones(3), number + 0.5, number)


CHANGING = [
    gradient_penalty,
    gradients_kept,
    options_of_the_optimizer,
    hooks_that_come_and_go,
    arguments_that_are_one,
    parts_of_modules,
    containers_read,
    numbers_among_the_arguments,
]


# --- what only Python can do ----------------------------------------------------------------------


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def effects_in_python(compile):
    model, kept, last = network(), [], collections.deque([torch.zeros(3)] * 3, maxlen=3)
    model[0].register_forward_hook(lambda m, a, o: kept.append(o.detach()))
    counter, lines, logger = itertools.count(), Lines(), logging.Logger("twin")
    logger.addHandler(lines)

    def log(x):
        logger.warning("called")
        return x

    calls = [
        compile(model),
        compile(lambda x: last.append(x.sum(0)) or sum(last)),
        compile(lambda x: x * next(counter)),
        compile(log),
    ]
    for x in inputs():
        yield [call(x.clone()) for call in calls], kept, list(last), lines.lines


def arguments_that_hold(compile):
    grow = compile(lambda values, x: values.append(x * 2) or x + 1)
    store = compile(lambda table, x: table.update(y=x * 2) or x + 1)
    values, table = [], {}
    for x in inputs():
        yield grow(values, x), store(table, x), values, table


def views_handed_out(compile):
    first = compile(lambda x: x[0])
    for x in inputs():
        row = first(x)
        row.add_(1)
        yield row, x


def objects_handed_out(compile):
    @dataclasses.dataclass
    class Batch:
        x: torch.Tensor
        y: torch.Tensor | None = None

    def both(batch):
        batch.y = batch.x + 1
        return Batch(batch.y * 2, batch.x)

    call = compile(both)
    for x in inputs():
        batch = Batch(x)
        yield call(batch), batch


def recorded_writes(compile):
    step = compile(lambda total, x: total.add_(x))
    outside = torch.zeros(3)
    keep = compile(lambda x: outside.add_(x) * 2)
    for x in inputs(3, 3):
        x.requires_grad_()
        yield step(torch.ones(3), x).detach(), keep(x).detach(), outside.requires_grad


def modes_switched(compile):
    step = compile(lambda x: torch.set_grad_enabled(False) and None)
    for x in inputs():
        yield step(x), torch.is_grad_enabled()
        torch.set_grad_enabled(True)


def caches_filled(compile):
    @functools.lru_cache
    def mask(n):
        return torch.arange(float(n))

    step = compile(lambda x: x * mask(x.shape[-1]))
    for x in inputs():
        yield step(x), mask(3)


def epochs(compile):
    data = torch.utils.data.TensorDataset(torch.arange(6.0))
    loader = torch.utils.data.DataLoader(data, batch_size=2, shuffle=True)
    step = compile(lambda: sum(b.sum() * i for i, (b,) in enumerate(loader)))
    for _ in range(3):
        yield step()


BROKEN = [
    effects_in_python,
    arguments_that_hold,
    views_handed_out,
    objects_handed_out,
    recorded_writes,
    modes_switched,
    caches_filled,
    epochs,
]


@pytest.mark.parametrize("program", [*ONE, *CHANGING, *BROKEN], ids=lambda f: f.__name__)
def test_a_compiled_program_does_what_the_eager_one_does(program):
    found = twin(program)
    assert not found.error
    if program in ONE:
        assert (found.programs, found.breaks) == (1, [])
    assert bool(found.breaks) is (program in BROKEN) or program is numbers_among_the_arguments


def test_two_threads_may_call_one_compiled_function():
    model = network()
    call = torch.compile(lambda x: model(x) * 2, fullgraph=True)
    given = inputs(8)
    found: list = [None] * 8

    def work(first):
        for number in range(first, 8, 2):
            found[number] = call(given[number])

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for x, y in zip(given, found, strict=True):
        torch.testing.assert_close(y, model(x) * 2)


def test_a_copy_of_a_compiled_module_is_its_own():
    module = torch.compile(nn.Linear(3, 2), fullgraph=True)
    x = torch.ones(1, 3)
    before = module(x).detach()
    for twin_of in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        twin_of.weight.data.zero_()
        torch.testing.assert_close(twin_of(x), twin_of.bias.reshape(1, 2))
        torch.testing.assert_close(module(x).detach(), before)


@pytest.mark.parametrize("breaks", [False, True])
def test_nothing_is_kept_alive(breaks):
    def capture():
        model = nn.Linear(3, 3)
        step = torch.compile(lambda x: model(x) * (model(x).sum().item() if breaks else 1))
        given = torch.ones(2, 3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(3):
                step(given)
        return step, [weakref.ref(given), weakref.ref(given._storage)], weakref.ref(model)

    capture()
    gc.collect()
    before = len(jax.live_arrays())
    step, given, model = capture()
    gc.collect()
    assert [reference() for reference in given] == [None, None]
    del step
    gc.collect()
    assert model() is None
    assert len(jax.live_arrays()) == before
