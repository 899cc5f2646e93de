"""The class ``Tensor``: what a tensor *is*.  What it can *do* is attached by other files.

A tensor is a storage, a chain of view steps from the storage's root (empty for the root itself),
the metadata that PyTorch shows (shape, strides, offset) and its place in the autograd graph.
Defaults live on the class, so that making a tensor sets four attributes.
"""

import operator
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import jax.core
import jax.numpy as jnp
import numpy as np

from ..._core import dtype as dt
from ..._core.eager import eager
from ..._core.execute import x64
from ...ops._common import contiguous_strides
from ...transforms._levels import active
from .grad_mode import inference, mode
from .graph import AccumulateGrad, Node
from .storage import Storage, to_device

_OF_NP = {d.np: d for d in dt.DTYPES}


class Size(tuple):
    """The shape of a tensor: a tuple of ints with ``numel``, printed as ``torch.Size([2, 3])``."""

    __slots__ = ()
    __module__ = "torch"

    def __new__(cls, *sizes: Iterable[Any]) -> "Size":
        """Return a size of ints; TypeError for anything else in the one iterable."""
        return size_of([_as_int(place, n) for place, n in enumerate(tuple(*sizes))])

    def numel(self) -> int:
        """Return the number of elements of a tensor of this size."""
        count = 1
        for n in self:
            count *= n
        return count

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(str(int(n)) for n in self)}])"

    __str__ = __repr__

    def __add__(self, other: Any) -> "Size":
        if not isinstance(other, tuple):
            kind = type(other).__name__
            raise TypeError(f"can only concatenate tuple (not {kind}) to torch.Size")
        return Size(tuple.__add__(self, other))

    def __radd__(self, other: Any) -> "Size":
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> "Size":
        return size_of(tuple(self) * times)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return size_of(item) if isinstance(index, slice) else item

    def __reduce__(self) -> tuple:
        return size_of, (tuple(self),)


def size_of(sizes: Iterable[int]) -> Size:
    """Return what is known to be ints as a ``torch.Size``: ``x.shape`` is asked for often.

    (Named in pickles as well, which cannot say "torch".)
    """
    return tuple.__new__(Size, sizes)


def _as_int(place: int, value: Any) -> Any:
    if isinstance(value, (int, np.integer)):
        return value
    try:
        return operator.index(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"torch.Size() takes an iterable of 'int' (item {place} is '{type(value).__name__}')"
        ) from None


class Tensor:
    """A multi-dimensional array of one dtype, with PyTorch's behaviour.

    Attributes (private; the public face is attached elsewhere):
        _storage: the :class:`Storage`; shared by all views.
        _chain: view steps ``(program, ints)`` from the storage's root to this tensor.
        _sizes, _strides, _offset: shape, strides in elements (None: contiguous), storage offset.
        _dtype, _desc: the dtype, and the dtype or its 0-d twin as program keys take it.
        _requires_grad: True for a leaf that wants a gradient and for every result that depends on
            one.
        _node, _nr: the node that produced this tensor and which of its outputs this is.
        _view_of: the root if this shares its memory, else None.
        _grad_base: the base whose history a differentiable view follows, else None.
        _view_depth: length of the base's chain; the steps after it lead from the base to here.
        _seen: storage version at which ``_node`` was true (differentiable views only).
        _own_version: ``tensor.data`` and its views count their writes here, not in the storage.
        _made_quietly: how a message speaks of a view that was made under ``no_grad``, or of a view
            of one; autograd does not follow it, so it may not be written to under grad mode.
        _shows_grad: True for such a view of a tensor that requires grad: it says that it does too.
        _shown_base: what ``tensor._base`` shows; False: ``_view_of``.
        _overrides: True on subclasses that take over operations (see ``_override``).
    """

    __module__ = "torch"
    _chain: tuple = ()
    _strides: tuple[int, ...] | None = None
    _offset = 0
    _requires_grad = False
    _node: Node | None = None
    _nr = 0
    _grad: "Tensor | None" = None
    _accumulator: weakref.ref | None = None
    _view_of: "Tensor | None" = None
    _grad_base: "Tensor | None" = None
    _view_depth = 0
    _seen = 0
    _read: tuple | None = None
    _hooks: Any = None
    _inference = False
    _multi_view = ""
    _overrides = False
    _own_version: list[int] | None = None
    _shown_base: Any = False
    _made_quietly = ""
    _shows_grad = False

    _storage: Storage
    _dtype: dt.dtype
    _desc: Any
    _sizes: tuple[int, ...]
    _shown_strides: tuple[int, ...]

    if TYPE_CHECKING:  # the methods are attached by other files, from the declared ops

        def __getattr__(self, name: str) -> Any: ...

        __add__: Any
        __radd__: Any
        __sub__: Any
        __rsub__: Any
        __mul__: Any
        __rmul__: Any
        __truediv__: Any
        __rtruediv__: Any
        __getitem__: Any
        __len__: Any
        __int__: Any
        __index__: Any
        data: Any
        _make_subclass: Any
        _from_storage: Any

    @property
    def _array(self) -> Any:
        """The current value as a JAX array of this tensor's shape."""
        storage = self._storage
        if self._chain:
            return self._replay()
        return storage.read() if active.count or storage.array is None else storage.array

    def _replay(self) -> Any:
        """Read through the view chain; the value is kept until the storage changes."""
        storage = self._storage
        kept = self._read
        if storage.array is None:
            storage.settle()
        if storage.array is None:
            return self._read_buffer()
        if active.count:  # a traced value must not outlive its transform: it is not kept
            return read_chain(storage.read(), self._chain)
        if kept is not None and kept[0] is storage.array:
            return kept[1]
        value = read_chain(storage.array, self._chain)
        self._read = (storage.array, value)
        return value

    def _read_buffer(self) -> Any:
        from_buffer = self._alias()
        if from_buffer is None:
            return read_chain(self._storage.read(), self._chain)
        return to_device(np.array(from_buffer, order="C"), self._storage._device)

    def _alias(self) -> np.ndarray | None:
        """Return the strided window of the storage's NumPy buffer that this is, or None."""
        buffer = self._storage.buffer
        if buffer is None or buffer.dtype != self._dtype.np:
            return None
        strides = self._strides if self._strides is not None else contiguous_strides(self._sizes)
        start = buffer if not self._chain else _flat_window(buffer, self._offset)
        return np.lib.stride_tricks.as_strided(
            start, self._sizes, tuple(s * buffer.itemsize for s in strides)
        )

    def _write(self, array: Any) -> None:
        """Replace the content in place: through the view chain down to the storage's root."""
        storage = self._storage
        version = storage.version
        self._store(array)
        own = self._own_version
        if own is not None:
            storage.version = version
            own[0] += 1

    def _store(self, array: Any) -> None:
        storage = self._storage
        if not self._chain:
            storage.write(array)
            return
        if storage.array is None and not isinstance(array, jax.core.Tracer):
            window = self._alias()
            storage.settle()
            if storage.array is None and window is not None:
                np.copyto(window, np.asarray(array))
                storage.version += 1
                return
        new_root = write_chain(storage.read(), self._chain, array)
        storage.write(new_root)
        if storage.array is new_root:
            self._read = None

    def _history(self) -> tuple[Node, int] | None:
        """Return the edge (node, output index) along which this tensor's gradient flows."""
        if self._grad_base is not None:
            refresh_view(self)
        if self._node is not None:
            return self._node, self._nr
        if self._requires_grad:
            return self._accumulate_node(), 0
        return None

    def _accumulate_node(self) -> AccumulateGrad:
        node = self._accumulator() if self._accumulator is not None else None
        if node is None:
            node = AccumulateGrad(self)
            self._accumulator = weakref.ref(node)
        return node


def _flat_window(buffer: np.ndarray, offset: int) -> np.ndarray:
    """Return a 1-element window of ``buffer``'s memory that starts ``offset`` elements in."""
    flat = np.lib.stride_tricks.as_strided(buffer, (offset + 1,), (buffer.itemsize,))
    return flat[offset:]


def make(array: Any, cls: type = Tensor) -> Tensor:
    """Wrap a JAX array (which becomes the root of a new storage) in a tensor."""
    tensor = object.__new__(cls)
    tensor._storage = Storage(array)
    tensor._sizes = sizes = array.shape
    tensor._dtype = d = _OF_NP[array.dtype]
    tensor._desc = d if sizes else d.zero_dim
    if inference.used and mode.inference:
        tensor._inference = True
    return tensor


# --- reading and writing through a chain ---------------------------------------------------------

_readers: dict[tuple, Any] = {}
_writers: dict[tuple, Any] = {}


def read_chain(root: Any, chain: tuple) -> Any:
    """Apply the view steps of ``chain`` to ``root`` in one program."""
    programs = tuple(step[0] for step in chain)
    call = _readers.get(programs)
    if call is None:
        call = _readers[programs] = eager(chain_reader(programs, [len(step[1]) for step in chain]))
    with x64(True):
        return call(root, *(i for step in chain for i in step[1]))


def write_chain(root: Any, chain: tuple, child: Any) -> Any:
    """Return ``root`` with ``child`` written through the view steps, in one program."""
    programs = tuple(step[0] for step in chain)
    call = _writers.get(programs)
    if call is None:
        call = _writers[programs] = eager(chain_writer(programs, [len(step[1]) for step in chain]))
    with x64(True):
        return call(root, child, *(i for step in chain for i in step[1]))


def chain_reader(programs: tuple, counts: list[int]) -> Any:
    """Return the pure function ``(root, *ints) -> child`` of a chain."""

    def read(root: Any, *ints: Any) -> Any:
        for get, own in zip(programs, _deal(ints, counts), strict=True):
            root = get.fn(root, *own)
        return root

    return read


def chain_writer(programs: tuple, counts: list[int]) -> Any:
    """Return the pure function ``(root, child, *ints) -> root`` of a chain."""
    if len(programs) > 1 and any(p.op is not None and p.op.view.repeats for p in programs):
        return _place_writer(chain_reader(programs, counts))

    def write(root: Any, child: Any, *ints: Any) -> Any:
        parents = [root]
        dealt = _deal(ints, counts)
        for get, own in zip(programs[:-1], dealt, strict=False):
            parents.append(get.fn(parents[-1], *own))
        for get, own, parent in reversed(list(zip(programs, dealt, parents, strict=True))):
            child = get.put(parent, child, *own)
        return child

    return write


def _place_writer(read: Any) -> Any:
    """Return the writer of a chain by the places of its elements, where ``put`` cannot tell them.

    A part of an expanded tensor is written: of an element's copies only one changes.
    """

    def write(root: Any, child: Any, *ints: Any) -> Any:
        places = read(jnp.arange(root.size).reshape(root.shape), *ints)
        flat = root.reshape(-1).at[places.reshape(-1)].set(child.reshape(-1))
        return flat.reshape(root.shape)

    return write


def _deal(ints: tuple, counts: list[int]) -> list[tuple]:
    dealt, start = [], 0
    for n in counts:
        dealt.append(ints[start : start + n])
        start += n
    return dealt


# --- views and history ---------------------------------------------------------------------------

_refresh: list[Any] = []


def refresh_view(view: Tensor) -> None:
    """Give a view a new node if its base has been written to since (see ``_view.rebase``)."""
    if view._seen != view._storage.version:
        _refresh[0](view)
