"""Pooling: the modules' numbers."""

import jax.numpy as jnp
import pytest

from functorch_lite import nn
from tests.nn.against_module import check_row, error_of

ROWS = [
    ("MaxPool1d", {"kernel_size": 3, "stride": 2, "padding": 1}, (2, 2, 7)),
    ("MaxPool2d", {"kernel_size": 2}, (2, 2, 6, 7)),
    ("MaxPool2d", {"kernel_size": (3, 2), "stride": 2, "ceil_mode": True}, (2, 6, 7)),
    ("MaxPool3d", {"kernel_size": 2, "dilation": 2, "stride": 1}, (1, 2, 4, 3, 4)),
    ("AvgPool1d", {"kernel_size": 2}, (2, 2, 7)),
    ("AvgPool2d", {"kernel_size": 3, "padding": 1, "count_include_pad": False}, (2, 2, 6, 7)),
    ("AvgPool3d", {"kernel_size": 2, "stride": 1}, (2, 3, 3, 3)),
    ("AdaptiveAvgPool1d", {"output_size": 3}, (2, 2, 7)),
    ("AdaptiveAvgPool2d", {"output_size": (1, None)}, (2, 2, 6, 7)),
    ("AdaptiveAvgPool3d", {"output_size": 2}, (1, 2, 3, 4, 3)),
    ("AdaptiveMaxPool1d", {"output_size": 3}, (2, 2, 7)),
    ("AdaptiveMaxPool2d", {"output_size": 2}, (2, 2, 6, 7)),
    ("AdaptiveMaxPool3d", {"output_size": 1}, (2, 3, 2, 2)),
]


@pytest.mark.parametrize(("name", "settings", "shape"), ROWS)
def test_the_numbers_are_the_modules(name, settings, shape):
    check_row(name, settings, shape)


def test_a_wrong_number_of_axes_is_told_with_the_fix():
    assert error_of(nn.MaxPool2d(2), {}, jnp.ones((4, 4))) == (
        "ValueError: MaxPool2d(2): the input must have 3 or 4 axes, got 2 in shape (4, 4): "
        "add the missing axis with x[None], or reshape"
    )
