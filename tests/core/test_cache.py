"""The cache on disk: whose it is, what becomes of a broken entry, and who may switch it off."""

import os
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest

from functorch_lite._core import cache

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
    import jax, functorch_lite as fl, functorch_lite.torch as torch
    x = torch.arange(3.0)
    for _ in range(9):
        y = x * 2 + 1
    s = fl.stats()
    print(y.tolist(), s.compilations, s.cache_hits, s.cache_misses)
"""


def start(program: str = PROGRAM, warnings: str = "error", **environment: str) -> subprocess.Popen:
    """Start a program in a new process that knows of no cache but what ``environment`` says."""
    kept = {k: v for k, v in os.environ.items() if "CACHE" not in k}
    return subprocess.Popen(
        [sys.executable, "-W", warnings, "-c", textwrap.dedent(program)],
        cwd=ROOT,
        env=kept | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(started: subprocess.Popen) -> tuple[str, str]:
    """Return what a program prints, and its warnings."""
    out, err = started.communicate(timeout=120)
    assert started.returncode == 0, err
    return out.strip(), err


def run_alone(*args, **environment: str) -> str:
    return finish(start(*args, **environment))[0]


def entries(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*" + cache.SUFFIX))


def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    where = str(tmp_path / "own")
    assert run_alone(FUNCTORCH_LITE_CACHE_DIR=where) == "[1.0, 3.0, 5.0] 2 0 2"
    assert run_alone(FUNCTORCH_LITE_CACHE_DIR=where) == "[1.0, 3.0, 5.0] 2 2 0"
    for directory in (tmp_path / "own", *(tmp_path / "own").iterdir()):
        assert directory.stat().st_mode & 0o777 == 0o700


def test_the_directory_follows_the_environment(monkeypatch):
    monkeypatch.delenv("FUNCTORCH_LITE_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache.location() == Path("/home/somebody/.cache/functorch_lite")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/shared")
    assert cache.location() == Path("/var/shared/functorch_lite")
    monkeypatch.setenv("FUNCTORCH_LITE_CACHE_DIR", "/var/own")
    assert cache.location() == Path("/var/own")


def test_the_environment_switches_it_off_and_the_users_own_choice_stays(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    off = {"FUNCTORCH_LITE_CACHE_DIR": str(ours), "FUNCTORCH_LITE_CACHE": "0"}
    assert run_alone(**off) == "[1.0, 3.0, 5.0] 2 0 0"
    own = {"FUNCTORCH_LITE_CACHE_DIR": str(ours), "JAX_COMPILATION_CACHE_DIR": str(theirs)}
    run_alone(**own)
    assert not ours.exists()


def test_importing_sets_nothing_up(tmp_path):
    program = """
        import jax, functorch_lite.torch as torch
        torch.ones(2) + 1
        print(jax.config.jax_compilation_cache_dir)
    """
    assert run_alone(program, FUNCTORCH_LITE_CACHE_DIR=str(tmp_path / "own")) == "None"
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"garbage" * 50,
        lambda content: content[:-20] + bytes(20),
    ],
)
def test_a_broken_entry_is_removed_and_compiled_again(tmp_path, spoil):
    run_alone(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path))
    for entry in entries(tmp_path):
        entry.write_bytes(spoil(entry.read_bytes()))
        old = entry.stat().st_mtime - cache.SETTLED_S
        os.utime(entry, (old, old))
    # Warnings are errors there: JAX is not to meet it.
    assert run_alone(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path)) == "[1.0, 3.0, 5.0] 2 0 2"
    assert run_alone(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path)) == "[1.0, 3.0, 5.0] 2 2 0"


def test_an_entry_that_holds_no_program_is_compiled_again_with_a_warning(tmp_path):
    run_alone(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path))
    for entry in entries(tmp_path):
        entry.write_bytes(zlib.compress(b"\0\0\0\0" + b"no program"))
    out, err = finish(start(PROGRAM, "default", FUNCTORCH_LITE_CACHE_DIR=str(tmp_path)))
    assert out == "[1.0, 3.0, 5.0] 2 0 2"
    assert "Error reading persistent compilation cache entry" in err


def test_several_processes_fill_it_at_once(tmp_path):
    started = [start(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path)) for _ in range(3)]
    for process in started:
        assert finish(process)[0].startswith("[1.0, 3.0, 5.0] 2 ")
    assert run_alone(FUNCTORCH_LITE_CACHE_DIR=str(tmp_path)) == "[1.0, 3.0, 5.0] 2 2 0"


def test_a_directory_that_others_may_write_to_is_not_used(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.warns(RuntimeWarning, match="others may write to"):
        assert cache.prepare(tmp_path) is None
    tmp_path.chmod(0o700)
    found = cache.prepare(tmp_path)
    assert found is not None
    found.chmod(0o770)
    with pytest.warns(RuntimeWarning, match="others may write to"):
        assert cache.prepare(tmp_path) is None


def test_a_directory_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert cache.prepare(tmp_path) is None


def test_a_place_where_no_directory_can_be_made_is_not_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(RuntimeWarning, match="FUNCTORCH_LITE_CACHE=0"):
        assert cache.prepare(tmp_path / "file" / "below") is None
    assert cache.prepare(tmp_path / "file" / "below", asked=False) is None  # without a word


def test_the_oldest_entries_go_when_there_are_too_many(tmp_path):
    for age in range(5):
        entry = tmp_path / f"{age}{cache.SUFFIX}"
        entry.write_bytes(zlib.compress(os.urandom(1000)))
        os.utime(entry, (1e9 - age, 1e9 - age))
    (tmp_path / "unrelated").write_bytes(bytes(9000))
    cache.sweep(tmp_path, 3200)
    assert [e.name for e in entries(tmp_path)] == [f"{age}{cache.SUFFIX}" for age in range(3)]
    assert (tmp_path / "unrelated").exists()
