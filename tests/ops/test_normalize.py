"""Normalization: values, gradients and new statistics beside live torch; recorded errors."""

import numpy as np
import pytest

from tests.ops.op_parity import check, evaluate

F = "nn.functional."


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape)


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(4, 3), (200, 3), (4, 3, 5), (2, 3, 14, 14)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(shape, training):
    torch = pytest.importorskip("torch")
    mean, var = normal(3), normal(3) ** 2 + 0.5
    x, weight, bias = normal(*shape), normal(3), normal(4)[:3]
    tensors = [torch.tensor(v) for v in (mean, var, weight, bias)]
    want = torch.nn.functional.batch_norm(torch.tensor(x), *tensors, training, 0.3, 1e-3)
    got = evaluate("_native_batch_norm", x, mean, var, weight, bias, training, 0.3, 1e-3)
    for ours, theirs in zip(got, (want, *tensors[:2]), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parity
def test_layer_group_and_rms_norm_with_gradients():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x = normal(4, 6, 5)
    check(torch, functional.layer_norm, "layer_norm", x, (5,), normal(5), normal(5), eps=0.1)
    check(torch, functional.layer_norm, "layer_norm", x, (6, 5), normal(6, 5))
    check(torch, functional.group_norm, F + "group_norm", x, 3, normal(6), normal(6), eps=0.1)
    check(torch, functional.rms_norm, "rms_norm", x, (5,), normal(5), eps=0.1)
    check(torch, functional.local_response_norm, F + "local_response_norm", x, 3, 0.1)


def test_bfloat16_with_float32_parameters_is_computed_in_float32():
    x = normal(2, 4).astype(np.float16)
    result = evaluate("layer_norm", x, (4,), np.ones(4, np.float32))
    wide = evaluate("layer_norm", x.astype(np.float32), (4,))
    np.testing.assert_array_equal(result, wide.astype(np.float16))


@pytest.mark.parametrize(
    ("name", "args", "error", "words"),
    [
        ("layer_norm", [(4,)], RuntimeError, r"expected input with shape \[\*, 4\]"),
        ("layer_norm", [()], RuntimeError, "normalized_shape to be at least 1-dimensional"),
        ("group_norm", [4], RuntimeError, "divisible by num_groups"),
        (
            "_native_batch_norm",
            [np.zeros(4), np.zeros(3)],
            RuntimeError,
            "running_mean should contain 3 elements not 4",
        ),
        ("_native_batch_norm", [None, None], RuntimeError, "must be defined in evaluation mode"),
    ],
)
def test_error(name, args, error, words):
    with pytest.raises(error, match=words):
        evaluate(name, np.zeros((2, 3, 5)), *args)
