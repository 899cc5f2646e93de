"""The benchmarks: the same program is timed everywhere, and the table says what happened."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import plain_jax
from benchmarks.__main__ import chosen
from benchmarks._programs import TITLES, compete
from benchmarks._quiet import Clock, Patience
from benchmarks._table import Table, measured
from benchmarks._turns import UNDER_PYTHON, UNDER_US, RefusedError, Worker, take_turns
from benchmarks._variants import VARIANTS

ROOT = Path(__file__).resolve().parents[1]
WORKER = """
import os, sys
sys.path.insert(0, {root!r})
from benchmarks._turns import serve

def answer(request):
    print("this is no answer")
    if request == "leave":
        print("bye", file=sys.stderr)
        os._exit(3)
    return 2 * float(request)

serve(answer)
"""


@pytest.fixture
def worker(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(root=str(ROOT)))
    with Worker(UNDER_PYTHON, str(script)) as started:
        yield started


def losses(launcher, kind, name, count=3):
    """Return the first losses of a program."""
    with Worker(launcher, "worker_program.py", kind, name) as worker:
        worker.round("build")
        return [worker.round("loss") for _ in range(count)]


def test_a_worker_answers_with_a_number_whatever_the_program_prints(worker):
    assert worker.round("4") == 8.0


def test_an_exception_is_an_answer_and_the_worker_lives_on(worker):
    with pytest.raises(RefusedError, match="ValueError: could not convert string"):
        worker.round("four")
    assert worker.round("4") == 8.0


def test_a_dead_worker_says_how_it_ended(worker):
    with pytest.raises(RefusedError, match="ended with code 3: bye"):
        worker.round("leave")


def test_who_refuses_is_left_out_and_the_others_go_on():
    def refuse():
        raise RefusedError("RuntimeError: no such thing")

    found, refused = take_turns({"torch": lambda: 2.0, "ours": lambda: 1.0, "jax": refuse}, 3)
    assert found == {"torch": [2.0] * 3, "ours": [1.0] * 3}
    assert refused == {"jax": "RuntimeError: no such thing"}


def test_a_disturbed_round_is_done_again_until_patience_ends(monkeypatch):
    busy = iter([0.9, 0.0, 0.0, 0.9])  # the round, a glance, the round again; the next round
    monkeypatch.setattr(Clock, "others_since", lambda self, start: next(busy))
    answers = iter([5.0, 1.0, 7.0])
    patience = Patience(0.1)
    assert patience.quietly(lambda: next(answers), 1) == 1.0
    assert patience.disturbed == 0
    assert patience.quietly(lambda: next(answers), 1) == 7.0
    assert patience.disturbed == 1


def test_a_row_shows_ratios_and_reasons(capsys, tmp_path):
    rounds = {"torch": [0.002, 0.004, 0.001], "ours": [0.001, 0.002, 0.002]}
    missing = {
        "compiled": "InductorError: no compiler",
        "nnx": "RuntimeError: flax is not installed",
    }
    table = Table(["torch", "ours", "compiled", "jax", "nnx"])
    table.add(measured("a step", "ms", rounds, missing))
    table.end()
    table.write(tmp_path / "table.md")
    said = capsys.readouterr().out
    assert "| a step | 2 ms | 0.50 (2 ms) | n/a (InductorError) |  | not installed |" in said
    assert "n/a for a step: torch.compile: InductorError: no compiler" in said
    assert (tmp_path / "table.md").read_text() == said


def test_words_choose_parts_and_programs():
    everything = chosen([])
    assert everything[0] == list(TITLES)
    assert chosen(["train", "gpt"]) == (["gpt"], [])
    assert chosen(["train", "cold"]) == (list(TITLES), ["cold"])
    assert chosen(["dispatch"]) == ([], ["dispatch"])


def test_plain_jax_has_each_program():
    assert plain_jax.PROGRAMS.keys() == TITLES.keys()


@pytest.mark.parametrize("launcher, kind", [(UNDER_PYTHON, "jax"), (UNDER_US, "eager")])
def test_the_mlp_learns(launcher, kind):
    first, *_, last = losses(launcher, kind, "mlp", count=8)
    assert last < first < 2.5


def test_captured_or_not_the_losses_are_the_same():
    assert losses(UNDER_US, "step", "mlp", 4) == pytest.approx(
        losses(UNDER_US, "eager", "mlp", 4), rel=1e-5
    )


def test_a_contestant_that_is_not_installed_does_not_stop_the_others(monkeypatch):
    monkeypatch.setitem(VARIANTS, "nnx", VARIANTS["nnx"].__class__("?", ["false"], "nnx"))
    time, *_ = compete("mlp", ["ours", "nnx"], 2, 0.01, {}, Patience(0))
    assert "ended with code 1" in time.missing["nnx"]
    assert time.values["ours"] > 0


@pytest.mark.parity
@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_first_losses_equal_those_of_pytorch(name):
    assert losses(UNDER_US, "eager", name) == pytest.approx(
        losses(UNDER_PYTHON, "eager", name), rel=1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lstm", "gpt", "cnn"])
def test_plain_jax_learns_too(name):
    first, *_, last = losses(UNDER_PYTHON, "jax", name)
    assert last < first


@pytest.mark.slow
def test_the_cold_script_runs_under_us():
    command = [*UNDER_US, str(ROOT / "benchmarks" / "cold_script.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith("40 ")


def test_the_command_writes_a_table(tmp_path):
    command = [sys.executable, "-m", "benchmarks", "mlp", "--variants", "ours,jax", "--quick"]
    options = ["--patience", "0", "--out", str(tmp_path)]
    subprocess.run([*command, *options], check=True, cwd=ROOT, capture_output=True)
    assert "| MLP, training step |" in (tmp_path / "table.md").read_text()
