"""What ``pmap`` says about a wrong call: what came, what was wanted, what to write instead."""

import jax
import numpy as np
import pytest

from functorch_lite.parallel import pmap, pmean

ONES = np.ones
RUN = "python -m functorch_lite run --devices N"


def identity(x):
    return x


def first(x, y):
    return x


# name -> (call, type, how the message begins)
WRONG = {
    "sizes differ": (
        lambda: pmap(first)(ONES(8), {"a": ONES((4, 2))}),
        ValueError,
        "pmap: the mapped axes differ in size: axis 0 of argument 0, shape (8,), has 8; axis 0 of "
        "argument 1['a'], shape (4, 2), has 4. Give all the same size, or broadcast an argument "
        "with in_axes=None",
    ),
    "a multiple of the size": (
        lambda: pmap(first)(ONES(8), ONES(16)),
        ValueError,
        "pmap: the mapped axes differ in size: axis 0 of argument 0, shape (8,), has 8; axis 0 of "
        "argument 1, shape (16,), has 16.",
    ),
    "a name differs": (
        lambda: pmap(lambda x, *, y: x)(ONES(8), y=ONES(4)),
        ValueError,
        "pmap: the mapped axes differ in size: axis 0 of argument 0, shape (8,), has 8; axis 0 of "
        "y, shape (4,), has 4.",
    ),
    "too many": (
        lambda: pmap(identity)(ONES((16, 3))),
        ValueError,
        "pmap: a mapped axis of size 16 needs 16 devices and there are 8: give each several "
        "examples, x.reshape(8, 2, *x.shape[1:]) with a vmap inside; or start the program with "
        f"`{RUN}`",
    ),
    "too many and prime": (
        lambda: pmap(identity)(ONES(13)),
        ValueError,
        "pmap: a mapped axis of size 13 needs 13 devices and there are 8: pad it first, "
        "fl.parallel.shard_batch(batch, pad='repeat'); or start the program with",
    ),
    "not as many as devices=": (
        lambda: pmap(identity, devices=jax.devices()[:4])(ONES(8)),
        ValueError,
        "pmap: axis 0 of argument 0, shape (8,), has 8 slices for 4 devices, the number that "
        "devices= or axis_size= ask for: give one slice a device, "
        "x.reshape(devices, batch // devices, *x.shape[1:])",
    ),
    "not axis_size": (
        lambda: pmap(identity, axis_size=4)(ONES(8)),
        ValueError,
        "pmap: axis 0 of argument 0, shape (8,), has 8 slices for 4 devices",
    ),
    "nothing": (
        lambda: pmap(identity)(ONES((0, 3))),
        ValueError,
        "pmap: the mapped axis has size 0: there is nothing to map over",
    ),
    "a scalar": (
        lambda: pmap(first)(ONES(4), 3.0),
        ValueError,
        "pmap: argument 1 has shape () and no axis 0 to map over: stack one value a device, or "
        "broadcast it with in_axes=None",
    ),
    "a scalar first": (
        lambda: pmap(identity)(3.0),
        ValueError,
        "pmap: argument 0 has shape () and no axis 0 to map over",
    ),
    "no such axis": (
        lambda: pmap(identity, in_axes=1)(ONES(4)),
        ValueError,
        "pmap: argument 0 has shape (4,) and no axis 1 to map over",
    ),
    "no arguments": (
        lambda: pmap(lambda: 1)(),
        ValueError,
        "pmap: no argument has a mapped axis, so the number of devices is unknown: give "
        "axis_size=, or devices=",
    ),
    "in_axes too long": (
        lambda: pmap(identity, in_axes=(0, 0))(ONES(8)),
        ValueError,
        "pmap: in_axes has 2 entries for 1 positional arguments: give one entry an argument "
        "(static ones too), or one int for all; arguments passed by name are mapped over axis 0",
    ),
    "in_axes too short": (
        lambda: pmap(first, in_axes=(0,))(ONES(8), ONES(8)),
        ValueError,
        "pmap: in_axes has 1 entries for 2 positional arguments",
    ),
    "in_axes of another tree": (
        lambda: pmap(identity, in_axes=({"a": 0},))({"b": ONES(8)}),
        ValueError,
        "pmap: in_axes must have the structure of the arguments, or of their beginning: "
        "in_axes=({'a': 0},), the arguments are ({'b': *},). Give one int or None for a whole "
        "argument",
    ),
    "in_axes of another tree, later": (
        lambda: pmap(first, in_axes=(0, [0, 0]))(ONES(8), (ONES(8), ONES(8))),
        ValueError,
        "pmap: in_axes must have the structure of the arguments",
    ),
    "in_axes negative": (
        lambda: pmap(identity, in_axes=-1),
        ValueError,
        "pmap: in_axes counts from the front: an axis must be 0 or more, got -1",
    ),
    "in_axes no int": (
        lambda: pmap(identity, in_axes=({"a": "0"},)),
        TypeError,
        "pmap: in_axes is made of ints, None and containers of these, got '0'",
    ),
    "in_axes neither int nor tuple": (
        lambda: pmap(identity, in_axes={"x": 0}),
        TypeError,
        "pmap: in_axes must be an int, None or a tuple with an entry an argument, got {'x': 0}",
    ),
    "out_axes of another tree": (
        lambda: pmap(lambda x: {"a": x}, out_axes={"b": 0})(ONES(8)),
        ValueError,
        "pmap: out_axes must have the structure of the result, or of its beginning: "
        "out_axes={'b': 0}, the result is {'a': *}. Give one int for all of it",
    ),
    "out_axes beyond": (
        lambda: pmap(identity, out_axes=2)(ONES((8, 3))),
        ValueError,
        "pmap: out_axes=2 is beyond a result of shape (3,): use at most 1",
    ),
    "out_axes None and no agreement": (
        lambda: pmap(lambda x: (pmean(x, "i"), x), "i", out_axes=(0, None))(ONES(8)),
        ValueError,
        "pmap: out_axes=None says that a result is the same on every device, and it is not: "
        "combine it, such as pmean(result, 'i'), or give it an axis",
    ),
    "static and unhashable": (
        lambda: pmap(first, static_broadcasted_argnums=1)(ONES(8), [1]),
        TypeError,
        "pmap: static argument 1 is a list, which cannot be hashed: pass a tuple or another "
        "hashable value, or broadcast arrays with in_axes=None",
    ),
    "static and missing": (
        lambda: pmap(first, static_broadcasted_argnums=1)(ONES(8)),
        ValueError,
        "pmap: static_broadcasted_argnums=(1,) and only 1 positional arguments: pass static "
        "arguments by position",
    ),
    "static and donated": (
        lambda: pmap(first, static_broadcasted_argnums=1, donate_argnums=1),
        ValueError,
        "pmap: static arguments [1] cannot be donated",
    ),
    "static by a wrong number": (
        lambda: pmap(first, static_broadcasted_argnums=-1),
        ValueError,
        "pmap: static_broadcasted_argnums are positions from 0, got -1",
    ),
    "no string": (
        lambda: pmap(identity, 5),
        TypeError,
        "pmap: axis_name must be a string, got 5",
    ),
    "devices twice": (
        lambda: pmap(identity, devices=jax.devices()[:1] * 2),
        ValueError,
        "devices names a device twice: ['cpu:0', 'cpu:0']",
    ),
    "no devices": (lambda: pmap(identity, devices=[]), ValueError, "devices is empty: name at"),
    "devices and axis_size": (
        lambda: pmap(identity, devices=jax.devices(), axis_size=4),
        ValueError,
        "pmap: axis_size=4 and 8 devices: leave axis_size out",
    ),
    "devices inside": (
        lambda: pmap(pmap(identity, devices=jax.devices()))(ONES((2, 8))),
        ValueError,
        "pmap: devices= cannot be chosen inside another pmap, whose devices run all slices: leave "
        "it out",
    ),
    "sizes differ inside": (
        lambda: pmap(pmap(first))(ONES((2, 3)), ONES((2, 4))),
        ValueError,
        "pmap: the mapped axes differ in size: axis 0 of argument 0, shape (3,), has 3;",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_is_explained(name):
    call, kind, message = WRONG[name]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_a_wrong_call_is_explained_after_right_ones():
    fun = pmap(first)
    fun(ONES(8), ONES(8))
    for wrong in (ONES(4), ONES(16), ONES(())):
        with pytest.raises(ValueError, match=r"^pmap: "):
            fun(ONES(8), wrong)
    assert fun(ONES(8), ONES(8)).shape == (8,)


@pytest.mark.parametrize("kind", [ValueError, TypeError, ZeroDivisionError])
def test_errors_of_the_function_itself_go_through(kind):
    def fails(x):
        raise kind("mine")

    for argument in (ONES(8), jax.device_put(ONES(8), jax.devices()[3])):
        with pytest.raises(kind, match=r"^mine"):
            pmap(fails)(argument)
