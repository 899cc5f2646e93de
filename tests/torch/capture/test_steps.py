"""A captured training step does what the eager one does, with one program."""

import copy
import operator
import warnings

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.torch.nn import functional as F

OPTIMIZERS = {
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {"lr": 0.05},
    "Adam": {"amsgrad": True, "weight_decay": 0.01},
    "AdamW": {},
    "Adamax": {},
    "ASGD": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {"momentum": 0.5, "centered": True, "eps": 1e-3},  # noise over nearly zero else
    "Rprop": {},
    "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.1},
}


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(4 * 16, 5),
    )


def batch(seed=1):
    torch.manual_seed(seed)
    return torch.randn(8, 1, 6, 6), torch.randint(0, 5, (8,))


def training_step(model, optimizer):
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def programs(function):
    """Return how many programs a compiled function has."""
    return sum(map(len, function._compiled.programs.values()))


def state_of(model, optimizer):
    """Return every number that a training step may change."""
    tensors = [*model.state_dict().values(), *(p.grad for p in model.parameters())]
    states = [t for s in optimizer.state.values() for t in s.values()]
    return [t.tolist() for t in [*tensors, *states] if t is not None] + [
        torch.get_rng_state().tolist()
    ]


def assert_close(a, b):
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(torch.tensor(x), torch.tensor(y), rtol=2e-4, atol=2e-6)


def trained(compiled, make_step, name="SGD", options=None, steps=4):
    model = network()
    optimizer = getattr(torch.optim, name)(model.parameters(), **(options or {"lr": 0.1}))
    step = make_step(model, optimizer)
    step = torch.compile(step, fullgraph=True) if compiled else step
    x, y = batch()
    losses = []
    for number in range(steps):
        if number == 2:
            optimizer.param_groups[0]["lr"] *= 0.5
        losses.append(step(x, y).item())
    return losses, state_of(model, optimizer), step


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS.items())
def test_a_captured_step_is_the_eager_step_with_one_program(name, options):
    losses, state, _ = trained(False, training_step, name, options)
    captured_losses, captured_state, step = trained(True, training_step, name, options)
    assert captured_losses == pytest.approx(losses, rel=1e-5)
    assert_close(captured_state, state)
    assert programs(step) == 1


def test_clipping_and_clearing_afterwards_are_captured():
    def clipped(model, optimizer):
        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            optimizer.zero_grad()
            return loss + 0 * norm

        return step

    eager, captured = trained(False, clipped), trained(True, clipped)
    assert captured[0] == pytest.approx(eager[0], rel=1e-5)
    assert_close(captured[1], eager[1])
    assert programs(captured[2]) == 1


def test_gradients_accumulate_over_captured_calls():
    def accumulate(model, optimizer):
        calls = []

        def step(x, y):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        del calls, optimizer
        return step

    eager, captured = trained(False, accumulate), trained(True, accumulate)
    assert_close(captured[1], eager[1])
    assert programs(captured[2]) == 2  # without a gradient, and with one


def test_the_gradients_of_a_captured_step_are_tensors_like_others():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    step = torch.compile(training_step(model, optimizer), fullgraph=True)
    x, y = batch()
    step(x, y)
    kept = model[0].weight.grad
    before = kept.clone()
    step(x, y)
    assert torch.equal(kept, before)
    assert model[0].weight.grad is not kept
    assert not torch.equal(model[0].weight.grad, before)


def test_only_the_forward_pass_is_compiled():
    x, y = batch()
    found = []
    for compiled in (False, True):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        call = torch.compile(model, fullgraph=True) if compiled else model
        step = training_step(call, optimizer)
        losses = [step(x, y).item() for _ in range(3)]
        call.eval()
        with torch.no_grad():
            losses.append(call(x).sum().item())
        found.append((losses, state_of(model, optimizer)))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    assert_close(found[1][1], found[0][1])


def test_a_compiled_module_is_the_module():
    model = network()
    compiled = torch.compile(model)
    assert isinstance(compiled, nn.Module)
    assert list(compiled.state_dict()) == ["_orig_mod." + k for k in model.state_dict()]
    assert all(map(operator.is_, compiled.parameters(), model.parameters()))
    compiled.eval()
    assert not model.training
    model.compile(fullgraph=True)
    x, _ = batch()
    assert model(x).shape == (8, 5)


def test_a_gradient_flows_through_a_captured_function_to_its_arguments():
    @torch.compile(fullgraph=True)
    def f(a, b):
        return (a * b).sum(), a.detach() * b

    a = torch.randn(3, requires_grad=True)
    inner = a * 2
    b = torch.randn(3)
    total, cut = f(inner, b)
    assert cut.requires_grad is False
    total.backward()
    torch.testing.assert_close(a.grad, 2 * b)


def test_training_mode_and_frozen_parameters_are_guarded():
    model = network()
    x, _ = batch()
    call = torch.compile(lambda x: model(x), fullgraph=True)
    torch.manual_seed(3)
    trained_once = call(x)
    model.eval()
    assert torch.allclose(call(x), model(x), atol=1e-6)
    model.train()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    assert not call(x).requires_grad
    assert trained_once.requires_grad


def test_a_new_state_of_the_optimizer_is_used():
    model = network()
    x, y = batch()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    step = torch.compile(training_step(model, optimizer), fullgraph=True)
    step(x, y)
    saved = copy.deepcopy(optimizer.state_dict())
    step(x, y)
    optimizer.load_state_dict(saved)
    step(x, y)
    assert [int(s["step"]) for s in optimizer.state.values()] == [2] * 5
    optimizer.add_param_group({"params": [nn.Parameter(torch.ones(2))]})
    step(x, y)
    assert [int(s["step"]) for s in optimizer.state.values()] == [3] * 5


def test_parameters_may_be_replaced_by_others_of_another_shape():
    layer = nn.Linear(3, 2)
    call = torch.compile(lambda x: layer(x), fullgraph=True)
    x = torch.randn(4, 3)
    call(x)
    layer.weight = nn.Parameter(torch.ones(5, 3))
    layer.bias = None
    torch.testing.assert_close(call(x), layer(x))
    layer.weight.data = torch.zeros(7, 3)
    torch.testing.assert_close(call(x), torch.zeros(4, 7))


def test_what_somebody_still_holds_is_not_overwritten():
    weight = torch.ones(3)
    array_of = weight.clone()

    @torch.compile(fullgraph=True)
    def step():
        weight.add_(1)

    step()
    view, detached = weight[1:], weight.detach()
    graph = (weight * array_of.requires_grad_()).sum()
    numbers = weight.numpy().copy()
    step()
    assert weight.tolist() == [3.0] * 3 == detached.tolist()
    assert view.tolist() == [3.0, 3.0]
    assert numbers.tolist() == [2.0] * 3
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        graph.backward()
    shared = weight.numpy()
    step()
    assert shared.tolist() == [4.0] * 3


def test_checkpointed_layers_draw_the_same_numbers_again():
    from functorch_lite.torch.utils.checkpoint import checkpoint

    def make(model, optimizer):
        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(checkpoint(model, x, use_reentrant=False), y)
            loss.backward()
            optimizer.step()
            return loss

        return step

    eager, captured = trained(False, make, steps=3), trained(True, make, steps=3)
    assert captured[0] == pytest.approx(eager[0], rel=1e-5)
    assert_close(captured[1][-1:], eager[1][-1:])


def test_custom_functions_hooks_and_transforms_are_captured():
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 3

    w = torch.ones(3, requires_grad=True)
    w.register_hook(lambda g: g + 1)

    def step(x):
        w.grad = None
        (Twice.apply(w) * x).sum().backward()
        return torch.func.vmap(torch.func.grad(lambda v: (v**3).sum()))(x.reshape(3, 1))

    x = torch.tensor([1.0, 2.0, 3.0])
    eager, g = step(x), w.grad.tolist()
    compiled = torch.compile(step, fullgraph=True)
    for _ in range(2):
        assert compiled(x).tolist() == eager.tolist()
        assert w.grad.tolist() == g == [4.0, 7.0, 10.0]


def test_a_loss_is_returned_with_a_freed_graph():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = batch()
    loss = torch.compile(training_step(model, optimizer), fullgraph=True)(x, y)
    assert loss.requires_grad
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        loss.backward()


def test_captured_in_place_writes_reach_arguments_and_captured_tensors():
    counter, table = torch.zeros((), dtype=torch.int64), torch.zeros(4, 2)
    row = table[1]

    @torch.compile(fullgraph=True)
    def f(x):
        counter.add_(1)
        row.add_(x.sum())
        x.mul_(2)
        return x + counter

    x = torch.ones(3)
    base = torch.ones(2, 3)
    assert f(x).tolist() == [3.0] * 3
    assert x.tolist() == [2.0] * 3
    assert f(base[1]).tolist() == [4.0] * 3
    assert base.tolist() == [[1.0] * 3, [2.0] * 3]
    assert counter.item() == 2
    assert table.tolist() == [[0, 0], [6, 6], [0, 0], [0, 0]]


def test_attributes_closures_and_globals_may_hold_changing_tensors():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(2, 2)
            self.hidden = torch.zeros(2)

        def forward(self, x):
            self.hidden = torch.tanh(self.fc(x) + self.hidden).detach()
            return self.hidden

    torch.manual_seed(0)
    cell = Cell()
    twin = copy.deepcopy(cell)
    compiled = torch.compile(cell, fullgraph=True)
    average = torch.zeros(2)

    @torch.compile(fullgraph=True)
    def run(x):
        nonlocal average
        average = average * 0.5 + x
        return average

    x, wanted = torch.ones(2), torch.zeros(2)
    for number in range(4):
        torch.testing.assert_close(compiled(x), twin(x))
        torch.testing.assert_close(cell.hidden, twin.hidden)
        wanted = wanted * 0.5 + x
        torch.testing.assert_close(run(x), wanted)
        torch.testing.assert_close(average, wanted)
        if number == 1:
            cell.hidden, twin.hidden = torch.ones(2), torch.ones(2)
    assert programs(run) == 1


def test_warnings_are_not_given_by_a_captured_step():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(True, training_step)


def test_a_scheduler_and_an_average_of_the_weights_may_be_part_of_the_step():
    found = []
    for compiled in (False, True):
        model = network()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)
        average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9)
        )

        def step(x, y, model=model, optimizer=optimizer, scheduler=scheduler, average=average):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad.clamp_(-0.1, 0.1)
            optimizer.step()
            average.update_parameters(model)
            scheduler.step()
            return loss

        call = torch.compile(step, fullgraph=True) if compiled else step
        x, y = batch()
        losses = [call(x, y).item() for _ in range(4)]
        found.append((losses, scheduler.get_last_lr(), state_of(average, optimizer)))
        if compiled:
            assert programs(call) == 1
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-4)
    assert found[1][1] == found[0][1]
    assert_close(found[1][2], found[0][2])


current = torch.ones(2)


def test_names_may_be_bound_to_other_views_and_to_new_state():
    global current
    data = torch.arange(12.0).reshape(6, 2)
    compiled = torch.compile(lambda: current * 2, fullgraph=True)
    for row in range(6):
        current = data[row]
        assert compiled().tolist() == (data[row] * 2).tolist()

    class Lazy(nn.Module):
        def __init__(self):
            super().__init__()
            self.total = None

        def forward(self, x):
            if self.total is None:
                self.total = torch.zeros(2)
            self.total = self.total + x
            return self.total

    lazy = Lazy()
    call = torch.compile(lazy, fullgraph=True)
    assert [call(torch.ones(2)).tolist() for _ in range(3)] == [[1, 1], [2, 2], [3, 3]]


def test_an_options_dict_that_the_step_itself_sets_is_not_frozen():
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.0)

    @torch.compile
    def step(x, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        layer(x).sum().backward()
        optimizer.step()

    x = torch.ones(1, 2)
    before = layer.bias.item()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for rate in (0.5, 0.25, 0.125):
            step(x, rate)
    assert layer.bias.item() == pytest.approx(before - 0.875)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_mixed_precision_with_a_scaler_is_captured(name):
    found = []
    for compiled in (False, True):
        model = network()
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.05)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=2)

        def step(x, y, model=model, optimizer=optimizer, scaler=scaler):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            return loss

        call = torch.compile(step, fullgraph=True) if compiled else step
        x, y = batch()
        losses = []
        for number in range(5):
            spoiled = x * float("inf") if number == 2 else x
            losses.append(call(spoiled, y).item())
        found.append((losses, scaler.get_scale(), [p.tolist() for p in model.parameters()]))
        if compiled:
            assert programs(call) == 1
    assert found[1][0] == pytest.approx(found[0][0], rel=2e-2, nan_ok=True)
    assert found[1][1] == found[0][1]


def test_autocast_around_a_captured_function_is_seen():
    layer = nn.Linear(4, 4)
    call = torch.compile(lambda x: layer(x), fullgraph=True)
    x = torch.ones(2, 4)
    assert call(x).dtype == torch.float32
    with torch.autocast("cpu"):
        assert layer(x).dtype == torch.bfloat16
        assert call(x).dtype == torch.bfloat16
        before = call(x).clone()
        with torch.no_grad():
            layer.weight.add_(1)
        assert not torch.equal(call(x), before)
    assert call(x).dtype == torch.float32


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_are_captured_with_one_loop_a_direction(kind):
    found = []
    for compiled in (False, True):
        torch.manual_seed(0)
        layer = getattr(nn, kind)(3, 4, num_layers=2)
        frozen = layer.weight_hh_l1.requires_grad_(False)
        optimizer = torch.optim.SGD([p for p in layer.parameters() if p is not frozen], lr=0.1)

        def step(x, layer=layer, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (layer(x)[0] ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        call = torch.compile(step, fullgraph=True) if compiled else step
        x = torch.randn(5, 2, 3)
        losses = [call(x).item() for _ in range(3)]
        found.append((losses, [p.tolist() for p in layer.parameters()], layer.weight_hh_l1.grad))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    assert_close(found[1][1], found[0][1])
    assert found[1][2] is None
    program = next(iter(call._compiled.programs.values()))[0]
    loops = [e for e in program.trace.closed.jaxpr.eqns if e.primitive.name == "scan"]
    assert len(loops) == 4  # two layers, forward and backward
