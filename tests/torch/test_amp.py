"""Automatic mixed precision: scripts that print what PyTorch 2.13 prints, and each op's dtype.

The scripts stand in features/mixed_*.py; their text under PyTorch is recorded (record.py). The
calls of amp_calls.py are compared with live PyTorch, on the CPU and on its pretended GPU.
"""

import threading
from pathlib import Path

import numpy as np
import pytest

import functorch_lite as fl
import functorch_lite.torch as shim
from functorch_lite.ops._registry import OPS
from functorch_lite.torch._engine.mixed import policies
from functorch_lite.torch._engine.mixed.state import switch
from tests.parity import is_tensor, live_torch, name_of, outcome, transcript, values

from .amp_calls import CALLS, inputs
from .features import mixed_autocast, mixed_scaler  # noqa: F401 - fill the list
from .features.rows import MIXED as SCRIPTS
from .features.rows import read_record, with_gaps

RECORD = Path(__file__).parent / "features" / "mixed_recorded.json"
RECORDED = read_record(RECORD)


@pytest.mark.parametrize("script", with_gaps(SCRIPTS), ids=str)
def test_a_script_prints_what_pytorch_printed(script):
    assert transcript(script.run, shim) == RECORDED[str(script)]


@pytest.mark.parity
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_the_record_is_what_pytorch_prints(script):
    assert transcript(script.run, live_torch()) == RECORDED[str(script)]


# --- each op --------------------------------------------------------------------------------------

# Where PyTorch fails, or gives what has no one value.
REFUSED_IN_LOW = {"norm nuclear", "pdist"}
NO_GRADIENT = {"pinv", "geqrf"}
NOT_UNIQUE = {"eig", "eigvals"}


def results(value) -> list:
    """Return the tensors in a nested result."""
    if is_tensor(value):
        return [value]
    return [t for v in value for t in results(v)] if isinstance(value, (tuple, list)) else []


def dtypes(torch, name, x) -> list[str]:
    return [name_of(r.dtype) for r in results(CALLS[name](torch, torch.nn.functional, x))]


def in_low(torch, name, low):
    """Return the dtypes of a call's results for inputs that are of low precision already."""
    with torch.autocast("cpu", getattr(torch, low)):
        return outcome(lambda: dtypes(torch, name, inputs(torch, getattr(torch, low))))


def computed(torch, name, low):
    """Return the results of a call on float32 inputs, and the gradient of each input."""
    x = inputs(torch, torch.float32)
    floats = {k: v.requires_grad_() for k, v in vars(x).items() if not k.endswith("_")}
    with torch.autocast("cpu", getattr(torch, low)):
        out = results(CALLS[name](torch, torch.nn.functional, x))
    found = {i: (name_of(r.dtype), values(r.resolve_conj())) for i, r in enumerate(out)}
    if not out[0].requires_grad or name in NO_GRADIENT:
        return found
    parts = [r.abs() if r.is_complex() else r.float() for r in out if r.requires_grad]
    sum(p.sum() for p in parts).backward()
    gradients = {k: v.grad for k, v in floats.items() if v.grad is not None}
    return found | {k: (name_of(g.dtype), values(g)) for k, g in gradients.items()}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_an_op_computes_in_pytorchs_dtype(name):
    torch = live_torch()
    theirs, ours = in_low(torch, name, "bfloat16"), in_low(shim, name, "bfloat16")
    if name not in REFUSED_IN_LOW:
        assert ours == theirs if theirs[0] == "value" else ours[0] == "error"
    theirs, ours = computed(torch, name, "bfloat16"), computed(shim, name, "bfloat16")
    assert {k: d for k, (d, _) in ours.items()} == {k: d for k, (d, _) in theirs.items()}
    for key in () if name in NOT_UNIQUE else theirs:
        expected = theirs[key][1]
        room = 0.02 * max(1.0, np.abs(expected).max(initial=0.0))  # a few roundings to 8 bits
        np.testing.assert_allclose(ours[key][1], expected, rtol=0.02, atol=room, err_msg=str(key))


# The pretended GPU skips what PyTorch composes here (a product at the end), or has complex32.
NOT_PRETENDED = {"pinv", "pinverse", "view_as_complex"}


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
def test_the_rules_for_gpus_are_pytorchs(monkeypatch):
    torch = live_torch()
    monkeypatch.setitem(policies.RULES, "cpu", policies.RULES["cuda"])
    wrong = []
    for kind in ("float32", "float16"):
        theirs = pretended(torch, kind)
        x = inputs(shim, getattr(shim, kind))
        for name in set(CALLS) - NOT_PRETENDED:
            plain = outcome(lambda name=name, x=x: dtypes(shim, name, x))
            with shim.autocast("cpu", shim.float16):
                ours = outcome(lambda name=name, x=x: dtypes(shim, name, x))
            refused_anyway = plain[0] == ours[0] == "error"
            if theirs[name][0] == "value" and ours != theirs[name] and not refused_anyway:
                wrong.append((name, kind, ours, theirs[name]))
    assert not wrong


def pretended(torch, kind) -> dict:
    """Return the dtypes of all calls under ``autocast("cuda")``, by PyTorch's fake tensors."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        x = inputs(torch, getattr(torch, kind), "cuda")
        torch.set_autocast_enabled("cuda", True)
        try:
            return {name: outcome(lambda name=name: dtypes(torch, name, x)) for name in CALLS}
        finally:
            torch.set_autocast_enabled("cuda", False)


def test_binary_cross_entropy_is_refused_on_gpus(monkeypatch):
    monkeypatch.setitem(policies.RULES, "cpu", policies.RULES["cuda"])
    half = shim.full((2,), 0.5)
    with shim.autocast("cpu", shim.float16), pytest.raises(RuntimeError, match="unsafe to auto"):
        shim.nn.functional.binary_cross_entropy(half, half)


def test_every_rule_is_for_an_op():
    declared = set(OPS)
    for rules in policies.RULES.values():
        assert set(rules) <= declared


# --- training -------------------------------------------------------------------------------------


def mlp(torch):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.GELU(), torch.nn.LayerNorm(32),
        torch.nn.Linear(32, 4),
    )  # fmt: skip


def cnn(torch):
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(36, 4),
    )  # fmt: skip


def train(torch, make, low, steps=8):
    """Train in mixed precision; return losses, scales and weights."""
    torch.manual_seed(0)
    net = make(torch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=3)
    x, y = torch.randn(16, 1, 8, 8), torch.randint(0, 4, (16,))
    losses, scales = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        with torch.autocast("cpu", getattr(torch, low)):
            loss = torch.nn.functional.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
        scales.append(scaler.get_scale())
    return losses, scales, [values(p) for p in net.parameters()]


@pytest.mark.parity
@pytest.mark.parametrize("low", ["bfloat16", "float16"])
@pytest.mark.parametrize("make", [mlp, cnn])
def test_training_goes_pytorchs_way(make, low):
    theirs, ours = train(live_torch(), make, low), train(shim, make, low)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0.02, atol=0.01)
    assert ours[1] == theirs[1]
    for mine, expected in zip(ours[2], theirs[2], strict=True):
        assert mine.dtype == expected.dtype
        assert np.abs(mine - expected).mean() < 0.01


def test_training_learns_and_keeps_weights_in_float32():
    losses, scales, weights = train(shim, mlp, "float16", steps=12)
    assert scales[0] < 2.0**20  # the first scale is too large for float16
    assert losses[-1] < losses[0] / 2
    assert all(w.dtype == np.float32 for w in weights)


# --- what nobody sees -----------------------------------------------------------------------------


def test_nothing_is_asked_while_it_is_off():
    assert switch.count == 0
    with shim.autocast("cpu"), shim.autocast("cpu", enabled=False):
        assert switch.count == 0
    assert switch.count == 0


def test_a_thread_that_casts_leaves_others_alone():
    entered, done = threading.Event(), threading.Event()

    def cast():
        with shim.autocast("cpu"):
            entered.set()
            done.wait()

    thread = threading.Thread(target=cast)
    thread.start()
    entered.wait()
    assert shim.mm(shim.ones(2, 2), shim.ones(2, 2)).dtype is shim.float32
    done.set()
    thread.join()
    assert switch.count == 0


def test_a_traced_program_is_one_for_each_setting():
    w, x = shim.randn(3, 3, requires_grad=True), shim.randn(2, 3)
    product = fl.jit(lambda x: shim.mm(x, w) + shim.mm(x, w))
    assert product(x).dtype is shim.float32
    with shim.autocast("cpu"):
        assert product(x).dtype is shim.bfloat16
        assert shim.mm(x, w).grad_fn is not None  # no traced cast was left behind
    with shim.autocast("cpu", shim.float16):
        assert product(x).dtype is shim.float16
    assert product(x).dtype is shim.float32


def test_transforms_differentiate_casts():
    w, x = shim.randn(3, 3), shim.randn(2, 3)
    with shim.autocast("cpu"):
        grad = shim.func.grad(lambda w: shim.mm(x, w).float().sum())(w)
        rows = shim.func.vmap(lambda r: r[None] @ w)(x)
    assert grad.dtype is shim.float32
    assert rows.dtype is shim.bfloat16


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_a_traced_step_skips_itself(name):
    w = shim.tensor([1.0, -1.0], requires_grad=True)
    more = {} if name == "Adam" else {"momentum": 0.9}
    optimizer = getattr(shim.optim, name)([w], lr=0.1, **more)
    scaler = shim.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    scaler.scale(w.sum()).backward()
    scaler.step(optimizer)
    scaler.update()

    def step(gradient):
        w.grad.copy_(gradient)
        scaler.step(optimizer)
        scaler.update()
        return w.detach() + 0

    traced = fl.jit(step)
    state = optimizer.state[w]
    before = [w.tolist(), *(v.tolist() for v in state.values())]
    traced(shim.tensor([float("inf"), 1.0]))
    assert [w.tolist(), *(v.tolist() for v in state.values())] == before
    assert scaler.get_scale() == 4.0
    assert traced(shim.tensor([4.0, 8.0])).tolist() != before[0]
    assert scaler.get_scale() == 4.0
    traced(shim.tensor([4.0, 8.0]))
    assert scaler.get_scale() == 8.0


def test_a_skipped_step_reads_no_value(monkeypatch):
    w = shim.ones(3, requires_grad=True)
    optimizer = shim.optim.Adam([w], lr=0.1)
    scaler = shim.amp.GradScaler("cpu", init_scale=8.0)
    for factor in (1.0, float("nan"), 1.0):
        optimizer.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        monkeypatch.setattr(shim.Tensor, "item", None)  # the first step made the state
    monkeypatch.undo()
    assert optimizer.state[w]["step"].item() == 2
    assert w.isfinite().all()
