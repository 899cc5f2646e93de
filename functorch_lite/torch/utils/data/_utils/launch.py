"""Start worker processes by spawn: a forked child must not use JAX.

PyTorch forks on Linux, so its scripts often have no ``if __name__ == "__main__":`` and would start
over in a spawned child. We therefore import the main module in the child ourselves: quietly, and
only up to the point where it starts to iterate a ``DataLoader`` with workers. By then it has
defined the classes that its dataset is made of.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import multiprocessing
import os
import sys
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .worker import serve

_PACKAGE = __name__.removesuffix(".utils.data._utils.launch")


@dataclass
class MainModule:
    """What a child needs to be a copy of this process: its main module, arguments and paths."""

    name: str | None
    path: str | None
    argv: list[str]
    sys_path: list[str]
    installed: bool


class MainReached(BaseException):
    """Ends the import of the main module in a child; no ``except Exception`` stops it."""


_importing_main = False


def stop_main_import() -> None:
    """In a worker that is importing the main module: end that import here."""
    if _importing_main:
        raise MainReached


def worker_context(chosen: Any) -> Any:
    """Return the multiprocessing context to use; warn if the user chose fork."""
    if chosen is not None and chosen.get_start_method() != "fork":
        return chosen
    if chosen is not None:
        warnings.warn(
            "DataLoader: the start method 'fork' is not safe with JAX; workers are spawned.",
            stacklevel=5,
        )
    return multiprocessing.get_context("spawn")


def describe_main() -> MainModule:
    """Describe this process for its children."""
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", None)
    path = getattr(main, "__file__", None)
    path = os.path.abspath(path) if path is not None and os.path.isfile(path) else None
    installed = _PACKAGE != "torch" and sys.modules.get("torch") is sys.modules.get(_PACKAGE)
    return MainModule(name, path, list(sys.argv), list(sys.path), installed)


def start_worker(context: Any, worker_id: int) -> tuple[Any, Any, Any]:
    """Start a worker process; return (process, end for requests, end for answers)."""
    requests_in, requests_out = context.Pipe(duplex=False)
    answers_in, answers_out = context.Pipe(duplex=False)
    process = context.Process(
        target=_run,
        args=(describe_main(), requests_in, answers_out),
        name=f"DataLoaderWorker-{worker_id}",
        daemon=True,
    )
    with _empty_main(), _cpu_only():
        process.start()
    requests_in.close()  # now the child's alone: its death closes the pipe
    answers_out.close()
    return process, requests_out, answers_in


@contextlib.contextmanager
def _empty_main() -> Iterator[None]:
    """Hide the main module, so that multiprocessing does not import it in the child by itself."""
    real = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        # A child knows its main module by the second name; answers may mention it.
        sys.modules["__main__"] = sys.modules["__mp_main__"] = real


@contextlib.contextmanager
def _cpu_only() -> Iterator[None]:
    """Let children compute on the CPU: an accelerator belongs to the parent."""
    before = os.environ.get("JAX_PLATFORMS")
    os.environ["JAX_PLATFORMS"] = "cpu"
    try:
        yield
    finally:
        if before is None:
            del os.environ["JAX_PLATFORMS"]
        else:
            os.environ["JAX_PLATFORMS"] = before


def _run(main: MainModule, requests: Any, answers: Any) -> None:
    """Entry point of the child."""
    sys.path[:] = main.sys_path
    sys.argv[:] = main.argv
    if main.installed:
        importlib.import_module(_PACKAGE).install()
    import_main(main)
    serve(requests, answers)


def import_main(main: MainModule) -> None:
    """Execute the main module under the name ``__mp_main__`` and let it be ``__main__``.

    What it prints is not shown: the parent has printed it. If it fails, that is shown.
    """
    global _importing_main
    path = _source_path(main)
    if path is None:
        return
    module = types.ModuleType("__mp_main__")
    module.__file__ = path
    if main.name is not None:
        module.__package__ = main.name.rpartition(".")[0]
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    said = io.StringIO()
    _importing_main = True
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            exec(code, module.__dict__)
    except (MainReached, SystemExit):
        return
    except BaseException:
        sys.stderr.write(said.getvalue())
        raise
    finally:
        _importing_main = False


def _source_path(main: MainModule) -> str | None:
    """Return the file to execute; None for a package's ``__main__`` or an interactive session."""
    if main.name is not None and (main.name == "__main__" or main.name.endswith(".__main__")):
        return None
    if main.name is not None:
        spec = importlib.util.find_spec(main.name)
        if spec is not None and spec.origin is not None:
            return spec.origin
    return main.path
