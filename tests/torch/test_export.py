"""``torch.export`` and ``fl.export``: programs with the module's numbers, in files without code."""

import copy
import io
import json
import subprocess
import sys
import zipfile
from typing import Any, NamedTuple

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

import functorch_lite as fl
import functorch_lite.torch as torch
from functorch_lite.torch import nn
from functorch_lite.transforms._exported import archive


@pytest.fixture
def files():
    """Skip without the extra that files need."""
    pytest.importorskip("flatbuffers", reason="pip install functorch_lite[export]")


class Net(nn.Module):
    """All that a module may hold: nested, tied, persistent or not, plain tensors, defaults."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 4))
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.body[2].weight
        self.unused = nn.Linear(2, 2)
        self.register_buffer("shift", torch.arange(4))
        self.register_buffer("secret", torch.rand(4), persistent=False)
        self.plain = torch.rand(4)

    def forward(self, x, scale=2.0, *, extra=None, flip=True):
        y = self.tied(self.body(x)) * scale + self.shift + self.secret + self.plain
        if extra is not None:
            y = y + extra["bias"][0]
        return {"y": y, "top": y.max(1), "n": 3, "x": x, "weight": self.tied.weight, "flip": flip}


def saved(ep, **options):
    file = io.BytesIO()
    torch.export.save(ep, file, **options)
    file.seek(0)
    return file


def reloaded(ep):
    return torch.export.load(saved(ep))


def net():
    torch.manual_seed(0)
    module = Net()
    x, extra = torch.randn(5, 3), {"bias": [torch.randn(4)]}
    return module, (x,), {"extra": extra, "flip": False}


def equal(found, expected):
    with torch.no_grad():
        for key in ("y", "x", "weight"):
            torch.testing.assert_close(found[key], expected[key])
        torch.testing.assert_close(found["top"].values, expected["top"].values)
        assert found["top"].indices.tolist() == expected["top"].indices.tolist()
    assert list(found) == list(expected)
    assert (found["n"], found["flip"]) == (3, False)


def test_a_program_gives_what_the_module_gives():
    module, args, kwargs = net()
    ep = torch.export.export(module, args, kwargs)
    equal(ep.module()(*args, **kwargs), module(*args, **kwargs))
    other = (torch.randn(5, 3),)
    equal(ep(*other, **kwargs), module(*other, **kwargs))
    equal(ep(**kwargs, x=other[0]), module(*other, **kwargs))
    assert not ep(*args, **kwargs)["y"].requires_grad


def test_files_keep_programs_and_tensors_apart(files):
    module, args, kwargs = net()
    ep = torch.export.export(module, args, kwargs)
    file = saved(ep)
    loaded = torch.export.load(file)
    equal(loaded.module()(*args, **kwargs), module(*args, **kwargs))
    assert repr(loaded) == repr(ep)
    names = zipfile.ZipFile(file).namelist()
    assert {"description.json", "program", "tensors/0.npy"} <= set(names)
    again = reloaded(loaded)
    equal(again(*args, **kwargs), module(*args, **kwargs))


@pytest.mark.parametrize("way", [lambda ep: ep, reloaded], ids=["made", "loaded"])
def test_the_tensors_have_the_names_of_the_module(way, files):
    module, args, kwargs = net()
    ep = way(torch.export.export(module, args, kwargs))
    assert set(ep.state_dict) == set(module.state_dict())
    assert set(ep.constants) == {"secret", "plain"}
    assert {n for n, _ in ep.named_buffers()} == {"shift", "secret"}
    assert ep.state_dict["tied.weight"] is ep.state_dict["body.2.weight"]
    assert set(ep.module().state_dict()) == set(module.state_dict())
    assert [n for n, _ in ep.module().named_parameters()] == [
        n for n, _ in module.named_parameters()
    ]
    text = str(ep)
    assert "x: float32[5, 3]" in text and "unused.bias: float32[2] (parameter, not read)" in text
    assert "extra['bias'][0]: float32[4], flip=False" in text


def test_the_weights_of_a_loaded_program_can_be_replaced(files):
    module, args, kwargs = net()
    run = reloaded(torch.export.export(module, args, kwargs)).module()
    other = Net()
    other.secret, other.plain = module.secret, module.plain
    run.load_state_dict(other.state_dict())
    equal(run(*args, **kwargs), other(*args, **kwargs))


def test_a_program_that_was_not_saved_shares_its_tensors():
    module = nn.Linear(3, 2)
    ep = torch.export.export(module, (torch.ones(1, 3),))
    with torch.no_grad():
        module.weight.fill_(0.0)
        module.bias.fill_(7.0)
    assert ep(torch.ones(1, 3)).tolist() == [[7.0, 7.0]]


MODELS = {
    "convolutions": lambda: (
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        torch.randn(2, 3, 12, 12),
    ),
    "lstm": lambda: (nn.LSTM(4, 5, num_layers=2, batch_first=True), torch.randn(2, 6, 4)),
    "transformer": lambda: (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        torch.randn(2, 5, 8),
    ),
    "embedding": lambda: (nn.EmbeddingBag(10, 3), torch.randint(0, 10, (4, 5))),
    "bfloat16": lambda: (nn.Linear(3, 3).bfloat16(), torch.randn(2, 3).bfloat16()),
    "float64": lambda: (nn.Linear(3, 3).double(), torch.randn(2, 3).double()),
    "complex": lambda: (nn.Linear(3, 3, dtype=torch.complex64), torch.randn(2, 3) + 0j),
    "scalars": lambda: (nn.PReLU(), torch.randn(())),
    "empty": lambda: (nn.Linear(3, 0), torch.randn(0, 3)),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_layers_survive_the_file(name, files):
    torch.manual_seed(1)
    model, x = MODELS[name]()
    model.eval()
    expected, found = model(x), reloaded(torch.export.export(model, (x,)))(x)
    pairs = [(found, expected)]
    if isinstance(expected, tuple):
        pairs = [(found[0], expected[0]), *zip(found[1], expected[1], strict=True)]
    for a, b in pairs:
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        torch.testing.assert_close(a, b.detach())


WITHOUT_SOURCE = """
import sys
import functorch_lite.torch as torch
ep = torch.export.load(sys.argv[1])
x = torch.linspace(-1, 1, 15).reshape(5, 3)
out = ep.module()(x, flip=False)
print(out["y"].flatten().tolist())
assert not any("test_export" in name for name in sys.modules)
"""


def test_another_process_needs_no_source(tmp_path, files):
    module, _, _ = net()
    x = torch.linspace(-1, 1, 15).reshape(5, 3)
    ep = torch.export.export(module, (x,), {"flip": False})
    torch.export.save(ep, tmp_path / "net.pt2")
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_SOURCE, str(tmp_path / "net.pt2")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert found.stdout.strip() == str(ep(x, flip=False)["y"].flatten().tolist())
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt2"]


def test_a_loaded_program_runs_inside_a_compiled_function(files):
    module = nn.Linear(3, 2)
    x = torch.randn(4, 3)
    run = reloaded(torch.export.export(module, (x,))).module()
    with torch.no_grad():
        found = torch.compile(lambda x: run(x).exp(), fullgraph=True)(x)
        torch.testing.assert_close(found, module(x).exp())


def test_control_flow_is_exported(files):
    class Branch(nn.Module):
        def forward(self, x):
            return torch.cond(x.sum() > 0, lambda a: a + 1, lambda a: a * 3, (x,))

    ep = reloaded(torch.export.export(Branch(), (torch.ones(2),)))
    assert ep(torch.ones(2)).tolist() == [2.0, 2.0]
    assert ep(-torch.ones(2)).tolist() == [-3.0, -3.0]


class Pair(NamedTuple):
    a: Any
    b: Any


class Swap(nn.Module):
    def forward(self, pair, *rest):
        return Pair(pair.b + rest[0], pair.a)


def test_named_tuples_come_back_as_named_tuples(files):
    pair, one = Pair(torch.zeros(2), torch.ones(2)), torch.ones(())
    ep = torch.export.export(Swap(), (pair, one))
    assert isinstance(ep(pair, one), Pair)
    found = reloaded(ep)(pair, one)
    assert (type(found).__name__, found.a.tolist(), found.b.tolist()) == ("Pair", [2, 2], [0, 0])
    assert "pair[0]: float32[2], pair[1]: float32[2], args[1]: float32[]" in str(ep)


def test_programs_are_copied_with_their_own_tensors():
    run = torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),)).module()
    other = copy.deepcopy(run)
    with torch.no_grad():
        other.weight.zero_()
        other.bias.zero_()
    assert other(torch.ones(1, 3)).tolist() == [[0.0, 0.0]]
    assert run(torch.ones(1, 3)).tolist() != [[0.0, 0.0]]


def test_transforms_of_programs_are_refused():
    run = torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),)).module()
    for call in (
        lambda: torch.vmap(run)(torch.ones(4, 1, 3)),
        lambda: torch.func.grad(lambda x: run(x).sum())(torch.ones(1, 3)),
        lambda: torch.func.jvp(run, (torch.ones(1, 3),), (torch.ones(1, 3),)),
    ):
        with pytest.raises(NotImplementedError, match="exported program"):
            call()


def test_it_is_known_that_a_module_is_exported():
    class Asks(nn.Module):
        def forward(self, x):
            return x + torch.compiler.is_exporting() + torch.compiler.is_compiling()

    assert torch.export.export(Asks(), (torch.zeros(1),))(torch.zeros(1)).item() == 2
    assert not torch.compiler.is_exporting()


def test_other_platforms_can_be_chosen():
    x = torch.ones(1, 3)
    ep = torch.export.export(nn.Linear(3, 2), (x,), platforms=["cpu", "cuda"])
    assert ep(x).shape == (1, 2) and "StableHLO for cpu, cuda" in str(ep)
    assert "stablehlo" in ep.stablehlo() or "vhlo" in ep.stablehlo()
    with pytest.raises(NotImplementedError, match="stablehlo"):
        print(ep.graph_module)
    with pytest.raises(ValueError, match="exported for platforms"):
        torch.export.export(nn.Linear(3, 2), (x,), platforms=["tpu"])(x)


# --- what cannot be exported ----------------------------------------------------------------------


class Item(nn.Module):
    def forward(self, x):
        return x * x.sum().item()


class Counter(nn.Module):
    n = 0

    def forward(self, x):
        self.n += 1
        return x


class Seen(nn.Module):
    def forward(self, x):
        self.last = x * 2
        return x


class Viewed(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("part", torch.ones(5)[2:])

    def forward(self, x):
        return x * self.part


class Twice(nn.Module):
    def forward(self, x):
        return torch.compile(lambda y: y + 1)(x), {1.5: x}


class Writes(nn.Module):
    def forward(self, x):
        return x.add_(1)


@pytest.mark.parametrize(
    ("module", "kind", "message"),
    [
        (nn.Dropout(), NotImplementedError, "random numbers in an exported program"),
        (nn.BatchNorm1d(3), NotImplementedError, "writing to tensors"),
        (Writes(), NotImplementedError, "writing to tensors"),
        (Viewed(), NotImplementedError, r"part\.data\.clone"),
        (Seen(), NotImplementedError, "Seen.last"),
        (Counter(), RuntimeError, "Counter.n changes"),
        (Item(), RuntimeError, "value of a Tensor is needed in Python"),
        (abs, ValueError, "Expected `mod` to be an instance"),
    ],
)
def test_what_is_not_pure_is_refused(module, kind, message):
    x = torch.ones(2, 3)
    state = torch.get_rng_state()
    with pytest.raises(kind, match=message):
        torch.export.export(module, (x,))
    assert torch.equal(torch.get_rng_state(), state)
    assert x.sum() == 6 and getattr(module, "n", 0) == 0


def test_dynamic_shapes_are_refused_by_name():
    x, batch = torch.ones(2, 3), torch.export.Dim("batch")
    for shapes in ({"input": {0: batch}}, ((batch, None),), {"input": (torch.export.Dim.AUTO,)}):
        with pytest.raises(NotImplementedError, match="Export one program for each shape"):
            torch.export.export(nn.Linear(3, 2), (x,), dynamic_shapes=shapes)
    torch.export.export(nn.Linear(3, 2), (x,), dynamic_shapes={"input": None})


def test_structures_of_unknown_classes_are_refused(files):
    x = torch.ones(2)
    ep = torch.export.export(Twice(), (x,))
    assert ep(x)[0].tolist() == [2.0, 2.0]
    with pytest.raises(NotImplementedError, match="dicts with strings as keys"):
        saved(ep)


def test_names_of_sizes_print_as_pytorchs():
    shown = [
        repr(torch.export.Dim("b", min=a, max=b)) for a, b in ((None, None), (2, 5), (3, None))
    ]
    assert shown == ["Dim('b', min=0)", "Dim('b', max=5)", "Dim('b', min=3)"]
    assert [d.name for d in torch.export.dims("a", "b")] == ["a", "b"]
    with pytest.raises(AssertionError, match="inconsistent min=5, max=3"):
        torch.export.Dim("b", min=5, max=3)


def test_other_arguments_are_refused():
    module, args, kwargs = net()
    run = torch.export.export(module, args, kwargs).module()
    (x,) = args
    for call, kind, message in [
        (lambda: run(x), ValueError, "kwarg keyword mismatch"),
        (lambda: run(x, **{**kwargs, "flip": True}), AssertionError, "flip == False"),
        (lambda: run(x[:4], **kwargs), AssertionError, r"x.size\(\)\[0\] == 5"),
        (lambda: run(x[0], **kwargs), AssertionError, r"x.dim\(\) == 2"),
        (lambda: run(x.double(), **kwargs), AssertionError, "x.dtype == float32"),
        (lambda: run((x, x), **kwargs), AssertionError, "structure"),
        (lambda: run(3.0, **kwargs), AssertionError, "must be a tensor"),
        (lambda: run(x.requires_grad_(), **kwargs), NotImplementedError, "no_grad"),
        (lambda: run.train(), NotImplementedError, "train"),
        (lambda: run.eval(), NotImplementedError, "eval"),
    ]:
        with pytest.raises(kind, match=message):
            call()


# --- files ----------------------------------------------------------------------------------------


@pytest.fixture
def content(files):
    return saved(torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),))).getvalue()


def rewritten(content, name, change, compression=zipfile.ZIP_STORED):
    """Return the file with one entry changed."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", compression) as new,
    ):
        for entry in old.namelist():
            data = old.read(entry)
            new.writestr(entry, change(data) if entry == name else data)
    return out.getvalue()


def described(**changes):
    def change(data):
        found = json.loads(data)
        for key, value in changes.items():
            found[key] = value(found[key]) if callable(value) else value
        return json.dumps(found).encode()

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: b"hello", "not a zip file"),
        (lambda c: c[: len(c) // 2], "not a zip file, or cut short"),
        (lambda c: c.replace(b"StableHLO", b"StableHLQ"), "Bad CRC-32"),
        (lambda c: rewritten(c, "", None, zipfile.ZIP_DEFLATED), "is compressed"),
        (lambda c: rewritten(c, "program", lambda d: d[:-9]), "bytes instead of"),
        (lambda c: rewritten(c, "program", lambda d: d[::-1]), "cannot be read"),
        (lambda c: rewritten(c, "tensors/0.npy", lambda d: d[:-4]), "not a whole"),
        (lambda c: rewritten(c, "tensors/0.npy", lambda d: d + b" " * 99999), "more than"),
        (lambda c: rewritten(c, "description.json", lambda d: b"[]"), "another kind"),
        (lambda c: rewritten(c, "description.json", described(version=99)), "is newer than 1"),
        (
            lambda c: rewritten(c, "description.json", described(calling_convention=999)),
            "version 999 of JAX's calling convention .* update jax",
        ),
        (lambda c: rewritten(c, "description.json", described(kind="function")), "load_exported"),
        (
            lambda c: rewritten(c, "description.json", described(operands=lambda o: o[::-1])),
            "not those of the program",
        ),
        (lambda c: rewritten(c, "description.json", described(signature={})), "is damaged"),
        (lambda c: rewritten(c, "description.json", described(members={"x": {}})), "is damaged"),
    ],
)
def test_broken_files_are_explained(content, damage, message):
    broken = damage(content)
    assert broken != content
    with pytest.raises(RuntimeError, match=message):
        torch.export.load(io.BytesIO(broken))


def test_no_pickle_is_read(content):
    file = io.BytesIO()
    np.save(file, np.array([print], object), allow_pickle=True)
    with pytest.raises(RuntimeError, match="not a whole"):
        torch.export.load(
            io.BytesIO(rewritten(content, "tensors/0.npy", lambda d: file.getvalue()))
        )


def test_a_checkpoint_is_told_from_a_program(tmp_path):
    torch.save({"a": torch.ones(2)}, tmp_path / "a.pt")
    with pytest.raises(RuntimeError, match=r"a\.pt' is not a whole exported program"):
        torch.export.load(tmp_path / "a.pt")
    with pytest.raises(FileNotFoundError):
        torch.export.load(tmp_path / "none.pt2")


def test_a_failed_save_leaves_the_old_file(tmp_path, files, monkeypatch):
    path = tmp_path / "a.pt2"
    ep = torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),))
    torch.export.save(ep, path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("the disk is full")

    monkeypatch.setattr(archive.np.lib.format, "write_array", fail)
    with pytest.raises(OSError, match="disk is full"):
        torch.export.save(ep, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_extra_files_go_along(files):
    ep = torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),))
    extra = {"classes.txt": ""}
    torch.export.load(saved(ep, extra_files={"classes.txt": "cat\ndog"}), extra_files=extra)
    assert extra == {"classes.txt": "cat\ndog"}


def test_without_flatbuffers_the_extra_is_named(monkeypatch):
    ep = torch.export.export(nn.Linear(3, 2), (torch.ones(1, 3),))

    def missing(self):
        raise ImportError("Please install 'flatbuffers'")

    monkeypatch.setattr(type(ep._exported.program), "serialize", missing)
    with pytest.raises(ImportError, match=r"pip install 'functorch_lite\[export\]'"):
        torch.export.save(ep, io.BytesIO())
    with pytest.raises(TypeError, match="must be an instance of 'ExportedProgram'"):
        torch.export.save(nn.Linear(3, 2), io.BytesIO())


# --- functions of arrays --------------------------------------------------------------------------


def loss(params, x, power=2, mode="sum"):
    y = jnp.tanh(x @ params["w"] + params["b"][0]) ** power
    return {"loss": y.sum() if mode == "sum" else y.mean(), "mode": mode}, (y, None)


def test_a_function_of_arrays_is_exported(files, tmp_path):
    params = {"w": np.random.default_rng(0).normal(size=(3, 2)).astype("f4"), "b": [jnp.ones(2)]}
    x = jnp.arange(12.0).reshape(4, 3)
    made = fl.export(loss)(params, x, mode="mean")
    made.save(tmp_path / "loss.pt2")
    for program in (made, fl.load_exported(tmp_path / "loss.pt2")):
        found, (y, nothing) = program.call(params, x, mode="mean")
        expected, (wanted, _) = loss(params, x, mode="mean")
        np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-6)
        np.testing.assert_allclose(y, wanted, rtol=1e-6)
        assert found["mode"] == "mean" and nothing is None
        with pytest.raises(ValueError, match=r"x\.size"):
            program.call(params, x[:2], mode="mean")
    assert "params['b'][0]: float32[2], x: float32[4, 3], mode='mean'" in repr(made)
    with pytest.raises(RuntimeError, match=r"use fl\.load_exported"):
        torch.export.load(tmp_path / "loss.pt2")


def test_sizes_may_be_left_open(files):
    (batch,) = jax.export.symbolic_shape("batch")
    spec = jax.ShapeDtypeStruct((batch, 3), np.float32)
    file = io.BytesIO()
    fl.export(fl.grad(lambda w, x: jnp.sin(x @ w).sum()))(jnp.ones(3), spec).save(file)
    file.seek(0)
    program = fl.load_exported(file)
    for size in (1, 5):
        x = jnp.arange(3.0 * size).reshape(size, 3)
        expected = (jnp.cos(x @ jnp.ones(3))[:, None] * x).sum(0)
        np.testing.assert_allclose(program.call(jnp.ones(3), x), expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"x.size\(\)\[1\] == 3"):
        program.call(jnp.ones(3), jnp.ones((2, 4)))


def test_numbers_are_inputs_of_functions():
    program = fl.export(lambda x, n: x * n)(jnp.ones(2), 3.0)
    assert program.call(jnp.ones(2), 5.0).tolist() == [5.0, 5.0]


def test_functions_of_tensors_are_sent_to_torch_export():
    with pytest.raises(TypeError, match=r"use torch\.export\.export"):
        fl.export(lambda x: x)(torch.ones(2))


@pytest.mark.parity
@pytest.mark.slow
def test_names_of_tensors_are_pytorchs():
    real = pytest.importorskip("torch")

    def names(torch):
        class Small(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.part = torch.nn.Sequential(torch.nn.Linear(3, 2))
                self.unused = torch.nn.Linear(2, 2)
                self.register_buffer("b", torch.ones(2))
                self.register_buffer("hidden", torch.ones(2), persistent=False)
                self.plain = torch.ones(2)

            def forward(self, x):
                return self.part(x) + self.b + self.hidden + self.plain

        ep = torch.export.export(Small(), (torch.ones(4, 3),))
        module = ep.module()
        return (
            set(ep.state_dict),
            set(ep.constants),
            set(module.state_dict()),
            [n for n, _ in module.named_parameters()],
            [n for n, _ in module.named_buffers()],
        )

    assert names(torch) == names(real)
