"""What every test relies on: eight virtual CPU devices; comparisons only where torch is.

Programs that XLA has compiled are kept in ``build/jax-cache``, for the other workers, the programs
that tests start, and the next run: most of a cold run's time is compilation.
"""

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Read when JAX starts its CPU client, hence before any test module imports it.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
).strip()

CACHE = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parents[1] / "build" / "jax-cache"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
for name, value in CACHE.items():
    os.environ.setdefault(name, value)

# The suite finds the same examples each time; HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

WITHOUT_TORCH = pytest.mark.skip(
    reason="compares with live PyTorch, which is not here: make parity"
)
WITHOUT_DEVICE = pytest.mark.skip(reason="needs a GPU or TPU, and JAX sees none here")


def pytest_collection_modifyitems(items):
    """Skip what this machine cannot run, and say why."""
    parity = [item for item in items if item.get_closest_marker("parity")]
    if parity and importlib.util.find_spec("torch") is None:
        for item in parity:
            item.add_marker(WITHOUT_TORCH)
    device = [item for item in items if item.get_closest_marker("device")]
    if device and importlib.import_module("jax").default_backend() == "cpu":
        for item in device:
            item.add_marker(WITHOUT_DEVICE)
