"""Rows 41-47: dtypes."""

import numpy as np

from tests.parity import attempt

from .rows import row

INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
NAMES = (*INTEGERS, "float16", "bfloat16", "float32", "float64", "complex64")
LEGACY = ("Half", "Float", "Double", "Byte", "Char", "Short", "Int", "Long")


@row(41)
def three_floats_and_five_integers(torch):
    for name in ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64"]:
        d = getattr(torch, name)
        x = torch.ones(2, dtype=d)
        print(
            d,
            x,
            d.is_floating_point,
            d.itemsize,
            x.element_size(),
            type(d).__name__,
            x.numpy().dtype,
        )
    print(
        torch.bool,
        torch.bfloat16,
        torch.complex64,
        torch.complex64.is_complex,
        torch.int8.is_signed,
    )
    print(
        torch.finfo(torch.float32).eps, torch.iinfo(torch.int16).max, torch.finfo(torch.float64).max
    )


@row(42)
def aliases_are_the_very_dtypes(torch):
    floats = {"half": "float16", "float": "float32", "double": "float64"}
    for alias, full in (floats | {"short": "int16", "int": "int32", "long": "int64"}).items():
        print(alias, getattr(torch, alias) is getattr(torch, full), getattr(torch, alias))


@row(43)
def legacy_tensor_types(torch):
    for name in LEGACY:
        kind = getattr(torch, name + "Tensor")
        x = kind([1, 2])
        others = [n for n in LEGACY if isinstance(x, getattr(torch, n + "Tensor"))]
        print(x, x.type(), others, kind(2, 3).shape, x.dtype)
    print(isinstance(torch.ones(1), torch.Tensor), isinstance(torch.ones(1), torch.DoubleTensor))
    print(torch.FloatTensor, type(torch.FloatTensor([1])), torch.BoolTensor([0, 1]))
    print(torch.ones(2).type("torch.LongTensor"), torch.LongTensor(range(3)))
    attempt(lambda: torch.LongTensor([1.5, "a"]))


@row(44)
def cuda_tensor_types_exist(torch):
    for name in LEGACY:
        print(getattr(torch.cuda, name + "Tensor").__name__)
    attempt(lambda: torch.cuda.FloatTensor([1.0]))
    attempt(lambda: torch.cuda.LongTensor(2, 3))
    print(isinstance(torch.ones(1), torch.cuda.FloatTensor))


@row(45)
def conversions(torch):
    x = torch.tensor([0.0, 1.7, -1.7, 300.9])
    for name in ["half", "float", "double", "short", "int", "long", "bool"]:
        print(name, getattr(x, name)())
    print(torch.tensor([0.0, 1.7, 200.5]).byte(), torch.tensor([0.0, -1.7]).char())
    print(x.to(torch.float64), x.to(torch.float32) is x, x.float() is x, x.to("cpu") is x)
    print(x.type(torch.int32), x.type("torch.DoubleTensor"), x.type(torch.LongTensor), x.type())
    print(x.type_as(torch.ones(1, dtype=torch.double)).dtype, x.to(torch.ones(1, dtype=torch.int)))
    print(x.to(torch.float32, copy=True) is x, x.to("cpu", torch.double).dtype, x.bfloat16().dtype)
    print(torch.tensor([1, 0]).to(torch.bool), torch.tensor([True, False]).int())
    attempt(lambda: x.to("nowhere"))
    attempt(lambda: x.type("torch.StrangeTensor"))


@row(46)
def promotion(torch):
    area = torch.tensor([[10], [20]])
    noise = torch.tensor([[0.5], [0.25]])
    print(area * 5 + noise, (area + noise).dtype)
    print(torch.ones(1) + torch.ones(1, dtype=torch.double), torch.ones(1, dtype=torch.half) + 1.5)
    big = torch.tensor([250, 255], dtype=torch.uint8)
    print(big + 10, torch.tensor([127], dtype=torch.int8) + 1, big * big, -big)
    print(area + 1.5, area / 2, area // 3, area % 3, (area > 10) + 1, True + torch.tensor(True))
    print(torch.ones(2, dtype=torch.int32) + torch.tensor(1), torch.tensor([1]) + torch.tensor(1.5))
    print(
        torch.ones(1, dtype=torch.double) * torch.tensor(1.0),
        torch.arange(3) ** 2,
        2 ** torch.arange(3),
    )
    print(torch.result_type(torch.tensor([1]), 1.0), torch.promote_types(torch.uint8, torch.int8))
    print(torch.can_cast(torch.double, torch.float), torch.can_cast(torch.float, torch.int))
    for a in NAMES:
        made = [
            torch.ones(1, dtype=getattr(torch, a)) + torch.ones(1, dtype=getattr(torch, b))
            for b in NAMES
        ]
        print(a, [str(m.dtype)[6:] for m in made])
    attempt(lambda: area.add_(noise))
    attempt(lambda: torch.tensor([True]) - torch.tensor([True]))


@row(47)
def dtype_in_the_text(torch):
    for name in NAMES:
        print(torch.ones(2, dtype=getattr(torch, name)))
    print(torch.tensor([], dtype=torch.int32), torch.zeros(0, 3), torch.tensor(2, dtype=torch.int8))
    torch.set_default_dtype(torch.float64)
    print(torch.ones(2), torch.ones(2, dtype=torch.float32), torch.tensor(np.ones(2, np.float32)))
