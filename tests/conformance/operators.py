"""PyTorch's own database of operators: each sample as one function of tensors in both libraries."""

import functools
import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import functorch_lite.torch as shim

SAMPLES, MAX_ELEMENTS = 2, 20_000


class Missing(Exception):
    """Something of PyTorch's that does not exist here."""

    def __str__(self) -> str:
        """Say so."""
        return f"{self.args[0]} does not exist here"


class Sample(NamedTuple):
    """One call of an operator.

    Attributes:
        there, here: the call in PyTorch and here, as a function of the tensors in it.
        tensors: PyTorch's tensors.
        inputs: places of those that are differentiated by.
    """

    there: Callable[..., Any]
    here: Callable[..., Any]
    tensors: list[Any]
    inputs: list[int]


class Operators:
    """The database of a live torch."""

    def __init__(self, torch: types.ModuleType) -> None:
        from torch.testing._internal.common_methods_invocations import op_db

        self.torch = torch
        self.by_name: dict[str, Any] = {}
        for op in op_db:
            name = f"{op.name}.{op.variant_test_name}".rstrip(".")
            if torch.float32 in op.dtypes and not op.name.startswith("jiterator"):
                self.by_name.setdefault(name, op)

    def samples(self, name: str) -> Iterator[Sample]:
        """Yield a few small float32 samples; raise Missing for what does not exist here."""
        op = self.by_name[name]
        self.torch.manual_seed(0)
        drawn = op.sample_inputs("cpu", self.torch.float32, requires_grad=op.supports_autograd)
        found = list(itertools.islice(map(self._opened, drawn), 16))
        small = [f for f in found if f[0] and sum(t.numel() for t in f[0]) <= MAX_ELEMENTS]
        here = self._operator(op)
        for tensors, call, finish in small[:: max(1, len(small) // SAMPLES)][:SAMPLES]:
            inputs = [i for i, t in enumerate(tensors) if t.requires_grad]
            ours = self.twin(finish)
            yield Sample(
                lambda *given, c=call, f=finish: f(c(op.op, given, lambda x: x)),
                lambda *given, c=call, f=ours: f(c(here, given, self.twin)),
                [t.detach().resolve_conj() for t in tensors],
                inputs if op.supports_autograd else [],
            )

    def _opened(self, sample: Any) -> tuple[list[Any], Callable[..., Any], Callable[..., Any]]:
        """Return the tensors of a sample, its call as a function of them, and what follows it."""
        tensors: list[Any] = []

        def closed(value: Any, given: Any, twin: Callable[..., Any]) -> Any:
            if isinstance(value, _Place):
                return given[value.at]
            if isinstance(value, (list, tuple)):
                return type(value)(closed(v, given, twin) for v in value)
            return twin(value)

        def opened(value: Any) -> Any:
            if isinstance(value, self.torch.Tensor) and value.layout == self.torch.strided:
                tensors.append(value)
                return _Place(len(tensors) - 1)
            if type(value) in (list, tuple):
                return type(value)(opened(v) for v in value)
            return value

        args = opened((sample.input, *sample.args))
        kwargs = {key: opened(value) for key, value in sample.kwargs.items()}

        def call(function: Any, given: Any, twin: Callable[..., Any]) -> Any:
            named = {key: closed(value, given, twin) for key, value in kwargs.items()}
            return function(*closed(args, given, twin), **named)

        return tensors, call, sample.output_process_fn_grad

    def _operator(self, op: Any) -> Any:
        """Return the operator here: by its name, or the database's own function on our names."""
        there, here = self.torch, shim
        if op.name.startswith("__"):
            there, here = there.Tensor, here.Tensor
        for part in op.name.split("."):
            there, here = getattr(there, part, None), getattr(here, part, None)
        if op.op is there:
            if here is None:
                raise Missing(op.name)
            return here
        return self.twin(op.op)

    def twin(self, value: Any) -> Any:
        """Return what stands here for a value of PyTorch's."""
        torch = self.torch
        if isinstance(value, torch.Tensor):
            return shim.tensor(value.detach().resolve_conj().resolve_neg().numpy().copy())
        if isinstance(value, (torch.dtype, torch.memory_format, torch.layout)):
            return getattr(shim, str(value).removeprefix("torch."))
        if isinstance(value, torch.device):
            return shim.device(str(value))
        if isinstance(value, functools.partial):
            return functools.partial(self.twin(value.func), *value.args, **value.keywords)
        if isinstance(value, types.FunctionType):
            return self._on_our_names(value)
        if isinstance(value, (types.WrapperDescriptorType, types.MethodDescriptorType)):
            return getattr(shim.Tensor, value.__name__)
        if type(value).__module__ == "torch._ops":
            raise Missing(str(value))
        return value

    def _on_our_names(self, function: types.FunctionType) -> Any:
        """Return a function whose ``torch`` is ours, and whose helper for seeds is."""

        def seeded(op: Any, *args: Any, **kwargs: Any) -> Any:
            shim.manual_seed(42)
            return op(*args, **kwargs)

        scope = {**function.__globals__, "torch": shim, "wrapper_set_seed": seeded}
        cells = tuple(
            types.CellType(self.twin(c.cell_contents)) for c in function.__closure__ or ()
        )
        ours = types.FunctionType(
            function.__code__, scope, function.__name__, self.twin(function.__defaults__), cells
        )
        ours.__kwdefaults__ = function.__kwdefaults__
        return ours


class _Place(NamedTuple):
    """Where a tensor of a sample goes."""

    at: int
