"""``python -m functorch_lite run``: run a PyTorch program, unmodified, on JAX.

The program runs in this process as ``python script.py`` would run it: as a true ``__main__`` module
(so that spawned children can import it again), with its own ``sys.argv`` and ``sys.path[0]``, its
own exit code, and a traceback that begins at its first line. What ``import torch`` finds, here
and in children, is the business of :mod:`functorch_lite.torch._install`.
"""

import argparse
import builtins
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import CodeType, ModuleType, TracebackType
from typing import Any

from ..torch._install import COMPILE, install

IMPORT_MACHINERY = ("<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>")
DEVICE_COUNT_FLAG = "--xla_force_host_platform_device_count"


def run(arguments: Sequence[str]) -> int:
    """Run the program that ``arguments`` name; return if it neither raises nor exits itself."""
    own, program = _split(arguments)
    parser = _parser()
    options = parser.parse_args(own)
    if not program or program == ["-m"]:
        parser.error("expected a script, or -m and a module")
    if options.devices is not None:
        _set_cpu_devices(options.devices)
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, or that of our own command; the program's comes next
    if options.compile:
        os.environ[COMPILE] = "1"
    install()
    if program[0].startswith("-m"):
        glued = program[0].removeprefix("-m")
        return _run_module([glued, *program[1:]] if glued else program[1:])
    return _run_script(program)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m functorch_lite run",
        usage="%(prog)s [--compile] [--devices N] (SCRIPT.py | -m MODULE) [ARGUMENT ...]",
        description="Run a PyTorch program, unmodified, on JAX: its `import torch` finds "
        "functorch_lite.torch, in this process and in the ones it starts.",
        epilog="Everything after the script or module is the program's own.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--devices", type=_device_count, metavar="N", help="give it N virtual CPU devices"
    )
    parser.add_argument(
        "--compile",
        action="store_true",
        help="capture the outermost calls of modules as XLA programs; same printed numbers",
    )
    return parser


def _device_count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, not {text!r}")
    return int(text)


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate our own options from the program and its arguments, which may look like ours."""
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if not word.startswith("-") or word.startswith("-m"):
            break
        place += 2 if word == "--devices" else 1
    return list(arguments[:place]), list(arguments[place:])


def _set_cpu_devices(count: int) -> None:
    """Ask XLA, through the environment so that children do too, for virtual CPU devices."""
    flags = os.environ.get("XLA_FLAGS", "").split()
    kept = [flag for flag in flags if not flag.startswith(DEVICE_COUNT_FLAG + "=")]
    os.environ["XLA_FLAGS"] = " ".join([*kept, f"{DEVICE_COUNT_FLAG}={count}"])


# --- a script


def _run_script(program: list[str]) -> int:
    """Run ``program[0]``: a file, or a folder with a ``__main__.py``."""
    sys.argv = program
    path = os.path.abspath(program[0])
    if os.path.isdir(path):
        return _run_folder(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        return _refuse(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}", 2)
    _search_first(os.path.dirname(os.path.realpath(path)))
    loader = SourceFileLoader("__main__", path)
    main = _new_main(__file__=path, __loader__=loader, __spec__=None, __package__=None)
    return _execute(main, lambda: compile(source, path, "exec", dont_inherit=True))


def _run_folder(path: str) -> int:
    if not os.path.isfile(os.path.join(path, "__main__.py")):
        return _refuse(f"can't find '__main__' module in {path!r}", 1)
    _search_first(path)
    sys.modules.pop("__main__")
    return _run_spec(find_spec("__main__"))


# --- a module


def _run_module(program: list[str]) -> int:
    """Run the module or package that ``program[0]`` names, as ``python -m`` does."""
    sys.argv = ["-m", *program[1:]]
    _search_first(os.getcwd())
    name = program[0]
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            package, name = name, name + ".__main__"
            spec = find_spec(name)
            if spec is None:
                reason = f"{package!r} is a package and cannot be directly executed"
                return _refuse(f"No module named {name}; {reason}", 1)
    except ModuleNotFoundError as error:
        reason = f"({type(error).__name__}: {error})"
        return _refuse(f"Error while finding module specification for {name!r} {reason}", 1)
    if spec is None:
        return _refuse(f"No module named {name}", 1)
    sys.argv[0] = spec.origin or name
    return _run_spec(spec)


def _run_spec(spec: ModuleSpec | None) -> int:
    """Run the code of a module that was found, as ``__main__``."""
    get_code = getattr(spec and spec.loader, "get_code", None)
    if spec is None or get_code is None:
        return _refuse(f"No code object available for {spec.name if spec else '__main__'}", 1)
    main = _new_main(
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    return _execute(main, lambda: get_code(spec.name))


# --- both


def _search_first(folder: str) -> None:
    if not sys.flags.safe_path:
        sys.path.insert(0, folder)


def _refuse(reason: str, code: int) -> int:
    """Say what Python itself says when there is nothing to run."""
    print(f"{sys.executable}: {reason}", file=sys.stderr)
    return code


def _new_main(**attributes: Any) -> ModuleType:
    """Make the module that the program runs in. Spawned children look at its file and spec."""
    main = ModuleType("__main__")
    vars(main).update({"__builtins__": builtins, "__cached__": None} | attributes)
    sys.modules["__main__"] = main
    return main


def _execute(main: ModuleType, load: Callable[[], CodeType]) -> int:
    """Run the program. What it raises goes on to Python, without our frames in the traceback."""
    try:
        exec(load(), vars(main))
    except BaseException:
        _hide_our_frames()
        raise
    return 0


def _hide_our_frames() -> None:
    """Wrap the hook that prints the error, which may by now be the program's own."""
    show = sys.excepthook

    def show_program(kind: type, error: BaseException, trace: TracebackType | None) -> None:
        trace = _from_program(trace)
        show(kind, error.with_traceback(trace), trace)

    sys.excepthook = show_program


def _from_program(trace: TracebackType | None) -> TracebackType | None:
    """Drop the frames up to the program's first; all of them if it did not even compile."""
    while trace is not None and trace.tb_frame.f_code is not _execute.__code__:
        trace = trace.tb_next
    trace = trace and trace.tb_next
    while trace is not None and trace.tb_frame.f_code.co_filename in (__file__, *IMPORT_MACHINERY):
        trace = trace.tb_next
    return trace
