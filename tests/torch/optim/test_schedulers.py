"""Learning rate schedules against live PyTorch: rates, momentum, checkpoints, warnings, errors."""

import warnings

import pytest

import functorch_lite.torch as ours
from tests.parity import live_torch

METRICS = [1.0, 0.9, 0.9, 0.95, 0.8, 0.8, 0.8, 0.8, 0.79999, 0.5, 0.6, 0.7]


def of(name, *args, **options):
    return lambda torch, opt: getattr(torch.optim.lr_scheduler, name)(opt, *args, **options)


def sequential(torch, opt):
    made = torch.optim.lr_scheduler
    parts = [made.LinearLR(opt, 0.2, total_iters=3), made.CosineAnnealingLR(opt, 6)]
    return made.SequentialLR(opt, parts, milestones=[3])


def chained(torch, opt):
    made = torch.optim.lr_scheduler
    return made.ChainedScheduler([made.ConstantLR(opt, 0.1, 2), made.ExponentialLR(opt, 0.9)])


SCHEDULES = {
    "lambda": of("LambdaLR", [lambda e: 0.95**e, lambda e: 1 / (e + 1)]),
    "multiplicative": of("MultiplicativeLR", lambda e: 0.9 if e % 2 else 1.05),
    "step": of("StepLR", 3),
    "multistep": of("MultiStepLR", [2, 5, 5, 9]),
    "constant": of("ConstantLR"),
    "linear": of("LinearLR", 0.2, 0.8, 7),
    "exponential": of("ExponentialLR", 0.9),
    "polynomial": of("PolynomialLR", total_iters=9, power=2.0),
    "cosine": of("CosineAnnealingLR", 5, 0.01),
    "restarts": of("CosineAnnealingWarmRestarts", T_0=2, T_mult=2, eta_min=0.001),
    "cyclic": of("CyclicLR", 0.01, 0.1, step_size_up=3),
    "cyclic exp": of("CyclicLR", 0.01, 0.1, step_size_up=3, mode="exp_range", gamma=0.9),
    "cyclic own": of("CyclicLR", 0.01, 0.1, 3, scale_fn=lambda x: 0.5, scale_mode="iterations"),
    "one cycle": of("OneCycleLR", [0.1, 0.3], total_steps=20, three_phase=True),
    "one cycle linear": of("OneCycleLR", 0.1, None, 4, 5, anneal_strategy="linear"),
    "sequential": sequential,
    "chained": chained,
    "plateau": of("ReduceLROnPlateau", patience=1, cooldown=1),
    "plateau max": of("ReduceLROnPlateau", mode="max", threshold_mode="abs", patience=0),
    "swa": lambda torch, opt: torch.optim.swa_utils.SWALR(opt, 0.05, 4),
}


def make_optimizer(torch, name="SGD"):
    params = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(3))]
    options = {"momentum": 0.9} if name == "SGD" else {}
    groups = [{"params": params[:1]}, {"params": params[1:], "lr": 0.2}]
    return getattr(torch.optim, name)(groups, lr=0.1, **options)


def follow(torch, make, optimizer_name):
    """Return rates, momentum and last rates over the metrics, checkpointing half way."""
    optimizer = make_optimizer(torch, optimizer_name)
    scheduler = make(torch, optimizer)
    seen = []
    for k, metric in enumerate(METRICS):
        groups = optimizer.param_groups
        seen.append([(g["lr"], g.get("momentum"), g.get("betas")) for g in groups])
        optimizer.step()
        if type(scheduler).__name__ == "ReduceLROnPlateau":
            scheduler.step(metric)
        else:
            scheduler.step()
        seen.append(scheduler.get_last_lr())
        if k == 6:
            keys = sorted(scheduler.state_dict())
            fresh = make_optimizer(torch, optimizer_name)
            resumed = make(torch, fresh)
            resumed.load_state_dict(scheduler.state_dict())
            fresh.load_state_dict(optimizer.state_dict())
            optimizer, scheduler = fresh, resumed
            fresh.step()
    return seen, keys


@pytest.mark.parity
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_sets_pytorchs_rates_to_the_last_bit(name, optimizer):
    got = follow(ours, SCHEDULES[name], optimizer)
    assert got == follow(live_torch(), SCHEDULES[name], optimizer)


WRONG = {
    "no optimizer": lambda torch, opt: torch.optim.lr_scheduler.StepLR(3, 1),
    "resumed": lambda torch, opt: torch.optim.lr_scheduler.StepLR(opt, 1, last_epoch=3),
    "lambdas": of("LambdaLR", [lambda e: 1]),
    "factor": of("ConstantLR", 2.0),
    "start": of("LinearLR", 0.0),
    "T_0": of("CosineAnnealingWarmRestarts", 0),
    "mode": of("CyclicLR", 0.1, 1.0, mode="no"),
    "no steps": of("OneCycleLR", 0.1),
    "strategy": of("OneCycleLR", 0.1, total_steps=3, anneal_strategy="no"),
    "lengths": of("OneCycleLR", [0.1], total_steps=3),
    "plateau": of("ReduceLROnPlateau", mode="no"),
    "plateau factor": of("ReduceLROnPlateau", factor=1.0),
    "milestones": lambda torch, opt: torch.optim.lr_scheduler.SequentialLR(
        opt, [torch.optim.lr_scheduler.StepLR(opt, 1)], [1]
    ),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", WRONG)
def test_mistakes_have_pytorchs_errors(name):
    texts = []
    for torch in (ours, live_torch()):
        with pytest.raises(Exception) as error:
            WRONG[name](torch, make_optimizer(torch))
        texts.append((error.typename, str(error.value)))
    assert texts[0] == texts[1]


def warnings_of(torch, run):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer = make_optimizer(torch)
        run(optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 1))
    return [(w.category.__name__, str(w.message)) for w in caught]


@pytest.mark.parity
@pytest.mark.parametrize(
    "run",
    [
        lambda optimizer, scheduler: scheduler.step(),
        lambda optimizer, scheduler: (optimizer.step(), scheduler.step(3)),
        lambda optimizer, scheduler: scheduler.get_lr(),
    ],
    ids=["order", "epoch", "get_lr"],
)
def test_warnings_are_pytorchs(run):
    got = warnings_of(ours, run)
    assert got == warnings_of(live_torch(), run)
    assert got


def test_a_rate_that_is_a_tensor_is_changed_in_place():
    rate = ours.tensor(1.0)
    optimizer = ours.optim.SGD([ours.nn.Parameter(ours.ones(2))], lr=rate)
    scheduler = ours.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.5


@pytest.mark.parity
@pytest.mark.parametrize("kind", ["default", "avg", "multi"])
def test_an_averaged_model_is_pytorchs(kind):
    found = []
    for torch in (ours, live_torch()):
        torch.manual_seed(0)
        swa = torch.optim.swa_utils
        options = {
            "default": {},
            "avg": {"avg_fn": swa.get_ema_avg_fn(0.9)},
            "multi": {"multi_avg_fn": swa.get_ema_multi_avg_fn(0.9), "use_buffers": True},
        }[kind]
        model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
        averaged = swa.AveragedModel(model, **options)
        for _ in range(3):
            with torch.no_grad():
                for p in model.parameters():
                    p.add_(torch.rand(p.shape))
            averaged.update_parameters(model)
        swa.update_bn([torch.rand(4, 3), torch.rand(4, 3)], averaged)
        found.append({k: v.numpy() for k, v in averaged.state_dict().items()})
    got, wanted = found
    assert list(got) == list(wanted)
    for key, value in wanted.items():
        assert abs(got[key] - value).max() < 1e-6, key
