"""Tensor subclasses and ``__torch_function__``."""

import pytest

import functorch_lite.torch as torch


class Plain(torch.Tensor):
    pass


class Loud(torch.Tensor):
    calls: list = []  # noqa: RUF012 - emptied by the test

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(func)
        return super().__torch_function__(func, types, args, kwargs)


class Declining:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


def test_results_keep_the_subclass():
    x = Plain([1.0, 2.0])
    for result in (
        x + 1,
        1 - x,
        x[0],
        x.view(2, 1),
        torch.stack([x, x]),
        x.split(1)[0],
        x.ravel(),
        x.data,
        x.detach(),
    ):
        assert type(result) is Plain
    assert type(torch.ones(2) + x) is Plain
    assert type(x.max(0).values) is Plain
    assert type(x.tolist()) is list


def test_a_subclass_prints_its_own_name_and_trains():
    x = Plain([1.0, 2.0]).requires_grad_()
    assert repr(x) == "Plain([1., 2.], requires_grad=True)"
    (x * x).sum().backward()
    assert type(x.grad) is torch.Tensor
    assert x.grad.tolist() == [2.0, 4.0]


def test_parameters_give_plain_tensors():
    assert type(torch.nn.Parameter(torch.ones(2)) * 2) is torch.Tensor


def test_the_users_rule_sees_the_public_function():
    x = Loud([1.0, 2.0])
    Loud.calls.clear()
    assert type(torch.add(x, 1)) is Loud
    x.add(1)
    torch.reshape(x, (2, 1))
    assert Loud.calls == [torch.add, torch.Tensor.add, torch.reshape]


def test_methods_are_told_apart_by_what_was_called():
    class Custom:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func, types, args, kwargs

    own = Custom()
    func, types, args, kwargs = torch.mean(own, dim=0)
    assert func is torch.mean
    assert types == (Custom,)
    assert args == (own,)
    assert kwargs == {"dim": 0}


def test_when_all_decline_it_is_a_type_error():
    with pytest.raises(TypeError) as error:
        torch.add(Declining(), 1)
    assert str(error.value) == (
        "Multiple dispatch failed for 'torch.add'; all __torch_function__ handlers returned "
        "NotImplemented:\n\n"
        f"  - tensor subclass {Declining}\n\nFor more information, try re-running with "
        "TORCH_LOGS=not_implemented"
    )


def test_the_most_derived_class_is_asked_first():
    class Base(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return cls.__name__

    class Derived(Base):
        pass

    assert torch.add(Base([1.0]), Derived([1.0])) == "Derived"


def test_disabling_gives_plain_tensors():
    with torch._C.DisableTorchFunctionSubclass():
        assert type(Plain([1.0]) + 1) is torch.Tensor


def test_helpers_of_overrides():
    x = Loud([1.0])
    assert torch.overrides.has_torch_function((1, x))
    assert not torch.overrides.has_torch_function_unary(torch.ones(1))
    assert torch.overrides.is_tensor_like(Declining())
    assert torch.overrides.is_tensor_method_or_property(torch.Tensor.add)

    @torch.overrides.wrap_torch_function(lambda a: (a,))
    def mine(a):
        return "plain"

    Loud.calls.clear()
    assert mine(x) == "plain"
    assert Loud.calls == [mine]


def test_torch_dispatch_is_refused():
    with pytest.raises(NotImplementedError, match="__torch_dispatch__"):
        type("Dispatching", (torch.Tensor,), {"__torch_dispatch__": None})
