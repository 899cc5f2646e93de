"""``nn.functional`` where it is more than ops: masks, statistics, tables, attention, indices."""

import numpy as np
import pytest

import functorch_lite.torch as torch
from tests.parity import live_torch, outcome

F = torch.nn.functional

# Each line ends in an expression; random numbers are PyTorch's, so that values can be compared.
SAME = """
F.max_pool2d(torch.randn(2, 3, 8, 8), 2, return_indices=True)
F.max_pool1d(torch.randn(2, 3, 8), 2, 1, 1, 1, True, True)
F.adaptive_max_pool2d(torch.randn(2, 3, 8, 8), (3, None), True)
F.fractional_max_pool2d(torch.randn(2, 3, 8, 8), 2, output_size=(3, 4))
F.fractional_max_pool2d(torch.randn(2, 3, 8, 8), 2)
F.dropout(torch.randn(3, 4), 0.3)
F.dropout(torch.randn(6, 4).t(), 0.3)
F.dropout(torch.randn(3, 4), 1.3)
F.alpha_dropout(torch.randn(3, 4), 0.3, True)
F.feature_alpha_dropout(torch.randn(3, 4, 5), 0.3, True)
F.dropout1d(torch.randn(3, 4), 0.3, True, True)
F.dropout1d(torch.randn(3), 0.3)
F.dropout3d(torch.randn(3, 4, 5, 6), 0.3)
torch.native_dropout(torch.randn(3, 4), 0.4, True)
torch.feature_dropout(torch.randn(3), 0.4, True)
F.rrelu(torch.randn(3, 4), training=True)
F.rrelu(torch.randn(3, 4), 0.5, 0.2)
F.gumbel_softmax(torch.randn(3, 4), hard=True)
F.batch_norm(torch.randn(1, 4), torch.zeros(4), torch.ones(4), training=True)
F.batch_norm(torch.randn(3, 4), None, None)
torch.native_batch_norm(torch.randn(3, 4, 5), None, None, None, None, True, 0.1, 1e-5)
F.instance_norm(torch.randn(3, 4, 1))
F.embedding(torch.tensor([0, 3]), torch.randn(5, 3), max_norm=1.0)
F.embedding(torch.tensor([0, 3]), torch.randn(5, 3), padding_idx=9)
F.embedding_bag(torch.tensor([0, 3, 1]), torch.randn(5, 3), torch.tensor([0, 1]), max_norm=1.0)
F.one_hot(torch.tensor([1, 3]))
F.one_hot(torch.tensor([1, 3]), 2)
F.one_hot(torch.tensor([], dtype=torch.int64))
F.scaled_dot_product_attention(*torch.randn(3, 2, 3, 4, 8), dropout_p=0.4)
F.triplet_margin_with_distance_loss(*torch.randn(3, 4, 3), swap=True)
F.triplet_margin_with_distance_loss(*torch.randn(3, 4, 3), margin=-1)
F.linear_cross_entropy(torch.randn(4, 3), torch.randn(5, 3), torch.tensor([1, 2, 3, 4]))
"""


def numbers(result):
    """Return all numbers of a tensor, or of tensors in a tuple, as one vector."""
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(t.detach().numpy()) for t in parts if t is not None])


def run(library, code):
    library.manual_seed(0)
    scope = {"torch": library, "F": library.nn.functional}
    kind, result = outcome(lambda: eval(code, scope))
    return result if kind == "error" else numbers(result)


def assert_same(theirs, ours):
    if isinstance(theirs, str):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, 2e-5, 2e-6)


@pytest.mark.parity
@pytest.mark.parametrize("code", SAME.strip().splitlines())
def test_value_or_error_equals_torch(code):
    assert_same(run(live_torch(), code), run(torch, code))


ATTENTION = [
    ({}, {}),
    ({"dropout": 0.5}, {}),
    ({"dropout": 0.5}, {"need_weights": False}),
    ({"add_bias_kv": True, "add_zero_attn": True}, {"key_padding_mask": True}),
    ({"kdim": 6, "vdim": 6}, {"average_attn_weights": False}),
    ({}, {"attn_mask": (5, 3)}),
    ({}, {"is_causal": True}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("layer", "options"), ATTENTION)
def test_multi_head_attention_equals_torch(layer, options):
    def attend(library):
        library.manual_seed(0)
        attention = library.nn.MultiheadAttention(8, 2, **layer)
        query, key = library.randn(5, 2, 8), library.randn(4, 2, layer.get("kdim", 8))
        given = dict(options)
        if "key_padding_mask" in given:
            given["key_padding_mask"] = library.tensor([[False, False, True, True]] * 2)
        if "attn_mask" in given:
            given["attn_mask"] = library.ones(given["attn_mask"])
        kind, result = outcome(lambda: attention(query, key, key, **given))
        return result if kind == "error" else numbers(result)

    assert_same(attend(live_torch()), attend(torch))


def test_running_statistics_are_updated_in_place():
    mean, variance = torch.zeros(2), torch.ones(2)
    F.batch_norm(torch.tensor([[1.0, 2], [3, 6]]), mean, variance, training=True)
    np.testing.assert_allclose(mean.numpy(), [0.2, 0.4], 1e-6)
    np.testing.assert_allclose(variance.numpy(), [1.1, 1.7], 1e-6)


def test_a_tensor_subclass_can_take_over_a_function_written_in_python():
    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func.__name__

    assert F.max_pool2d(torch.ones(1, 1, 2, 2).as_subclass(Loud), 2) == "max_pool2d"
    assert F.dropout(torch.ones(2).as_subclass(Loud)) == "dropout"


def test_ctc_loss_takes_lengths_as_tensors_and_as_sequences():
    log_probs = torch.randn(5, 2, 4).log_softmax(2)
    targets = torch.tensor([[1, 2], [2, 3]])
    wanted = F.ctc_loss(log_probs, targets, torch.tensor([5, 4]), torch.tensor([2, 1]))
    for lengths in (([5, 4], [2, 1]), ((5, 4), (2, 1))):
        assert torch.equal(F.ctc_loss(log_probs, targets, *lengths), wanted)
