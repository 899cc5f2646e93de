"""The one helper: the same layer as a pure pair and as a PyTorch-style module, same numbers.

``check_same`` takes the module's weights as params and compares outputs, gradients of params and
inputs, and the new state.  Both run on the same ops, so the tolerance is one of rounding.
"""

import jax
import numpy as np

import functorch_lite.torch as torch
import functorch_lite.torch.nn as modules
from functorch_lite import nn

TOLERANCE = {"rtol": 2e-5, "atol": 1e-5}
QUICK = {"xla_backend_optimization_level": 0}
"""Compiler options for programs that run once."""


def arrays_of(module) -> dict[str, np.ndarray]:
    """Return the state_dict of a module as NumPy arrays."""
    return {name: np.array(value.numpy()) for name, value in module.state_dict().items()}


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    """Draw float32 numbers from N(0, 1)."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def check_same(layer, module, *inputs, train=False, options=None, call=None):
    """Compare ``layer`` and ``module`` on NumPy arrays ``inputs``.

    ``options`` are named inputs of both; ``call(module, *tensors)`` is for a module whose call
    looks different from the layer's.
    """
    params, state = nn.from_state_dict(layer, arrays_of(module))
    floats = [i for i, x in enumerate(inputs) if x.dtype == np.float32]
    ours = _run_layer(layer, params, state, inputs, floats, train, options or {})
    theirs = _run_module(module, inputs, floats, train, options or {}, call)
    assert [x.shape for x in ours[0]] == [x.shape for x in theirs[0]]
    for mine, its in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(mine, its, **TOLERANCE)
    for part in (1, 2, 3):
        assert ours[part].keys() == theirs[part].keys()
        for name, value in ours[part].items():
            np.testing.assert_allclose(value, theirs[part][name], err_msg=name, **TOLERANCE)


def _run_layer(layer, params, state, inputs, floats, train, options):
    """Return outputs, gradients of params and of inputs by name, new state by name."""

    def loss(params, moving):
        full = list(inputs)
        for i, x in zip(floats, moving, strict=True):
            full[i] = x
        outputs, new = layer.apply(params, state, *full, train=train, **options)
        leaves = jax.tree.leaves(outputs)
        return sum((x * _weights(x.shape)).sum() for x in leaves), (leaves, new)

    moving = [inputs[i] for i in floats]
    run = jax.jit(jax.grad(loss, (0, 1), has_aux=True), compiler_options=QUICK)
    grads, (outputs, new) = run(params, moving)
    return outputs, nn.flatten(grads[0]), dict(enumerate(grads[1])), nn.flatten(new)


def _run_module(module, inputs, floats, train, options, call):
    """Return what ``_run_layer`` does, of a module."""
    tensors = [torch.tensor(x) for x in inputs]
    for i in floats:
        tensors[i].requires_grad_()
    named = {name: torch.tensor(value) for name, value in options.items()}
    module.train(train)
    outputs = call(module, *tensors) if call else module(*tensors, **named)
    leaves = list(_tensors(outputs))
    torch.autograd.backward(leaves, [torch.tensor(_weights(tuple(x.shape))) for x in leaves])
    grads = {name: p.grad.numpy() for name, p in module.named_parameters()}
    buffers = {name: b.numpy() for name, b in module.named_buffers()}
    inputs = {k: tensors[i].grad.numpy() for k, i in enumerate(floats)}
    return [x.detach().numpy() for x in leaves], grads, inputs, buffers


def _tensors(tree):
    if isinstance(tree, torch.Tensor):
        yield tree
    for part in tree if isinstance(tree, tuple) else ():
        yield from _tensors(part)


def _weights(shape) -> np.ndarray:
    """Return fixed numbers to weigh the outputs with: a cotangent without symmetry."""
    size = int(np.prod(shape))
    return np.cos(np.arange(size, dtype=np.float32)).reshape(shape)


def zeros_of(layer):
    """Return (params, state) of ``layer`` as zeros, without compiling anything."""
    shapes = jax.eval_shape(layer.init, jax.random.key(0))
    return jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shapes)


def fresh(layer, seed=0):
    """Return what ``layer.init`` draws, in one program."""
    return jax.jit(layer.init, compiler_options=QUICK)(jax.random.key(seed))


def check_row(name, settings, *inputs, train=False):
    """Compare ``nn.<name>`` with the module of that name, both made with ``settings``."""
    arrays = [x if isinstance(x, np.ndarray) else draw(*x, seed=i) for i, x in enumerate(inputs)]
    check_same(
        getattr(nn, name)(**settings), getattr(modules, name)(**settings), *arrays, train=train
    )


def error_of(function, *args, **options) -> str:
    """Return "Type: message" of what ``function`` raises, notes included."""
    try:
        function(*args, **options)
    except Exception as error:
        notes = [n for n in getattr(error, "__notes__", []) if not n.startswith("---")]  # JAX's
        return "\n".join([f"{type(error).__name__}: {error}", *notes])
    raise AssertionError("nothing was raised")
