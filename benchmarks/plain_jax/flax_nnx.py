"""The MLP and the GPT in flax nnx, as its guide to performance writes a step. Needs flax."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from benchmarks._program import Program
from benchmarks.plain_jax import gpt, mlp
from benchmarks.plain_jax._program import cross_entropy, image_batch, random_tokens


class MLP(nnx.Module):
    """Three linear layers: (B, 64) -> (B, 10)."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        self.a = nnx.Linear(mlp.INPUTS, mlp.WIDTH, rngs=rngs)
        self.b = nnx.Linear(mlp.WIDTH, mlp.WIDTH, rngs=rngs)
        self.c = nnx.Linear(mlp.WIDTH, mlp.CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """Return logits."""
        return self.c(nnx.relu(self.b(nnx.relu(self.a(x)))))


class Block(nnx.Module):
    """Attention, then two linear layers: (B, T, W) -> (B, T, W)."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        small = {"kernel_init": nnx.initializers.normal(0.02), "rngs": rngs}
        self.ln1 = nnx.LayerNorm(gpt.WIDTH, epsilon=1e-5, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(gpt.HEADS, gpt.WIDTH, decode=False, **small)
        self.ln2 = nnx.LayerNorm(gpt.WIDTH, epsilon=1e-5, rngs=rngs)
        self.up = nnx.Linear(gpt.WIDTH, 4 * gpt.WIDTH, **small)
        self.down = nnx.Linear(4 * gpt.WIDTH, gpt.WIDTH, **small)

    def __call__(self, x: Any, mask: Any) -> Any:
        """Move each token."""
        x = x + self.attention(self.ln1(x), mask=mask)
        return x + self.down(nnx.gelu(self.up(self.ln2(x)), approximate=False))


class GPT(nnx.Module):
    """Scores of the next token: (B, T) -> (B, T, V)."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        """Make the layers."""
        small = nnx.initializers.normal(0.02)
        table = {"embedding_init": small, "rngs": rngs}
        self.token = nnx.Embed(gpt.VOCABULARY, gpt.WIDTH, **table)
        self.position = nnx.Embed(gpt.TOKENS, gpt.WIDTH, **table)
        self.blocks = nnx.List([Block(rngs) for _ in range(gpt.LAYERS)])
        self.norm = nnx.LayerNorm(gpt.WIDTH, epsilon=1e-5, rngs=rngs)
        self.head = nnx.Linear(
            gpt.WIDTH, gpt.VOCABULARY, use_bias=False, kernel_init=small, rngs=rngs
        )

    def __call__(self, tokens: Any) -> Any:
        """Score the token after each of ``tokens``."""
        x = self.token(tokens) + self.position(jnp.arange(tokens.shape[1]))
        mask = nnx.make_causal_mask(tokens)
        for block in self.blocks:
            x = block(x, mask)
        return self.head(self.norm(x))


def training(model: nnx.Module, tx: optax.GradientTransformation, batch: Any) -> Program:
    """Train on one batch, again and again."""

    @nnx.jit
    def train_step(model: Any, optimizer: Any, inputs: Any, targets: Any) -> Any:
        def loss_of(model: Any) -> Any:
            return cross_entropy(model(inputs), targets)

        loss, grads = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, grads)
        return loss

    # Without it each call walks the module anew.
    cached = nnx.cached_partial(train_step, model, nnx.Optimizer(model, tx, wrt=nnx.Param))

    def settle(loss: Any) -> float:
        jax.block_until_ready(nnx.state(model, nnx.Param))
        return loss.item()

    return Program(lambda: cached(*batch), settle)


def _train_mlp() -> Program:
    batch = image_batch(jax.random.key(0), (mlp.BATCH, mlp.INPUTS), mlp.CLASSES)
    return training(MLP(nnx.Rngs(0)), optax.adam(1e-3), batch)


def _train_gpt() -> Program:
    keys = jax.random.split(jax.random.key(0))
    batch = [random_tokens(k, (gpt.BATCH, gpt.TOKENS), gpt.VOCABULARY) for k in keys]
    return training(GPT(nnx.Rngs(0)), optax.adamw(1e-3, b2=0.99, weight_decay=0.1), batch)


PROGRAMS: dict[str, Callable[[], Program]] = {"mlp": _train_mlp, "gpt": _train_gpt}


def make(name: str) -> Program:
    """Build a program on data and parameters that depend on nothing but its name."""
    return PROGRAMS[name]()
