"""``torch.multiprocessing``: processes that use tensors, and what their failures say."""

import gc
import os
import pickle
import time
from multiprocessing.reduction import ForkingPickler

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


def raise_all(queue, net, times):
    for _ in range(times):
        queue.get().add_(1)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(3)


@pytest.mark.slow
def test_what_a_child_writes_is_seen_and_no_descriptor_stays_open():
    queue, net = mp.Queue(), torch.nn.Linear(2, 2)
    process = mp.Process(target=raise_all, args=(queue, net, 20))
    process.start()
    before = len(os.listdir("/proc/self/fd"))
    tensors = [torch.full((3,), float(i)) for i in range(20)]
    for tensor in tensors:
        queue.put(tensor)
    process.join()
    assert process.exitcode == 0
    assert [t[0].item() for t in tensors] == [i + 1.0 for i in range(20)]
    assert all(p.is_shared() and (p == 3).all() for p in net.parameters())
    del tensors, tensor
    gc.collect()
    end = time.monotonic() + 20  # the thread that hands them out closes its own in its own time
    while len(os.listdir("/proc/self/fd")) > before + 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) <= before + 1  # its socket


def test_what_a_process_sent_before_it_ended_arrives(monkeypatch):
    tensor = torch.arange(6).view(2, 3).T
    sent = ForkingPickler.dumps(tensor)
    with monkeypatch.context() as ended:
        ended.setattr("multiprocessing.resource_sharer.DupFd.detach", gone)
        arrived = pickle.loads(sent)
        with pytest.raises(ConnectionResetError):
            pickle.loads(ForkingPickler.dumps(tensor))
    assert (arrived.tolist(), arrived.stride()) == (tensor.tolist(), tensor.stride())
    assert arrived.is_shared()


def gone(handle):
    raise ConnectionResetError


def test_memory_that_has_gone_and_come_back_is_the_same():
    tensor = torch.arange(6).view(2, 3)[:, 1:]
    twin, again = pickle.loads(ForkingPickler.dumps((tensor, tensor.T)))
    assert (twin.stride(), twin.storage_offset(), again.stride()) == ((3, 1), 1, (1, 3))
    twin.mul_(10)
    assert tensor.tolist() == again.T.tolist() == [[10, 20], [40, 50]]
    assert pickle.loads(pickle.dumps(tensor)).is_shared() is False


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
