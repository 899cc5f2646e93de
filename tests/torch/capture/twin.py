"""A program run twice, eagerly and with its functions compiled: everything observable must agree.

A program is a generator function that takes ``compile``, decorates some of its functions with it,
and yields, after each step, all that a user could look at.
"""

import dataclasses
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import functorch_lite.torch as torch
from functorch_lite.torch import nn

Program = Callable[[Callable[..., Any]], Iterator[Any]]


@dataclasses.dataclass
class Twin:
    """What the compiled run did.

    Attributes:
        programs: how many programs were compiled, of all functions together.
        breaks: the reasons of its graph breaks.
        error: the exception that ended both runs, or "".
    """

    programs: int
    breaks: list[str]
    error: str = ""


class _Look:
    """Writes down values: tensors with their metadata, and which are the same or share memory."""

    def __init__(self) -> None:
        self.tensors: dict[int, Any] = {}
        self.storages: dict[int, Any] = {}
        self.seen: dict[int, Any] = {}
        self.where: dict[int, str] = {}

    def _number(self, table: dict[int, Any], value: Any, path: str) -> str:
        if id(value) not in table:
            table[id(value)] = value
            self.where[id(value)] = path
        return self.where[id(value)]

    def at(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield (path, fact) of all that ``value`` leads to."""
        if isinstance(value, torch.Tensor):
            yield from self._tensor(value, path)
            return
        if isinstance(value, (bool, int, float, complex, str, type(None))):
            yield path, value
            return
        if id(value) in self.seen:
            return
        self.seen[id(value)] = value
        yield path + ".type", type(value).__name__
        if isinstance(value, dict):
            parts = [(f"{path}[{self._key(k, i)}]", v) for i, (k, v) in enumerate(value.items())]
        elif isinstance(value, (list, tuple)):
            yield path + ".len", len(value)
            parts = [(f"{path}[{i}]", v) for i, v in enumerate(value)]
        elif isinstance(value, torch.Generator):
            parts = [(path + ".state", value.get_state())]
        elif isinstance(value, torch.optim.Optimizer):
            parts = [(path + ".groups", value.param_groups), (path + ".state", dict(value.state))]
        elif isinstance(value, nn.Module):
            own = {k: v for k, v in vars(value).items() if not k.startswith("_")}
            members = {**value._parameters, **value._buffers, **value._modules}
            parts = [(path, members), (path, own)]
        elif callable(value):
            parts = []
        else:
            parts = [(f"{path}.{k}", v) for k, v in getattr(value, "__dict__", {}).items()]
        for name, part in parts:
            yield from self.at(part, name)

    @staticmethod
    def _key(key: Any, number: int) -> Any:
        return number if isinstance(key, torch.Tensor) else key

    def _tensor(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        again = id(value) in self.tensors
        yield path + ".is", self._number(self.tensors, value, path)
        if again:
            return
        yield path + ".memory", self._number(self.storages, value._storage, path)
        node = value.grad_fn
        yield (
            path + ".facts",
            (
                type(value).__name__,
                tuple(value.shape),
                str(value.dtype),
                value.stride(),
                value.requires_grad,
                value.is_leaf,
                node is None,
            ),
        )
        yield path + ".value", value.detach().clone().tolist()
        if value.is_leaf:
            yield from self.at(value.grad, path + ".grad")


def _run(program: Program, compile: Callable[..., Any]) -> list[dict[str, Any]]:
    torch.manual_seed(17)
    seen = []
    steps = program(compile)
    for number in itertools.count():
        try:
            value = next(steps)
        except StopIteration:
            break
        except Exception as error:
            seen.append({"error": f"{type(error).__name__}: {error}"})
            break
        facts = dict(_Look().at(value, ""))
        facts["rng"] = torch.get_rng_state().tolist()
        seen.append({"step": number, **facts})
    return seen


def _close(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= 2e-6 + 2e-4 * abs(b)
    return type(a) is type(b) and a == b


def twin(program: Program, **options: Any) -> Twin:
    """Run ``program`` both ways, compare every step, and return what the compiled run did."""
    made: list[Any] = []

    def compiled(function: Any, **more: Any) -> Any:
        found = torch.compile(function, **options, **more)
        made.append(found.__dict__["_compiled"])
        return found

    wanted = _run(program, lambda function, **_: function)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.compile: graph break")
        found = _run(program, compiled)
    assert len(found) == len(wanted), (found[-1], wanted[-1])
    for old, new in zip(wanted, found, strict=True):
        different = {
            path: (old.get(path, "missing"), new.get(path, "missing"))
            for path in {**old, **new}
            if path not in old or path not in new or not _close(old[path], new[path])
        }
        assert not different, f"step {old.get('step')}: {different}"
    return Twin(
        sum(len(programs) for f in made for programs in f.programs.values()),
        [event.reason for f in made for event in f.history if event.kind == "graph break"],
        found[-1].get("error", ""),
    )
