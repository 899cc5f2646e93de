"""Convolutions: the modules' numbers, and what is said about settings that do not fit."""

import jax.numpy as jnp
import pytest

from functorch_lite import nn
from tests.nn.against_module import check_row, error_of


def sizes(i, o, k, **more):
    return {"in_channels": i, "out_channels": o, "kernel_size": k, **more}


ROWS = [
    ("Conv1d", sizes(2, 3, 3, padding=1, stride=2), (2, 2, 7)),
    ("Conv1d", sizes(4, 4, 3, groups=4, bias=False), (4, 7)),
    ("Conv1d", sizes(2, 3, 3, padding="same", dilation=2, padding_mode="circular"), (2, 2, 7)),
    ("Conv2d", sizes(2, 4, (3, 2), dilation=(1, 2), groups=2), (2, 2, 6, 7)),
    ("Conv2d", sizes(2, 3, 3, padding=(1, 2), padding_mode="reflect"), (2, 2, 6, 7)),
    ("Conv2d", sizes(9, 3, 3, padding=1, padding_mode="replicate"), (2, 9, 5, 5)),
    ("Conv3d", sizes(2, 3, 2, padding="valid"), (2, 2, 3, 4, 3)),
    ("ConvTranspose1d", sizes(2, 3, 3, stride=2, output_padding=1), (2, 2, 5)),
    ("ConvTranspose2d", sizes(4, 2, 3, padding=1, groups=2, dilation=2), (4, 5, 4)),
    ("ConvTranspose3d", sizes(2, 2, 2, stride=2, bias=False), (1, 2, 2, 3, 2)),
]


@pytest.mark.parametrize(("name", "settings", "shape"), ROWS)
def test_the_numbers_are_the_modules(name, settings, shape):
    check_row(name, settings, shape)


CONV = nn.Conv2d(3, 4, 3)
WEIGHTS = {"weight": jnp.ones((4, 3, 3, 3))}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: nn.Conv1d(2, 4, 3, padding_mode="mirror"),
            "ValueError: Conv1d(2, 4, 3, padding_mode='mirror'): unknown padding_mode 'mirror': "
            "use one of zeros, reflect, replicate, circular",
        ),
        (
            lambda: nn.Conv1d(2, 4, 3, padding="full"),
            "ValueError: Conv1d(2, 4, 3, padding='full'): unknown padding 'full': use 'valid', "
            "'same' or numbers",
        ),
        (
            lambda: nn.Conv1d(2, 4, 3, 2, "same"),
            "ValueError: Conv1d(2, 4, 3, stride=2, padding='same'): padding='same' needs stride=1: "
            "give the padding in numbers",
        ),
        (
            lambda: nn.Conv2d(3, 4, 3, groups=2),
            "ValueError: Conv2d(3, 4, 3, groups=2): in_channels=3 cannot be split into groups=2: "
            "choose groups that divide it",
        ),
        (
            lambda: nn.ConvTranspose2d(2, 3, 3, groups=2),
            "ValueError: ConvTranspose2d(2, 3, 3, groups=2): out_channels=3 cannot be split into "
            "groups=2: choose groups that divide it",
        ),
        (
            lambda: CONV(WEIGHTS, jnp.ones((2, 5, 6, 6))),
            "ValueError: Conv2d(3, 4, 3): axis -3 of the input must have size 3, got 5 in shape "
            "(2, 5, 6, 6): change in_channels, or the input",
        ),
        (
            lambda: CONV(WEIGHTS, jnp.ones((6, 6))),
            "ValueError: Conv2d(3, 4, 3): the input must have 3 or 4 axes, got 2 in shape (6, 6): "
            "add the missing axis with x[None], or reshape",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
