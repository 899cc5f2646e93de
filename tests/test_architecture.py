"""The floor plan, held by reading the source: who imports whom, how large things are, what is said.

ARCHITECTURE.md and STYLE.md 3.1 draw the plan; the tables below are that drawing for a machine.
A new file finds its floor by the first pattern that fits it; one that fits none fails the test.
"""

import ast
from fnmatch import fnmatch
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "functorch_lite"
SHIM = "functorch_lite.torch"

# (pattern, floor), the first that fits counts: a module imports its own floor or a lower one.
FLOORS = [
    ("functorch_lite.__main__", 12),
    ("functorch_lite.cli*", 11),
    (SHIM + "._shadow*", 10),
    (SHIM + "._dynamo*", 8),
    (SHIM + "._higher_order_ops*", 8),
    (SHIM, 9),
    (SHIM + "._*", 7),
    (SHIM + ".*", 8),
    ("functorch_lite", 6),
    ("functorch_lite.nn*", 5),
    ("functorch_lite.optim*", 5),
    ("functorch_lite.parallel*", 5),
    ("functorch_lite.transforms*", 4),
    ("functorch_lite.ops", 3),
    ("functorch_lite.ops._*", 1),
    ("functorch_lite.ops.*", 2),
    ("functorch_lite._core*", 0),
]
PLAIN_TORCH_CODE = [SHIM + ".nn*", SHIM + ".optim*", SHIM + ".utils*", SHIM + ".amp*"]
ASSEMBLED = {
    "functorch_lite/ops/__init__.py",
    "functorch_lite/torch/__init__.py",
    "functorch_lite/torch/_shadow/torch/__init__.py",
}

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60
MAX_ENTRIES = 20
# Folders that may be wider, with the reason.
WIDE_FOLDERS = {
    "functorch_lite/_core": 23,  # dtypes, random streams, execution: a part a file
    "functorch_lite/ops/layers": 24,  # the layers of torch.nn, a family a file
    "functorch_lite/torch/_engine": 23,  # what a tensor is made of, a part a file
    "functorch_lite/torch/_functions": 36,  # hand-written functions, an idea a file
    "functorch_lite/torch": 41,  # PyTorch's own namespace: a submodule of each of its names
    "functorch_lite/torch/nn/modules": 36,  # PyTorch's own file names
}


class Module:
    """One source file: its dotted name, its tree, and what it imports."""

    def __init__(self, path: Path):
        self.path = path
        self.label = path.relative_to(ROOT).as_posix()
        self.source = path.read_text(encoding="utf-8")
        self.lines = self.source.splitlines()
        self.tree = ast.parse(self.source)
        parts = path.relative_to(ROOT).with_suffix("").parts
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)

    def imports(self, nodes=None):
        """Yield (node, imported dotted name), one a name: ``from a import b`` gives ``a.b``."""
        for node in ast.walk(self.tree) if nodes is None else nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield node, alias.name
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                for alias in node.names:
                    yield node, f"{base}.{alias.name}"

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        here = self.name.split(".")
        up = here[: len(here) - node.level + self.is_package]
        return ".".join([*up, node.module] if node.module else up)

    def run_at_import(self):
        """Yield the statements that importing the file runs: not functions, not TYPE_CHECKING."""
        waiting = list(self.tree.body)
        while waiting:
            node = waiting.pop()
            yield node
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            waiting += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)
            ]

    def functions(self):
        """Yield every function and method, at any depth."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@cache
def modules() -> dict[str, Module]:
    found = [Module(path) for path in sorted(PACKAGE.rglob("*.py"))]
    return {module.name: module for module in found}


def floor_of(name: str) -> int:
    for pattern, floor in FLOORS:
        if fnmatch(name, pattern):
            return floor
    raise AssertionError(f"{name} has no floor: add it to FLOORS in {__file__}")


def own_module(imported: str) -> str | None:
    """Return which of our modules an imported name lives in: ``a.b.function`` -> ``a.b``."""
    while imported.startswith("functorch_lite"):
        if imported in modules():
            return imported
        imported = imported.rpartition(".")[0]
    return None


def every_import():
    for module in modules().values():
        for node, imported in module.imports():
            yield module, node, imported


def matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def test_every_module_is_on_a_floor_and_imports_go_down():
    wrong = [
        f"{module.label}:{node.lineno} (floor {floor_of(module.name)}) imports {target}"
        f" (floor {floor_of(target)})"
        for module, node, imported in every_import()
        if (target := own_module(imported)) and floor_of(target) > floor_of(module.name)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_functional_half_never_imports_the_torch_half():
    wrong = [
        f"{module.label}:{node.lineno} imports {imported}"
        for module, node, imported in every_import()
        if floor_of(module.name) <= floor_of("functorch_lite")
        and (imported + ".").startswith(SHIM + ".")
    ]
    assert not wrong, "\n".join(wrong)


def test_plain_torch_code_never_imports_jax():
    wrong = [
        f"{module.label}:{node.lineno} imports {imported}"
        for module, node, imported in every_import()
        if matches(module.name, PLAIN_TORCH_CODE)
        and imported.split(".")[0] in ("jax", "jaxlib", "optax")
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_imports_real_torch_or_private_jax():
    wrong = [
        f"{module.label}:{node.lineno} imports {imported}"
        for module, node, imported in every_import()
        if imported.split(".")[0] == "torch" or (imported + ".").startswith("jax._src.")
    ]
    wrong += [module.label for module in modules().values() if "jax._src" in module.source]
    assert not wrong, "\n".join(wrong)


def test_imports_form_no_ring():
    """Package ``__init__`` files stand apart: they show names and are nobody's source."""
    graph = {}
    for module in modules().values():
        if not module.is_package:
            targets = {own_module(name) for _, name in module.imports(module.run_at_import())}
            graph[module.name] = {t for t in targets - {None, module.name} if not _is_package(t)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("ring of imports: " + " <- ".join(error.args[1]))


def _is_package(name: str) -> bool:
    return modules()[name].is_package


def test_no_import_hides_in_a_function():
    """But for a heavy optional library, which says so: ``import x  # optional: ...``."""
    wrong = [
        f"{module.label}:{node.lineno} {module.lines[node.lineno - 1].strip()}"
        for module in modules().values()
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and "# optional" not in module.lines[node.lineno - 1]
    ]
    assert not wrong, "\n".join(sorted(set(wrong)))


def test_files_and_functions_stay_small():
    wrong = [
        f"{module.label}: {len(module.lines)} lines"
        for module in modules().values()
        if len(module.lines) > MAX_FILE_LINES
    ]
    wrong += [
        f"{module.label}:{function.lineno} {function.name}: {size} lines"
        for module in modules().values()
        for function in module.functions()
        if (size := length_without_docstring(function)) > MAX_FUNCTION_LINES
    ]
    wrong += [
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]
    assert not wrong, "\n".join(wrong)


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    size = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        size -= docstring.end_lineno - docstring.lineno + 1
    return size


def test_everything_public_has_a_docstring():
    wrong = []
    for module in modules().values():
        if not ast.get_docstring(module.tree):
            wrong.append(f"{module.label}: module")
        for node in module.tree.body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not node.name.startswith("_") and not ast.get_docstring(node):
                wrong.append(f"{module.label}:{node.lineno} {node.name}")
    assert not wrong, "\n".join(wrong)


def test_package_files_only_show_names():
    """A sub-package's ``__init__`` holds a docstring, imports and ``__all__``, and nothing else."""
    wrong = [
        f"{module.label}:{node.lineno} {ast.unparse(node).splitlines()[0]}"
        for module in modules().values()
        if module.is_package and module.label not in ASSEMBLED
        for node in module.tree.body
        if not is_showing(node)
    ]
    assert not wrong, "\n".join(wrong)


def is_showing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)  # the docstring
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith("__")


def test_folders_can_be_taken_in_at_a_glance():
    folders = [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    wrong = []
    for folder in folders:
        label = folder.relative_to(ROOT).as_posix()
        shown = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "__pyc"))]
        if "__pycache__" not in label and len(shown) > WIDE_FOLDERS.get(label, MAX_ENTRIES):
            wrong.append(f"{label}: {len(shown)} entries")
    assert not wrong, "\n".join(wrong)


def test_comparisons_with_pytorch_are_marked():
    """A test that needs real torch and does not say so would never run: parity runs the marked."""
    wrong = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if path.name != Path(__file__).name
        and 'importorskip("torch")' in (source := path.read_text(encoding="utf-8"))
        and "mark.parity" not in source
    ]
    assert not wrong, "\n".join(wrong)
