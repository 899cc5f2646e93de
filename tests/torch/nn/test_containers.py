"""Containers of modules and of parameters against the live ones."""

from collections import OrderedDict

import pytest

import functorch_lite.torch as torch


def raised(action, *args, **kwargs):
    """The exception of a call as text, or its result."""
    try:
        return action(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def sequential_as_a_list(t):
    nn = t.nn
    s = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    named = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    out = [len(s), repr(s[-1]), repr(s[1:]), repr(named[:1]), list(s[1:]._modules), dir(s)[-1]]
    s[1] = nn.Tanh()
    s.append(nn.Sigmoid()).insert(0, nn.Identity()).insert(-1, nn.GELU())
    s.extend([nn.ReLU6()])
    out += [repr(s), repr(s.pop(0)), repr(s + named), repr(named * 2), repr(2 * named)]
    del s[1:3]
    out.append(repr(s))
    s += named
    del s[0]
    plain = nn.Sequential(nn.ReLU(), nn.Tanh())
    plain *= 2
    return [*out, repr(s), repr(plain), list(plain._modules)]


def sequential_mistakes(t):
    s = t.nn.Sequential(t.nn.ReLU())
    return [
        raised(lambda: s[3]),
        raised(lambda: s["a"]),
        raised(s.__add__, [1]),
        raised(lambda: s * 0),
        raised(lambda: s.__mul__("a")),
        raised(s.insert, 9, t.nn.ReLU()),
        raised(t.nn.Sequential, 3),
        raised(t.nn.Sequential()),
        raised(t.nn.Sequential(), 3),
    ]


def module_lists(t):
    nn = t.nn
    m = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Sequential(nn.Linear(1, 1)), nn.Linear(1, 1)])
    out = [repr(m), len(m), repr(m[-1]), repr(m[1:3]), repr(nn.ModuleList()), dir(m)[-1]]
    m.append(nn.Tanh()).extend([nn.Sigmoid()])
    m.insert(1, nn.Identity())
    m[0] = nn.GELU()
    del m[2:4]
    out += [repr(m), repr(m.pop(0)), repr(m.__add__([nn.ReLU()])), [type(x) for x in m]]
    return [*out, raised(m.extend, 3), raised(lambda: m[10]), raised(m, 3), list(m.state_dict())]


def module_dicts(t):
    nn = t.nn
    m = nn.ModuleDict({"b": nn.ReLU(), "a": nn.Linear(1, 1)})
    m.update([["c", nn.Tanh()]])
    m["d"] = nn.GELU()
    out = [repr(m), list(m), list(m.keys()), len(m), "a" in m, repr(m.pop("a"))]
    del m["b"]
    out += [[k for k, _ in m.items()], [type(v) for v in m.values()]]
    out += [raised(m.update, 3), raised(m.update, [3]), raised(m.update, [[1]])]
    out += [raised(m.__setitem__, "type", nn.ReLU()), raised(lambda: m["x"])]
    m.clear()
    return [*out, len(m), repr(m)]


def parameter_lists(t):
    nn = t.nn
    p = nn.ParameterList([nn.Parameter(t.ones(2, 3)), t.zeros(1), "text"])
    p.append(t.ones(1)).extend([t.zeros(2)])
    p[0] = nn.Parameter(t.zeros(1))
    out = [repr(p), len(p), list(p.state_dict()), [type(x) for x in p], repr(p[1:3])]
    p += [t.ones(1)]
    return [*out, raised(p.extend, t.ones(1)), raised(lambda: p[9]), raised(p), dir(p)[-1]]


def parameter_dicts(t):
    nn = t.nn
    p = nn.ParameterDict({"b": t.ones(2), "a": nn.Parameter(t.zeros(2, 3)), "n": 3})
    out = [list(p), list(p.state_dict()), len(p), "a" in p, p.get("x", 5), list(reversed(p))]
    out += [p.setdefault("z", 4), p.popitem(), list(p | nn.ParameterDict({"q": t.ones(1)}))]
    p |= nn.ParameterDict({"r": t.ones(1)})
    out += [list(p), p.pop("r"), list(p.fromkeys(["u", "v"], t.ones(1))), raised(p, 1)]
    out += [raised(p.update, 3), raised(p.__setitem__, 3, 3), repr(p)]
    p.clear()
    return [*out, len(p)]


SCENARIOS = [
    sequential_as_a_list,
    sequential_mistakes,
    module_lists,
    module_dicts,
    parameter_lists,
    parameter_dicts,
]


@pytest.mark.parity
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_containers_behave_like_those_of_torch(scenario, same):
    same(scenario)


def test_equal_neighbours_of_a_list_print_as_one_line():
    layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.ReLU()])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n)"


def test_a_sequential_runs_its_modules_in_order():
    net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Hardtanh(-2, 2))
    assert net(torch.tensor([-5.0, 1.0, 5.0])).tolist() == [0.0, 1.0, 2.0]


def test_deleting_from_a_sequential_renumbers_the_rest():
    net = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Tanh(), torch.nn.GELU())
    del net[0]
    assert list(net._modules) == ["0", "1"]
