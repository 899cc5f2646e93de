"""The namespaces around the core: what is there after ``import torch``, what is not, and in what
words."""

import subprocess
import sys

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch import _names


@pytest.mark.parametrize(
    "path",
    [
        "nn",
        "nn.functional",
        "nn.init",
        "optim",
        "utils.data",
        "autograd",
        "linalg",
        "special",
        "fft",
        "cuda",
        "cpu",
        "backends.cudnn",
        "random",
        "functional",
        "jit",
        "compiler",
        "version",
        "storage",
        "testing",
        "overrides",
        "return_types",
        "types",
        "accelerator",
    ],
)
def test_submodules_are_there_after_importing_torch(path):
    found = torch
    for part in path.split("."):
        found = getattr(found, part)
    assert found.__name__ == f"functorch_lite.torch.{path}"


@pytest.mark.parametrize(
    ("owner", "name", "words"),
    [
        (torch, "tong", "module 'torch' has no attribute 'tong'"),
        (torch, "legacy", "module 'torch' has no attribute 'legacy'"),
        (torch, "Variable", "module 'torch' has no attribute 'Variable'"),
        (torch.nn, "Parameters", "module 'torch.nn' has no attribute 'Parameters'"),
        (torch.optim, "RMSProp", "module 'torch.optim' has no attribute 'RMSProp'"),
        (torch.utils, "trainer", "module 'torch.utils' has no attribute 'trainer'"),
        (torch.ones(1), "copy", "'Tensor' object has no attribute 'copy'"),
    ],
)
def test_absent_names_stay_absent_in_pytorchs_words(owner, name, words):
    with pytest.raises(AttributeError) as error:
        getattr(owner, name)
    assert str(error.value) == words


def test_a_name_that_only_we_lack_is_told_apart():
    error = _names.missing("torch", "quantize_per_tensor")
    assert str(error).startswith(
        "module 'torch' has no attribute 'quantize_per_tensor': PyTorch has it"
    )


def test_absent_submodules_are_module_not_found():
    for name in ("legacy", "legacy.nn", "utils.trainer"):
        with pytest.raises(ModuleNotFoundError):
            __import__(f"functorch_lite.torch.{name}")


def test_importing_leaves_jax_as_it_was():
    code = (
        "import jax; before = dict(jax.config.values); import functorch_lite.torch; "
        "assert before == dict(jax.config.values)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_compares_as_a_version():
    assert torch.__version__ == "2.13.0+jax" == torch.version.__version__
    assert torch.__version__ > "2.9"
    assert torch.__version__ >= (2, 13)
    assert torch.__version__ < "2.13.1"
    assert torch.__version__.split("+") == ["2.13.0", "jax"]


def test_finfo_and_iinfo_print_as_pytorchs():
    assert repr(torch.finfo()) == (
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
        "smallest_normal=1.17549e-38, "
        "tiny=1.17549e-38, dtype=float32)"
    )
    assert repr(torch.iinfo(torch.int64)) == "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)"
    assert torch.finfo(torch.bfloat16).resolution == 0.01
    assert torch.finfo(torch.complex128).bits == 64


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: torch.finfo(torch.int32),
            "torch.finfo() requires a floating point input type. Use torch.iinfo",
        ),
        (
            lambda: torch.iinfo(torch.float32),
            "torch.iinfo() requires an integer input type. Use torch.finfo",
        ),
        (lambda: torch.iinfo(torch.bool), "torch.bool is not supported by torch.iinfo"),
        (
            lambda: torch.can_cast(3, 4),
            "can_cast(): argument 'from_' (position 1) must be torch.dtype, not int",
        ),
        (
            lambda: torch.is_nonzero(3),
            "is_nonzero(): argument 'input' (position 1) must be Tensor, not int",
        ),
    ],
)
def test_questions_about_dtypes_refuse_other_things(call, words):
    with pytest.raises(TypeError) as error:
        call()
    assert str(error.value).startswith(words)


def test_broadcast_shapes():
    assert torch.broadcast_shapes(3, (2, 1), ()) == torch.Size([2, 3])
    with pytest.raises(RuntimeError) as error:
        torch.broadcast_shapes((2, 3), (4,))
    assert str(error.value) == (
        "Attempting to broadcast a dimension of length 4 at -1! Mismatching argument at index 1 "
        "had (4,); but expected "
        "shape should be broadcastable to [2, 3]"
    )


def test_switches_are_remembered():
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        torch.set_num_threads(0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    assert torch.get_deterministic_debug_mode() == 1
    torch.set_deterministic_debug_mode("default")
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_float32_matmul_precision("high")
    assert torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    assert torch.get_float32_matmul_precision() == "highest"


def test_cudnn_flags_are_module_attributes_and_a_context():
    torch.backends.cudnn.benchmark = True
    with torch.backends.cudnn.flags(enabled=False, benchmark=False):
        assert not torch.backends.cudnn.enabled
        assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.enabled
    assert torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = False


def test_without_a_gpu_cuda_is_pytorchs_cpu_build():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert torch.cuda.device_count() == 0
    assert torch.cuda.memory_allocated() == 0
    assert torch.cuda.manual_seed_all(1) is None
    for call in (
        torch.cuda.current_device,
        torch.cuda.synchronize,
        torch.cuda.get_device_name,
        torch.ones(1).cuda,
        torch.nn.Linear(1, 1).cuda,
        lambda: torch.ones(1).to("cuda"),
        lambda: torch.zeros(1, device="cuda:0"),
    ):
        with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled$"):
            call()
    assert not torch.backends.mps.is_available()
    assert torch.get_device_module() is torch.cpu


def test_what_cannot_be_done_says_so():
    for call in (
        lambda: torch.jit.script(len),
        torch.overrides.TorchFunctionMode,
    ):
        with pytest.raises(NotImplementedError, match="functorch_lite does not support"):
            call()
    assert not torch.jit.is_scripting()
    assert torch.jit.ignore(len) is len
