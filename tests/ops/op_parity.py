"""Run one declared op as a program, alone or beside real torch on the same operands."""

import jax
import numpy as np

from functorch_lite._core import dtype as dt
from functorch_lite.ops import OPS
from functorch_lite.ops._program import program
from functorch_lite.ops._registry import OPERAND, SCALAR

EDGES = np.array(
    [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 2.5, 6, -6, 1e-3, 7.3, -7.3, 20, 21, 0.9, -0.9]
)
BEYOND = np.array([np.inf, -np.inf, np.nan, 88.0, -88.0, 1e10])


def descriptor(value):
    """Say to ``program`` what an operand is: an array, a Python number or None."""
    if isinstance(value, np.ndarray):
        kind = dt.from_np(value.dtype)
        return kind if value.ndim else kind.zero_dim
    return None if value is None else type(value)


def prepare(name, args, options):
    """Return the program of the op and its flat operands (arrays and Python numbers)."""
    op = OPS[name]
    given = dict(zip((p.name for p in op.params), args, strict=False)) | options
    values = {p.name: given.get(p.name, p.default) for p in op.params}
    operands = [values[p.name] for p in op.params if p.role in (OPERAND, SCALAR)]
    statics = tuple(values[p.name] for p in op.params if p.role not in (OPERAND, SCALAR))
    made = program(op, tuple(map(descriptor, operands)), statics)
    return made, [v for v in operands if v is not None]


def evaluate(name, *args, **options):
    """Return the op's result as NumPy arrays."""
    with jax.enable_x64(True):
        made, flat = prepare(name, args, options)
        return jax.tree.map(np.asarray, made.call(*flat))


def gradients(name, *args, **options):
    """Return the gradients of the sum of the op's result by its floating-point arrays."""
    with jax.enable_x64(True):
        made, flat = prepare(name, args, options)
        wanted = tuple(
            i for i, v in enumerate(flat) if isinstance(v, np.ndarray) and v.dtype.kind in "fc"
        )
        out = made.call(*flat)
        return [np.asarray(g) for g in made.vjp(wanted).call(*flat, np.ones(out.shape, out.dtype))]


def check(torch, fun, name, *args, grad=True, **options):
    """Assert that value, dtype and gradients equal those of the torch function ``fun``."""
    tensors = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    leaves = [
        t
        for t in tensors
        if isinstance(t, torch.Tensor) and (t.is_floating_point() or t.is_complex())
    ]
    for leaf in leaves if grad else ():
        leaf.requires_grad_()
    want = fun(*tensors, **options)
    torch.testing.assert_close(
        torch.tensor(evaluate(name, *args, **options)), want.detach(), equal_nan=True
    )
    if grad and want.requires_grad:
        wanted = torch.autograd.grad(want, leaves, torch.ones_like(want), allow_unused=True)
        for got, expected, leaf in zip(
            gradients(name, *args, **options), wanted, leaves, strict=True
        ):
            expected = torch.zeros_like(leaf) if expected is None else expected
            torch.testing.assert_close(torch.tensor(got), expected, equal_nan=True)
