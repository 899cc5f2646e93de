"""``gradcheck`` and ``gradgradcheck``."""

import pytest

import functorch_lite.torch as torch

D = torch.float64


class Wrong(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.cos() * 1.1


class Unmultiplied(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return torch.ones_like(g)


def inputs(*shape):
    torch.manual_seed(0)
    return torch.randn(*shape, dtype=D, requires_grad=True)


@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_gradients_pass_to_second_order(fast_mode):
    x, w = inputs(3), inputs(2, 3)
    assert torch.autograd.gradcheck(torch.sin, x, fast_mode=fast_mode)
    assert torch.autograd.gradcheck(lambda x, w: (w * x).sum(1).exp(), (x, w), fast_mode=fast_mode)
    assert torch.autograd.gradgradcheck(lambda x: x**3, x, fast_mode=fast_mode)


def test_a_wrong_gradient_shows_both_jacobians():
    with pytest.raises(torch.autograd.GradcheckError) as error:
        torch.autograd.gradcheck(Wrong.apply, inputs(2))
    assert str(error.value) == (
        "Jacobian mismatch for output 0 with respect to input 0,\n"
        "numerical:tensor([[0.0298, 0.0000],\n        [0.0000, 0.9573]], dtype=torch.float64)\n"
        "analytical:tensor([[0.0328, 0.0000],\n        [0.0000, 1.0530]], dtype=torch.float64)\n"
    )
    assert torch.autograd.gradcheck(Wrong.apply, inputs(2), raise_exception=False) is False


def test_fast_mode_repeats_the_comparison_slowly():
    with pytest.raises(torch.autograd.GradcheckError) as error:
        torch.autograd.gradcheck(Wrong.apply, inputs(2), fast_mode=True)
    assert "numerical:0.70919224496519" in str(error.value)
    assert "The max per-element difference (slow mode) is: 0.0957257741166" in str(error.value)


def test_backward_must_use_its_cotangent():
    with pytest.raises(
        torch.autograd.GradcheckError, match=r"^backward not multiplied by grad_output$"
    ):
        torch.autograd.gradcheck(Unmultiplied.apply, inputs(1))


def test_a_detached_result_must_be_constant():
    with pytest.raises(torch.autograd.GradcheckError, match="expected to be zero"):
        torch.autograd.gradcheck(lambda x: x.detach(), inputs(2))


def test_unfit_inputs_are_refused():
    with pytest.raises(
        ValueError, match="gradcheck expects at least one input tensor to require gradient"
    ):
        torch.autograd.gradcheck(torch.sin, torch.ones(2, dtype=D))
    with (
        pytest.warns(UserWarning, match="is not a double precision"),
        pytest.raises(torch.autograd.GradcheckError),
    ):
        torch.autograd.gradcheck(torch.sin, torch.ones(2, requires_grad=True))
    with pytest.raises(NotImplementedError, match="check_forward_ad"):
        torch.autograd.gradcheck(torch.sin, inputs(2), check_forward_ad=True)
    with pytest.raises(
        AssertionError, match="at least one of check_forward_ad or check_backward_ad"
    ):
        torch.autograd.gradcheck(torch.sin, inputs(2), check_backward_ad=False)


def test_complex_functions_are_checked_part_by_part():
    z = torch.randn(2, dtype=torch.complex128, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: z * z, z)
    assert torch.autograd.gradcheck(torch.view_as_real, z)
