"""``torch.save`` and ``torch.load``: both ways with PyTorch, both formats, nothing run."""

import collections
import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest

import functorch_lite.torch as ours
from functorch_lite.torch import serialization
from functorch_lite.torch.serialization import _zip_format
from tests.parity import live_torch

DTYPES = [
    *("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"),
    *("uint8", "bool", "complex64", "complex128"),
]
NEW_DTYPES = ["uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"]


def checkpoint(torch, dtypes):
    """Return one of everything that a checkpoint holds."""
    x = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    held = collections.OrderedDict(x=x, part=x[1:, ::2], turned=x.t())
    held.update(numbers=[1, 2.5, None, True, 2**70, 1 + 2j], text="hé", pair=(1, (2,)), some={1, 2})
    held.update(size=torch.Size([2, 3]), dtype=torch.float16, device=torch.device("cpu"))
    held.update({name: torch.tensor([1, 0, 1, 3]).to(getattr(torch, name)) for name in dtypes})
    held["parameter"] = torch.nn.Parameter(torch.ones(2, 3))
    held["frozen"] = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    held["leaf"] = torch.zeros(2, requires_grad=True)
    held["scalar"], held["empty"] = torch.tensor(3.5), torch.empty(0, 3)
    held["channels last"] = torch.arange(24.0).reshape(1, 2, 3, 4).permute(0, 2, 3, 1)
    held["expanded"] = torch.ones(3, 1).expand(3, 4)
    return held


def facts(value):
    """Return all that can be compared of a value of either library."""
    if hasattr(value, "stride") and hasattr(value, "numel"):
        layout = tuple(value.size()), tuple(value.stride()), value.storage_offset()
        wide = value.detach()
        if str(wide.dtype) in ("torch.bfloat16", "torch.float8_e4m3fn", "torch.float8_e5m2"):
            wide = wide.float()
        kind = type(value).__name__, str(value.dtype), value.requires_grad
        return kind, layout, np.array(wide.numpy()).tolist()
    if isinstance(value, dict):
        return {key: facts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [facts(item) for item in value]
    return type(value).__name__, str(value)


def store(module, obj, legacy):
    buffer = io.BytesIO()
    module.save(obj, buffer, _use_new_zipfile_serialization=not legacy)
    buffer.seek(0)
    return buffer


@pytest.mark.parity
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("direction", ["read", "write", "both"])
def test_a_checkpoint_survives_between_pytorch_and_us(direction, weights_only, legacy):
    theirs = live_torch()
    writer = theirs if direction == "read" else ours
    reader = theirs if direction == "write" else ours
    saver = theirs if direction == "read" else serialization
    loader = theirs if direction == "write" else serialization
    held = checkpoint(writer, DTYPES if legacy else DTYPES + NEW_DTYPES)
    got = loader.load(store(saver, held, legacy), weights_only=weights_only)
    assert facts(got) == facts(held)
    assert type(got["x"]) is reader.Tensor
    got["x"][1, 2] = 99.0
    assert (got["part"][0, 1], got["turned"][2, 1]) == (99.0, 99.0)


@pytest.mark.parity
def test_files_are_read_by_path_and_mapped_into_memory(tmp_path):
    theirs = live_torch()
    for name, writer, saver, loader in (
        ("a.pt", theirs, theirs, serialization),
        ("b.pt", ours, serialization, theirs),
    ):
        held = checkpoint(writer, DTYPES + NEW_DTYPES)
        saver.save(held, tmp_path / name)
        assert facts(loader.load(tmp_path / name)) == facts(held)
        assert facts(loader.load(str(tmp_path / name), mmap=True)) == facts(held)


@pytest.mark.parity
def test_whole_modules_and_optimizers_go_both_ways():
    theirs = live_torch()
    for torch, saver, other, loader in (
        (ours, serialization, theirs, theirs),
        (theirs, theirs, ours, serialization),
    ):
        layers = torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.BatchNorm1d(4)
        model = torch.nn.Sequential(*layers)
        twin = loader.load(store(saver, model, False), weights_only=False)
        assert type(twin) is other.nn.Sequential
        assert facts(twin.state_dict()) == facts(model.state_dict())
        assert tuple(twin(other.ones(2, 3)).shape) == (2, 4)
        twin.load_state_dict(loader.load(store(saver, model.state_dict(), False)))
        optimizer = torch.optim.Adam(model.parameters())
        model(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        state = loader.load(store(saver, optimizer.state_dict(), False))
        other.optim.Adam(twin.parameters()).load_state_dict(state)


class Shell:
    """What a malicious pickle does when it is executed."""

    def __reduce__(self):
        return os.system, ("touch executed",)


class Unknown:
    """A class that no list allows."""


@pytest.mark.parity
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("obj", [Shell(), Unknown(), {"a": print}, os.path.join], ids=range(4))
def test_what_could_execute_is_refused_in_pytorchs_words(obj, legacy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = []
    for module in (serialization, live_torch()):
        with pytest.raises(pickle.UnpicklingError) as error:
            module.load(store(module, obj, legacy))
        texts.append(str(error.value))
    assert texts[0] == texts[1]
    assert not (tmp_path / "executed").exists()


def test_a_file_cannot_reach_the_insides_of_tensors():
    with pytest.raises(pickle.UnpicklingError, match="Unsupported global"):
        serialization.load(raw_zip(b"\x80\x02cfunctorch_lite.torch._engine.storage\nStorage\n."))
    with pytest.raises(pickle.UnpicklingError, match="is blocked"):
        serialization.load(raw_zip(b"\x80\x02cposix\nsystem\n(X\x01\x00\x00\x00ltR."))
    with pytest.raises(pickle.UnpicklingError, match="corrupt"):
        serialization.load(raw_zip(b"\x80\x02R."))


def raw_zip(data_pkl):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", data_pkl)
        archive.writestr("a/version", "3\n")
    buffer.seek(0)
    return buffer


def test_a_window_beyond_its_storage_is_refused():
    good = store(serialization, ours.ones(4), False).getvalue()
    bad = good.replace(b"K\x04\x85", b"K\x44\x85")
    with zipfile.ZipFile(io.BytesIO(good)) as old:
        records = {name: old.read(name) for name in old.namelist()}
    records["archive/data.pkl"] = records["archive/data.pkl"].replace(b"K\x04\x85", b"K\x44\x85")
    assert bad != good
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in records.items():
            archive.writestr(name, data)
    buffer.seek(0)
    with pytest.raises(RuntimeError, match="out of bounds for storage of size 16"):
        serialization.load(buffer)


@pytest.mark.parity
@pytest.mark.parametrize("weights_only", [True, False])
def test_broken_files_have_pytorchs_errors(weights_only):
    theirs = live_torch()
    good = store(theirs, {"a": theirs.ones(100)}, False).getvalue()
    broken = [b"", b"garbage data here", good[: len(good) // 2], pickle.dumps({"a": 1}, 2)]
    for data in broken:
        texts = []
        for module in (serialization, theirs):
            with pytest.raises(Exception) as error:
                module.load(io.BytesIO(data), weights_only=weights_only)
            texts.append((error.typename, str(error.value)))
        assert texts[0] == texts[1]


def test_a_changed_byte_is_noticed():
    good = store(serialization, ours.ones(100), False).getvalue()
    where = good.index(b"\x00\x00\x80?" * 50)
    bad = good[:where] + b"\x01" + good[where + 1 :]
    with pytest.raises(RuntimeError, match="failed reading file data/0"):
        serialization.load(io.BytesIO(bad))


@pytest.mark.parity
@pytest.mark.parametrize(
    "location",
    ["cpu", "cuda", "cuda:1", "nowhere", {"cpu": "cpu"}, lambda s, place: s, lambda s, place: None],
    ids=["cpu", "cuda", "cuda:1", "nowhere", "a dict", "a function", "a function that passes"],
)
def test_map_location_is_pytorchs(location):
    texts = []
    for module in (serialization, live_torch()):
        buffer = store(serialization, ours.ones(2), False)
        try:
            texts.append(str(module.load(buffer, map_location=location)))
        except Exception as error:
            texts.append((type(error).__name__, str(error)))
    assert texts[0] == texts[1]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    serialization.save({"a": 1}, path)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        serialization.save({"a": ours.ones(3), "b": lambda: 1}, path)
    assert serialization.load(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["model.pt"]


def test_records_are_aligned_and_named_as_pytorch_does(tmp_path):
    path = tmp_path / "model.pt"
    serialization.save([ours.ones(3), ours.ones(5)], path)
    with open(path, "rb") as file:
        archive = _zip_format.Archive(file)
        spans = [archive.span(name) for name in ("data.pkl", "data/0", "data/1")]
        assert [start % 64 for start, _ in spans] == [0, 0, 0]
        assert archive.read("version") == b"3\n"
        assert len(archive.read(".data/serialization_id")) == 40
    assert zipfile.ZipFile(path).namelist()[0] == "model/data.pkl"


def test_classes_that_the_user_trusts_are_loaded():
    buffer = store(serialization, Unknown(), False)
    with serialization.safe_globals([Unknown]):
        assert isinstance(serialization.load(buffer), Unknown)
    assert serialization.get_safe_globals() == []


def test_one_storage_under_two_dtypes_is_refused():
    x = ours.ones(4)
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        serialization.save([x, x.view(ours.int32)], io.BytesIO())


def test_a_safetensors_file_is_read(tmp_path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}}).encode()
    data = np.arange(4, dtype=np.float32).tobytes()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    loaded = serialization.load(path)
    assert loaded["w"].tolist() == [[0.0, 1.0], [2.0, 3.0]]
