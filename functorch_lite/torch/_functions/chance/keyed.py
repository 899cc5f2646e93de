"""Random draws from JAX keys: what PyTorch's samplers draw inside pure functions with a ``key``.

The distributions are PyTorch's, the numbers JAX's. They can be traced, so that such a function may
be jitted, mapped over keys, and run in a loop. Each draw takes a key of its own, folded from the
function's key and the number of draws before.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._core.errors import UnsupportedError
from ...._core.execute import x64


class KeySource:
    """Hands out draws from one key; without a key it refuses them."""

    def __init__(self, key: Any, name: str) -> None:
        self.key, self.name, self.count = key, name, 0

    def draw(self, kind: str, shape: Any, dtype: np.dtype, parameters: tuple) -> Any:
        """Draw an array; ``kind`` is a key of ``_core.draws.DRAWS``."""
        if self.key is None:
            raise ValueError(
                f"{self.name} draws random numbers and has no key: "
                "apply(params, state, x, key=jax.random.key(0), train=True), another key at each "
                "step"
            )
        sample = SAMPLERS.get(kind)
        if sample is None:
            raise UnsupportedError(f"drawing '{kind}' numbers from a JAX key", "Draw them outside.")
        key = jax.random.fold_in(self.key, self.count)
        self.count += 1
        drawn = sample(key, shape, dtype, *parameters)  # in 32 bits, unless float64 is asked for
        with x64(True):
            return drawn.astype(dtype)


def _real(dtype: np.dtype) -> Any:
    """Return the dtype to draw in: float64 for itself, float32 for any other.

    64-bit bits can only be drawn where JAX is configured for them: ``jit`` around this may not be.
    """
    return jnp.float64 if np.dtype(dtype) == np.float64 else jnp.float32


def _moved(draw: Callable[..., Any], shift: float = 0.0, scale: float = 1.0) -> Callable[..., Any]:
    """Return the sampler of ``b + a * draw``, with the defaults b = ``shift``, a = ``scale``."""

    def sample(key: Any, shape: Any, dtype: Any, b: Any = shift, a: Any = scale, *_: Any) -> Any:
        return b + a * draw(key, shape, _real(dtype))

    return sample


def _uniform(key: Any, shape: Any, dtype: Any, low: Any = 0.0, high: Any = 1.0) -> Any:
    return jax.random.uniform(key, shape, _real(dtype), low, high)


def _bernoulli(key: Any, shape: Any, dtype: Any, p: Any = 0.5) -> Any:
    return jax.random.bernoulli(key, jnp.asarray(p, jnp.float32), shape)


def _integers(key: Any, shape: Any, dtype: Any, low: int = 0, high: int | None = None) -> Any:
    kind = np.dtype(dtype)
    top = high if high is not None else np.iinfo(kind).max if kind.kind in "iu" else 2**24
    narrow = low >= -(2**31) and top < 2**31
    return jax.random.randint(key, shape, low, top, jnp.int32 if narrow else jnp.int64)


def _exponential(key: Any, shape: Any, dtype: Any, rate: Any = 1.0) -> Any:
    return jax.random.exponential(key, shape, _real(dtype)) / rate


def _geometric(key: Any, shape: Any, dtype: Any, p: Any) -> Any:
    return jax.random.geometric(key, jnp.asarray(p, jnp.float32), shape, jnp.int32)


def _log_normal(key: Any, shape: Any, dtype: Any, mean: Any = 1.0, std: Any = 2.0) -> Any:
    return jnp.exp(mean + std * jax.random.normal(key, shape, _real(dtype)))


def _multinomial(key: Any, shape: Any, dtype: Any, weights: Any, replacement: bool = False) -> Any:
    """The categories of the largest log-weights plus Gumbel noise, as ``jax.random`` does it."""
    logits = jnp.log(weights.astype(jnp.float32))
    if replacement:
        picks = jax.random.categorical(key, logits, shape=(shape[-1], *shape[:-1]))
        return jnp.moveaxis(picks, 0, -1)
    noisy = logits + jax.random.gumbel(key, logits.shape, jnp.float32)
    return jax.lax.top_k(noisy, shape[-1])[1]


def _slopes(key: Any, shape: Any, dtype: Any, input: Any, lower: Any, upper: Any) -> Any:
    return jnp.where(input <= 0, _uniform(key, shape, dtype, lower, upper), 1)


SAMPLERS: dict[str, Callable[..., Any]] = {
    "uniform": _uniform,
    "normal": _moved(jax.random.normal),
    "cauchy": _moved(jax.random.cauchy),
    "bernoulli": _bernoulli,
    "randint": _integers,
    "random": _integers,
    "randperm": lambda key, n, dtype: jax.random.permutation(key, n),
    "exponential": _exponential,
    "geometric": _geometric,
    "log_normal": _log_normal,
    "multinomial": _multinomial,
    "rrelu_noise": _slopes,
}
"""Kind of draw -> ``(key, shape, dtype, *parameters)``, the parameters those of ``_core.draws``."""
