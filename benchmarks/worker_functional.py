"""Worker: seconds per call of torch.func programs on MLPs, under PyTorch and under us.

A request is the name of a program; under us ``NAME jit`` compiles it whole with ``fl.jit``.
"""

import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn
from torch.func import functional_call, grad, hessian, stack_module_state, vmap

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks._turns import serve

WARM, ROUND_S = 3, 0.05
torch.manual_seed(0)


def mlp(inputs: int, width: int, outputs: int) -> nn.Module:
    """Return a network of two hidden layers."""
    return nn.Sequential(
        *(nn.Linear(inputs, width), nn.Tanh()),
        *(nn.Linear(width, width), nn.Tanh()),
        nn.Linear(width, outputs),
    )


def per_sample_gradients() -> tuple[Callable[..., Any], tuple]:
    """Gradients of each of 64 examples' losses."""
    net = mlp(64, 128, 10)
    params = {k: v.detach() for k, v in net.named_parameters()}

    def loss(params: dict, x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(functional_call(net, params, (x[None],)), y[None])

    return vmap(grad(loss), (None, 0, 0)), (params, torch.randn(64, 64), torch.arange(64) % 10)


def hessian_of_an_mlp() -> tuple[Callable[..., Any], tuple]:
    """The Hessian of a scalar network by its 64 inputs."""
    net = mlp(64, 128, 1)
    params = {k: v.detach() for k, v in net.named_parameters()}

    def output(x: Any, params: dict) -> Any:
        return functional_call(net, params, (x,)).squeeze()

    return hessian(output), (torch.randn(64), params)


def ensemble_of_ten(width: int) -> tuple[Callable[..., Any], tuple]:
    """The outputs of ten networks for one batch of 64."""
    nets = [mlp(64, width, 10) for _ in range(10)]
    params, _ = stack_module_state(nets)
    params = {k: v.detach() for k, v in params.items()}

    def call(params: dict, x: Any) -> Any:
        return functional_call(nets[0], params, (x,))

    return vmap(call, (0, None)), (params, torch.randn(64, 64))


def training_of_ten(width: int) -> tuple[Callable[..., Any], tuple]:
    """The gradients of ten networks' losses on one batch of 64."""
    call, (params, x) = ensemble_of_ten(width)
    y = torch.arange(64) % 10

    def loss(params: dict, x: Any, y: Any) -> Any:
        logits = call(params, x)  # (10, 64, 10)
        return nn.functional.cross_entropy(logits.flatten(0, 1), y.repeat(10))

    return grad(loss), (params, x, y)


PROGRAMS = {
    "per-sample gradients": per_sample_gradients,
    "hessian": hessian_of_an_mlp,
    "10 networks of width 32, outputs": partial(ensemble_of_ten, 32),
    "10 networks of width 32, gradients": partial(training_of_ten, 32),
    "10 networks of width 128, outputs": partial(ensemble_of_ten, 128),
    "10 networks of width 128, gradients": partial(training_of_ten, 128),
}


@cache
def program(name: str) -> Callable[[], Any]:
    """Return the program as a call that waits for its result."""
    base, jitted = name.removesuffix(" jit"), name.endswith(" jit")
    function, args = PROGRAMS[base]()
    if jitted:
        import functorch_lite as fl  # optional: under PyTorch there is none

        function = fl.jit(function)

    wait = sys.modules["jax"].block_until_ready if "jax" in sys.modules else None

    def run() -> None:
        result = function(*args)
        if wait is not None:  # PyTorch on a CPU leaves nothing pending
            wait(result)

    return run


def one(name: str) -> float:
    """Return the mean seconds per call, once the processor is awake."""
    run = program(name)
    for _ in range(WARM):
        run()
    start, calls = perf_counter(), 0
    while (spent := perf_counter() - start) < ROUND_S or calls < WARM:
        run()
        calls += 1
    return spent / calls


if __name__ == "__main__":
    serve(one)
