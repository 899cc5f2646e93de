"""Containers: modules in a chain, list or dictionary, and parameters in a list or dictionary."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import chain
from typing import Any, Self

from ... import _api as torch
from ..parameter import Parameter
from .module import Module

__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _absolute(idx: Any, size: int) -> int:
    """``idx`` counted from the front."""
    idx = operator.index(idx)
    if not -size <= idx < size:
        raise IndexError(f"index {idx} is out of range")
    return idx % size if size else idx


def _indented(block: str) -> str:
    """``block`` with all lines but the first two deeper, empty ones included."""
    return block.replace("\n", "\n  ")


def _without_digits(names: list[str]) -> list[str]:
    return [name for name in names if not name.isdigit()]


class Container(Module):
    """Old base class of containers; subclass ``Module`` instead."""

    def __init__(self, **kwargs: Any) -> None:
        """Add every argument as a submodule."""
        warnings.warn(
            "`nn.Container` is deprecated. "
            "All of its functionality is now implemented in `nn.Module`. Subclass that instead.",
            FutureWarning,
            stacklevel=2,
        )
        super().__init__()
        for key, value in kwargs.items():
            self.add_module(key, value)


class _Numbered(Module):
    """A container whose submodules are called "0", "1", ..."""

    def _renumber(self) -> None:
        self._modules = {str(i): m for i, m in enumerate(self._modules.values())}

    def _make_room(self, index: int) -> None:
        """Move the modules from ``index`` on one up."""
        for i in range(len(self._modules), index, -1):
            self._modules[str(i)] = self._modules[str(i - 1)]

    def __len__(self) -> int:
        """Count the modules."""
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the modules."""
        return iter(self._modules.values())

    def __dir__(self) -> list[str]:
        """List attributes without the numbers."""
        return _without_digits(super().__dir__())

    def append(self, module: Any) -> Self:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: Any) -> Any:
        """Remove and return the module (or modules) at an index or slice."""
        module = self[key]  # type: ignore[index]  (subclasses define it)
        del self[key]  # type: ignore[attr-defined]
        return module


class Sequential(_Numbered):
    """Modules one after the other: the output of each is the input of the next.

    Args: modules, or one ``OrderedDict`` of named modules.
    """

    def __init__(self, *args: Any) -> None:
        """Take the modules in order."""
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            named: Any = args[0].items()
        else:
            named = ((str(i), module) for i, module in enumerate(args))
        for name, module in named:
            self.add_module(name, module)

    def _key(self, idx: Any) -> str:
        return list(self._modules)[_absolute(idx, len(self))]

    def __getitem__(self, idx: Any) -> Any:
        """Return a module, or for a slice a ``Sequential`` that shares modules and names."""
        if isinstance(idx, slice):
            return self.__class__(OrderedDict(list(self._modules.items())[idx]))
        return self._modules[self._key(idx)]

    def __setitem__(self, idx: int, module: Any) -> None:
        """Replace a module."""
        setattr(self, self._key(idx), module)

    def __delitem__(self, idx: Any) -> None:
        """Remove a module or a slice and number the rest anew."""
        for key in list(self._modules)[idx] if isinstance(idx, slice) else [self._key(idx)]:
            delattr(self, key)
        self._renumber()

    def __add__(self, other: Any) -> Sequential:
        """Chain two into a new one."""
        _check_sequential(other)
        return Sequential().extend(self).extend(other)

    def __iadd__(self, other: Any) -> Self:
        """Add the modules of ``other`` at the end."""
        _check_sequential(other)
        return self.extend(list(other))

    def __mul__(self, other: int) -> Sequential:
        """Repeat the same modules ``other`` times."""
        self._check_factor(other)
        return Sequential().extend(list(self) * other)

    def __rmul__(self, other: int) -> Sequential:
        """Repeat the same modules ``other`` times."""
        return self.__mul__(other)

    def __imul__(self, other: int) -> Self:
        """Repeat the same modules ``other`` times, here."""
        self._check_factor(other)
        return self.extend(list(self) * (other - 1))

    def _check_factor(self, other: Any) -> None:
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")

    def forward(self, input: Any) -> Any:
        """Run all modules in order."""
        for module in self:
            input = module(input)
        return input

    def insert(self, index: int, module: Any) -> Self:
        """Put ``module`` before the one at ``index``."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        index = index + n if index < 0 else index
        self._make_room(index)
        self._modules[str(index)] = module
        return self

    def extend(self, sequential: Iterable[Any]) -> Self:
        """Add all modules of an iterable at the end."""
        for layer in sequential:
            self.append(layer)
        return self


def _check_sequential(other: Any) -> None:
    if not isinstance(other, Sequential):
        raise ValueError(
            f"add operator supports only objects of Sequential class, but {type(other)!s} is given."
        )


class ModuleList(_Numbered):
    """A list of modules whose parameters are found; it cannot be called."""

    def __init__(self, modules: Iterable[Any] | None = None) -> None:
        """Take the modules of an iterable."""
        super().__init__()
        if modules is not None:
            self += modules

    def __getitem__(self, idx: Any) -> Any:
        """Return a module, or for a slice a ``ModuleList``."""
        if isinstance(idx, slice):
            return self.__class__(list(self._modules.values())[idx])
        return self._modules[str(_absolute(idx, len(self)))]

    def __setitem__(self, idx: int, module: Any) -> None:
        """Replace a module."""
        setattr(self, str(_absolute(idx, len(self))), module)

    def __delitem__(self, idx: Any) -> None:
        """Remove a module or a slice and number the rest anew."""
        whole = range(len(self))
        for i in whole[idx] if isinstance(idx, slice) else [_absolute(idx, len(self))]:
            delattr(self, str(i))
        self._renumber()

    def __iadd__(self, modules: Iterable[Any]) -> Self:
        """Add all modules of an iterable."""
        return self.extend(modules)

    def __add__(self, other: Iterable[Any]) -> ModuleList:
        """Join two into a new one."""
        combined = ModuleList()
        for i, module in enumerate(chain(self, other)):
            combined.add_module(str(i), module)
        return combined

    def __repr__(self) -> str:
        """Show the modules; equal neighbours in one line such as ``(0-3): 4 x ...``."""
        runs: list[list[Any]] = []  # [first index, last index, text]
        for i, text in enumerate(repr(item) for item in self):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return self._get_name() + "()"
        lines = [
            _indented(f"({a}): {t}" if a == b else f"({a}-{b}): {b - a + 1} x {t}")
            for a, b, t in runs
        ]
        return self._get_name() + "(\n  " + "\n  ".join(lines) + "\n)"

    def insert(self, index: int, module: Any) -> None:
        """Put ``module`` before the one at ``index``."""
        self._make_room(index)
        self._modules[str(index)] = module

    def extend(self, modules: Iterable[Any]) -> Self:
        """Add all modules of an iterable at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleList.extend should be called with an "
                "iterable, but got " + type(modules).__name__
            )
        offset = len(self)
        for i, module in enumerate(modules):
            self.add_module(str(offset + i), module)
        return self


def _check_pair(kind: str, j: int, pair: Any) -> None:
    """Raise unless element ``j`` of the argument of ``update`` is a (key, value) pair."""
    if not isinstance(pair, Iterable):
        raise TypeError(
            f"{kind} update sequence element #{j} should be Iterable; is{type(pair).__name__}"
        )
    if len(pair) != 2:  # type: ignore[arg-type]
        raise ValueError(
            f"{kind} update sequence element #{j} has length {len(pair)}; 2 is required"  # type: ignore[arg-type]
        )


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found; it cannot be called."""

    def __init__(self, modules: Any = None) -> None:
        """Take a mapping or pairs."""
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        """Return a module."""
        return self._modules[key]

    def __setitem__(self, key: str, module: Any) -> None:
        """Add or replace a module."""
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        """Remove a module."""
        del self._modules[key]

    def __len__(self) -> int:
        """Count the modules."""
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        """Tell whether there is a module under ``key``."""
        return key in self._modules

    def clear(self) -> None:
        """Remove all."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove and return a module."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self._modules.keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the (key, module) pairs."""
        return self._modules.items()

    def values(self) -> ValuesView[Any]:
        """Return the modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping or of pairs."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an "
                "iterable of key/value pairs, but got " + type(modules).__name__
            )
        if isinstance(modules, (ModuleDict, Mapping)):
            for key, module in modules.items():
                self[key] = module
            return
        for j, pair in enumerate(modules):
            _check_pair("ModuleDict", j, pair)
            self[pair[0]] = pair[1]


def _describe(value: Any, tensor_type: Any) -> str:
    """One line about an entry of a parameter container."""
    if not isinstance(value, torch.Tensor):
        return "Object of type: " + type(value).__name__
    size = "x".join(str(n) for n in value.size())
    device = f" ({value.device})" if value.device.type == "cuda" else ""
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{tensor_type} of size {size}{device}]"


def _as_parameter(value: Any) -> Any:
    """Wrap a plain tensor, leave anything else."""
    if isinstance(value, torch.Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


class ParameterList(Module):
    """A list of parameters (tensors become parameters; other objects are kept)."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        """Take the entries of an iterable."""
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __getitem__(self, idx: Any) -> Any:
        """Return an entry, or for a slice a ``ParameterList``."""
        if isinstance(idx, slice):
            return self.__class__([self[i] for i in range(len(self))[idx]])
        return getattr(self, str(_absolute(idx, len(self))))

    def __setitem__(self, idx: int, param: Any) -> None:
        """Replace an entry."""
        setattr(self, str(_absolute(idx, len(self))), _as_parameter(param))

    def __len__(self) -> int:
        """Count the entries."""
        return self._size

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the entries."""
        return iter(self[i] for i in range(len(self)))

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        """Add all entries of an iterable."""
        return self.extend(parameters)

    def __dir__(self) -> list[str]:
        """List attributes without the numbers."""
        return _without_digits(super().__dir__())

    def append(self, value: Any) -> Self:
        """Add an entry at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add all entries of an iterable at the end."""
        if not isinstance(values, Iterable) or isinstance(values, torch.Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an "
                "iterable, but got " + type(values).__name__
            )
        for value in values:
            self.append(value)
        return self

    def extra_repr(self) -> str:
        """One line an entry."""
        return "\n".join(
            f"  ({i}): {_describe(p, getattr(p, 'dtype', None))}" for i, p in enumerate(self)
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse."""
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dictionary of parameters (tensors become parameters; other objects are kept)."""

    def __init__(self, parameters: Any = None) -> None:
        """Take a mapping or pairs."""
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _key_to_attr(self, key: str) -> str:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is "
                f"not a string (type is '{type(key).__name__}'). Open an issue on "
                "github if you need non-string keys."
            )
        return key

    def __getitem__(self, key: str) -> Any:
        """Return an entry."""
        return getattr(self, self._key_to_attr(key))

    def __setitem__(self, key: str, value: Any) -> None:
        """Add or replace an entry."""
        self._keys[key] = None
        setattr(self, self._key_to_attr(key), _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        """Remove an entry."""
        del self._keys[key]
        delattr(self, self._key_to_attr(key))

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        """Iterate over the keys from the last."""
        return reversed(self._keys)

    def __contains__(self, key: str) -> bool:
        """Tell whether there is an entry under ``key``."""
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Make another one with the same entries."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the entry under ``key``, which becomes ``default`` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove all."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove and return an entry."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the last (key, entry) pair."""
        key, _ = self._keys.popitem()
        self._keys[key] = None
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the entry under ``key``, or ``default``."""
        if key not in self:
            return default
        return self[key]

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Make another one with ``default`` under every key."""
        return ParameterDict((k, default) for k in keys)

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return the (key, entry) pairs."""
        return ((k, self[k]) for k in self._keys)

    def values(self) -> Iterable[Any]:
        """Return the entries."""
        return (self[k] for k in self._keys)

    def update(self, parameters: Any) -> None:
        """Add the entries of a mapping (sorted by key unless ordered) or of pairs."""
        if not isinstance(parameters, Iterable):
            raise TypeError(
                "ParametersDict.update should be called with an "
                "iterable of key/value pairs, but got " + type(parameters).__name__
            )
        if isinstance(parameters, (OrderedDict, ParameterDict, Mapping)):
            ordered = isinstance(parameters, (OrderedDict, ParameterDict))
            for key, value in parameters.items() if ordered else sorted(parameters.items()):
                self[key] = value
            return
        for j, pair in enumerate(parameters):
            _check_pair("ParameterDict", j, pair)
            self[pair[0]] = pair[1]

    def extra_repr(self) -> str:
        """One line an entry."""
        return "\n".join(f"  ({k}): {_describe(p, torch.typename(p))}" for k, p in self.items())

    def __call__(self, input: Any) -> Any:
        """Refuse."""
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: ParameterDict) -> ParameterDict:
        """Join two into a new one; ``other`` wins."""
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        """Join two into a new one; this one wins."""
        joined = other.copy()
        joined.update(self)
        return joined

    def __ior__(self, other: ParameterDict) -> Self:
        """Add the entries of ``other``."""
        self.update(other)
        return self
