"""``python -m functorch_lite COMMAND …``: choose the command and hand over the rest."""

import argparse
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version

from ._run import run

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"run": run}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command with ``arguments`` (default: those of the process); return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m functorch_lite", description="PyTorch programs on JAX."
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument("command", choices=COMMANDS, help="`COMMAND --help` tells more")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the command is given")
    given = parser.parse_args(arguments)
    return COMMANDS[given.command](given.arguments)


def _version() -> str:
    try:
        return version("functorch_lite")
    except PackageNotFoundError:
        return "functorch_lite, not installed: run from its source folder"
