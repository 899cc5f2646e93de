"""Worker: one training epoch of ``examples/digits_cnn.py``, eager and unmodified."""

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]
import digits_cnn  # noqa: E402 # pyright: ignore[reportMissingImports] - path set above

from benchmarks._turns import serve  # noqa: E402

torch.manual_seed(0)
train_set, _ = digits_cnn.load_digits()
loader = torch.utils.data.DataLoader(train_set, batch_size=digits_cnn.BATCH, shuffle=True)
model = digits_cnn.DigitReader()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)


def epoch(_: str) -> None:
    """Train for one epoch."""
    digits_cnn.train(model, loader, optimizer)


if __name__ == "__main__":
    serve(epoch)
