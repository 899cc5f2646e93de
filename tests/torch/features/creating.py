"""Rows 17-40: creating tensors."""

import math

import numpy as np

from tests.parity import attempt

from .rows import row


@row(17)
def rand_draws_from_zero_to_one(torch):
    torch.manual_seed(1)
    print(torch.rand(4, 3))
    print(torch.rand(4, 3, 1))
    many = torch.rand(10000)
    print(many.min() >= 0, many.max() < 1, f"{many.mean():.3f}")
    print(torch.rand((2, 2), dtype=torch.float64), torch.rand([3]).shape, torch.rand(0).shape)


@row(18)
def randn_draws_from_the_standard_normal(torch):
    torch.manual_seed(1)
    print(torch.randn(1))
    print(torch.randn(4, 4))
    print(torch.randn([2, 3]), torch.randn(()), torch.randn(2, dtype=torch.float64))
    many = torch.randn(10000)
    print(f"{many.mean():.3f} {many.std():.3f}")


@row(19)
def randn_like_keeps_the_size(torch):
    x = torch.zeros(4, 3, dtype=torch.double)
    y = torch.randn_like(x, dtype=torch.float)
    print(y, y.dtype, y.size(), x.dtype)
    print(torch.rand_like(x).dtype, torch.randint_like(x, 3, 9))
    attempt(lambda: torch.randn_like(torch.zeros(2, dtype=torch.long)))


@row(20)
def zeros_with_a_dtype_or_a_gradient(torch):
    print(torch.zeros(4, 3, dtype=torch.long))
    print(torch.zeros(1, requires_grad=True))
    print(torch.zeros((2, 3)), torch.zeros([2]), torch.zeros(()), torch.zeros(2, 0))
    print(torch.zeros(size=(2, 2), dtype=torch.bool))
    attempt(lambda: torch.zeros(2, dtype=torch.long, requires_grad=True))


@row(21)
def zero_in_place(torch):
    x = torch.ones(2, 3)
    print(x.zero_() is x, x)
    y = torch.ones(3, dtype=torch.int32)
    print(torch.zero_(y) is y, y)
    part = torch.arange(6.0).view(2, 3)
    part[:, 1].zero_()
    print(part)


@row(22)
def like_another_tensor(torch):
    x = torch.arange(6, dtype=torch.float64).view(2, 3)
    print(torch.zeros_like(x), torch.ones_like(x), torch.full_like(x, 7))
    print(torch.empty_like(x).shape, torch.empty_like(x).dtype)
    print(torch.ones_like(x, dtype=torch.int), torch.zeros_like(x, requires_grad=True))
    print(torch.zeros_like(x.t()).stride(), torch.ones_like(x.requires_grad_()).requires_grad)
    print(x)


@row(23)
def ones(torch):
    print(torch.ones(2, 3), torch.ones((2, 2), requires_grad=True), torch.ones(2, dtype=torch.int8))
    print(torch.full((2, 2), 3.5), torch.full((2,), 3), torch.full((1,), True))


@row(24)
def new_tensors_inherit(torch):
    x = torch.zeros(2, dtype=torch.int16)
    print(x.new_ones(4, 3, dtype=torch.double))
    print(x.new_ones(2, 2), x.new_zeros((2,)), x.new_full((2,), 7), x.new_tensor([1.7, 2.2]))
    print(x.new_empty(3).shape, x.new_empty(3).dtype, x.new_ones(1).device)


@row(25)
def tensor_from_data(torch):
    print(torch.tensor([1, 2, 3]), torch.tensor([[1.5, 2], [3, 4]]), torch.tensor((1, 2)))
    print(torch.tensor(range(4)), torch.tensor(np.arange(3)), torch.tensor(3.5), torch.tensor(7))
    print(torch.tensor(True), torch.tensor([]), torch.tensor([[], []]), torch.tensor([[[1]]]))
    print(torch.tensor([np.float64(1.5), np.float64(2.5)]), torch.tensor(np.float32(0.5)))
    print(torch.tensor([torch.tensor(1), torch.tensor(2)]), torch.tensor(1 + 2j))
    attempt(lambda: torch.tensor([[1, 2], [3]]))
    attempt(lambda: torch.tensor(None))
    attempt(lambda: torch.tensor([1, "x"]))


@row(26)
def tensor_with_dtype_and_gradient(torch):
    x = torch.tensor([1, 2, 3], dtype=torch.float, requires_grad=True)
    print(x, x.dtype, x.requires_grad, x.is_leaf)
    print(torch.tensor([1.9, -1.9], dtype=torch.long), torch.tensor([0, 2], dtype=torch.bool))
    attempt(lambda: torch.tensor([1, 2], requires_grad=True))


@row(27)
def tensor_of_a_tensor_copies_and_warns(torch):
    x = torch.ones(3)
    y = torch.tensor(x)
    y[0] = 9
    print(x, y)


@row(28)
def dtype_is_inferred(torch):
    for data in (1, 1.5, True, 1j, [1, 2], [1.0, 2.0], [1, 2.5], [True, False], [True, 2], [1, 1j]):
        print(data, torch.tensor(data).dtype)
    print(torch.get_default_dtype())
    torch.set_default_dtype(torch.float64)
    print(torch.tensor(1.5).dtype, torch.ones(1).dtype, torch.tensor([1.5]), torch.rand(1).dtype)
    attempt(lambda: torch.set_default_dtype(torch.int64))
    attempt(lambda: torch.tensor(2**70))


@row(29)
def the_base_constructor(torch):
    print(torch.Tensor(2, 3).shape, torch.Tensor(2, 3).dtype, torch.Tensor(torch.Size([4])).shape)
    print(torch.Tensor([1, 2, 3]), torch.Tensor([[1, 2], [3, 4]]))
    print(torch.Tensor(np.array([1.5, 2.5])), torch.Tensor([1, 2]).dtype, torch.Tensor())
    print(torch.Tensor((1, 2)))
    attempt(lambda: torch.Tensor(2.5))
    attempt(lambda: torch.Tensor("ab"))


@row(30)
def identity_matrices(torch):
    print(torch.eye(3), torch.eye(2, 4), torch.eye(2, dtype=torch.long), torch.eye(0).shape)
    attempt(lambda: torch.eye(-1))


@row(31)
def arange(torch):
    print(torch.arange(5), torch.arange(1, 4), torch.arange(1, 2.5, 0.5), torch.arange(0, 10, 3))
    print(torch.arange(1, 3).view(1, 2), torch.arange(5.0), torch.arange(5, 0, -2))
    print(
        torch.arange(0), torch.arange(3, dtype=torch.float64), torch.arange(start=2, end=6, step=2)
    )
    attempt(lambda: torch.arange(0, 5, -1))
    attempt(lambda: torch.arange(0, 5, 0))
    attempt(lambda: torch.arange(0, math.inf))


@row(32)
def linspace(torch):
    print(torch.linspace(0, 1, 5), torch.linspace(3, -3, steps=4), torch.linspace(2, 9, 1))
    x = torch.linspace(-0.002, 0.002, 100).reshape(-1, 1)
    print(x.shape, x[:3], x[-1])
    print(torch.linspace(0, 10, 5, dtype=torch.long), torch.linspace(0, 1, 0))
    attempt(lambda: torch.linspace(0, 1, -1))


@row(33)
def logspace(torch):
    print(torch.logspace(-2, 2, 5), torch.logspace(0, 3, 4, base=2), torch.logspace(1, 2, 1))
    print(torch.logspace(0, 3, steps=4, dtype=torch.float64))


@row(34)
def normal_with_mean_and_deviation(torch):
    torch.manual_seed(3)
    print(torch.normal(2.0, 3.0, (2, 3)))
    print(torch.normal(torch.arange(1.0, 5.0), torch.tensor([0.1, 0.2, 0.3, 0.4])))
    print(torch.normal(torch.zeros(3), 2.0), torch.normal(5.0, torch.ones(2)))
    print(torch.normal(mean=0.5, std=torch.arange(1.0, 3.0)))
    attempt(lambda: torch.normal(0.0, -1.0, (2,)))


@row(35)
def randperm(torch):
    torch.manual_seed(5)
    print(torch.randperm(10), torch.randperm(0), torch.randperm(1), torch.randperm(4).dtype)
    print(torch.randperm(1000).sort()[0].equal(torch.arange(1000)), torch.randperm(50000)[:3])
    attempt(lambda: torch.randperm(-1))


@row(36)
def randint_with_keywords(torch):
    torch.manual_seed(1)
    print(torch.randint(low=10, high=40, size=(10, 1)))
    print(torch.randint(3, (5,)), torch.randint(-5, 5, (2, 2)), torch.randint(0, 2, (3,)).dtype)
    print(torch.randint(0, 9, (3,), dtype=torch.float32))
    attempt(lambda: torch.randint(5, 5, (2,)))


@row(37)
def the_same_seed_gives_the_same_numbers(torch):
    torch.manual_seed(1)
    first = torch.rand(2, 3), torch.randn(3), torch.randn(20), torch.randperm(5)
    torch.manual_seed(1)
    again = torch.rand(2, 3), torch.randn(3), torch.randn(20), torch.randperm(5)
    print([a.equal(b) for a, b in zip(first, again, strict=True)])
    print(first)
    print(type(torch.manual_seed(1)).__name__, torch.initial_seed())
    words = torch.rand(1000).numpy().view(np.uint32)
    print(hex(int(words.astype(np.uint64).sum())), hex(int(np.bitwise_xor.reduce(words))))
    g = torch.Generator().manual_seed(7)
    print(torch.rand(2, generator=g), torch.randn(2, generator=g), g.initial_seed())
    state = torch.get_rng_state()
    a = torch.rand(3)
    torch.set_rng_state(state)
    print(torch.rand(3).equal(a), state.shape, state.dtype)
    print(torch.bernoulli(torch.full((6,), 0.5)), torch.zeros(4).uniform_(-1, 1))
    print(torch.multinomial(torch.tensor([0.1, 0.3, 0.6]), 8, replacement=True))
    print(torch.zeros(3).normal_(2, 0.5), torch.zeros(3).exponential_())


@row(38)
def rank_as_meaning(torch):
    shapes = [(), (3,), (2, 3), (3, 4, 4), (2, 3, 4, 4), (1, 2, 3, 4, 4)]
    for shape in shapes:
        x = torch.zeros(shape)
        print(x.dim(), x.ndim, x.ndimension(), x.shape, len(x.shape))
    attempt(lambda: len(torch.tensor(1)))
    print(len(torch.zeros(3, 2)))


@row(39)
def a_tensor_holds_no_strings(torch):
    attempt(lambda: torch.tensor(["a"]))
    attempt(lambda: torch.tensor("a"))
    attempt(lambda: torch.tensor(["a", "b"]))
    attempt(lambda: torch.tensor(np.array(["a"])))
    attempt(lambda: torch.tensor({"a": 1}))


@row(40)
def bad_sizes(torch):
    attempt(lambda: torch.zeros(2.5))
    attempt(lambda: torch.zeros(-1))
    attempt(lambda: torch.zeros(2, -3))
    attempt(lambda: torch.randn([1.0, 2.0]))
    attempt(lambda: torch.ones("3"))
    attempt(lambda: torch.rand(3, "x"))
    attempt(lambda: torch.empty(-2))


@row(40)
def calls_that_fit_no_signature(torch):
    attempt(lambda: torch.tensor())
    attempt(lambda: torch.linspace(0, 1))
    attempt(lambda: torch.randint(0, 10))
    attempt(lambda: torch.randn(2.0, 3))
    attempt(lambda: torch.randn())
    attempt(lambda: torch.add(torch.ones(1)))


@row(40)
def calls_of_factories(torch):
    for name in ("zeros", "ones", "empty", "rand", "randn"):
        make = getattr(torch, name)
        for args in [(), (2.5,), (None,), ("a",), ([2.5],), ([None],), ([[2]],), (True,)]:
            attempt(lambda make=make, args=args: make(*args))
        for args in [(2.5, 3), ((2,), 3), (2, "a"), (2, 3.5), (2, None), (3, (2,))]:
            attempt(lambda make=make, args=args: make(*args))
        attempt(lambda make=make: make(2, foo=3))
        attempt(lambda make=make: make(size=2))
        attempt(lambda make=make: make(2, dtype=3))
        attempt(lambda make=make: make(2, requires_grad="a"))
        print(make(2, 0).shape, make((2, 0)).shape, make(size=[2, 0]).shape, make([]).shape)
    attempt(lambda: torch.zeros_like(3))
    attempt(lambda: torch.randn_like([1]))
    attempt(lambda: torch.ones(2).new_ones())


@row(40)
def calls_of_ranges_and_draws(torch):
    calls = {
        "arange": [(), ("a",), (1, 2, 3, 4), (0, "a"), ([1],)],
        "eye": [(), (2.5,), ("a",), (2, "a"), (2, 2, 2)],
        "full": [(), ((2,),), (2, 3), ((2,), "a"), ((2.5,), 1), ((2,), None)],
        "linspace": [(), (0, 1, 2.5), (0, 1, "a"), ("a", 1, 3), (0, 1, True)],
        "logspace": [(0, 1), (0, 1, 2.5)],
        "normal": [(), (0.0,), (0.0, 1.0), (0.0, 1.0, 3), ("a", 1.0, (3,))],
        "randint": [(), (10,), (10, 3), (2.5, (3,)), (0, 10, 3), (0, 10, (2.5,)), (5, 3.5, (2,))],
        "randperm": [(), (2.5,), ("a",), (2, 3), (True,)],
        "tensor": [(), (1, 2)],
    }
    for name, given in calls.items():
        for args in given:
            attempt(lambda name=name, args=args: getattr(torch, name)(*args))
    attempt(lambda: torch.randint(low=0, high=10))
    attempt(lambda: torch.randint(0, 10, size=2))
    attempt(lambda: torch.randn(2, generator=3))
    attempt(lambda: torch.tensor([1.0], requires_grad="a"))
    print(torch.randint(0, high=10, size=[2]).shape, torch.arange(end=3), torch.linspace(0, 1, 2))
    attempt(lambda: torch.sub(torch.ones(1)))
    attempt(torch.add)
