"""The type stubs name what there is: that of torch is what ``make stubs`` would write."""

import ast
import subprocess
import sys
from pathlib import Path

import functorch_lite as fl


def test_the_stub_of_the_torch_namespace_is_fresh():
    check = [sys.executable, "-m", "tools.stubs", "--check"]
    done = subprocess.run(
        check, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "fresh\n"), done.stdout + done.stderr


def test_the_stub_of_the_package_has_its_names_and_they_import():
    source = Path(fl.__file__).with_suffix(".pyi").read_text()
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.ImportFrom)]
    assert sorted(alias.asname for node in imports for alias in node.names) == dir(fl)
    assert all(getattr(fl, name) is not None for name in dir(fl))
