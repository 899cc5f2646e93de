"""``nn.Module`` against the live one: attributes, iteration, hooks, state, conversion, text."""

import copy
import pickle
from collections import OrderedDict

import pytest

import functorch_lite.torch as torch


def raised(action, *args, **kwargs):
    """The exception of a call as text, or its result."""
    try:
        return action(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def small(t):
    """A net with parameters, a buffer, a nested container and a shared layer."""
    nn = t.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(t.ones(2))
            self.register_buffer("steps", t.zeros(1))
            self.register_buffer("cache", t.zeros(3), persistent=False)
            self.body = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2))
            self.tied = self.body[0]
            self.nothing = None

        def forward(self, x, factor=1):
            return self.body(x) * self.scale * factor

    return Net()


def text_of_nested_modules(t):
    return [repr(small(t)), str(t.nn.Module()), repr(small(t).forward)]


def names_and_order(t):
    net = small(t)
    return [
        [n for n, _ in net.named_parameters()],
        [n for n, _ in net.named_parameters(remove_duplicate=False)],
        [n for n, _ in net.named_parameters(prefix="p", recurse=False)],
        [n for n, _ in net.named_buffers()],
        [n for n, _ in net.named_children()],
        [n for n, _ in net.named_modules()],
        [n for n, _ in net.named_modules(remove_duplicate=False)],
        list(net.state_dict()),
        list(net.state_dict(prefix="a.")),
        dict(net.state_dict()._metadata),
        [n for n in dir(net) if not n.startswith("_")],
    ]


def initial_weights(t):
    return [small(t).state_dict(), [p.requires_grad for p in small(t).parameters()]]


def attribute_rules(t):
    nn = t.nn
    m = nn.Module()
    m.p = nn.Parameter(t.zeros(1))
    m.b = nn.Buffer(t.zeros(1))
    m.c = nn.Linear(1, 1)
    out = [
        raised(setattr, m, "p", t.zeros(1)),
        raised(setattr, m, "c", 3),
        raised(setattr, m, "b", 3),
        raised(getattr, m, "missing"),
        raised(m.register_parameter, "a.b", None),
        raised(m.register_parameter, "", None),
        raised(m.register_parameter, 3, None),
        raised(m.register_parameter, "c", None),
        raised(m.register_parameter, "q", t.zeros(1)),
        raised(m.register_parameter, "q", nn.Parameter(t.zeros(1)) * 2),
        raised(m.register_buffer, "a.b", None),
        raised(m.register_buffer, "", None),
        raised(m.register_buffer, 3, None),
        raised(m.register_buffer, "p", None),
        raised(m.register_buffer, "q", 3),
        raised(m.add_module, "a.b", nn.ReLU()),
        raised(m.add_module, "", nn.ReLU()),
        raised(m.add_module, 3, nn.ReLU()),
        raised(m.add_module, "p", nn.ReLU()),
        raised(m.add_module, "q", 3),
        raised(nn.Module, 3),
        raised(nn.Module, a=3),
        raised(m, 1),
        raised(delattr, m, "missing"),
    ]
    m.p = None
    m.c = None
    out += [dict(m._parameters), dict(m._modules), list(m._buffers)]
    m.p = nn.Linear(1, 1)
    del m.b
    return [*out, list(m._parameters), list(m._modules), list(m._buffers)]


def before_init(t):
    class Early(t.nn.Module):
        def __init__(self, kind):
            self.part = {
                "parameter": lambda: t.nn.Parameter(t.zeros(1)),
                "module": t.nn.ReLU,
                "buffer": lambda: t.nn.Buffer(t.zeros(1)),
            }[kind]()

    return [raised(Early, kind) for kind in ("parameter", "module")]


def dotted_paths(t):
    net = small(t)
    net.set_submodule("body.1", t.nn.Tanh())
    return [
        repr(net.get_submodule("body.1")),
        net.get_submodule("") is net,
        net.get_parameter("body.0.weight"),
        net.get_buffer("body.2.running_var"),
        raised(net.get_submodule, "body.9"),
        raised(net.get_submodule, "scale"),
        raised(net.get_parameter, "body.0.x"),
        raised(net.get_parameter, "steps"),
        raised(net.get_buffer, "scale"),
        raised(net.set_submodule, "", t.nn.ReLU()),
        raised(net.set_submodule, "body.x", 3),
        raised(net.set_submodule, "body.x", t.nn.ReLU(), strict=True),
        raised(net.set_submodule, "scale", t.nn.ReLU()),
    ]


def load_mistakes(t):
    net = small(t)
    state = net.state_dict()
    wrong = OrderedDict(state)
    wrong["body.0.weight"] = t.zeros(3, 3)
    wrong["extra"] = t.zeros(1)
    wrong["body.7.weight"] = t.zeros(1)
    wrong["scale"] = "text"
    del wrong["steps"]
    return [
        raised(net.load_state_dict, 3),
        raised(net.load_state_dict, wrong),
        raised(net.load_state_dict, wrong, strict=False),
        repr(net.load_state_dict(state)),
        repr(net.load_state_dict({"steps": t.ones(1), "x": t.ones(1)}, strict=False)),
        net.steps,
    ]


def load_by_assignment(t):
    source, net = small(t), small(t)
    given = source.state_dict()
    old = net.scale
    net.load_state_dict(given, assign=True)
    return [net.scale is old, net.scale, type(net.scale), net.steps is given["steps"]]


def extra_state_and_hooks(t):
    class Counted(t.nn.Linear):
        count = 5

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    m, log = Counted(1, 1), []
    m.register_state_dict_pre_hook(lambda m, prefix, keep: log.append(("pre", prefix, keep)))
    m.register_state_dict_post_hook(lambda m, sd, prefix, meta: sd.update(added=t.ones(1)))
    m.register_load_state_dict_pre_hook(lambda m, sd, *rest: sd.pop("added"))
    m.register_load_state_dict_post_hook(lambda m, keys: log.append(("post", len(keys))))
    state = m.state_dict(prefix="")
    state["_extra_state"]["count"] = 7
    m.load_state_dict(state)
    plain = t.nn.Linear(1, 1)
    return [list(state), m.count, log, raised(plain.load_state_dict, m.state_dict())]


def forward_hooks(t):
    net, log = small(t).eval(), []
    x = t.ones(1, 2)
    handles = [
        net.register_forward_pre_hook(lambda m, args: (args[0] * 2,)),
        net.register_forward_pre_hook(
            lambda m, args, kwargs: (args, {"factor": 3}), with_kwargs=True
        ),
        net.register_forward_hook(lambda m, args, out: log.append(("out", out)) or out + 1),
        net.register_forward_hook(
            lambda m, args, kwargs, out: log.append(("kw", kwargs)), with_kwargs=True, prepend=True
        ),
    ]
    first = net(x)
    for handle in handles:
        handle.remove()
    bad = net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    wrong = raised(net, x)
    bad.remove()
    return [first, net(x), log, wrong]


def always_called_hooks(t):
    net, log = small(t), []
    net.register_forward_hook(lambda *a: log.append("always"), always_call=True)
    net.register_forward_hook(lambda *a: log.append("normal"))
    net.register_forward_hook(lambda *a: 1 / 0, always_call=True)
    return [raised(net, t.ones(1, 5)), log]


def global_hooks(t):
    log = []
    with (
        t.nn.modules.module.register_module_forward_hook(
            lambda m, args, out: log.append(type(m).__name__)
        ),
        t.nn.modules.module.register_module_parameter_registration_hook(
            lambda m, name, p: log.append(name)
        ),
    ):
        small(t)(t.ones(3, 2))
    small(t)(t.ones(3, 2))
    return log


def backward_hooks(t):
    net, log = t.nn.Linear(2, 1), []
    net.register_full_backward_pre_hook(lambda m, g: log.append(("pre", g)))
    net.register_full_backward_hook(lambda m, gi, go: log.append(("full", gi, go)) or (gi[0] * 10,))
    x = t.ones(1, 2, requires_grad=True)
    net(x).sum().backward()
    return [log, x.grad, net.weight.grad, raised(net.register_backward_hook, print)]


def backward_hooks_without_input_gradient(t):
    net, log = t.nn.Linear(2, 1), []
    net.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    net(t.ones(1, 2)).sum().backward()
    return log


def legacy_backward_hooks(t):
    net, log = t.nn.Linear(2, 1), []
    net.register_backward_hook(lambda m, gi, go: log.append((len(gi), go)))
    net(t.ones(1, 2, requires_grad=True)).sum().backward()
    return [log, raised(net.register_full_backward_hook, print)]


def conversions(t):
    net = small(t)
    weight = net.scale
    net.scale.grad = t.ones(2)
    out = [net.double() is net, net.scale is weight, net.scale.dtype, net.scale.grad.dtype]
    out += [str(b.dtype) for b in net.buffers()]
    net.to(t.float32).to("cpu").to(t.zeros(1, dtype=t.float64)).half().bfloat16().float()
    out += [str(net.scale.dtype), raised(net.to, t.int32), raised(net.to, [3]), raised(net.to, a=1)]
    return [str(o) for o in out]


def sweeps(t):
    net, seen = small(t), []
    net.apply(lambda m: seen.append(type(m).__name__))
    net(t.ones(3, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    zeros = [p.grad for p in net.parameters()]
    net.zero_grad()
    net.requires_grad_(False)
    out = [seen, zeros, [p.grad for p in net.parameters()], net.eval().body.training]
    return [*out, [p.requires_grad for p in net.parameters()], raised(net.train, 1)]


def copies(t):
    net = small(t)
    deep = copy.deepcopy(net)
    same_layer = deep.tied is deep.body[0]
    return [deep.scale is net.scale, same_layer, deep.state_dict(), type(deep.scale)]


def pickles(t):
    net = pickle.loads(pickle.dumps(t.nn.Sequential(t.nn.Linear(2, 2), t.nn.BatchNorm1d(2))))
    weight = net[0].weight
    return [repr(net), type(weight), weight, net[1].running_var]


def parameters_are_tensors(t):
    p = t.nn.Parameter(t.arange(3.0))
    q = copy.deepcopy(p)
    return [
        *(repr(p), str(p), isinstance(p, t.nn.Parameter), isinstance(p, t.Tensor)),
        *(isinstance(t.zeros(1), t.nn.Parameter), type(p * 2), type(p.data), type(p.detach())),
        *(p.is_leaf, p.grad_fn, q is p, q, repr(t.nn.Parameter(t.zeros(1), requires_grad=False))),
        isinstance(t.nn.Buffer(t.zeros(1)), t.nn.Buffer),
        isinstance(t.zeros(1), t.nn.Buffer),
    ]


SCENARIOS = [
    text_of_nested_modules,
    names_and_order,
    initial_weights,
    attribute_rules,
    before_init,
    dotted_paths,
    load_mistakes,
    load_by_assignment,
    extra_state_and_hooks,
    forward_hooks,
    always_called_hooks,
    global_hooks,
    backward_hooks,
    backward_hooks_without_input_gradient,
    legacy_backward_hooks,
    conversions,
    sweeps,
    copies,
    pickles,
    parameters_are_tensors,
]


@pytest.mark.parity
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_modules_behave_like_those_of_torch(scenario, same):
    same(scenario)


def test_a_missing_forward_names_the_class():
    with pytest.raises(
        NotImplementedError, match=r"Module .ModuleList. is missing the required .forward. function"
    ):
        torch.nn.ModuleList()(1)


def test_a_module_prints_its_children_indented():
    net = torch.nn.Sequential(OrderedDict(fc=torch.nn.Linear(2, 1)))
    want = "Sequential(\n  (fc): Linear(in_features=2, out_features=1, bias=True)\n)"
    assert repr(net) == want


def test_state_dict_lists_own_tensors_before_those_of_children():
    assert list(small(torch).state_dict()) == [
        *("scale", "steps", "body.0.weight", "body.0.bias", "body.2.weight", "body.2.bias"),
        *("body.2.running_mean", "body.2.running_var", "body.2.num_batches_tracked"),
        *("tied.weight", "tied.bias"),
    ]


def test_a_shared_layer_comes_once():
    assert len(list(small(torch).parameters())) == 5


def test_loading_says_what_does_not_fit():
    with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "bias"'):
        torch.nn.Linear(1, 1).load_state_dict({"weight": torch.zeros(1, 1)})
