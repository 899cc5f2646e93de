"""``torch.utils.checkpoint``: gradients, random numbers, messages, and what runs how often."""

import gc
import weakref

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch.utils import checkpoint as ours
from tests.parity import attempt, live_torch, transcript
from tests.torch.features.rows import Scripts

script = Scripts()


def checkpoint_of(torch):
    return ours if torch is globals()["torch"] else live_torch().utils.checkpoint


@script("reentrant")
def gradients_to_inputs_and_parameters(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    layer = torch.nn.Linear(3, 3)
    for reentrant in (True, False):
        x = torch.linspace(-1, 1, 6).reshape(2, 3).requires_grad_()
        layer.zero_grad()
        y = checkpoint(lambda v: layer(v).relu() * 2, x * 2, use_reentrant=reentrant)
        (y * x).sum().backward()
        print(y.requires_grad, y, x.grad, layer.weight.grad, layer.bias.grad)


@script("mixed")
def arguments_and_results_of_any_kind(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def f(a, n, names, *, scale=1, extra=None):
        print("runs", n, names, scale, torch.is_grad_enabled())
        return {"a": (a * n).sin(), "rest": [extra * scale, names, a.detach(), None]}

    out = checkpoint(f, x, 3, ["k"], scale=2.0, extra=x.exp(), use_reentrant=False)
    print({k: type(v).__name__ for k, v in out.items()}, out["rest"][1:])
    (out["a"].sum() + out["rest"][0].sum()).backward()
    print(x.grad)
    pair = checkpoint(lambda a, n: (a * n, 5), x, 2, use_reentrant=True)
    print(pair[1])
    pair[0].sum().backward()
    print(x.grad)


@script("random")
def dropout_masks_are_drawn_again(torch):
    module = checkpoint_of(torch)
    drop = torch.nn.functional.dropout
    for reentrant in (True, False):
        for keep in (True, False):
            torch.manual_seed(3)
            x = torch.ones(12, requires_grad=True)
            y = module.checkpoint(
                lambda v: drop(v * v, 0.5), x, use_reentrant=reentrant, preserve_rng_state=keep
            )
            torch.rand(2)
            y.sum().backward()
            print(y, x.grad, torch.rand(2))


@script("nested")
def nested_and_twice(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    w = torch.tensor([0.5, -0.5], requires_grad=True)
    count = []

    def inner(v):
        count.append("inner")
        return (v * w).sin()

    def outer(v, reentrant):
        count.append("outer")
        return checkpoint(inner, v, use_reentrant=reentrant).exp() * w

    for reentrant in (False, True):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        w.grad = None
        y = checkpoint(outer, x, reentrant, use_reentrant=reentrant)
        z = y.sum()
        z.backward(retain_graph=True)
        print(x.grad, w.grad)
        z.backward()
        print(x.grad, w.grad, count)
        attempt(z.backward)


@script("create_graph")
def second_derivatives(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.tensor([0.3, 0.7], requires_grad=True)
    w = torch.tensor([2.0, -1.0], requires_grad=True)
    h = x * 3
    y = checkpoint(lambda v: ((v * w).sin() + h) * x, h, use_reentrant=False)
    first = torch.autograd.grad((y * y).sum(), [x, w, h], create_graph=True)
    print(first)
    print(torch.autograd.grad(sum(g.sum() for g in first), [x, w]))


@script("captured")
def captured_results_are_not_counted_twice(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.tensor([0.3, 0.7], requires_grad=True)
    h = x.exp()
    y = checkpoint(lambda v: v * h + x, h * 2, use_reentrant=False)
    y.sum().backward()
    print(x.grad)


@script("views")
def views_in_and_out(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    base = x * 1
    out, same = checkpoint(lambda v: ((v * v).t()[1:], v), base[1:], use_reentrant=False)
    out = out.clone().mul_(2)
    (out.sum() + same.sum()).backward()
    print(x.grad, out.shape)


@script("views")
def written_inside_and_after(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.arange(6.0).reshape(2, 3).requires_grad_()
    w = torch.ones(3, requires_grad=True)

    def f(v):
        rows = torch.zeros(2, 3)
        rows[0] = v[0] * w
        rows[1:].copy_(v[1:] * 2)
        return rows.mul_(v)

    y = checkpoint(f, x * 1, use_reentrant=False)
    y.add_(1)
    y[0] = 5
    y.sum().backward()
    print(y, x.grad, w.grad)


@script("modes")
def without_gradients(torch):
    module = checkpoint_of(torch)
    x = torch.ones(2)
    for reentrant in (True, False):
        print(module.checkpoint(lambda v: v * 2, x, use_reentrant=reentrant).requires_grad)
        with torch.no_grad():
            y = module.checkpoint(
                lambda v: v * 2, x.clone().requires_grad_(), use_reentrant=reentrant
            )
        print(y.requires_grad)
    w = torch.ones(2, requires_grad=True)
    print(module.checkpoint(lambda v: v * w, x, use_reentrant=False).requires_grad)
    print(module.checkpoint(lambda v: v * w, x, use_reentrant=True).requires_grad)


@script("autograd.grad")
def autograd_grad_and_inputs(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    w = torch.tensor([2.0, 3.0], requires_grad=True)
    x = torch.ones(2, requires_grad=True)
    for reentrant in (False, True):
        y = checkpoint(lambda v: v * w, x, use_reentrant=reentrant).sum()
        attempt(lambda y=y: print(torch.autograd.grad(y, [x, w], retain_graph=True)))
        attempt(lambda y=y: y.backward(inputs=[x]))
        print(x.grad, w.grad)


@script("errors")
def messages(torch):
    module = checkpoint_of(torch)
    checkpoint, sequential = module.checkpoint, module.checkpoint_sequential
    x = torch.ones(2, requires_grad=True)

    def f(v, **named):
        return v * 2

    print(checkpoint(f, x), sequential([f, f], 2, x))
    attempt(lambda: checkpoint(f, x, use_reentrant=True, scale=3))
    attempt(lambda: checkpoint(f, x, use_reentrant=True, debug=True))
    attempt(lambda: checkpoint(f, x, use_reentrant=True, context_fn=lambda: (None, None)))
    attempt(lambda: checkpoint(f, x, use_reentrant=False, determinism_check="some"))
    attempt(
        lambda: checkpoint(
            f, x, use_reentrant=False, debug=True, context_fn=lambda: module.noop_context_fn()
        )
    )
    attempt(lambda: sequential([f, f], 2, x, use_reentrant=False, debug=True))
    attempt(lambda: sequential([f, f], 3, x, use_reentrant=False))
    attempt(lambda: checkpoint(lambda v: 1 / 0, x, use_reentrant=False))
    attempt(lambda: module.detach_variable([x]))
    none = checkpoint(lambda v: v.detach(), x, use_reentrant=True)
    attempt(lambda: none.sum().backward())
    print(module.get_device_states(x), issubclass(module.CheckpointError, RuntimeError))


@script("differences")
def a_second_run_that_differs(torch):
    module = checkpoint_of(torch)
    x = torch.ones(2, requires_grad=True)

    def backward(run, **options):
        calls = []

        def f(v):
            calls.append(v)
            return run(v, len(calls) > 1)

        module.checkpoint(f, x, use_reentrant=False, **options).sum().backward()

    attempt(lambda: backward(lambda v, again: v.sin() if again else v.sin().cos()))
    attempt(
        lambda: backward(lambda v, again: v.sin().cos() if again else v.sin(), early_stop=False)
    )
    attempt(lambda: backward(lambda v, again: v[:1].sin() if again else v.sin()))
    attempt(
        lambda: backward(lambda v, again: v.cos() if again else v.sin(), determinism_check="none")
    )
    attempt(lambda: backward(lambda v, again: v.cos() if again else v.sin()))


@script("written")
def an_argument_that_was_written_to(torch):
    checkpoint = checkpoint_of(torch).checkpoint
    x = torch.ones(2, requires_grad=True)
    h = x * 2
    y = checkpoint(lambda v: v.sin(), h, use_reentrant=False)
    h.add_(1)
    attempt(y.sum().backward)


@script("contexts")
def contexts_of_both_runs(torch):
    module = checkpoint_of(torch)

    class Say:
        def __init__(self, word):
            self.word = word

        def __enter__(self):
            print("into", self.word)

        def __exit__(self, *error):
            print("out of", self.word)
            return self.word == "swallow"

    x = torch.ones(2, requires_grad=True)
    y = module.checkpoint(
        lambda v: v.sin(), x, use_reentrant=False, context_fn=lambda: (Say("first"), Say("second"))
    )
    y.sum().backward()
    attempt(
        lambda: module.checkpoint(
            lambda v: 1 / 0, x, use_reentrant=False, context_fn=lambda: (Say("swallow"), Say("b"))
        )
    )


@script("sequential")
def segments(torch):
    module = checkpoint_of(torch)
    net = torch.nn.Sequential(*[torch.nn.Linear(2, 2) for _ in range(5)])
    x = torch.ones(1, 2, requires_grad=True)
    for number in (1, 2, 3, 5):
        for reentrant in (True, False):
            net.zero_grad()
            y = module.checkpoint_sequential(net, number, x, use_reentrant=reentrant)
            y.sum().backward()
            print(y, [layer.weight.grad.sum() for layer in net])


@script("module hooks")
def what_hooks_see_and_batch_norm_counts_both_runs(torch):
    module = checkpoint_of(torch)
    norm = torch.nn.BatchNorm1d(2)
    seen = []
    norm.register_full_backward_hook(lambda *_: seen.append("backward"))
    norm.register_forward_hook(lambda *_: seen.append("forward"))
    x = torch.tensor([[1.0, 2.0], [3.0, 5.0]], requires_grad=True)
    module.checkpoint(norm, x, use_reentrant=False, early_stop=False).pow(2).sum().backward()
    print(norm.num_batches_tracked, norm.running_mean, norm.weight.grad, seen)


@pytest.mark.parity
@pytest.mark.parametrize("script", script, ids=str)
def test_like_torch(script):
    assert transcript(script.run, torch) == transcript(script.run, live_torch())


# --- what no PyTorch is needed for ----------------------------------------------------------------


@pytest.mark.parametrize("reentrant", [True, False])
def test_values_inside_are_not_kept(reentrant):
    kept = []

    def f(v):
        inside = v.exp()
        kept.append(weakref.ref(inside._storage))
        return inside.sin()

    x = torch.ones(3, requires_grad=True)
    y = ours.checkpoint(f, x, use_reentrant=reentrant)
    gc.collect()
    assert kept[0]() is None
    y.sum().backward()
    torch.testing.assert_close(x.grad, (x.exp().cos() * x.exp()).detach())
    assert len(kept) == 2


@pytest.mark.parametrize("reentrant", [True, False])
def test_inside_transforms(reentrant):
    w = torch.tensor([0.5, 2.0], requires_grad=True)

    def f(x, call):
        return call(lambda v, scale, *, shift: (v * w).tanh() * scale + shift, x)

    def plain(x):
        return f(x, lambda g, v: g(v, 2.0, shift=v)).sum()

    def call_with_shift(g, v):
        keyword = {} if reentrant else {"shift": v}
        run = (lambda a, s: g(a, s, shift=a)) if reentrant else g
        return ours.checkpoint(run, v, 2.0, use_reentrant=reentrant, **keyword)

    def checkpointed(x):
        return f(x, call_with_shift).sum()

    xs = torch.arange(4.0).reshape(2, 2)
    found, wanted = (torch.vmap(torch.func.grad(g))(xs) for g in (checkpointed, plain))
    torch.testing.assert_close(found, wanted)
    (slope,) = torch.autograd.grad(found.sum(), w, retain_graph=True)
    torch.testing.assert_close(slope, torch.autograd.grad(wanted.sum(), w)[0])


def test_debug_lists_the_operations():
    calls = []

    def f(v):
        calls.append(v)
        return v.sin() if len(calls) > 1 else v.sin().cos()

    x = torch.ones(2, requires_grad=True)
    with ours.set_checkpoint_debug_enabled(True), ours.set_checkpoint_early_stop(False):
        y = ours.checkpoint(f, x, use_reentrant=False)
    with pytest.raises(
        ours.CheckpointError, match=r"(?s)original forward:.*CosBackward0 \(2 of 2\)"
    ):
        y.sum().backward()


def test_selective_checkpoints_are_refused_by_name():
    with pytest.raises(NotImplementedError, match="create_selective_checkpoint_contexts"):
        ours.create_selective_checkpoint_contexts([])
    assert ours.CheckpointPolicy.MUST_SAVE.value == 0
    assert ours.SelectiveCheckpointContext(is_recompute=True).op_output is None


def test_device_types():
    assert ours.DefaultDeviceType.get_device_type() == "cpu"
    assert ours.set_device_states([], []) is None
