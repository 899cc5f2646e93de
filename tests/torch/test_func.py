"""torch.func: scripts that print what PyTorch 2.13 prints, values, structures and messages alike.

The scripts stand in features/func_*.py; their text under PyTorch is recorded (record.py).
"""

from pathlib import Path

import pytest

import functorch_lite.torch as shim
from tests.parity import live_torch, transcript

from .features import func_compose, func_messages, func_values  # noqa: F401 - fill the list
from .features.rows import FUNC as SCRIPTS
from .features.rows import read_record, with_gaps

RECORD = Path(__file__).parent / "features" / "func_recorded.json"
RECORDED = read_record(RECORD)


@pytest.mark.parametrize("script", with_gaps(SCRIPTS), ids=str)
def test_a_script_prints_what_pytorch_printed(script):
    assert transcript(script.run, shim) == RECORDED[str(script)]


@pytest.mark.parity
@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_the_record_is_what_pytorch_prints(script):
    assert transcript(script.run, live_torch()) == RECORDED[str(script)]
