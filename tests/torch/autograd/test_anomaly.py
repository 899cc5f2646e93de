"""Anomaly mode: which operation failed, and where its forward was."""

import pytest

import functorch_lite.torch as torch

ENABLED = "Anomaly Detection has been enabled. This mode will increase the runtime"


class Failing(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("boo")


def test_nan_in_backward_names_the_function_and_the_forward_line():
    x = torch.tensor([-1.0, 4.0], requires_grad=True)
    with pytest.warns(UserWarning) as warned, torch.autograd.detect_anomaly():
        y = torch.sqrt(x)
        with pytest.raises(RuntimeError) as error:
            y.sum().backward()
    assert str(error.value) == "Function 'SqrtBackward0' returned nan values in its 0th output."
    texts = [str(w.message) for w in warned]
    assert texts[0].startswith(ENABLED)
    assert texts[1].startswith(
        "Error detected in SqrtBackward0. Traceback of forward call that caused the error:"
    )
    assert "y = torch.sqrt(x)" in texts[1]


def test_without_the_mode_in_forward_there_is_no_line_to_show():
    x = torch.tensor([-1.0], requires_grad=True)
    y = torch.sqrt(x)
    with (
        torch.autograd.set_detect_anomaly(True),
        pytest.warns(UserWarning, match="No forward pass information available"),
        pytest.raises(RuntimeError, match="returned nan values"),
    ):
        y.sum().backward()
    assert not torch.is_anomaly_enabled()


def test_check_nan_can_be_left_out_but_errors_are_still_located():
    x = torch.tensor([-1.0], requires_grad=True)
    with pytest.warns(UserWarning, match=ENABLED), torch.autograd.detect_anomaly(check_nan=False):
        torch.sqrt(x).sum().backward()
        with (
            pytest.warns(UserWarning, match="Error detected in FailingBackward"),
            pytest.raises(ValueError, match="boo"),
        ):
            Failing.apply(x).sum().backward()
    assert x.grad.isnan().all()


def test_a_modified_value_is_hinted_at_differently():
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(UserWarning), torch.autograd.detect_anomaly():
        y = x.exp()
        y += 1
        with pytest.raises(
            RuntimeError, match="The variable in question was changed in there or anywhere later"
        ):
            y.sum().backward()


def test_nodes_remember_nothing_while_the_mode_is_off():
    x = torch.ones(2, requires_grad=True)
    assert (x * 2).grad_fn.metadata == {}
