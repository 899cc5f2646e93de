"""The samplers: recorded checksums of PyTorch 2.13's bytes, and PyTorch itself where installed.

Every case draws twice from one engine and then one uniform, so the number of words that a sampler
uses is checked with its values. ``python tests/core/test_draws.py`` writes draws_recorded.json from
real torch.
"""

import hashlib
import json
import math
import warnings
from fractions import Fraction
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functorch_lite._core import draws
from functorch_lite._core.draws_fma import fma32, fma64
from functorch_lite._core.draws_index import _huge_permutation
from functorch_lite._core.mt19937 import MT19937

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = ("float32", "float64", "float16", "bfloat16")


def np_dtype(name):
    return BF16 if name == "bfloat16" else np.dtype(name)


def grid(name, *shape):
    """Weights or rates without randomness: 1/16, 2/16, ... in this dtype."""
    return (np.arange(1, 1 + math.prod(shape)).reshape(shape) / 16).astype(np_dtype(name))


# -- the cases: name -> (shape, dtype, parameters, the same in torch) -----------------------------


def in_place(method, *args):
    """The torch side of a case whose sampler is the tensor method ``method``."""
    return lambda torch, shape, dtype: getattr(torch.empty(shape, dtype=dtype), method)(*args)


def tensor(torch, array):
    """``array`` as a torch tensor (bfloat16 by way of float32, which holds it exactly)."""
    if array.dtype == BF16:
        return torch.from_numpy(array.astype(np.float32)).bfloat16()
    return torch.from_numpy(array)


def _cases():
    cases = {}

    def add(name, kind, shape, dtype, params, on_torch):
        cases[name] = (kind, shape, dtype, params, on_torch)

    for name in FLOATS:
        for n in (1, 15, 16, 17, 1000):
            add(
                f"uniform {name} {n}",
                "uniform",
                (n,),
                name,
                (-0.3, 2.7),
                in_place("uniform_", -0.3, 2.7),
            )
            add(f"normal {name} {n}", "normal", (n,), name, (), in_place("normal_"))
        add(
            f"normal scaled {name}",
            "normal",
            (7, 37),
            name,
            (0.3, 0.02),
            in_place("normal_", 0.3, 0.02),
        )
        add(
            f"normal strided {name}",
            "normal",
            (40,),
            name,
            (0.3, 2.0, False),
            lambda torch, shape, dtype: torch.empty(*shape, 2, dtype=dtype)[:, 0].normal_(0.3, 2.0),
        )
        add(
            f"exponential {name}",
            "exponential",
            (500,),
            name,
            (1.7,),
            in_place("exponential_", 1.7),
        )
        add(f"cauchy {name}", "cauchy", (500,), name, (0.7, 3.3), in_place("cauchy_", 0.7, 3.3))
        add(
            f"log_normal {name}",
            "log_normal",
            (501,),
            name,
            (0.3, 0.7),
            in_place("log_normal_", 0.3, 0.7),
        )
    for name in ("complex64", "complex128"):
        add(f"uniform {name}", "uniform", (3, 5), name, (), in_place("uniform_"))
        add(f"normal {name}", "normal", (3, 5), name, (), in_place("normal_"))
    for name in (*FLOATS, "int64", "int32", "int16", "int8", "uint8", "bool"):
        high = 2 if name == "bool" else 100
        add(f"randint {name}", "randint", (300,), name, (0, high), in_place("random_", 0, high))
        add(f"random {name}", "random", (300,), name, (), in_place("random_"))
        add(f"bernoulli {name}", "bernoulli", (300,), name, (0.3,), in_place("bernoulli_", 0.3))
        if name != "bool":
            add(f"geometric {name}", "geometric", (500,), name, (0.3,), in_place("geometric_", 0.3))
            add(
                f"randperm {name}",
                "randperm",
                (120,),
                name,
                (),
                lambda torch, shape, dtype: torch.randperm(shape[0], dtype=dtype),
            )
    for low, high in ((0, 2**28 - 1), (0, 2**28), (-(2**62), 2**62), (-(2**63), None), (7, None)):
        add(
            f"randint {low} {high}",
            "randint",
            (50,),
            "int64",
            (low, high),
            in_place("random_", low, high),
        )
    for name in FLOATS:
        p = (grid(name, 15),)
        add(f"bernoulli by {name}", "bernoulli", (15,), "float32", p, _by_tensor("bernoulli_", *p))
    for name in ("float32", "float64"):
        weights = grid(name, 3, 40)
        for count, replacement in ((1, False), (1, True), (7, False), (90, True)):
            add(
                f"multinomial {name} {count} {replacement}",
                "multinomial",
                (3, count),
                "int64",
                (weights, replacement),
                _multinomial(weights, count, replacement),
            )
        counts, halves = np.floor(grid(name, 400) * 8), (grid(name, 400) / 25.01).astype(name)
        add(
            f"binomial {name}",
            "binomial",
            (400,),
            name,
            (counts, halves),
            _of("binomial", counts, halves),
        )
        alpha = grid(name, 60, 5)
        add(
            f"gamma {name}",
            "standard_gamma",
            (60, 5),
            name,
            (alpha,),
            _of("_standard_gamma", alpha),
        )
        add(
            f"dirichlet {name}",
            "dirichlet",
            (60, 5),
            name,
            (alpha,),
            _of("_sample_dirichlet", alpha),
        )
    for name in FLOATS:
        rate = grid(name, 400)
        add(f"poisson {name}", "poisson", (400,), name, (rate,), _of("poisson", rate))
    for name in ("float32", "float64", "bfloat16"):
        steps = (grid(name, 64) - np_dtype(name).type(2)).astype(np_dtype(name))
        add(f"rrelu {name}", "rrelu_noise", (64,), name, (steps, 1 / 8, 1 / 3), _rrelu(steps))
    return cases


def _of(function, *arrays):
    return lambda torch, shape, dtype: getattr(torch, function)(*(tensor(torch, a) for a in arrays))


def _by_tensor(method, p):
    return lambda torch, shape, dtype: getattr(torch.empty(shape, dtype=dtype), method)(
        tensor(torch, p)
    )


def _multinomial(weights, count, replacement):
    return lambda torch, shape, dtype: torch.multinomial(tensor(torch, weights), count, replacement)


def _rrelu(steps):
    def on_torch(torch, shape, dtype):
        x = tensor(torch, steps)
        noise = torch.empty_like(x)
        torch.ops.aten.rrelu_with_noise(x, noise, 1 / 8, 1 / 3, True)
        return noise

    return on_torch


# A grid of chances must stay in [0, 1]: 15/16 is the largest of them.
CASES = _cases()
SEED = 20240607
RECORD = Path(__file__).with_name("draws_recorded.json")
RECORDED = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}


def ours(name, seed=SEED):
    """The bytes of two draws of a case and of one uniform after them."""
    kind, shape, dtype, params, _ = CASES[name]
    engine = MT19937(seed)
    draw = draws.DRAWS[kind]
    arrays = [draw(engine, shape, np_dtype(dtype), *params) for _ in range(2)]
    assert all(
        a.flags.c_contiguous and a.shape == shape and a.dtype == np_dtype(dtype) for a in arrays
    )
    arrays.append(draws.uniform(engine, 1, np.float32))
    return b"".join(array.tobytes() for array in arrays)


def torchs(name, seed=SEED):
    """The same of real torch."""
    torch = pytest.importorskip("torch")
    _, shape, dtype, _, on_torch = CASES[name]
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensors = [on_torch(torch, shape, getattr(torch, dtype)) for _ in range(2)]
    tensors.append(torch.rand(1))
    return b"".join(bytes(t.contiguous().view(torch.uint8).numpy().tobytes()) for t in tensors)


def checksum(data):
    return hashlib.sha256(data).hexdigest()[:16]


# -- recorded -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_draw_has_the_recorded_bytes(name):
    assert checksum(ours(name)) == RECORDED[name]


# -- live -----------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_a_draw_has_torchs_bytes(name):
    assert ours(name) == torchs(name)


@pytest.mark.parity
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(-(2**63), 2**64 - 1),
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=4),
    dtype=st.sampled_from(FLOATS),
    mean=st.floats(-3, 3),
    std=st.floats(0, 3),
)
@example(seed=0, sizes=[1, 17, 1], dtype="float16", mean=0.0, std=1.0)
def test_runs_of_normals_and_uniforms_are_torchs(seed, sizes, dtype, mean, std):
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    engine = MT19937(seed)
    kind = getattr(torch, dtype)
    for n in sizes:
        expected = torch.empty(n, dtype=kind).normal_(mean, std).double().numpy()
        got = draws.normal(engine, n, np_dtype(dtype), mean, std)
        np.testing.assert_array_equal(got.astype(np.float64), expected)
        expected = torch.empty(n, dtype=kind).uniform_(mean, mean + std).double().numpy()
        got = draws.uniform(engine, n, np_dtype(dtype), mean, mean + std)
        np.testing.assert_array_equal(got.astype(np.float64), expected)
    assert (engine.get_state() == torch.get_rng_state().numpy()).all()


@pytest.mark.parity
@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 300),
    low=st.integers(-(2**63), 2**63 - 2),
    span=st.integers(1, 2**63),
    p=st.floats(0, 1),
)
def test_runs_of_integers_and_flags_are_torchs(seed, n, low, span, p):
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    engine = MT19937(seed)
    high = min(low + span, 2**63 - 1)
    expected = torch.randint(low, high, (n,)).numpy()
    np.testing.assert_array_equal(draws.randint(engine, n, np.int64, low, high), expected)
    np.testing.assert_array_equal(draws.randperm(engine, n), torch.randperm(n).numpy())
    expected = torch.empty(n).bernoulli_(p).numpy()
    np.testing.assert_array_equal(draws.bernoulli(engine, n, np.float32, p), expected)
    assert (engine.get_state() == torch.get_rng_state().numpy()).all()


@pytest.mark.parity
def test_a_million_normals_and_uniforms_are_torchs():
    torch = pytest.importorskip("torch")
    torch.manual_seed(11)
    engine = MT19937(11)
    n = 1_000_003
    assert (draws.normal(engine, n, np.float32) == torch.randn(n).numpy()).all()
    expected = torch.empty(n).normal_(0.1, 0.02).numpy()
    assert (draws.normal(engine, n, np.float32, 0.1, 0.02) == expected).all()
    expected = torch.empty(n).uniform_(-0.0361, 0.0361).numpy()
    assert (draws.uniform(engine, n, np.float32, -0.0361, 0.0361) == expected).all()
    expected = torch.empty(n).bernoulli_(0.9).numpy()
    assert (draws.bernoulli(engine, n, np.float32, 0.9) == expected).all()
    assert (engine.get_state() == torch.get_rng_state().numpy()).all()


REFUSED = [
    ("uniform", "float32", (2, 1), "uniform_", (2, 1)),
    ("uniform", "float16", (0, 1e6), "uniform_", (0, 1e6)),
    ("uniform", "bfloat16", (-3e38, 3e38), "uniform_", (-3e38, 3e38)),
    ("uniform", "int64", (), "uniform_", ()),
    ("normal", "float32", (0, -1), "normal_", (0, -1)),
    ("normal", "int64", (), "normal_", ()),
    ("randint", "float32", (5, 5), "random_", (5, 5)),
    ("randint", "uint8", (0, 300), "random_", (0, 300)),
    ("randint", "float16", (0, 70000), "random_", (0, 70000)),
    ("randint", "float16", (5000, None), "random_", (5000, None)),
    ("randint", "int32", (-(2**63), None), "random_", (-(2**63), None)),
    ("randint", "uint64", (5, None), "random_", (5, None)),
    ("randint", "complex64", (0, 2), "random_", (0, 2)),
    ("random", "uint32", (), "random_", ()),
    ("bernoulli", "float32", (1.5,), "bernoulli_", (1.5,)),
    ("bernoulli", "complex64", (0.5,), "bernoulli_", (0.5,)),
    ("exponential", "float32", (0.0,), "exponential_", (0.0,)),
    ("exponential", "int64", (), "exponential_", ()),
    ("geometric", "float32", (1.0,), "geometric_", (1.0,)),
    ("geometric", "bool", (0.5,), "geometric_", (0.5,)),
    ("cauchy", "float32", (0, 0), "cauchy_", (0, 0)),
    ("cauchy", "int64", (), "cauchy_", ()),
    ("log_normal", "float32", (0, 0), "log_normal_", (0, 0)),
]


@pytest.mark.parity
@pytest.mark.parametrize(("kind", "dtype", "params", "method", "args"), REFUSED)
def test_what_torch_refuses_is_refused_in_its_words(kind, dtype, params, method, args):
    torch = pytest.importorskip("torch")
    with pytest.raises(Exception) as theirs:
        getattr(torch.empty(3, dtype=getattr(torch, dtype)), method)(*args)
    with pytest.raises(theirs.type) as error:
        draws.DRAWS[kind](MT19937(), (3,), np_dtype(dtype), *params)
    assert str(error.value) == str(theirs.value).split("\n")[0]


MULTINOMIALS = [
    ([0.5, 0.5], 3, False),
    ([0.5, -0.5], 1, False),
    ([0.5, -0.5], 2, True),
    ([0.0, 0.0], 1, False),
    ([0.0, 0.0], 2, True),
    ([1.0, 1.0], 0, False),
    ([math.inf, 1.0], 2, True),
    ([math.nan, 1.0], 2, False),
    (1.0, 1, False),
]


@pytest.mark.parity
@pytest.mark.parametrize(("weights", "count", "replacement"), MULTINOMIALS)
def test_what_is_no_distribution_is_refused_in_torchs_words(weights, count, replacement):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as theirs:
        torch.multinomial(torch.tensor(weights), count, replacement)
    with pytest.raises(RuntimeError) as error:
        p = np.array(weights, np.float32)
        draws.multinomial(MT19937(), (count,), np.int64, p, replacement)
    assert str(error.value) == str(theirs.value).split("\n")[0]


# -- our own --------------------------------------------------------------------------------------


def test_empty_draws_use_no_words():
    engine = MT19937(1)
    before = engine.get_state()
    draws.normal(engine, (0, 3), np.float32)
    draws.uniform(engine, (3, 0), np.float64)
    draws.randperm(engine, 0)
    draws.randperm(engine, 1)
    assert (engine.get_state() == before).all()


def test_the_shuffle_of_huge_permutations_permutes():
    order = _huge_permutation(MT19937(2), 1000, chunk=64)
    assert sorted(order.tolist()) == list(range(1000))
    words = MT19937(2).words64(1000)
    expected = []
    for i in range(1000):
        j = int(words[i]) % (i + 1)
        expected.append(i)
        expected[i], expected[j] = expected[j], i
    assert order.tolist() == expected


@given(a=st.floats(-(2.0**60), 2.0**60), b=st.floats(-1e30, 1e30), c=st.floats(-1e30, 1e30))
def test_fma64_rounds_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if abs(exact) > 1e-200 or exact == 0:  # and nothing on the way underflows
        assert fma64(np.array([a]), b, c)[0] == float(exact)


@given(
    a=st.floats(-(2.0**20), 2.0**20, width=32),
    b=st.floats(-(2.0**20), 2.0**20, width=32),
    c=st.floats(-(2.0**20), 2.0**20, width=32),
)
@example(a=1.0 + 2**-23, b=1.0 + 2**-22, c=2**-24 * (1 - 2**-20))
def test_fma32_rounds_once(a, b, c):
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    got = fma32(np.array([a], np.float32), b, c)[0]
    distance = abs(Fraction(float(got)) - exact)
    for neighbour in (
        np.nextafter(got, np.float32(np.inf)),
        np.nextafter(got, np.float32(-np.inf)),
    ):
        assert distance <= abs(Fraction(float(neighbour)) - exact)


if __name__ == "__main__":
    table = {case: checksum(torchs(case)) for case in CASES}
    RECORD.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
