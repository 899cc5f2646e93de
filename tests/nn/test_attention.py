"""Attention and transformer blocks: the modules' numbers with every kind of mask."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from tests.nn.against_module import arrays_of, check_same, draw, error_of

FORBIDDEN = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], bool)
PADDED = np.array([[0, 0, 1], [0, 0, 0]], bool)
CAUSAL = np.triu(np.ones((3, 3), bool), 1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"attn_mask": FORBIDDEN, "key_padding_mask": PADDED},
        {"attn_mask": draw(4, 3, 3), "key_padding_mask": draw(2, 3)},
        {"attn_mask": draw(3, 3), "key_padding_mask": PADDED},
    ],
    ids=["none", "bool", "float", "mixed"],
)
def test_self_attention_is_the_modules(options):
    layer, module = nn.MultiheadAttention(4, 2), torch.nn.MultiheadAttention(4, 2)

    def call(module, x):
        masks = {name: torch.tensor(mask) for name, mask in options.items()}
        if {mask.dtype for mask in options.values()} == {np.dtype("f4"), np.dtype(bool)}:
            # The module would warn that the kinds differ.
            masks["key_padding_mask"] = torch.tensor(np.where(PADDED, -np.inf, 0).astype("f4"))
        return module(x, x, x, need_weights=False, **masks)

    check_same(layer, module, draw(3, 2, 4), options=options, call=call)


def test_attention_to_keys_and_values_of_other_widths_is_the_modules_weights_included():
    settings = {"kdim": 3, "vdim": 5, "batch_first": True}
    layer = nn.MultiheadAttention(4, 2, **settings)
    module = torch.nn.MultiheadAttention(4, 2, **settings)
    options = {"need_weights": True}
    check_same(
        *(layer, module, draw(2, 2, 4), draw(2, 3, 3), draw(2, 3, 5)),
        options=options,
        call=lambda module, *inputs: module(*inputs),
    )


def test_one_sequence_needs_no_batch_axis():
    layer, module = (
        nn.MultiheadAttention(4, 2, bias=False),
        torch.nn.MultiheadAttention(4, 2, bias=False),
    )
    check_same(
        *(layer, module, draw(3, 4), draw(5, 4)),
        call=lambda m, q, k: m(q, k, k, need_weights=False),
    )


def test_causal_attention_is_attention_with_the_causal_mask():
    masked = nn.MultiheadAttention(4, 2, batch_first=True)
    causal = nn.MultiheadAttention(4, 2, batch_first=True, is_causal=True)
    params, _ = masked.init(jax.random.key(0))
    x = draw(2, 3, 4)
    expected = masked(params, x, attn_mask=CAUSAL)
    np.testing.assert_allclose(causal(params, x), expected, rtol=1e-6)
    both = causal(params, x, key_padding_mask=PADDED)
    np.testing.assert_allclose(
        both, masked(params, x, attn_mask=CAUSAL, key_padding_mask=PADDED), rtol=1e-6
    )


def test_attention_drops_weights_in_training():
    layer = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)
    params, _ = layer.init(jax.random.key(0))
    x = draw(2, 3, 4)
    _, weights = layer(params, x, need_weights=True)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    key = jax.random.key(1)
    out, weights = layer(params, x, need_weights=True, key=key, train=True)
    assert not np.allclose(weights.sum(-1), 1)
    np.testing.assert_allclose(out, layer(params, x, key=key, train=True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize("norm_first", [True, False])
def test_the_encoder_block_is_the_modules(norm_first, train):
    settings = {"dropout": 0.0, "norm_first": norm_first, "batch_first": True}
    settings |= {"activation": "gelu"} if train else {}
    layer = nn.TransformerEncoderLayer(4, 2, 8, **settings)
    module = torch.nn.TransformerEncoderLayer(4, 2, 8, **settings)
    options = {"src_mask": FORBIDDEN, "src_key_padding_mask": PADDED}
    check_same(layer, module, draw(2, 3, 4), train=train, options=options)


def test_the_decoder_block_is_the_modules():
    layer = nn.TransformerDecoderLayer(4, 2, 8, 0.0, bias=False, is_causal=True)
    module = torch.nn.TransformerDecoderLayer(4, 2, 8, 0.0, bias=False)
    check_same(
        *(layer, module, draw(3, 2, 4), draw(5, 2, 4, seed=1)),
        call=lambda module, x, memory: module(x, memory, tgt_mask=torch.tensor(CAUSAL)),
    )


def test_a_repeated_block_has_the_keys_and_numbers_of_an_encoder():
    block = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True)
    layer = nn.serial(layers=nn.repeat(block, 3), norm=nn.LayerNorm(4))
    module = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True), 3, torch.nn.LayerNorm(4)
    )
    assert set(nn.to_state_dict(*layer.init(jax.random.key(0)))) == set(arrays_of(module))
    check_same(layer, module, draw(2, 3, 4))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: nn.MultiheadAttention(4, 3),
            "ValueError: MultiheadAttention(4, 3): embed_dim must be a multiple of num_heads: 4 is "
            "not one of 3",
        ),
        (
            lambda: nn.TransformerEncoderLayer(4, 3),
            "ValueError: MultiheadAttention(4, 3, dropout=0.1): embed_dim must be a multiple of "
            "num_heads: 4 is not one of 3",
        ),
        (
            lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"),
            "ValueError: TransformerEncoderLayer(4, 2, activation='tanh'): unknown activation "
            "'tanh': use 'relu', 'gelu' or a function",
        ),
        (
            lambda: LAYER(PARAMS, jnp.ones((3, 2, 4)), attn_mask=jnp.ones((2, 2))),
            "ValueError: MultiheadAttention(4, 2): attn_mask must have shape (3, 3) or (4, 3, 3), "
            "got (2, 2)",
        ),
        (
            lambda: LAYER(PARAMS, jnp.ones((3, 2, 4)), key_padding_mask=jnp.ones((3, 2))),
            "ValueError: MultiheadAttention(4, 2): key_padding_mask must have shape (2, 3), got "
            "(3, 2)",
        ),
        (
            lambda: LAYER(PARAMS, jnp.ones((3, 2, 4)), jnp.ones((3, 2, 5))),
            "ValueError: MultiheadAttention(4, 2): the last axis of the input must have size 4, "
            "got 5 in shape (3, 2, 5): change embed_dim, or the input",
        ),
    ],
)
def test_mistakes_are_told_with_the_fix(call, said):
    assert error_of(call) == said


LAYER = nn.MultiheadAttention(4, 2)
PARAMS, _ = LAYER.init(jax.random.key(0))
