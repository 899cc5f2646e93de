"""A language model of an embedding, two LSTM layers and a linear layer."""

import torch
from torch import nn

from benchmarks._program import Program
from benchmarks.models._program import Wraps, token_loss, training

BATCH, TOKENS, VOCABULARY, WIDTH, LAYERS = 16, 32, 1000, 128, 2


class LanguageModel(nn.Module):
    """Scores of the next token: (B, T) int64 -> (B, T, V)."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, WIDTH)
        self.lstm = nn.LSTM(WIDTH, WIDTH, LAYERS, batch_first=True)
        self.head = nn.Linear(WIDTH, VOCABULARY)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Score the token after each of ``tokens``."""
        outputs, _ = self.lstm(self.token(tokens))
        return self.head(outputs)


def train(wraps: Wraps) -> Program:
    """Train it with Adam."""
    batch = tuple(torch.randint(0, VOCABULARY, (BATCH, TOKENS)) for _ in range(2))
    net = LanguageModel()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    return training(net, token_loss, optimizer, batch, wraps)
