"""``torch.multiprocessing``: processes that use tensors, and what their failures say."""

import os

import pytest

import functorch_lite.torch as torch
from functorch_lite.torch import multiprocessing as mp


def double(queue, tensor):
    queue.put(tensor.detach() * 2)


def fail_second(index):
    if index == 1:
        raise ValueError("no")


def leave(index):
    os._exit(3)


@pytest.mark.slow
def test_tensors_travel_through_queues():
    queue = mp.Queue()
    process = mp.Process(target=double, args=(queue, torch.arange(3.0).requires_grad_()))
    process.start()
    assert queue.get().tolist() == [0.0, 2.0, 4.0]
    process.join()
    assert process.exitcode == 0


@pytest.mark.slow
def test_spawn_reports_an_exception_with_its_traceback():
    with pytest.raises(mp.ProcessRaisedException) as error:
        mp.spawn(fail_second, nprocs=2)
    assert str(error.value).startswith("\n\n-- Process 1 terminated with the following error:\n")
    assert str(error.value).endswith("ValueError: no\n")
    assert error.value.error_index == 1


@pytest.mark.slow
def test_spawn_reports_an_exit_code():
    with pytest.raises(mp.ProcessExitedException) as error:
        mp.spawn(leave, nprocs=1)
    assert str(error.value) == "process 0 terminated with exit code 3"
    assert error.value.exit_code == 3


def test_forking_is_refused():
    with pytest.raises(NotImplementedError, match="a forked child must not use JAX"):
        mp.set_start_method("fork")
    assert mp.get_start_method() == "spawn"
    assert "fork" not in mp.get_all_start_methods()
    assert mp.cpu_count() == os.cpu_count()
    with pytest.raises(
        AttributeError, match=r"module 'torch\.multiprocessing' has no attribute 'tong'"
    ):
        mp.tong  # noqa: B018 - the access is the test
