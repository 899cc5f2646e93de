"""Legacy tensor types, ``torch.Tensor(...)`` and storages."""

import gc

import numpy as np
import pytest

import functorch_lite.torch as torch

TYPES = {
    **{
        "HalfTensor": "float16",
        "FloatTensor": "float32",
        "DoubleTensor": "float64",
        "ByteTensor": "uint8",
    },
    **{"CharTensor": "int8", "ShortTensor": "int16", "IntTensor": "int32", "LongTensor": "int64"},
}


@pytest.mark.parametrize(("name", "dtype"), TYPES.items())
def test_legacy_types_construct_recognise_and_name(name, dtype):
    kind = getattr(torch, name)
    x = kind([1, 2])
    assert x.dtype is getattr(torch, dtype)
    assert x.tolist() == [1, 2]
    assert kind(2, 3).shape == (2, 3)
    assert kind().shape == (0,)
    assert x.type() == f"torch.{name}"
    assert isinstance(x, kind)
    assert not isinstance(x.bool(), kind)
    assert torch.ones(2).type(kind).dtype is x.dtype
    assert torch.ones(2).type(f"torch.{name}").dtype is x.dtype
    assert repr(kind) == f"<class 'torch.{name}'>"


@pytest.mark.parametrize("name", TYPES)
def test_cuda_types_exist_and_refuse_without_a_gpu(name):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert not isinstance(torch.ones(1), getattr(torch.cuda, name))
    with pytest.raises(TypeError) as error:
        getattr(torch.cuda, name)([1])
    assert (
        str(error.value)
        == f"type torch.cuda.{name} not available. Torch not compiled with CUDA enabled."
    )


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: torch.Tensor(2.5), TypeError, "new(): data must be a sequence (got float)"),
        (lambda: torch.Tensor("a"), TypeError, "new(): invalid data type 'str'"),
        (lambda: torch.Tensor(None), TypeError, "new(): data must be a sequence (got NoneType)"),
        (
            lambda: torch.Tensor(1, "a"),
            TypeError,
            "new(): argument 'size' failed to unpack the object at pos 2 with error "
            '"type must be tuple of ints,but got str"',
        ),
        (
            lambda: torch.Tensor(2, device="cuda"),
            RuntimeError,
            "legacy constructor expects device type: cpu but device type: cuda was passed",
        ),
        (lambda: torch.ones(1).type(3), TypeError, "dtype must be a type, str, or dtype object"),
        (lambda: torch.ones(1).type("foo"), ValueError, "invalid type: 'foo'"),
    ],
)
def test_wrong_arguments_are_refused_in_pytorchs_words(call, kind, words):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == words


def test_the_base_constructor_takes_sizes_data_and_tensors():
    assert torch.Tensor(2, 3).shape == (2, 3)
    assert torch.Tensor(np.ones(2, np.int64)).dtype is torch.float32
    assert torch.Tensor(torch.ones(2, dtype=torch.float64)).dtype is torch.float64
    assert torch.Tensor(data=[1]).tolist() == [1.0]
    assert torch.ones(1).long().new([1.5]).tolist() == [1]


def test_set_default_tensor_type_sets_the_default_dtype():
    with pytest.warns(UserWarning, match="deprecated as of PyTorch 2.1"):
        torch.set_default_tensor_type("torch.DoubleTensor")
    assert torch.tensor(1.0).dtype is torch.float64
    torch.set_default_dtype(torch.float32)
    with pytest.raises(
        TypeError, match="only floating-point types are supported as the default type"
    ):
        torch.set_default_tensor_type(torch.LongTensor)


def test_untyped_storage_is_one_object_for_all_views():
    x = torch.arange(6.0).view(2, 3)
    storage = x.untyped_storage()
    assert storage is x[1].untyped_storage()
    assert storage.nbytes() == len(storage) == 24
    assert storage.data_ptr() == x.data_ptr()
    assert storage.tolist()[4:8] == [0, 0, 128, 63]
    storage.fill_(0)
    assert x.tolist() == [[0.0] * 3] * 2
    assert x.t().contiguous().untyped_storage() != storage


def test_storage_objects_do_not_keep_memory_alive():
    x = torch.ones(3)
    reference = x.untyped_storage().data_ptr()
    assert x.untyped_storage().data_ptr() == reference
    del x
    gc.collect()
    assert torch.is_storage(torch.UntypedStorage([1, 2]))


def test_typed_storage_shows_elements_in_memory_order():
    x = torch.arange(6.0).view(2, 3)
    flat = torch.TypedStorage(wrap_storage=x.t().untyped_storage(), dtype=torch.float32)
    assert flat.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert isinstance(flat, torch.FloatStorage)
    assert x.storage_type() is torch.FloatStorage
    flat[1] = 9.0
    assert x[0, 1].item() == 9.0
    assert repr(torch.FloatStorage([1, 2])) == (
        " 1.0\n 2.0\n[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 2]"
    )
