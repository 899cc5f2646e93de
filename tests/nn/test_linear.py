"""Linear, Bilinear, Embedding: the modules' numbers, and what is said about wrong inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from functorch_lite import nn
from tests.nn.against_module import check_row, error_of

INDICES = np.array([[1, 0, 4], [4, 4, 2]])

ROWS = [
    ("Linear", {"in_features": 3, "out_features": 4}, (5, 3)),
    ("Linear", {"in_features": 3, "out_features": 4, "bias": False}, (2, 5, 3)),
    ("Linear", {"in_features": 3, "out_features": 2}, (3,)),
    ("Bilinear", {"in1_features": 3, "in2_features": 4, "out_features": 2}, (5, 3), (5, 4)),
    ("Embedding", {"num_embeddings": 5, "embedding_dim": 3}, INDICES),
    ("Embedding", {"num_embeddings": 5, "embedding_dim": 3, "padding_idx": -1}, INDICES),
    ("Embedding", {"num_embeddings": 5, "embedding_dim": 3, "scale_grad_by_freq": True}, INDICES),
]


@pytest.mark.parametrize(("name", "settings", "inputs"), [(n, s, i) for n, s, *i in ROWS])
def test_the_numbers_are_the_modules(name, settings, inputs):
    check_row(name, settings, *inputs)


def test_the_padding_row_starts_at_zero():
    params, _ = nn.Embedding(4, 3, padding_idx=2).init(jax.random.key(0))
    assert [bool(row.any()) for row in params["weight"]] == [True, True, False, True]


@pytest.mark.parametrize("kind", [jnp.uint8, jnp.int16, jnp.int32])
def test_any_integers_index_an_embedding(kind):
    table = {"weight": jnp.arange(6.0).reshape(3, 2)}
    assert nn.Embedding(3, 2)(table, jnp.array([2], kind)).tolist() == [[4.0, 5.0]]


LINEAR, TABLE = nn.Linear(3, 4), nn.Embedding(5, 3)
WEIGHTS, ROWS_OF = LINEAR.init(jax.random.key(0))[0], TABLE.init(jax.random.key(0))[0]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: LINEAR(WEIGHTS, jnp.ones((2, 5))),
            "ValueError: Linear(3, 4): the last axis of the input must have size 3, got 5 in shape "
            "(2, 5): change in_features, or the input",
        ),
        (
            lambda: LINEAR(WEIGHTS, 1.0),
            "ValueError: Linear(3, 4): the last axis of the input must have size 3, got no such "
            "axis in shape (): change in_features, or the input",
        ),
        (
            lambda: LINEAR(WEIGHTS, jnp.ones((2, 3), jnp.bfloat16)),
            "TypeError: Linear(3, 4): the input is bfloat16 and the params are float32: convert "
            "one, for example x.astype(jnp.float32)",
        ),
        (
            lambda: TABLE(ROWS_OF, jnp.ones(2)),
            "TypeError: Embedding(5, 3): the input must be integers, got float32: use "
            "x.astype(jnp.int32)",
        ),
        (
            lambda: TABLE(ROWS_OF, [1, 5]),
            "IndexError: Embedding(5, 3): index 5 is out of range, the table has rows 0 to 4: make "
            "num_embeddings larger, or mend the indices",
        ),
        (
            lambda: nn.Embedding(5, 3, padding_idx=5),
            "ValueError: Embedding(5, 3, padding_idx=5): padding_idx must be a row, -5 to 4",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said
