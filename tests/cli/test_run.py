"""``python -m functorch_lite run`` beside ``python`` itself: same output, errors, exit code.

The machinery is tested over a stand-in for functorch_lite.torch with three tiny modules, so that
a test takes a tenth of a second; the last tests run the real one.
"""

import os
import shutil
import subprocess
import sys
import textwrap
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHADOW = ROOT / "functorch_lite" / "torch" / "_shadow"

STAND_IN = {
    "__init__.py": "",
    "torch/__init__.py": "from . import nn\nfrom ._install import install\n",
    "torch/nn/__init__.py": "from . import functional\n\nclass Linear: pass\n",
    "torch/nn/functional.py": "",
    "torch/later.py": "if __name__ == '__main__':\n    print('torch.later runs')\n",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(source))


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory):
    """A source tree with our command line and import machinery, over a torch of three modules."""
    root = tmp_path_factory.mktemp("stand_in")
    package = root / "functorch_lite"
    write(package, STAND_IN)
    for name in ("__main__.py", "cli", "torch/_install.py", "torch/_shadow"):
        source = ROOT / "functorch_lite" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, package / name)
    return root


@pytest.fixture
def start(stand_in, tmp_path):
    """Start ``python`` with arguments in a folder of its own, where programs are written."""

    def start(*arguments, files=None, root=stand_in, **options):
        write(tmp_path, files or {})
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        env |= {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *map(str, arguments)]
        options = {"cwd": tmp_path, "env": env, "text": True, "timeout": 100} | options
        return subprocess.run(command, capture_output=True, check=False, **options)

    return start


def run(start, *arguments, **options):
    return start("-m", "functorch_lite", "run", *arguments, **options)


def told(result):
    """Return what the caller of a program sees of it."""
    return result.returncode, result.stdout, result.stderr


WHO_AM_I = """
    import sys, os
    print(__name__, __file__, __package__, __spec__ and __spec__.name, __builtins__)
    print(type(__loader__).__name__, sorted(set(globals()) - {"__annotations__"}))
    print(sys.argv, sys.path[0], os.getcwd(), sys.modules["__main__"].__dict__ is globals())
"""
SCRIPTS = {
    "knows_itself": WHO_AM_I,
    "talks": "print(input().upper(), 'Grüße, 你好')",
    "exits": "raise SystemExit(3)",
    "exits_with_words": "import sys; sys.exit('no more')",
    "exits_well": "exit(None)",
    "fails": "def f():\n    return 1 / 0\nf()",
    "fails_twice": "try:\n    {}['a']\nexcept KeyError as e:\n    raise ValueError('b') from e",
    "does_not_parse": "print(1)\ndef f(:\n",
    "imports_nothing": "import nothing_of_that_name",
    "imports_broken": "import broken",
    "is_interrupted": "raise KeyboardInterrupt",
    "has_a_hook": "import sys\nsys.excepthook = lambda k, e, t: print(k, t.tb_lineno)\n1 / 0",
    "ends_late": """
        import atexit, threading, time
        atexit.register(print, "last")
        threading.Thread(target=lambda: (time.sleep(0.05), print("late", __name__))).start()
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_behaves_as_under_python(start, name):
    files = {"programs/script.py": SCRIPTS[name], "programs/broken.py": "a b"}
    arguments = ("programs/script.py", "--help", "-m", "x")
    expected = start(*arguments, files=files, input="hello\n")
    assert told(run(start, *arguments, input="hello\n")) == told(expected)


PACKAGE = {
    "pack/__init__.py": "print('package')",
    "pack/__main__.py": WHO_AM_I,
    "pack/part.py": "from . import other\n" + textwrap.dedent(WHO_AM_I) + "1 / 0\n",
    "pack/other.py": "",
    "bare/__init__.py": "",
    "folder/__main__.py": WHO_AM_I,
    "empty/file.txt": "",
}


@pytest.mark.parametrize(
    "arguments",
    [
        *("-m pack --devices", "-m pack.part x", "-mpack", "-m bare", "-m nope", "-m nope.part"),
        *("folder a b", "empty", "nope.py", "pack/nope.py -v"),
    ],
)
def test_modules_folders_and_missing_files_behave_as_under_python(start, arguments):
    expected = told(start(*arguments.split(), files=PACKAGE))
    code, out, err = told(run(start, *arguments.split()))
    # `python -m` shows how it found the module; we begin at the module.
    finder = r'  File "<frozen runpy>"'
    if finder in expected[2]:
        lines = expected[2].splitlines(keepends=True)
        starts = [n for n, line in enumerate(lines) if line.startswith(finder)]
        expected = (*expected[:2], "".join(lines[: starts[0]] + lines[starts[-1] + 1 :]))
    assert (code, out, err) == expected


def test_torch_and_its_submodules_are_our_modules(start):
    script = """
        import importlib.metadata, importlib.util, pickle, sys
        assert importlib.util.find_spec("torch.later").origin.endswith("later.py")
        import torch
        import torch.nn as nn
        import torch.nn.functional as F
        from torch.nn import Linear
        import torch.later
        import functorch_lite.torch, functorch_lite.torch.later
        assert torch is functorch_lite.torch and nn is torch.nn
        assert F is functorch_lite.torch.nn.functional and Linear is torch.nn.Linear
        assert torch.later is functorch_lite.torch.later
        assert torch.later.__spec__.name == "functorch_lite.torch.later"
        assert torch.later.__name__ == "torch.later"
        assert importlib.util.find_spec("torch") is torch.__spec__
        print(importlib.metadata.version("torch"))
        import torch.legacy
    """
    result = run(start, "script.py", files={"script.py": script})
    assert result.stdout == "2.13.0+jax\n"
    assert result.stderr.endswith("ModuleNotFoundError: No module named 'torch.legacy'\n")


def test_our_torch_comes_before_an_installed_one(start):
    files = {
        "site/torch/__init__.py": "raise AssertionError('the other torch')",
        "site/torch-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: torch\nVersion: 1.0\n",
        "script.py": """
            import sys
            sys.path.append("site")
            import torch
            from importlib.metadata import version
            print(torch.__name__, version("torch"))
        """,
    }
    assert run(start, "script.py", files=files).stdout == "torch 2.13.0+jax\n"


def test_children_find_the_same_torch(start):
    """Started as a process of their own, or spawned, which imports the script once more."""
    script = """
        import multiprocessing, subprocess, sys
        import torch

        class Task:
            def __call__(self, x):
                import torch.later
                return x, torch.__name__, torch.later.__name__, __name__

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(*pool.map(Task(), [1]), flush=True)
            code = "import torch.nn; from importlib.metadata import version as v; " \\
                "print(torch.nn.__name__, v('torch'))"
            for arguments in (["-c", code], ["-m", "torch.later"]):
                subprocess.run([sys.executable, *arguments], check=True)
    """
    result = run(start, "script.py", files={"script.py": script})
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "(1, 'torch', 'torch.later', '__mp_main__')",
        "torch.nn 2.13.0+jax",
        "torch.later runs",
    ]


def test_a_child_needs_only_the_inherited_path(start, stand_in):
    """Our package is found from the shadow where it is not installed and not in the folder."""
    shadow = stand_in / "functorch_lite" / "torch" / "_shadow"
    result = start("-S", "-c", "import torch; print(torch.__name__)", root=shadow)
    assert told(result) == (0, "torch\n", "")


@pytest.mark.parametrize("option", ["--devices 4", "--devices=4"])
def test_devices_reach_xla_through_the_environment(start, monkeypatch, option):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2 --other=1")
    files = {"script.py": "import os, sys; print(os.environ['XLA_FLAGS'], sys.argv)"}
    result = run(start, *option.split(), "script.py", "--devices", "9", files=files)
    assert result.stdout == (
        "--other=1 --xla_force_host_platform_device_count=4 ['script.py', '--devices', '9']\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "error: expected a script, or -m and a module"),
        (["-m"], "error: expected a script, or -m and a module"),
        (["--devices", "0", "a.py"], "expected a whole number from 1 up, not '0'"),
        (["--fast", "a.py"], "error: unrecognized arguments: --fast"),
    ],
)
def test_a_wrong_command_line_is_refused(start, arguments, message):
    result = run(start, *arguments)
    assert result.returncode == 2
    assert message in result.stderr


def test_help_names_the_options(start):
    result = run(start, "--help")
    assert result.returncode == 0
    assert "--devices N" in result.stdout
    assert "-m MODULE" in result.stdout


def test_install_does_the_same_in_a_running_program(start):
    script = """
        import functorch_lite.torch
        functorch_lite.torch.install()
        functorch_lite.torch.install()
        import subprocess, sys, torch.later
        from importlib.metadata import version
        assert torch is functorch_lite.torch and version("torch") == "2.13.0+jax"
        subprocess.run([sys.executable, "-c", "import torch; print(torch.__name__)"], check=True)
        print(sys.path.count(sys.path[0]), len([f for f in sys.meta_path if "Alias" in str(f)]))
    """
    result = start("script.py", files={"script.py": script})
    assert told(result) == (0, "torch\n1 1\n", "")


def test_install_refuses_where_another_torch_is_imported(start):
    files = {
        "torch.py": "",
        "script.py": "import torch, functorch_lite.torch as t\nt.install()",
    }
    result = start("script.py", files=files)
    assert "RuntimeError: another torch is already imported, from " in result.stderr
    assert "torch.py. Call functorch_lite.torch.install() before the first" in result.stderr


def test_the_metadata_names_the_version_of_the_shim(start):
    (torch,) = distributions(name="torch", path=[str(SHADOW)])
    code = "import torch; print(torch.__version__)"
    result = run(start, "script.py", files={"script.py": code}, root=ROOT)
    assert result.stdout.strip() == torch.version, result.stderr
