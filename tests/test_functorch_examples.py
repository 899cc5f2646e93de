"""The functorch programs in ``examples/``: a few steps of each, and figures that must come out.

Those that say ``import torch`` run together in one process, here and in real PyTorch, whose figures
they must print; those in the JAX style run in this process.
"""

import importlib.util
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

# Steps that are enough for a figure that says something.
TORCH_STYLE = {
    "per_sample_gradients": 3,
    "ensembling": 12,
    "maml_sines": 3,
    "neural_tangent_kernel": 4,
}

DRIVER = """
import runpy, sys

for given in sys.argv[1:]:
    script, steps, folder = given.split(":")
    sys.argv = [script, "--steps", steps, "--out", folder]
    print("##", script, flush=True)
    runpy.run_path(script, run_name="__main__")
"""

# Lines that tell times, paths, or differ by what is installed.
UNEQUAL = re.compile(r"picture| ms")


def run_torch_style(folder: Path, *launcher: str, only: str = "") -> dict[str, str]:
    """Run the torch-style examples (or one) after each other; return what each printed."""
    driver = folder / "driver.py"
    driver.write_text(DRIVER)
    chosen = {only: 3} if only else TORCH_STYLE
    given = [f"{EXAMPLES / name}.py:{steps}:{folder / name}" for name, steps in chosen.items()]
    environment = os.environ | {"PYTHONPATH": str(ROOT) if launcher else "", "XLA_FLAGS": ""}
    strict = ["-W", "error"] if launcher else []  # PyTorch warns of itself when it is imported
    command = [sys.executable, *strict, *launcher, str(driver), *given]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    parts = re.split(r"^## .*?(\w+)\.py\n", done.stdout, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def run_here(name: str, steps: int, folder: Path, monkeypatch, capsys) -> str:
    """Run an example in this process; return what it printed."""
    script = str(EXAMPLES / f"{name}.py")
    monkeypatch.setattr(sys, "argv", [script, "--steps", str(steps), "--out", str(folder)])
    runpy.run_path(script, run_name="__main__")
    assert_picture(name, folder)
    return capsys.readouterr().out


def assert_picture(name: str, folder: Path) -> None:
    """A picture was drawn where matplotlib is installed."""
    drawn = (folder / f"{name}.png").is_file()
    assert drawn == (importlib.util.find_spec("matplotlib") is not None)


def numbers_in(text: str) -> list[float]:
    """Return all numbers in a text, in order."""
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?", text)]


def column(text: str, pattern: str) -> list[list[float]]:
    """Return the numbers of each line that the pattern finds."""
    lines = [line for line in text.splitlines() if re.search(pattern, line)]
    assert lines, f"no line like {pattern!r} in:\n{text}"
    return [numbers_in(line) for line in lines]


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("torch_style")
    found = run_torch_style(folder, "-m", "functorch_lite", "run")
    for name in TORCH_STYLE:
        assert_picture(name, folder / name)
    return found


def test_per_sample_gradients_agree_with_a_loop_and_teach(printed):
    rows = column(printed["per_sample_gradients"], r"^ +\d+  ")  # step, loss, norm, % clipped
    assert rows[-1][1] < rows[0][1]
    assert "vmap and loop agree to 1e-5: True" in printed["per_sample_gradients"]


def test_every_network_of_the_ensemble_improves(printed):
    rows = column(printed["ensembling"], r"^ +\d+  ")  # step, mean, best, worst loss
    assert rows[-1][3] < rows[0][2]  # the worst at the end is better than the best at first
    assert "vmap and loop agree to 1e-5: True" in printed["ensembling"]


@pytest.mark.parity
def test_every_way_to_a_derivative_agrees(tmp_path):
    """Half a minute of compilation: only where the comparisons with PyTorch run as well."""
    found = run_torch_style(tmp_path, "-m", "functorch_lite", "run", only="jacobians_hessians")
    text = found["jacobians_hessians"]
    assert re.findall(r" ms  (\w+)", text) == ["True"] * 10
    (*_, power), (exact, _) = column(text, "step +3")[0], column(text, "exact")[0]
    assert power == pytest.approx(exact, rel=0.05)


def test_learned_first_weights_adapt_better_than_random_ones(printed):
    rows = column(printed["maml_sines"], r"^ {10,}\d")  # descent steps, random, learned
    assert len(rows) == 6
    assert all(learned < random for _, random, learned in rows)


def test_the_wider_network_stays_closer_to_its_kernel(printed):
    rows = column(printed["neural_tangent_kernel"], r"^ +\d+  ")  # width, losses, moved, gap
    assert [row[3] for row in rows] == sorted((row[3] for row in rows), reverse=True)
    assert rows[-1][3] < 0.01 and rows[-1][4] < 0.01
    assert all(last < first for _, first, last, *_ in rows)


@pytest.mark.parity
def test_the_torch_style_examples_print_what_pytorch_prints(printed, tmp_path):
    pytest.importorskip("torch")
    expected = run_torch_style(tmp_path)
    assert list(expected) == list(printed) == list(TORCH_STYLE)
    for name, text in expected.items():
        pairs = zip(text.splitlines(), printed[name].splitlines(), strict=True)
        for wanted, found in pairs:
            if not UNEQUAL.search(wanted):
                same = pytest.approx(numbers_in(wanted), rel=2e-4, abs=1.01e-4)
                assert numbers_in(found) == same, f"{name}: {found!r} instead of {wanted!r}"


def test_the_heat_network_comes_closer_to_the_solution(tmp_path, monkeypatch, capsys):
    text = run_here("pinn_heat", 40, tmp_path, monkeypatch, capsys)
    rows = column(text, r"^ +\d+  ")  # step, residual, error
    assert rows[-1][2] < 0.5 * rows[0][2]


def test_the_hamiltonian_network_keeps_the_energy(tmp_path, monkeypatch, capsys):
    text = run_here("hamiltonian", 200, tmp_path, monkeypatch, capsys)
    drift = {name: column(text, f"^{name}")[0][-1] for name in ("true", "plain", "Hamiltonian")}
    assert drift["true"] < 0.1  # percent
    assert drift["Hamiltonian"] < drift["plain"]


def test_the_policies_evolve(tmp_path, monkeypatch, capsys):
    text = run_here("evolution_strategies", 8, tmp_path, monkeypatch, capsys)
    (first, _), (last, _) = column(text, "^first")[0], column(text, "^last")[0]
    assert last < first


def test_newton_doubles_the_right_digits(tmp_path, monkeypatch, capsys):
    text = run_here("newton", 6, tmp_path, monkeypatch, capsys)
    *_, fourth, fifth = column(text.split("is it an 8?")[1], r"^ +[45] ")
    assert fifth[3] < 1e-7 < 1e-6 < fourth[3]  # distance from the least loss
    assert fifth[3] < fifth[2] < fifth[1]  # Newton, L-BFGS, gradient descent


def test_the_flow_carries_noise_towards_the_data(tmp_path, monkeypatch, capsys):
    text = run_here("flow_matching_2d", 120, tmp_path, monkeypatch, capsys)
    (_, noise), (last,) = column(text, "noise")[0], column(text, r"^ *120 ")[0][2:]
    assert last < 0.6 * noise
