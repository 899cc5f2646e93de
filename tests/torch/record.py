"""Record what live PyTorch prints for the scripts in features/: ``python -m tests.torch.record``."""

import json
import sys
from pathlib import Path

from tests.parity import live_torch, transcript
from tests.torch import test_features


def main() -> None:
    """Write features/recorded.json anew."""
    torch = live_torch()
    recorded = {str(script): transcript(script.run, torch) for script in test_features.SCRIPTS}
    for name, (number, source) in test_features.PROGRAMS.items():
        recorded[f"{number:03d} {name}"] = test_features.run_program(source)
    path = Path(test_features.__file__).parent / "features" / "recorded.json"
    path.write_text(json.dumps(recorded, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(recorded)} transcripts in {path}\n")


if __name__ == "__main__":
    main()
