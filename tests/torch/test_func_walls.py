"""What torch.func refuses and works here: one test a wall, each against untransformed code."""

import copy

import jax
import numpy as np
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite._core.counters import counters
from functorch_lite._core.eager import HOT
from functorch_lite.torch import nn
from functorch_lite.torch.func import functional_call, grad, hessian, jacfwd, jacrev, vmap

F = nn.functional


def close(a, b, **tolerance) -> bool:
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=2e-5, atol=1e-6)
    return True


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))


def detached(net) -> dict:
    return {name: p.detach() for name, p in net.named_parameters()}


def test_batch_norm_in_training_under_grad_moves_its_statistics_once():
    net = network()
    twin = copy.deepcopy(net)
    x = torch.randn(8, 3)
    found = grad(lambda p: functional_call(net, p, x).pow(2).sum())(detached(net))
    twin(x).pow(2).sum().backward()
    assert all(close(found[name], p.grad) for name, p in twin.named_parameters())
    assert all(close(a, b) for a, b in zip(net.buffers(), twin.buffers(), strict=True))


def test_batch_norm_under_vmap_gets_the_mean_of_the_slices_statistics():
    net = network()
    x = torch.randn(5, 8, 3)
    twins = [copy.deepcopy(net) for _ in x]
    output = vmap(net)(x)
    assert close(output, torch.stack([twin(part) for twin, part in zip(twins, x, strict=True)]))
    assert close(net[1].running_mean, torch.stack([t[1].running_mean for t in twins]).mean(0))
    assert int(net[1].num_batches_tracked) == 1


def test_per_sample_gradients_through_batch_norm():
    net = network()
    x = torch.randn(4, 8, 3)
    params = detached(net)

    def loss(p, x):
        return functional_call(net, p, x).pow(2).sum()

    found = vmap(grad(loss), in_dims=(None, 0))(params, x)["0.weight"]
    assert close(found, torch.stack([grad(loss)(params, part)["0.weight"] for part in x]))


def test_detached_values_are_written_to_captured_tensors_under_grad():
    seen = torch.zeros(3)

    def f(x):
        seen.copy_(x.detach() * 2)
        with torch.no_grad():
            seen.add_(x)
        return (x**2).sum()

    assert close(grad(f)(torch.arange(3.0)), torch.arange(3.0) * 2)
    assert close(seen, torch.arange(3.0) * 3)


def test_a_failed_transform_leaves_captured_tensors_as_they_were():
    seen = torch.zeros(3)

    def f(x):
        seen.add_(1)
        raise KeyError("stop")

    with pytest.raises(KeyError):
        grad(f)(torch.ones(3))
    assert close(seen, torch.zeros(3))


def test_a_pull_back_that_the_tape_records_moves_the_statistics_no_further():
    net = network()
    _, pull = torch.func.vjp(net, torch.randn(8, 3))
    pull(torch.ones(8, 1))[0].sum().backward()
    assert int(net[1].num_batches_tracked) == 1
    assert net[0].weight.grad is not None


def test_checkpoint_inside_grad_and_vmap():
    lin = nn.Linear(3, 3)

    def f(x):
        return lin(x).sin().pow(2).sum()

    x = torch.randn(2, 3)
    kept = fl.checkpoint(f)
    assert close(grad(kept)(x[0]), grad(f)(x[0]))
    assert close(vmap(grad(kept))(x), vmap(grad(f))(x))
    assert close(grad(lambda x: grad(kept)(x).sum())(x[0]), grad(lambda x: grad(f)(x).sum())(x[0]))


def test_compiled_functions_inside_and_around_transforms():
    def f(x):
        return (x.sin() * x).sum()

    x = torch.randn(4, 3)
    wanted = vmap(grad(f))(x)
    assert close(vmap(grad(fl.jit(f)))(x), wanted)
    assert close(vmap(fl.jit(grad(f)))(x), wanted)
    assert close(fl.jit(vmap(grad(f)))(x), wanted)


@pytest.mark.parametrize("chunk_size", [1, 2, 5])
def test_hessians_in_chunks(chunk_size):
    def f(x):
        return (x**3).sum() * x[0]

    x = torch.arange(4.0)
    wanted = hessian(f)(x)
    assert close(hessian(f, chunk_size=chunk_size)(x), wanted)
    assert close(jacfwd(grad(f), chunk_size=chunk_size)(x), wanted)
    assert close(jacrev(grad(f), chunk_size=chunk_size)(x), wanted)


def test_lstm_under_vmap_and_its_per_sample_gradients():
    lstm = nn.LSTM(3, 2)
    x = torch.randn(4, 5, 3)  # (B, T, C)
    each = torch.stack([lstm(part)[0] for part in x])
    assert close(vmap(lambda x: lstm(x)[0])(x), each)
    params = detached(lstm)

    def loss(p, x):
        return functional_call(lstm, p, x)[0].pow(2).sum()

    found = vmap(grad(loss), in_dims=(None, 0))(params, x)["weight_hh_l0"]
    assert close(found, torch.stack([grad(loss)(params, part)["weight_hh_l0"] for part in x]))


def test_a_fresh_tensor_may_take_a_mapped_value():
    def f(x):
        buffer = torch.zeros(2)
        buffer[0] = x[0]
        return buffer

    x = torch.arange(6.0).view(3, 2)
    assert close(vmap(f)(x), torch.stack([f(part) for part in x]))


def test_functions_in_the_old_style_and_without_a_vmap_rule():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 7 * ctx.saved_tensors[0]

    x = torch.arange(6.0).view(2, 3)
    assert close(vmap(grad(lambda x: Cube.apply(x).sum()))(x), 7 * x)


def test_a_transform_of_a_writing_function_says_where_and_what_to_do():
    captured = torch.zeros(3)
    with pytest.raises(RuntimeError) as caught:
        grad(lambda x: captured.copy_(x).sum())(torch.ones(3))
    first, where, remedy = str(caught.value).splitlines()
    assert first.startswith("During a grad (vjp, jvp, grad, etc) transform")
    assert f"{__file__}:" in where and "captured.copy_(x)" in where
    assert remedy.strip().startswith("Instead: return the new value")


# --- jit ------------------------------------------------------------------------------------------


def test_jit_draws_anew_at_each_call_and_moves_buffers():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    twin, x = copy.deepcopy(net), torch.randn(6, 3)
    compiled = fl.jit(lambda x: net(x))
    torch.manual_seed(1)
    ours = [compiled(x) for _ in range(3)]
    torch.manual_seed(1)
    assert all(close(a, twin(x)) for a in ours)
    assert all(close(a, b) for a, b in zip(net.buffers(), twin.buffers(), strict=True))


def test_jit_reads_captured_parameters_anew_and_compiles_once():
    w = torch.ones(3, requires_grad=True)
    compiled = fl.jit(lambda x, scale: (x * w).sum() * scale)
    x = torch.arange(3.0)
    assert compiled(x, 1.0).item() == 3.0
    before = counters.compilations
    with torch.no_grad():
        w.mul_(2)
    output = compiled(x, 0.5)
    assert counters.compilations - before <= 1  # mul_ itself
    assert output.item() == 3.0
    output.backward()
    assert close(w.grad, x * 0.5)


def test_jit_inside_no_grad_is_another_program():
    w = torch.ones(3, requires_grad=True)
    compiled = fl.jit(lambda x: (x * w).sum())
    with torch.no_grad():
        assert not compiled(torch.ones(3)).requires_grad
    compiled(torch.ones(3)).backward()
    assert close(w.grad, torch.ones(3))


def test_jit_of_a_function_that_needs_values_says_so():
    with pytest.raises(
        RuntimeError, match="is not known while the function is being traced by jit"
    ):
        fl.jit(lambda x: x if x.sum() > 0 else -x)(torch.ones(3))


def test_loops_refuse_random_draws_and_writes():
    x, total = torch.ones(4, 2), torch.zeros(2)
    with pytest.raises(NotImplementedError, match="random operations inside scan"):
        fl.scan(lambda c, x: (c + torch.rand(2), x), torch.zeros(2), x)
    with pytest.raises(NotImplementedError, match="writing to a captured tensor inside scan"):
        fl.scan(lambda c, x: (total.add_(x), x), torch.zeros(2), x)
    assert close(total, torch.zeros(2))


# --- compilations ---------------------------------------------------------------------------------


def transformed(name: str):
    x = torch.randn(4, 3)
    net = network().eval()
    params = detached(net)

    def loss(p, x):
        return functional_call(net, p, (x[None],)).pow(2).sum()

    return {
        "per-sample gradients": lambda: vmap(grad(loss), in_dims=(None, 0))(params, x),
        "hessian": lambda: hessian(lambda x: loss(params, x))(x[0]),
        "jacrev": lambda: jacrev(lambda x: net(x))(x),
        "backward": lambda: vmap(net)(x[:, None]).sum().backward(),
    }[name]


@pytest.mark.parametrize("name", ["per-sample gradients", "hessian", "jacrev", "backward"])
def test_an_eager_transform_compiles_nothing_when_it_is_called_again(name, caplog):
    call = transformed(name)
    for _ in range(HOT + 2):  # from the second call on, gradients are added to others
        call()
    with jax.log_compiles(), caplog.at_level("WARNING", logger="jax"):
        call()
    assert not [r.getMessage() for r in caplog.records if r.getMessage().startswith("Compiling")]
