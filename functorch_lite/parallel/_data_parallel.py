"""``data_parallel``: a training step of one device as the same step on several.

Every device has the whole train state and its part of the batch.  Gradients, loss and model state
are averaged in one collective operation, and every device makes the same update.  Floor 5.
"""

from collections.abc import Callable, Sequence
from math import gcd
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp

from .._core.execute import Device
from .._core.types import Array, PyTree
from ._batch import batch_size, indivisible
from ._bucket import mean_floats
from ._collectives import psum
from ._mesh import choose_devices, make_mesh, spec, split_over
from ._placed import Placed

Rebuild = Callable[..., Any]
PureStep = Callable[[PyTree, PyTree], tuple[PyTree, Any]]


class Step(Protocol):
    """What ``data_parallel`` asks of a training step; ``fl.optim.make_train_step`` makes such."""

    def replace(self, **options: Any) -> "Step":
        """Return the step with ``axis_name`` set: each device folds its number into its key."""
        ...

    def grads_fn(self, train_state: Any, batch: PyTree, /) -> Any:
        """Return a named tuple with ``grads``, ``loss``, ``state`` and ``aux`` of this device."""
        ...

    def apply_gradients(self, train_state: Any, gradients: Any, /) -> tuple[Any, Any]:
        """Return (new train state, metrics) from averaged gradients."""
        ...


def data_parallel(
    step: Step | Callable[..., PureStep],
    devices: Sequence[Device] | None = None,
    *,
    axis_name: str = "data",
    ragged: Literal["share", "drop", "error"] = "share",
    donate: bool = True,
) -> "DataParallel":
    """Make ``step(train_state, batch) -> (train_state, metrics)`` run on several devices.

    The numbers are those of the same step on one device, for a loss that is a mean over the
    examples: loss, gradients, update.  Dropout draws other masks on each device.  Batch norm
    normalises by the examples of its own device, unless :func:`.sync_batch_norm` is asked for; its
    running statistics are averaged over the devices.

        step = fl.parallel.data_parallel(fl.optim.make_train_step(loss_fn, tx))
        state = step.init(params, key=key)               # make_train_step's own init
        state, metrics = step(state, batch)              # batch: (B, ...), as on one device

    Args:
        step: what ``make_train_step`` returns.  Or a function ``make_step(axis_name, reduce)`` that
            returns a pure step: it calls ``reduce(tree)`` on gradients (a mean over devices, in one
            bucket a dtype) and on whatever else shall be averaged, and must leave the train state
            the same on all devices; its metrics are combined like ``aux`` below.
        devices: D of them; all of this process if None.
        axis_name: by which collectives in the loss may call the devices.
        ragged: for a batch of B examples that D does not divide.  "share": exact and slower: the
            batch is cut into gcd(B, D) parts, and several devices do the same part (12 examples on
            8 devices: four parts of three, each done twice; 13: every device does all 13).
            "drop": the last B % D are left out.  "error": refuse.
        donate: let the new train state take the memory of the old one, which is then gone.

    Returns:
        A step on plain arrays: neither state nor batch need be replicated or split before.  The new
        state lies on all devices.  Of ``metrics.aux`` floating scalars are averaged, integer and
        boolean scalars are summed, and arrays are joined along axis 0 in the order of the batch.

    Raises:
        ValueError: the arrays of the batch differ in size, or the batch cannot be split.

    On CPU devices a step returns when its result is there (see :func:`.one_at_a_time`).
    """
    if ragged not in ("share", "drop", "error"):
        raise ValueError(f'data_parallel: ragged is "share", "drop" or "error", got {ragged!r}')
    return DataParallel(step, choose_devices(devices), axis_name, ragged, donate)


class DataParallel:
    """What :func:`data_parallel` returns."""

    def __init__(
        self,
        step: Any,
        devices: tuple[Device, ...],
        axis_name: str,
        ragged: str,
        donate: bool,
    ) -> None:
        """Keep the settings; the programs are compiled when they are first needed."""
        self.step = step
        self.devices = devices
        self.axis_name = axis_name
        self.ragged = ragged
        self.donate = donate
        self._programs: dict[int, Placed] = {}

    def __call__(self, train_state: Any, batch: PyTree) -> tuple[Any, Any]:
        """Take a step with a batch of arrays (B, ...)."""
        size, count = batch_size(batch, "data_parallel"), len(self.devices)
        if size == 0:
            raise ValueError("data_parallel: the batch is empty")
        left = size % count
        if left and self.ragged == "error":
            raise ValueError(indivisible(size, count) + 'ragged="share" gives devices equal parts')
        if left and self.ragged == "drop":
            if size < count:
                raise ValueError(
                    f"a batch of {size} leaves nothing for some of {count} devices: "
                    'use ragged="share", or skip this batch'
                )
            size -= left
            batch = jax.tree.map(lambda x: x[:size], batch)
        parts = gcd(size, count)
        program = self._programs.get(parts)
        if program is None:
            program = self._programs[parts] = self._build(parts)
        return program(train_state, batch)

    def __getattr__(self, name: str) -> Any:
        """Find everything else, such as ``init``, in the step itself."""
        if name.startswith("__") or "step" not in vars(self):
            raise AttributeError(name)
        return getattr(self.step, name)

    def _build(self, parts: int) -> Placed:
        """Compile for batches that are split into ``parts``, one for each place on the axis."""
        name = self.axis_name
        mesh = make_mesh(self.devices, name, parts)
        same, by_rows = spec(None, name), spec(0, name)

        def program(train_state: PyTree, batch: PyTree) -> tuple[PyTree, Any]:
            form = []  # how results are put together again: known once the step is traced

            def on_each(train_state: PyTree, batch: PyTree) -> tuple:
                results, rebuild = self._on_each(train_state, batch)
                form.append(rebuild)
                return results

            run = jax.shard_map(
                on_each,
                mesh=mesh,
                in_specs=(same, by_rows),
                out_specs=(same, same, by_rows),
                check_vma=False,
            )
            train_state, results, rows = run(train_state, batch)
            return train_state, form[-1](results, rows)

        # The state lies the same way for every number of parts, or each would compile the others.
        layout = split_over(make_mesh(self.devices, name), None)
        return Placed(
            program,
            mesh,
            (layout, split_over(mesh)),
            lambda train_state, batch: None,
            tuned=getattr(self.step, "tuned", ""),
            donate_argnums=(0,) if self.donate else (),
            out_shardings=(layout, None),
        )

    def _on_each(self, train_state: PyTree, batch: PyTree) -> tuple[tuple, Rebuild]:
        """Run on one device.

        Returns: (train state, results that are the same on all devices, rows of this device), and
            the function that makes the metrics of the last two.
        """
        name = self.axis_name
        if not hasattr(self.step, "grads_fn"):
            pure = self.step(axis_name=name, reduce=lambda tree: mean_floats(tree, name))
            train_state, metrics = pure(train_state, batch)
            scalars, rows, join = split_rows(metrics)
            scalars = _add_counts(mean_floats(scalars, name), name)
            return (train_state, scalars, rows), join
        step = self.step.replace(axis_name=name)
        found = step.grads_fn(train_state, batch)
        scalars, rows, join = split_rows(found.aux)
        means = mean_floats((found.grads, found.loss, found.state, scalars), name)
        found = found._replace(grads=means[0], loss=means[1], state=means[2], aux=None)
        train_state, metrics = step.apply_gradients(train_state, found)

        def rebuild(results: tuple, rows: list[Array]) -> Any:
            metrics, scalars = results
            return metrics._replace(aux=join(scalars, rows))

        return (train_state, (metrics, _add_counts(means[3], name)), rows), rebuild


def split_rows(tree: PyTree) -> tuple[list[Array], list[Array], Rebuild]:
    """Return the scalars of ``tree``, its other arrays, and the function that joins them again."""
    leaves, structure = jax.tree.flatten(jax.tree.map(jnp.asarray, tree))
    is_row = [leaf.ndim > 0 for leaf in leaves]

    def join(scalars: list[Array], rows: list[Array]) -> PyTree:
        taken = {True: iter(rows), False: iter(scalars)}
        return structure.unflatten([next(taken[kind]) for kind in is_row])

    scalars, rows = (
        [leaf for leaf, kind in zip(leaves, is_row, strict=True) if kind is wanted]
        for wanted in (False, True)
    )
    return scalars, rows, join


def _add_counts(scalars: list[Array], axis_name: str) -> list[Array]:
    """Sum integer and boolean scalars over the devices."""
    return [
        x if jnp.issubdtype(x.dtype, jnp.inexact) else psum(jnp.add(x, 0), axis_name)
        for x in scalars
    ]
