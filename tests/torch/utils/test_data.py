"""Datasets, samplers, collating and loading in one process: as live PyTorch, seed by seed."""

import collections
import random

import numpy as np
import pytest

import functorch_lite.torch as ours
import functorch_lite.torch.utils.data as ours_data
from tests.parity import live_torch

Point = collections.namedtuple("Point", "x y")


def both(run):
    """Return what ``run(torch, torch.utils.data)`` gives for ours and for PyTorch."""
    theirs = live_torch()
    return run(ours, ours_data), run(theirs, theirs.utils.data)


def plain(value):
    """Return tensors as (dtype, list), whatever is around them."""
    if hasattr(value, "tolist") and hasattr(value, "dtype"):
        return str(value.dtype), value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(item) for item in value]
    return value


def outcome(run):
    """Return a call's result, or the type and text of its error."""
    try:
        return plain(run())
    except Exception as error:
        return type(error).__name__, str(error)


SAMPLERS = {
    "random": lambda torch, data: data.RandomSampler(range(10)),
    "replacement": lambda torch, data: data.RandomSampler(range(10), replacement=True),
    "many": lambda torch, data: data.RandomSampler(range(10), True, num_samples=70),
    "over": lambda torch, data: data.RandomSampler(range(10), num_samples=25),
    "subset": lambda torch, data: data.SubsetRandomSampler([3, 1, 4, 1, 5]),
    "weighted": lambda torch, data: data.WeightedRandomSampler([0.1, 0.9, 3.0], 8),
    "weighted once": lambda torch, data: data.WeightedRandomSampler([0.1, 0.9, 3.0], 2, False),
    "batches": lambda torch, data: data.BatchSampler(range(10), 3, False),
    "whole batches": lambda torch, data: data.BatchSampler(range(10), 3, True),
    "rank": lambda torch, data: data.DistributedSampler(range(10), 3, 1),
    "rank padded": lambda torch, data: data.DistributedSampler(range(2), 5, 4, shuffle=False),
    "rank cut": lambda torch, data: data.DistributedSampler(range(10), 4, 0, drop_last=True),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_gives_pytorchs_indices_and_leaves_its_generator_state(name):
    def run(torch, data):
        torch.manual_seed(7)
        sampler = SAMPLERS[name](torch, data)
        return [list(sampler), list(sampler), len(sampler), torch.rand(1).item()]

    got, wanted = both(run)
    assert got == wanted


class Squares:
    """Six samples of a map-style dataset, made of what ``make(i)`` returns."""

    def __init__(self, make):
        self.make = make

    def __len__(self):
        return 6

    def __getitem__(self, i):
        return self.make(i)


SAMPLES = {
    "tensor": lambda torch: lambda i: torch.full((2,), float(i)),
    "pair": lambda torch: lambda i: (torch.tensor([i]), i),
    "float": lambda torch: lambda i: i / 3,
    "bool": lambda torch: lambda i: i > 2,
    "text": lambda torch: lambda i: str(i),
    "array": lambda torch: lambda i: np.full((2, 2), i, np.int16),
    "scalar": lambda torch: lambda i: np.float32(i),
    "mapping": lambda torch: lambda i: {"a": i, "b": [i, float(i)]},
    "named": lambda torch: lambda i: Point(i, torch.tensor(i)),
    "none": lambda torch: lambda i: None,
    "ragged": lambda torch: lambda i: [0] * (i + 1),
    "strings": lambda torch: lambda i: np.array(["a"]),
    "set": lambda torch: lambda i: {i},
}


@pytest.mark.parity
@pytest.mark.parametrize("batch_size", [4, None])
@pytest.mark.parametrize("name", SAMPLES)
def test_batches_are_those_of_pytorch(name, batch_size):
    def run(torch, data):
        loader = data.DataLoader(Squares(SAMPLES[name](torch)), batch_size=batch_size)
        return outcome(lambda: list(loader))

    got, wanted = both(run)
    assert got == wanted


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"batch_size": 7}])
def test_shuffled_epochs_of_a_split_tensor_dataset_are_those_of_pytorch(options):
    def run(torch, data):
        torch.manual_seed(1)
        x = torch.arange(60).reshape(20, 3)
        whole = data.TensorDataset(x, torch.rand(20))
        parts = data.random_split(whole, [0.75, 0.25])
        loader = data.DataLoader(parts[0], **{"batch_size": 4, "shuffle": True, **options})
        return plain([list(loader), list(loader), parts[1].indices, torch.rand(1).item()])

    got, wanted = both(run)
    assert got == wanted


@pytest.mark.parity
def test_a_generator_of_ones_own_is_used_for_order_and_seed():
    def run(torch, data):
        generator = torch.Generator().manual_seed(5)
        loader = data.DataLoader(range(9), batch_size=2, shuffle=True, generator=generator)
        return [plain(list(loader)), torch.rand(1, generator=generator).item()]

    got, wanted = both(run)
    assert got == wanted


COMBINED = {
    "concat": lambda data, a, b: data.ConcatDataset([a, b]),
    "stack": lambda data, a, b: data.StackDataset(a, a),
    "stack dict": lambda data, a, b: data.StackDataset(x=a, y=a),
    "subset": lambda data, a, b: data.Subset(a, [2, 0]),
    "unequal": lambda data, a, b: data.StackDataset(a, b),
    "none": lambda data, a, b: data.StackDataset(),
    "empty": lambda data, a, b: data.ConcatDataset([]),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", COMBINED)
def test_combined_datasets_are_those_of_pytorch(name):
    def run(torch, data):
        a, b = data.TensorDataset(torch.arange(3)), data.TensorDataset(torch.arange(5))

        def read():
            combined = COMBINED[name](data, a, b)
            return [len(combined), combined[-1], list(data.DataLoader(combined, batch_size=2))]

        return outcome(read)

    got, wanted = both(run)
    assert got == wanted


WRONG = [
    {"num_workers": -1},
    {"timeout": -1},
    {"prefetch_factor": 2},
    {"prefetch_factor": -1, "num_workers": 1},
    {"persistent_workers": True},
    {"sampler": [1], "shuffle": True},
    {"batch_sampler": [[1]], "batch_size": 2},
    {"batch_size": None, "drop_last": True},
    {"batch_size": 0},
    {"batch_size": True},
    {"drop_last": 1},
    {"multiprocessing_context": "spawn"},
    {"multiprocessing_context": "no", "num_workers": 1},
    {"multiprocessing_context": 5, "num_workers": 1},
]


@pytest.mark.parity
@pytest.mark.parametrize("options", WRONG, ids=str)
def test_wrong_options_have_pytorchs_errors(options):
    got, wanted = both(lambda torch, data: outcome(lambda: data.DataLoader(range(3), **options)))
    assert got == wanted
    assert isinstance(got, tuple)


@pytest.mark.parity
def test_wrong_splits_and_samplers_have_pytorchs_errors():
    def run(torch, data):
        calls = [
            lambda: data.random_split(range(5), [2, 2]),
            lambda: data.random_split(range(5), [-0.5, 1.5]),
            lambda: data.RandomSampler([]),
            lambda: data.RandomSampler(range(3), replacement=1),
            lambda: data.WeightedRandomSampler([[1.0]], 2),
            lambda: data.WeightedRandomSampler([1.0], 0),
            lambda: data.DistributedSampler(range(3), 2, 2),
            lambda: data.TensorDataset(torch.ones(2), torch.ones(3)),
            lambda: data.Dataset()[0],
            lambda: setattr(data.DataLoader(range(3)), "batch_size", 2),
            lambda: data.DataLoader(range(3))._get_iterator().__getstate__(),
        ]
        return [outcome(call) for call in calls]

    got, wanted = both(run)
    assert got == wanted


class Counting(ours_data.IterableDataset):
    """Yields 0 .. 4 and claims to be shorter."""

    def __iter__(self):
        return iter(range(5))

    def __len__(self):
        return 2


def test_an_iterable_dataset_that_is_longer_than_it_says_warns():
    loader = ours_data.DataLoader(Counting(), batch_size=2)
    assert len(loader) == 1
    with pytest.warns(UserWarning, match="was reported to be 2"):
        batches = [batch.tolist() for batch in loader]
    assert batches == [[0, 1], [2, 3], [4]]


def test_rows_of_a_tensor_dataset_are_gathered_but_a_subclass_is_asked_for_each():
    class Doubled(ours_data.TensorDataset):
        def __getitem__(self, index):
            return tuple(2 * item for item in super().__getitem__(index))

    x = ours.arange(5)
    assert next(iter(ours_data.DataLoader(Doubled(x), 3)))[0].tolist() == [0, 2, 4]
    assert next(iter(ours_data.DataLoader(ours_data.TensorDataset(x), 3)))[0].tolist() == [0, 1, 2]


def test_a_tensor_dataset_with_gradients_keeps_its_graph():
    x = ours.arange(4.0, requires_grad=True)
    (batch,) = next(iter(ours_data.DataLoader(ours_data.TensorDataset(x), batch_size=4)))
    batch.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0, 1.0]


def test_python_and_numpy_generators_are_left_alone():
    before = random.getstate(), np.random.get_state()[1].tolist()
    list(ours_data.DataLoader(range(10), batch_size=3, shuffle=True))
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before
