"""What ``GradScaler`` computes: one compiled call over all gradients, one for the scale.

No value is read in Python: the flag that an infinity was found, the scale and the growth counter
are 0-d tensors that are written in place.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from ...._core.execute import compile, x64
from ..register import expose
from ..tensor import Tensor

_programs: dict[int, Callable[..., Any]] = {}


def _unscaler(count: int) -> Callable[..., Any]:
    """Return ``(found, inverse, grads) -> (found, grads)`` for ``count`` gradients."""

    def unscale(found: Any, inverse: Any, grads: tuple) -> tuple:
        finite = [jnp.isfinite(grad).all() for grad in grads]
        bad = ~jnp.stack(finite).all()
        return jnp.where(bad, jnp.ones((), found.dtype), found), [
            _scaled(g, inverse) for g in grads
        ]

    if count not in _programs:
        _programs[count] = compile(unscale)
    return _programs[count]


def _scaled(grad: Any, inverse: Any) -> Any:
    """Return ``grad * inverse``, computed in float32 where ``grad`` has less, and left alone by
    an inverse of 1."""
    wide = jnp.promote_types(grad.dtype, jnp.float32)
    return jnp.where(inverse == 1, grad, (grad.astype(wide) * inverse).astype(grad.dtype))


@expose("f")
def _amp_foreach_non_finite_check_and_unscale_(
    grads: Sequence[Tensor], found_inf: Tensor, inv_scale: Tensor
) -> None:
    """Multiply all gradients by ``inv_scale`` in place; write 1 into ``found_inf`` if any element
    of them is infinite or NaN."""
    for name, scalar in (("found_inf", found_inf), ("inv_scale", inv_scale)):
        if scalar.numel() != 1:
            raise RuntimeError(f"{name} must be a 1-element tensor.")
    grads = list(grads)
    if not grads:
        return
    with x64(True):
        found, scaled = _unscaler(len(grads))(
            found_inf._array, inv_scale._array, tuple([grad._array for grad in grads])
        )
    found_inf._write(found)
    for grad, array in zip(grads, scaled, strict=True):
        grad._write(array)


@compile
def _moved(scale: Any, tracker: Any, found: Any, growth: Any, backoff: Any, interval: Any) -> Any:
    """Return the new scale and the new count of good steps."""
    bad, good = found > 0, tracker + 1
    due = good == interval
    double = scale.astype(jnp.float64)
    grown = (double * growth).astype(scale.dtype)
    kept = jnp.where(due & jnp.isfinite(grown), grown, scale)
    new = jnp.where(bad, (double * backoff).astype(scale.dtype), kept)
    return new, jnp.where(bad | due, 0, good).astype(tracker.dtype)


@expose("f")
def _amp_update_scale_(
    self: Tensor,
    growth_tracker: Tensor,
    found_inf: Tensor,
    scale_growth_factor: float,
    scale_backoff_factor: float,
    growth_interval: int,
) -> Tensor:
    """Write the scale for the next step into ``self``, and count good steps in
    ``growth_tracker``."""
    with x64(True):
        scale, tracker = _moved(
            self._array,
            growth_tracker._array,
            found_inf._array,
            float(scale_growth_factor),
            float(scale_backoff_factor),
            int(growth_interval),
        )
    self._write(scale)
    growth_tracker._write(tracker)
    return self
