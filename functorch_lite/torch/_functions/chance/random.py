"""Generators and random functions: PyTorch's CPU streams, through ``_core/draws.py``.

Every number comes from :meth:`Generator.draw`, the one place where host randomness enters: what a
captured program will record and repeat.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from ...._core import dtype as dt
from ...._core.draws import DRAWS
from ...._core.mt19937 import MT19937
from ....ops._registry import OPS
from ....transforms._levels import active, running, state
from ..._engine.capture.breaks import break_graph
from ..._engine.dispatch import call
from ..._engine.grad_mode import mode
from ..._engine.inside.values import is_traced, known
from ..._engine.inside.world import GENERATOR
from ..._engine.register import SPACES, attach, expose
from ..._engine.storage import to_device
from ..._engine.tensor import Tensor, make
from ..._engine.writing import check_writable, store_out
from ..arguments import check_sizes, factory_sizes, integers, template
from ..create import wrap
from ..device import CPU, device, home
from .drawing import draw_inside

SEED = "seed outside of the compiled function."


class Generator:
    """A source of random numbers with PyTorch's mt19937 stream."""

    __module__ = "torch._C"

    def __init__(self, device: Any = "cpu") -> None:
        self._device = _as_device(device)
        if self._device.type != "cpu":
            raise NotImplementedError(
                f"functorch_lite does not support generators on '{self._device}'; use "
                "torch.Generator() (CPU): its numbers are moved to the device."
            )
        self._engine = MT19937()

    @property
    def device(self) -> device:
        """The device of the generator: the CPU."""
        return self._device

    def manual_seed(self, seed: int) -> "Generator":
        """Restart the stream at ``seed``; return the generator."""
        break_graph("a generator is seeded", SEED)
        self._engine.manual_seed(int(seed))
        return self

    def seed(self) -> int:
        """Restart the stream at a seed from the system; return it."""
        break_graph("a generator is seeded", SEED)
        return self._engine.seed()

    def initial_seed(self) -> int:
        """Return the seed that the stream was last started with."""
        return self._engine.initial_seed()

    def get_state(self) -> Tensor:
        """Return the state as a uint8 tensor of PyTorch's layout (5,056 bytes)."""
        break_graph("the state of a generator is read", SEED)
        return wrap(self._engine.get_state())

    def set_state(self, new_state: Tensor) -> None:
        """Set the state to what ``get_state`` returned, here or in PyTorch."""
        if not isinstance(new_state, Tensor):
            raise TypeError(
                "set_state(): argument 'new_state' (position 1) must be Tensor, not "
                f"{type(new_state).__name__}"
            )
        self._engine.set_state(np.asarray(new_state._array))

    def clone_state(self) -> "Generator":
        """Return another generator at the same point of the stream."""
        twin = Generator()
        twin._engine = self._engine.clone()
        return twin

    graphsafe_get_state = clone_state

    def draw(self, kind: str, shape: Any, d: np.dtype, *parameters: Any) -> np.ndarray:
        """Draw an array; ``kind`` is a key of ``DRAWS``."""
        if state.ground is not None:
            state.ground.drawing_from(self._engine)
        return DRAWS[kind](self._engine, shape, d, *parameters)


def _as_device(value: Any) -> device:
    return value if isinstance(value, device) else device(value)


default_generator = Generator()
GENERATOR.append(default_generator._engine)


def draw(
    generator: Generator | None, kind: str, shape: Any, d: dt.dtype, *parameters: Any
) -> np.ndarray:
    """Draw from ``generator`` (None: the default one); parameters may be arrays.

    Inside a transform the result may be a traced array.
    """
    source = generator or default_generator
    if active.count and running():

        def one(sizes: Any, *values: Any) -> np.ndarray:
            return source.draw(kind, sizes, d.np, *values)

        return draw_inside(one, kind, shape, d.np, parameters)
    values = (np.asarray(p) if isinstance(p, jax.Array) else p for p in parameters)
    return source.draw(kind, shape, d.np, *values)


@expose("f")
def manual_seed(seed: int) -> Generator:
    """Restart the default generator at ``seed``; return it."""
    return default_generator.manual_seed(seed)


@expose("f")
def seed() -> int:
    """Restart the default generator at a seed from the system; return it."""
    return default_generator.seed()


@expose("f")
def initial_seed() -> int:
    """Return the seed that the default generator was last started with."""
    return default_generator.initial_seed()


@expose("f")
def get_rng_state() -> Tensor:
    """Return the state of the default generator."""
    return default_generator.get_state()


@expose("f")
def set_rng_state(new_state: Tensor) -> None:
    """Set the state of the default generator."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:
    """Restore the default generator's state at the end of the ``with`` block."""
    if not enabled:
        yield
        return
    before = stream_position()
    try:
        yield
    finally:
        set_stream_position(before)


def stream_position() -> Any:
    """Return where the default generator is in its stream, for ``set_stream_position``."""
    if state.ground is not None:
        return state.ground.position()
    return default_generator._engine.snapshot()


def set_stream_position(position: Any) -> None:
    """Go back to a point of the stream: the same numbers follow, in a captured program too."""
    if state.ground is not None:
        state.ground.rewind(position)
    else:
        default_generator._engine.rewind(position)


# --- factories ------------------------------------------------------------------------------------


def _sized(name: str, kind: str, doc: str) -> None:
    """Expose ``rand``/``randn`` and their ``_like`` forms."""

    def factory(
        *size: Any,
        generator: Generator | None = None,
        out: Tensor | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        **named: Any,
    ) -> Tensor:
        sizes = factory_sizes(size, named, name)
        d = dtype or (out._dtype if out is not None else dt.get_default_dtype())
        _only_float(d, name)
        return wrap(draw(generator, kind, sizes, d), device, requires_grad, out)

    factory.__name__ = factory.__qualname__ = name
    factory.__doc__ = doc
    expose("f", name=name)(factory)

    def like(
        input: Tensor,
        *,
        generator: Generator | None = None,
        dtype: Any = None,
        layout: Any = None,
        device: Any = None,
        pin_memory: bool = False,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        d = dtype or template(input, name + "_like")._dtype
        _only_float(d, name)
        return wrap(draw(generator, kind, input._sizes, d), home(input, device), requires_grad)

    like.__name__ = like.__qualname__ = name + "_like"
    like.__doc__ = f"Like ``{name}``, with the size, dtype and device of ``input``. {doc}"
    expose("f", name=name + "_like")(like)


_KERNELS = {"rand": "check_uniform_bounds", "randn": "normal_kernel_cpu"}


def _only_float(d: dt.dtype, name: str) -> None:
    if d.category < dt.FLOATING:
        raise NotImplementedError(f"\"{_KERNELS[name]}\" not implemented for '{dt.scalar_name(d)}'")


_sized("rand", "uniform", "Numbers from the uniform distribution on [0, 1).")
_sized("randn", "normal", "Numbers from the standard normal distribution.")


def _range(args: tuple, low: Any, high: Any, size: Any) -> tuple[Any, Any, Any]:
    """Return (low, high, size) of ``randint(high, size)`` and ``randint(low, high, size)``."""
    given = list(args)
    if given and isinstance(given[-1], (tuple, list)) and size is None:
        size = given.pop()
    if high is None and len(given) == 1 and low is None:
        high = given.pop()
    elif len(given) == 2:
        low, high = given
    elif len(given) == 1 and low is None:
        low = given[0]
    elif len(given) == 1:
        high = given[0]
    return 0 if low is None else low, high, size


@expose("f")
def randint(
    *args: Any,
    low: Any = None,
    high: Any = None,
    size: Any = None,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return integers from [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    low, high, size = _range(args, low, high, size)
    d = dtype or (out._dtype if out is not None else dt.int64)
    sizes = check_sizes(integers((size,), "randint"))
    if low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    return wrap(
        draw(generator, "randint", sizes, d, int(low), int(high)), device, requires_grad, out
    )


@expose("f")
def randint_like(
    input: Tensor,
    *args: Any,
    low: Any = None,
    high: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **more: Any,
) -> Tensor:
    """Return integers from [low, high) with the size and dtype of ``input``."""
    low, high, _ = _range(args, low, high, input._sizes)
    return randint(
        low,
        high,
        input._sizes,
        dtype=dtype or input._dtype,
        device=device,
        requires_grad=requires_grad,
    )


@expose("f")
def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = dt.int64,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return a random permutation of the integers from 0 to n - 1."""
    return wrap(draw(generator, "randperm", n, dtype), device, requires_grad, out)


def _any_negative(tensor: Tensor) -> bool:
    value = known(tensor._array)
    return not is_traced(value) and bool((np.asarray(value) < 0).any())


@expose("f")
def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Return normal numbers whose mean and/or standard deviation are numbers or tensors."""
    if size is not None:
        d = dtype or dt.get_default_dtype()
        return wrap(
            draw(generator, "normal", integers((size,), "normal"), d, float(mean), float(std)),
            device,
            requires_grad,
            out,
        )
    tensors = [v for v in (mean, std) if isinstance(v, Tensor)]
    if isinstance(std, Tensor) and _any_negative(std):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    if not isinstance(std, Tensor) and std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {float(std):g}")
    shape = np.broadcast_shapes(*(t._sizes for t in tensors))
    d = tensors[0]._dtype if len(tensors) == 1 else dt.promote(tensors[0]._dtype, tensors[1]._dtype)
    unit = make(to_device(draw(generator, "normal", shape, d)))
    with_std = unit.mul_(std).add_(mean)
    if out is not None:
        store_out(with_std, out)
        return out
    return call(OPS["_drawn"], (with_std.detach(), mean, std), ())


@expose("f")
def bernoulli(
    input: Tensor, p: Any = None, *, generator: Generator | None = None, out: Tensor | None = None
) -> Tensor:
    """Return ones with the probabilities that ``input`` holds (or with probability ``p``)."""
    chance = input._array if p is None else float(p)
    result = make(to_device(draw(generator, "bernoulli", input._sizes, input._dtype, chance)))
    if out is not None:
        store_out(result, out)
        return out
    return result


attach("bernoulli", bernoulli)


@expose("fm")
def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return ``num_samples`` categories per row, drawn with the weights that ``input`` holds."""
    if out is not None and out._dtype is not dt.int64:
        raise RuntimeError(
            f"multinomial expects Long tensor out, got: {dt.scalar_name(out._dtype)}"
        )
    if not 0 < len(input._sizes) <= 2:
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    shape = (*input._sizes[:-1], num_samples)
    result = make(
        to_device(draw(generator, "multinomial", shape, dt.int64, input._array, replacement))
    )
    if out is not None:
        store_out(result, out)
        return out
    return result


@expose("f")
def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Return Poisson counts whose rates ``input`` holds."""
    return make(to_device(draw(generator, "poisson", input._sizes, input._dtype, input._array)))


@expose("f")
def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Return numbers of successes in ``count`` trials of chance ``prob``."""
    shape = np.broadcast_shapes(count._sizes, prob._sizes)
    return make(
        to_device(
            draw(
                generator,
                "binomial",
                shape,
                count._dtype,
                count._array,
                prob._array,
            )
        )
    )


# --- in place -------------------------------------------------------------------------------------


def _fill(self: Tensor, values: np.ndarray) -> Tensor:
    """Write drawn values into ``self``; its history ends there, as after ``fill_``."""
    check_writable(self, False)
    array = to_device(values, next(iter(self._array.devices())) if self.device != CPU else None)
    if mode.grad and self.requires_grad:
        SPACES[""]["zero_"](self)
    self._write(array)
    return self


def _sampler(name: str, kind: str, defaults: tuple[tuple[str, Any], ...], doc: str) -> None:
    """Expose the in-place sampler ``Tensor.name`` that fills with ``draws.kind``."""
    names = [n for n, _ in defaults]

    def sample(
        self: Tensor, *args: Any, generator: Generator | None = None, **named: Any
    ) -> Tensor:
        given = {**dict(defaults), **dict(zip(names, args, strict=False)), **named}
        if len(args) > len(names) or len(given) > len(names):
            raise TypeError(f"{name}() received an invalid combination of arguments")
        values = [float(v.item()) if isinstance(v, Tensor) else float(v) for v in given.values()]
        shape = self._sizes
        if kind == "normal" and self._strides is not None:
            return _fill(self, draw(generator, kind, shape, self._dtype, *values, False))
        return _fill(self, draw(generator, kind, shape, self._dtype, *values))

    sample.__name__ = sample.__qualname__ = name
    sample.__doc__ = doc
    expose("m", name=name)(sample)


_sampler(
    "uniform_",
    "uniform",
    (("from", 0.0), ("to", 1.0)),
    "Fill with uniform numbers from [from, to).",
)
_sampler("normal_", "normal", (("mean", 0.0), ("std", 1.0)), "Fill with normal numbers.")
_sampler(
    "exponential_", "exponential", (("lambd", 1.0),), "Fill with exponential numbers of rate lambd."
)
_sampler("geometric_", "geometric", (("p", None),), "Fill with geometric numbers of chance p.")
_sampler("cauchy_", "cauchy", (("median", 0.0), ("sigma", 1.0)), "Fill with Cauchy numbers.")
_sampler(
    "log_normal_", "log_normal", (("mean", 1.0), ("std", 2.0)), "Fill with log-normal numbers."
)


@expose("m")
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones of probability ``p`` (a number or a tensor that broadcasts), else zeros."""
    chance = p._array if isinstance(p, Tensor) else float(p)
    return _fill(self, draw(generator, "bernoulli", self._sizes, self._dtype, chance))


@expose("m")
def random_(self: Tensor, *args: Any, generator: Generator | None = None, **named: Any) -> Tensor:
    """Fill with integers: the dtype's whole range, [0, to), or [from, to)."""
    bounds = [*args, *(named[k] for k in ("from", "to") if k in named)]
    if not bounds:
        return _fill(self, draw(generator, "random", self._sizes, self._dtype))
    low, high = (0, bounds[0]) if len(bounds) == 1 else bounds
    return _fill(self, draw(generator, "randint", self._sizes, self._dtype, low, high))
