"""The engine: words, seeds and PyTorch's state bytes."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functorch_lite._core import draws
from functorch_lite._core.mt19937 import MT19937, STATE_SIZE

SEEDS = st.integers(-(2**63), 2**64 - 1)


def test_words_are_those_of_mt19937_with_the_legacy_seeding():
    assert MT19937(1).words(3).tolist() == [1791095845, 4282876139, 3093770124]
    assert MT19937(5489).words(10_000)[-1] == 4123659995  # the standard's check value


def test_words_do_not_depend_on_how_many_are_asked_for_at_a_time():
    whole = MT19937(3).words(5000)
    engine = MT19937(3)
    parts = [engine.words(n) for n in (0, 1, 623, 1, 2000, 2375)]
    assert (np.concatenate(parts) == whole).all()
    assert whole.dtype == np.uint32


def test_only_the_low_half_of_a_seed_reaches_the_words():
    assert (MT19937(2**32 + 3).words(4) == MT19937(3).words(4)).all()
    assert MT19937(2**32 + 3).initial_seed() == 2**32 + 3


def test_a_negative_seed_counts_from_2_to_the_64():
    assert MT19937(-1).initial_seed() == 2**64 - 1


@pytest.mark.parametrize("seed", ["a", 1.5, None, True])
def test_a_seed_must_be_an_integer(seed):
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got"):
        MT19937().manual_seed(seed)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_a_seed_must_fit(seed):
    with pytest.raises(ValueError, match=r"^Overflow when unpacking long long$"):
        MT19937().manual_seed(seed)


def test_seed_takes_another_one_each_time():
    engine = MT19937()
    assert engine.seed() != engine.seed()
    assert engine.initial_seed() != 67280421310721


def test_state_continues_the_stream_and_the_kept_normal():
    engine = MT19937(9)
    draws.normal(engine, 3, np.float32)
    state = engine.get_state()
    assert state.shape == (STATE_SIZE,) and state.dtype == np.uint8
    expected = draws.normal(engine, 5, np.float64)
    for other in (
        MT19937().set_state(state),
        pickle.loads(pickle.dumps(MT19937().set_state(state))),
    ):
        assert (draws.normal(other, 5, np.float64) == expected).all()


def test_clones_and_deep_copies_go_their_own_way():
    engine = MT19937(4)
    engine.words(7)
    for other in (engine.clone(), copy.deepcopy(engine), copy.copy(engine)):
        before = other.get_state()
        engine.words(1)
        assert (other.get_state() == before).all()


def test_seeding_forgets_the_kept_normal():
    engine = MT19937(1)
    draws.normal(engine, 1, np.float32)
    assert engine.next_normal is not None
    assert engine.manual_seed(1).next_normal is None


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (np.zeros(STATE_SIZE, np.float32), TypeError, "RNG state must be a torch.ByteTensor"),
        (
            np.zeros(100, np.uint8),
            RuntimeError,
            "Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size "
            "to be 100",
        ),
        (np.zeros(STATE_SIZE, np.uint8), RuntimeError, "Invalid mt19937 state"),
    ],
)
def test_what_is_no_state_is_refused(state, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        MT19937().set_state(state)


@pytest.mark.parametrize(("offset", "value"), [(8, 0), (8, 700), (12, 0), (16, 625), (16, 3)])
def test_a_state_out_of_step_is_refused(offset, value):
    engine = MT19937(3)
    engine.words(5)
    state = engine.get_state()
    state[offset : offset + 4] = np.array([value], np.int32).view(np.uint8)
    with pytest.raises(RuntimeError, match=r"^Invalid mt19937 state$"):
        engine.set_state(state)


@pytest.mark.parity
@settings(deadline=None, max_examples=40)
@given(seed=SEEDS, words=st.integers(0, 2000), odd=st.booleans())
def test_state_bytes_are_torchs_both_ways(seed, words, odd):
    torch = pytest.importorskip("torch")
    generator, engine = torch.Generator().manual_seed(seed), MT19937(seed)
    assert engine.initial_seed() == generator.initial_seed()
    torch.rand(words, generator=generator)
    engine.words(words)
    if odd:
        torch.randn(1, generator=generator)
        draws.normal(engine, 1, np.float32)
    assert (engine.get_state() == generator.get_state().numpy()).all()
    received = MT19937().set_state(generator.get_state().numpy())
    assert (received.get_state() == generator.get_state().numpy()).all()
    sent = torch.Generator()
    sent.set_state(torch.from_numpy(engine.get_state()))
    expected = torch.randn(40, generator=sent).numpy()
    assert (draws.normal(received, 40, np.float32) == expected).all()


def test_a_stream_goes_back_to_a_snapshot():
    engine = MT19937(3)
    engine.words(5)
    engine.next_normal = 0.5
    before, state = engine.snapshot(), engine.get_state()
    wanted = engine.words(700).tolist()
    engine.next_normal = None
    engine.rewind(before)
    assert engine.get_state().tolist() == state.tolist()
    assert engine.words(700).tolist() == wanted
