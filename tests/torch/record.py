"""Record what live PyTorch prints for the tests' scripts.

``python -m tests.torch.record [PART ...]``; ``features`` needs matplotlib as well.
"""

import json
import sys
from pathlib import Path

from tests.parity import live_torch, transcript
from tests.torch import test_amp, test_autograd, test_features, test_func


def record(scripts: list) -> dict[str, str]:
    """Return each script's text under PyTorch."""
    torch = live_torch()
    return {str(script): transcript(script.run, torch) for script in scripts}


def write(path: Path, texts: dict[str, str]) -> None:
    """Write the texts, and say how many and where."""
    path.write_text(json.dumps(texts, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(texts)} texts in {path}\n")


def features() -> None:
    """Write the record of ``test_features``, which has whole programs, too."""
    texts = record(test_features.SCRIPTS)
    for name, (number, source) in test_features.PROGRAMS.items():
        texts[f"{number:03d} {name}"] = test_features.run_program(source)
    write(test_features.RECORD, texts)


PARTS = {
    "features": features,
    "autograd": lambda: write(test_autograd.RECORD, record(test_autograd.SCRIPTS)),
    "func": lambda: write(test_func.RECORD, record(test_func.SCRIPTS)),
    "amp": lambda: write(test_amp.RECORD, record(test_amp.SCRIPTS)),
}


def main() -> None:
    """Write the records that are named, or all."""
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()


if __name__ == "__main__":
    main()
