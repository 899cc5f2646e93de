"""Initial weights: the same bits as PyTorch's for the same seed."""

import pytest

import functorch_lite.torch as torch


def raised(action, *args, **kwargs):
    """The exception of a call as text, or its result."""
    try:
        return action(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


FILLS = {
    "uniform_": [(), (-2.0, 3.0)],
    "normal_": [(), (1.0, 0.5)],
    "trunc_normal_": [(), (0.0, 1.0, -0.1, 0.1), (0.0, 1.0, 3.0, 4.0)],
    "constant_": [(0.3,)],
    "ones_": [()],
    "zeros_": [()],
    "eye_": [()],
    "xavier_uniform_": [(), (2.0,)],
    "xavier_normal_": [(), (2.0,)],
    "kaiming_uniform_": [(), (0.1, "fan_out", "relu")],
    "kaiming_normal_": [(), (0.1, "fan_out", "tanh")],
    "sparse_": [(0.3,), (0.5, 0.2)],
}
CASES = [(name, args) for name, rows in FILLS.items() for args in rows]


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args"), CASES)
def test_the_same_seed_gives_the_same_bits(name, args, same):
    def scenario(t):
        first, second = t.empty(7, 5), t.empty(4, 4)
        seeded = t.Generator().manual_seed(3)
        fill = getattr(t.nn.init, name)
        random = name not in ("constant_", "ones_", "zeros_", "eye_")
        more = {"generator": seeded} if random else {}
        return [fill(first, *args), fill(second, *args, **more), t.rand(2)]

    same(scenario, exact=True)


@pytest.mark.parity
def test_orthogonal_matrices_agree_to_rounding(same):
    same(lambda t: [t.nn.init.orthogonal_(t.empty(s), gain=2.0) for s in ((5, 3), (3, 4, 2))])


@pytest.mark.parity
def test_dirac_and_gains_agree(same):
    def scenario(t):
        init = t.nn.init
        names = ["linear", "conv2d", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
        out = [init.dirac_(t.empty(4, 2, 3), 2), init.dirac_(t.empty(2, 3, 3, 3))]
        return [*out, [init.calculate_gain(n) for n in names], init.calculate_gain("leaky_relu", 1)]

    same(scenario)


@pytest.mark.parity
def test_mistakes_are_told_in_the_same_words(same):
    def scenario(t):
        init, vector = t.nn.init, t.empty(3)
        return [
            *(raised(f, vector) for f in (init.eye_, init.dirac_, init.xavier_normal_)),
            *(raised(f, vector) for f in (init.orthogonal_, init.kaiming_uniform_)),
            raised(init.sparse_, vector, 0.1),
            raised(init.dirac_, t.empty(3, 1, 1), 2),
            raised(init.calculate_gain, "gelu"),
            raised(init.calculate_gain, "leaky_relu", True),
            raised(init.kaiming_normal_, t.empty(2, 2), 0, "fan"),
            init.kaiming_normal_(t.empty(0, 2)),
            init.xavier_uniform(t.empty(2, 2)),
            init.trunc_normal_(t.empty(2), 9.0),
        ]

    same(scenario)


def test_a_linear_layer_starts_with_the_weights_of_torch():
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    # recorded from PyTorch 2.13
    assert layer.weight.tolist() == [[-0.005293981172144413, 0.37932288646698]]
    assert layer.bias.tolist() == [-0.5819807648658752]


def test_old_names_warn():
    with pytest.warns(FutureWarning, match=r"`nn.init.constant` is now deprecated in favor of"):
        assert torch.nn.init.constant(torch.empty(1), 2.0).item() == 2.0
