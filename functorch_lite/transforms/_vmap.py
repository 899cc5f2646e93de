"""``vmap``: a function of one example as a function of a batch.

The mathematics is ``jax.vmap``. Outputs come out at axis 0 and are moved afterwards. What must be
the same for all examples (writes to captured tensors, outputs with ``out_dims=None``) is handed to
JAX as unmapped, which refuses a value that differs. Floor 4.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ._levels import BATCH, Level, axis_here
from ._tree import broadcast, flatten
from ._where import explained
from ._world import Opened, World, interleaved, is_array, is_box, opened, world_of

RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
    axis_name: Any = None,
) -> Callable[..., Any]:
    """Return a function that applies ``func`` to each slice of its inputs at once.

    Args:
        func: takes and returns nested containers of arrays or Tensors.
        in_dims: which dimension of each positional argument is mapped over: an int for all, or a
            tuple (nested like the arguments) of ints and None, which means that the argument is
            passed whole. Keyword arguments are passed whole.
        out_dims: where the mapped dimension goes in each output; None: the output is the same for
            all slices.
        randomness: what random operations do inside: ``"error"``, draw the ``"same"`` numbers for
            each slice, or ``"different"`` ones (the very numbers that PyTorch draws).
        chunk_size: map over at most so many slices at a time, to bound memory.
        axis_name: a name for the mapped dimension, for collectives such as ``psum``.

    Raises:
        ValueError: ``in_dims`` or ``out_dims`` do not fit, sizes differ, nothing is mapped over, or
            an output is no array.
        RuntimeError: a random operation under ``"error"``, values needed in Python, or a write to
            a captured tensor that differs between slices.

    Source: ``torch.vmap``.

    >>> vmap(jnp.dot)(jnp.ones((3, 2)), jnp.ones((3, 2)))
    Array([2., 2., 2.], dtype=float32)
    """
    if randomness not in RANDOMNESS:
        raise explained(
            RuntimeError,
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}",
        )
    if chunk_size is not None and chunk_size <= 0:
        raise explained(
            ValueError,
            f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})",
        )

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        flat, dims, size = _inputs(func, args, in_dims)
        world, boxes = world_of(func, args, kwargs)
        batch = _Batch(world, func, kwargs, flat, dims, out_dims, randomness, axis_name)
        return world.run(lambda: batch.run(size, chunk_size), boxes)

    return mapped


def name_of(func: Callable[..., Any]) -> str:
    """Return how messages call a function."""
    return getattr(func, "__name__", None) or repr(func)


# --- what is mapped -------------------------------------------------------------------------------


def _is_entry(entry: Any) -> bool:
    return not isinstance(entry, (list, tuple, dict))


def _inputs(func: Callable[..., Any], args: tuple, in_dims: Any) -> tuple[Opened, list, int]:
    """Return the arguments taken apart, the mapped dim of each leaf (or None), and the size."""
    call = f"vmap({name_of(func)}, in_dims={in_dims}, ...)(<inputs>)"
    if not isinstance(in_dims, (int, tuple)):
        raise explained(
            ValueError,
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}.",
        )
    if not args:
        raise explained(
            ValueError,
            f"vmap({name_of(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or "
            "you are trying to vmap over a function with no inputs. The latter is unsupported.",
        )
    flat = opened(args)
    dims = broadcast(in_dims, flat.spec, _is_entry)
    if dims is None:
        raise explained(
            ValueError,
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {flatten(in_dims)[1]} but inputs has structure {flat.spec}.",
        )
    dims = [_checked(call, leaf, dim) for leaf, dim in zip(flat.leaves, dims, strict=True)]
    sizes = [leaf.shape[d] for leaf, d in zip(flat.leaves, dims, strict=True) if d is not None]
    if not sizes:
        raise explained(
            ValueError,
            "vmap: Expected at least one Tensor to vmap over",
            "give at least one argument an int in in_dims.",
        )
    if len(set(sizes)) > 1:
        raise explained(
            ValueError,
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension",
            "pass what is not mapped over with None in in_dims.",
        )
    return flat, dims, sizes[0]


def _checked(call: str, leaf: Any, dim: Any) -> int | None:
    """Return the mapped dim of a leaf, from the front; torch's ValueError if there is none."""
    if dim is None:
        return None
    if type(dim) is not int:
        raise explained(
            ValueError,
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer dimension "
            "or None.",
        )
    if not is_array(leaf):
        raise explained(
            ValueError,
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
            "cannot vmap over non-Tensor arguments, please use None as the respective in_dim",
        )
    rank = len(leaf.shape)
    if not -rank <= dim < rank:
        raise explained(
            ValueError,
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {rank} so expected in_dim to satisfy -{rank} <= in_dim < {rank}.",
        )
    return dim % rank


# --- the run --------------------------------------------------------------------------------------


class _Batch:
    """One call of a mapped function."""

    def __init__(
        self,
        world: World,
        func: Callable[..., Any],
        kwargs: dict,
        flat: Opened,
        dims: list,
        out_dims: Any,
        randomness: str,
        axis_name: Any,
    ) -> None:
        self.world, self.func, self.kwargs, self.flat = world, func, kwargs, flat
        self.out_dims, self.randomness, self.axis_name = out_dims, randomness, axis_name
        self.places = [i for i, d in enumerate(dims) if d is not None]
        self.axes = [d for d in dims if d is not None]

    def run(self, size: int, chunk_size: int | None) -> Any:
        """Map over the whole dimension, or over chunks of it whose results are joined."""
        arrays = self.flat.arrays()
        mapped = [arrays[i] for i in self.places]
        if chunk_size is None or chunk_size >= size:
            return self.outputs(self.moved(self.once(size, mapped)))
        draws = self.world.draw_state()
        parts = []
        for start in range(0, size, chunk_size):
            count = min(chunk_size, size - start)
            part = [
                jax.lax.slice_in_dim(a, start, start + count, axis=d)
                for a, d in zip(mapped, self.axes, strict=True)
            ]
            if self.randomness == "same":
                self.world.set_draw_state(draws)
            parts.append(self.moved(self.once(count, part)))
        joined = [
            column[0] if dim is None else jnp.concatenate(column, axis=dim)
            for dim, column in zip(self.dims, zip(*parts, strict=True), strict=True)
        ]
        return self.outputs(joined)

    def once(self, size: int, mapped: list) -> list[Any]:
        """Map over ``size`` slices; return the outputs' arrays, mapped ones with axis 0 first."""
        axis = axis_here() if self.axis_name is None else self.axis_name
        level = Level(BATCH, "vmap", size=size, randomness=self.randomness, axis=axis)

        def example(index: Any, *slices: Any) -> dict[str, Any]:
            level.index = index
            leaves = list(self.flat.leaves)
            with level.running(), self.world.inside(level):
                for place, array in zip(self.places, slices, strict=True):
                    leaf = leaves[place]
                    leaves[place] = self.world.wrap(array, leaf) if is_box(leaf) else array
                args = self.flat.with_leaves(leaves)
                arrays = self._checked(self.func(*args, **self.kwargs))
                changed = {
                    str(k): self.world.unwrap(leaves[place])
                    for k, place in enumerate(self.places)
                    if is_box(leaves[place]) and self.world.written(leaves[place])
                }
            found: dict[str, Any] = {"each": [], "all": []}
            for array, dim in zip(arrays, self.dims, strict=True):
                found["all" if dim is None else "each"].append(array)
            return {**found, "written": level.left, "changed": changed}

        axes = {"each": 0, "all": None, "written": None, "changed": 0}
        run = jax.vmap(example, (0, *self.axes), axes, axis_name=axis)
        try:
            found = run(jnp.arange(size), *mapped)
        except ValueError as error:
            raise self._refusal(error) from None
        level.settle(found["written"])
        for k, array in found["changed"].items():
            place, axis = self.places[int(k)], self.axes[int(k)]
            self.world.write(self.flat.leaves[place], jnp.moveaxis(array, 0, axis))
        return interleaved([dim is None for dim in self.dims], found["all"], found["each"])

    def _checked(self, output: Any) -> list[Any]:
        """Remember the structure of the output and return its arrays."""
        self.output = opened(output)
        self.dims = _out_dims(self.func, self.output, self.out_dims)
        call = f"vmap({name_of(self.func)}, ...)"
        for leaf, dim in zip(self.output.leaves, self.dims, strict=True):
            if not is_array(leaf) and dim is not None:
                raise explained(
                    ValueError,
                    f"{call}: `{name_of(self.func)}` must only return Tensors, got type "
                    f"{type(leaf)}. Did you mean to set out_dims= to None for output?",
                )
        arrays = self.output.arrays()
        self.aside = [i for i, leaf in enumerate(self.output.leaves) if not is_array(leaf)]
        self.dims = [d for i, d in enumerate(self.dims) if i not in self.aside]
        return [a for i, a in enumerate(arrays) if i not in self.aside]

    def moved(self, arrays: list[Any]) -> list[Any]:
        """Put the mapped dimension of each output where ``out_dims`` says."""
        return [
            a if dim is None else jnp.moveaxis(a, 0, _out_dim(dim, a.ndim))
            for a, dim in zip(arrays, self.dims, strict=True)
        ]

    def outputs(self, arrays: list[Any]) -> Any:
        """Close the output around its arrays."""
        leaves = self.output.leaves
        flags = [i in self.aside for i in range(len(leaves))]
        return self.output.closed(interleaved(flags, [leaves[i] for i in self.aside], arrays))

    def _refusal(self, error: ValueError) -> Exception:
        """Say in torch's words that a value differs between slices where it must not."""
        if not _UNMAPPED.search(str(error)):
            return error
        if None in self.dims:
            return explained(
                ValueError,
                f"vmap({name_of(self.func)}, ...): `{name_of(self.func)}` can not return a "
                "BatchedTensor when out_dim is None",
                "give this output an int in out_dims.",
            )
        return explained(
            RuntimeError,
            INPLACE,
            "return the value and write it outside, or pass the tensor in as a mapped argument.",
        )


INPLACE = (
    "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor "
    "`other` in extra_args that has more elements than `self`. This happened due to `other` being "
    "vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place "
    "operators instead of inplace arithmetic. If said operator is being called inside the PyTorch "
    "framework, please file a bug report instead."
)


_UNMAPPED = re.compile("out_axes is None|got axis spec None")


def _out_dim(dim: int, rank: int) -> int:
    if not -rank <= dim < rank:
        raise explained(
            IndexError,
            f"Dimension out of range (expected to be in range of [{-rank}, {rank - 1}], but got "
            f"{dim})",
        )
    return dim % rank


def _out_dims(func: Callable[..., Any], output: Opened, out_dims: Any) -> list[Any]:
    """Return one out dim a leaf of the output; torch's ValueError if they do not fit."""
    call = f"vmap({name_of(func)}, ..., out_dims={out_dims})"
    if output.spec.kind is None and isinstance(out_dims, tuple) and len(out_dims) == 1:
        dims: list[Any] | None = list(out_dims)
    else:
        dims = broadcast(out_dims, output.spec, _is_entry)
    if dims is None:
        raise explained(
            ValueError,
            f"{call}(<inputs>): out_dims is not compatible with the structure of `outputs`. "
            f"out_dims has structure {flatten(out_dims)[1]} but outputs has structure "
            f"{output.spec}.",
        )
    if not all(d is None or type(d) is int for d in dims):
        raise explained(
            ValueError,
            f"{call}: `out_dims` must be an int, None or a python collection of ints representing "
            "where in the outputs the vmapped dimension should appear.",
        )
    return dims
