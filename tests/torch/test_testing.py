"""``torch.testing``: the messages of ``assert_close`` and the values of ``make_tensor``."""

import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite.torch.testing import assert_close, make_tensor


def scenarios(torch):
    """Pairs that differ, and the options to compare them with."""
    t = torch.tensor
    return [
        (t([1.0, 2.0, 3.0]), t([1.0, 5.0, 3.0]), {}),
        (t(1.0), t(2.0), {}),
        (t([[1, 2], [3, 4]]), t([[1, 2], [3, 9]]), {}),
        (t([1.0]), t([1.0], dtype=torch.float64), {}),
        (t([1.0]), t([1.0, 2.0]), {}),
        (t([1.0, float("nan")]), t([1.0, float("nan")]), {}),
        (t([1.0]), t([1.1]), {"rtol": 0, "atol": 0}),
        (t([1.0]), t([1.1]), {"rtol": 1e-3}),
        ([t([1.0]), t([2.0])], [t([1.0]), t([3.0])], {}),
        ({"a": 1, "b": 2}, {"a": 1, "c": 2}, {}),
        ({"a": {"b": 1.0}}, {"a": {"b": 2.0}}, {}),
        ([1, 2], [1], {}),
        (1, 2, {}),
        (1.0, 1, {}),
        (1, 0, {}),
        (True, False, {}),
        (None, 1, {}),
        ("a", "b", {}),
        (t([True, False]), t([True, True]), {}),
        (t([1 + 2j]), t([1 + 3j]), {}),
        (np.ones(2), np.zeros(2), {}),
        (np.float32(1), np.float32(2), {}),
        (1, t(1), {}),
        (t([1.0]), t([2.0]), {"msg": "mine"}),
        (t([1.0]), t([2.0]), {"msg": lambda text: f"Header\n{text}"}),
        (torch.ones(2, 3).t(), torch.ones(3, 2), {"check_stride": True}),
    ]


def report(torch):
    texts = []
    for actual, expected, options in scenarios(torch):
        with pytest.raises(Exception) as error:
            torch.testing.assert_close(actual, expected, **options)
        texts.append((type(error.value).__name__, str(error.value)))
    return texts


@pytest.mark.parity
def test_messages_are_pytorchs():
    live = pytest.importorskip("torch")
    for ours, theirs in zip(report(torch), report(live), strict=True):
        assert ours == theirs


@pytest.mark.parity
@pytest.mark.parametrize(
    "dtype", ["bool", "uint8", "int64", "float16", "float32", "float64", "complex64"]
)
def test_make_tensor_draws_pytorchs_numbers(dtype):
    live = pytest.importorskip("torch")

    def drawn(torch):
        torch.manual_seed(3)
        plain = torch.testing.make_tensor((3, 4), dtype=getattr(torch, dtype), device="cpu")
        spread = torch.testing.make_tensor(
            2,
            3,
            dtype=getattr(torch, dtype),
            device="cpu",
            noncontiguous=True,
            low=0,
            high=2,
            exclude_zero=True,
        )
        return plain.tolist(), spread.tolist(), spread.stride()

    assert drawn(torch) == drawn(live)


def test_close_values_pass():
    assert_close(torch.ones(2), torch.ones(2) + 1e-7)
    assert_close({"a": [1, None, 2.0]}, {"a": [1, None, 2.0]})
    assert_close(float("nan"), float("nan"), equal_nan=True)
    assert_close(torch.ones(2), torch.ones(2, dtype=torch.float64), check_dtype=False)


def test_the_message_counts_and_locates():
    with pytest.raises(AssertionError) as error:
        assert_close(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 5.0, 3.0]))
    assert str(error.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 3 (33.3%)\n"
        "Greatest absolute difference: 3.0 at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.6000000238418579 at index (1,) (up to 1.3e-06 allowed)"
    )


def test_assert_allclose_is_deprecated():
    with pytest.warns(FutureWarning, match="is deprecated since 1.12"):
        torch.testing.assert_allclose(torch.ones(2), [1.0, 1.0])


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        (
            {"dtype": torch.int64, "requires_grad": True},
            ValueError,
            "`requires_grad=True` is not supported",
        ),
        (
            {"dtype": torch.float32, "low": 3, "high": 2},
            ValueError,
            "`low` must be less than `high`, but got 3 >= 2",
        ),
        (
            {"dtype": torch.float32, "low": float("nan")},
            ValueError,
            "`low` and `high` cannot be NaN",
        ),
        (
            {"dtype": torch.uint8, "low": -5, "high": -1},
            ValueError,
            "The value interval specified by",
        ),
    ],
)
def test_make_tensor_refuses_what_it_cannot_make(options, kind, words):
    with pytest.raises(kind) as error:
        make_tensor(2, device="cpu", **options)
    assert str(error.value).startswith(words)
