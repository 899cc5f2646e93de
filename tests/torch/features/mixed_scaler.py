"""GradScaler: scales, skipped steps, states, errors; and training in mixed precision."""

import io
import pickle

from tests.parity import attempt

from .rows import MIXED as row


def one_step(torch, scaler, optimizer, w, gradient):
    """Step with a given gradient, and show what came of it."""
    optimizer.zero_grad()
    scaler.scale((w * torch.tensor(gradient)).sum()).backward()
    result = scaler.step(optimizer)
    scaler.update()
    counts = [float(s["step"]) for s in optimizer.state.values() if "step" in s]
    print(gradient, result, w.detach(), scaler.get_scale(), scaler._get_growth_tracker(), counts)


GRADIENTS = (
    *([1.0, 2.0], [float("inf"), 1.0], [0.5, -1.0], [0.25, 1.0], [float("nan"), 1.0]),
    *([1.0, 1.0], [1.0, 1.0], [-float("inf"), float("nan")], [2.0, 0.5]),
)


def run(torch, make, first=()):
    w = torch.tensor([1.0, -1.0], requires_grad=True)
    optimizer = make([w])
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    for gradient in (*first, *GRADIENTS):
        one_step(torch, scaler, optimizer, w, gradient)
    print(optimizer.state_dict()["state"])
    print(scaler.state_dict())


@row("steps")
def of_adam(torch):
    run(torch, lambda p: torch.optim.Adam(p, lr=0.1))
    run(torch, lambda p: torch.optim.AdamW(p, lr=0.1, amsgrad=True))


@row("steps")
def of_sgd(torch):
    run(torch, lambda p: torch.optim.SGD(p, lr=0.1))
    run(torch, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True))


@row("steps")
def of_others(torch):
    for name in ("Adagrad", "Adadelta", "Adamax", "RMSprop", "Rprop", "ASGD", "NAdam", "RAdam"):
        print(name)
        run(torch, lambda p, name=name: getattr(torch.optim, name)(p, lr=0.1))


@row("steps")
def that_begin_with_an_infinity(torch):
    first = ([float("inf"), 1.0], [float("inf"), 1.0])
    run(torch, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.5), first)
    run(torch, lambda p: torch.optim.Adam(p, lr=0.1), first)
    run(torch, lambda p: torch.optim.Rprop(p, lr=0.1), first)


@row("steps")
def of_a_fused_optimizer(torch):
    w = torch.tensor([1.0, -1.0], requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    for gradient in GRADIENTS:
        one_step(torch, scaler, optimizer, w, gradient)
        print(w.grad)
    print(hasattr(optimizer, "found_inf"), hasattr(optimizer, "grad_scale"))


@row("steps")
def of_ones_own_optimizer(torch):
    class Descent(torch.optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 0.1})

        @torch.no_grad()
        def step(self):
            print("step")
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad * group["lr"])
            return "done"

    class Loud(torch.optim.SGD):
        def step(self, closure=None):
            print("loud")
            return super().step(closure)

    class Scaling(Descent):
        _step_supports_amp_scaling = True

        @torch.no_grad()
        def step(self):
            print(self.grad_scale, self.found_inf)

    class Older(Scaling):
        def step(self, grad_scaler=None):
            print(grad_scaler is not None)
            grad_scaler.unscale_(self)

    run(torch, Descent)
    run(torch, lambda p: Loud(p, lr=0.1))
    run(torch, Scaling)
    run(torch, Older)


@row("steps")
def are_seen_by_hooks_and_schedulers(torch):
    w = torch.tensor([1.0, -1.0], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    for gradient in ([float("inf"), 1.0], [1.0, 1.0], [1.0, float("inf")], [1.0, 1.0]):
        one_step(torch, scaler, optimizer, w, gradient)
        scheduler.step()
        print(scheduler.get_last_lr())
    handle = optimizer.register_step_post_hook(lambda *args: print("hook"))
    for gradient in ([float("inf"), 1.0], [1.0, 1.0]):
        one_step(torch, scaler, optimizer, w, gradient)
    handle.remove()


@row("steps")
def with_clipping_and_two_optimizers(torch):
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    first, second = torch.optim.SGD([a], lr=0.1), torch.optim.Adam([b], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=1)
    for bad in (False, True, False, False):
        factor = float("inf") if bad else 2.0
        outputs = [a.sum() * 3, (b.sum() * factor, [a.sum()])]
        scaled = scaler.scale(outputs)
        (scaled[0] + scaled[1][0] + scaled[1][1][0]).backward()
        scaler.unscale_(first)
        print(torch.nn.utils.clip_grad_norm_([a], 1.0), a.grad)
        scaler.step(first)
        scaler.step(second)
        scaler.update()
        print(a.detach(), b.detach(), b.grad, scaler.get_scale())
        first.zero_grad()
        second.zero_grad()


@row("state")
def numbers_and_checkpoints(torch):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=3)
    print(scaler.state_dict(), scaler.get_scale(), scaler._get_growth_tracker())
    print(scaler.get_growth_factor(), scaler.get_backoff_factor(), scaler.get_growth_interval())
    scaler.set_growth_factor(3.0)
    scaler.set_backoff_factor(0.25)
    scaler.set_growth_interval(5)
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    one_step(torch, scaler, optimizer, w, [1.0, 2.0])
    copy = pickle.loads(pickle.dumps(scaler))
    print(copy.state_dict(), copy._scale)
    one_step(torch, copy, optimizer, w, [1.0, 2.0])
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    print(other.state_dict(), other._scale)
    one_step(torch, other, optimizer, w, [1.0, 2.0])
    other.load_state_dict(scaler.state_dict())
    print(other.state_dict(), other._scale, other._growth_tracker)
    file = io.BytesIO()
    torch.save(other.state_dict(), file)
    file.seek(0)
    print(torch.load(file))


@row("state")
def a_scale_of_ones_own(torch):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    print(scaler.scale(torch.ones(2)), scaler.scale((torch.ones(1), [torch.ones(1)])))
    print(list(scaler.scale(torch.ones(1) for _ in range(2))))
    print(scaler.scale(torch.ones(2).bfloat16()).dtype, scaler.scale(torch.ones(()).half()))
    scaler.update(16.0)
    print(scaler.get_scale())
    scaler.update(torch.tensor(2.0))
    print(scaler.get_scale())
    attempt(lambda: scaler.update(torch.ones(2)))
    attempt(lambda: scaler.scale(3))
    attempt(lambda: scaler.scale([3]))


@row("state")
def a_scaler_that_is_off(torch):
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    scaler.scale(w.sum()).backward()
    scaler.unscale_(optimizer)
    print(scaler.step(optimizer, closure=lambda: 5.0), w, scaler.update(), scaler.get_scale())
    print(scaler.state_dict(), scaler.is_enabled(), scaler._get_growth_tracker())
    scaler.load_state_dict({})
    print(torch.amp.GradScaler("cuda").is_enabled(), torch.GradScaler().is_enabled())


@row("state")
def errors(torch):
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    for call in (scaler.unscale_, scaler.step):
        attempt(lambda call=call: call(optimizer))
    attempt(scaler.update)
    attempt(lambda: scaler.step(optimizer, closure=lambda: None))
    attempt(lambda: scaler.load_state_dict({}))
    attempt(lambda: torch.amp.GradScaler("cpu", growth_factor=1.0))
    attempt(lambda: torch.amp.GradScaler("cpu", backoff_factor=1.0))
    loss = scaler.scale(w.sum())
    attempt(lambda: scaler.step(optimizer))
    attempt(scaler.update)
    scaler.update(4.0)
    loss.backward()
    scaler.unscale_(optimizer)
    attempt(lambda: scaler.unscale_(optimizer))
    attempt(lambda: pickle.dumps(scaler))
    scaler.step(optimizer)
    attempt(lambda: scaler.unscale_(optimizer))
    attempt(lambda: scaler.step(optimizer))
    scaler.update()
    attempt(scaler.update)
    half = torch.ones(2, dtype=torch.float16, requires_grad=True)
    (half.sum() * 2).backward()
    attempt(lambda: scaler.unscale_(torch.optim.SGD([half], lr=0.1)))


@row("kernels")
def the_two_kernels(torch):
    grads = [torch.tensor([2.0, 4.0]), torch.tensor([[8.0]])]
    found, inverse = torch.zeros(()), torch.tensor(0.25)
    print(torch._amp_foreach_non_finite_check_and_unscale_(grads, found, inverse), grads, found)
    grads[1].fill_(float("inf"))
    torch._amp_foreach_non_finite_check_and_unscale_(grads, found, inverse)
    print(grads, found)
    scale, tracker = torch.tensor(4.0), torch.zeros((), dtype=torch.int32)
    for flag in (0.0, 0.0, 1.0, 0.0, 2.0):
        out = torch._amp_update_scale_(scale, tracker, torch.tensor(flag), 2.0, 0.5, 2)
        print(out is scale, scale, tracker)
    scale.fill_(3e38)
    torch._amp_update_scale_(scale, tracker, torch.zeros(()), 2.0, 0.5, 1)
    print(scale, tracker)
