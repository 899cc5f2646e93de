"""A small GPT over characters: 4 blocks, 128 wide, 4 heads, 64 tokens, no dropout."""

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks._program import Program
from benchmarks.models._program import Wraps, inference, token_loss, training

BATCH, TOKENS, VOCABULARY, WIDTH, HEADS, LAYERS = 12, 64, 65, 128, 4, 4


class Attention(nn.Module):
    """Causal self-attention with several heads: (B, T, W) -> (B, T, W)."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Let each token look at itself and those before it."""
        B, T, _ = x.shape
        q, k, v = (
            part.view(B, T, HEADS, WIDTH // HEADS).transpose(1, 2)  # (B, heads, T, head width)
            for part in self.qkv(x).split(WIDTH, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, WIDTH))


class Block(nn.Module):
    """Attention, then two linear layers, each behind a layer norm and beside a short cut."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.ln1, self.attention = nn.LayerNorm(WIDTH), Attention()
        self.ln2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Move each token: (B, T, W) -> (B, T, W)."""
        x = x + self.attention(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    """Scores of the next token: (B, T) int64 -> (B, T, V)."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, WIDTH)
        self.position = nn.Embedding(TOKENS, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.apply(self._start)

    @staticmethod
    def _start(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Score the token after each of ``tokens``."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token(tokens) + self.position(places)
        return self.head(self.norm(self.blocks(x)))


def _tokens() -> torch.Tensor:
    return torch.randint(0, VOCABULARY, (BATCH, TOKENS))


def train(wraps: Wraps) -> Program:
    """Train it with AdamW."""
    batch = _tokens(), _tokens()
    net = GPT()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    return training(net, token_loss, optimizer, batch, wraps)


def infer(wraps: Wraps) -> Program:
    """Score a batch."""
    return inference(GPT(), _tokens(), wraps)
