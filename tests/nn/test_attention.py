"""Attention and transformer blocks: the modules' numbers with every kind of mask."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite.torch as torch
from functorch_lite import nn
from tests.nn.against_module import arrays_of, check_same, draw, error_of, fresh, zeros_of

FORBIDDEN = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], bool)
PADDED = np.array([[0, 0, 1], [0, 0, 0]], bool)
CAUSAL = np.triu(np.ones((3, 3), bool), 1)


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": FORBIDDEN, "key_padding_mask": PADDED},
        {"attn_mask": draw(4, 3, 3), "key_padding_mask": draw(2, 3)},
        {"attn_mask": draw(3, 3), "key_padding_mask": PADDED},
    ],
    ids=["bool", "float", "mixed"],
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
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = draw(3, 4)
    run = jax.jit(lambda params: (layer(params, x), layer(params, x[None])[0]))
    one, batch = run(fresh(layer)[0])
    np.testing.assert_allclose(one, batch, rtol=1e-5)


def test_causal_attention_is_attention_with_the_causal_mask():
    masked = nn.MultiheadAttention(4, 2, batch_first=True)
    causal = nn.MultiheadAttention(4, 2, batch_first=True, is_causal=True)
    x, more = draw(2, 3, 4), {"key_padding_mask": PADDED}

    @jax.jit
    def run(params):
        ours = causal(params, x), causal(params, x, **more)
        return ours, (
            masked(params, x, attn_mask=CAUSAL),
            masked(params, x, attn_mask=CAUSAL, **more),
        )

    for ours, expected in zip(*run(fresh(masked)[0]), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-7)


def test_attention_drops_weights_in_training():
    layer = nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True)
    x, more = draw(2, 3, 4), {"key": jax.random.key(1), "train": True}

    @jax.jit
    def run(params):
        plain, noisy = (layer(params, x, need_weights=True, **kw) for kw in ({}, more))
        return plain[1].sum(-1), noisy[1].sum(-1), noisy[0], layer(params, x, **more)

    plain, noisy, with_weights, without = run(fresh(layer)[0])
    np.testing.assert_allclose(plain, 1, rtol=1e-5)
    assert not np.allclose(noisy, 1)
    np.testing.assert_allclose(with_weights, without, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("train", [True, False])
def test_the_encoder_block_is_the_modules(train):
    settings = {"dropout": 0.0, "norm_first": train, "batch_first": True, "activation": "gelu"}
    layer = nn.TransformerEncoderLayer(4, 2, 8, **settings)
    module = torch.nn.TransformerEncoderLayer(4, 2, 8, **settings)
    options = {"src_mask": FORBIDDEN, "src_key_padding_mask": PADDED}
    check_same(layer, module, draw(2, 3, 4), train=train, options=options)


def test_the_decoder_block_is_the_modules():
    settings = {"dropout": 0.0, "bias": False, "batch_first": True}
    layer = nn.TransformerDecoderLayer(4, 2, 8, is_causal=True, **settings)
    module = torch.nn.TransformerDecoderLayer(4, 2, 8, **settings)
    check_same(
        *(layer, module, draw(2, 3, 4), draw(2, 3, 4, seed=1)),
        call=lambda module, x, memory: module(x, memory, tgt_mask=torch.tensor(CAUSAL)),
    )


def test_a_repeated_block_has_the_keys_and_numbers_of_an_encoder():
    block = nn.TransformerEncoderLayer(4, 2, 8, 0.0, "gelu", batch_first=True)
    layer = nn.serial(layers=nn.repeat(block, 2), norm=nn.LayerNorm(4))
    module = torch.nn.TransformerEncoder(
        torch.nn.TransformerEncoderLayer(4, 2, 8, 0.0, "gelu", batch_first=True),
        *(2, torch.nn.LayerNorm(4)),
    )
    params, _ = nn.from_state_dict(layer, arrays_of(module))
    x = draw(2, 3, 4)
    with torch.no_grad():
        expected = module(torch.tensor(x)).numpy()
    np.testing.assert_allclose(jax.jit(layer)(params, x), expected, rtol=1e-5, atol=1e-6)


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
PARAMS, _ = zeros_of(LAYER)
