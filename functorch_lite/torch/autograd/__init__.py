"""``torch.autograd``: gradients by reverse-mode differentiation."""

from .._autograd import backward as backward
from .._autograd import grad as grad
from .._function import Function as Function
from .._grad_mode import enable_grad as enable_grad
from .._grad_mode import inference_mode as inference_mode
from .._grad_mode import no_grad as no_grad
from .._grad_mode import set_grad_enabled as set_grad_enabled
