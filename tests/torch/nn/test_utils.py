"""``nn.utils`` against the live one: clipping, sequences, weight reparametrizations, pruning."""

import pytest

import functorch_lite.torch as torch


def raised(action, *args, **kwargs):
    """The exception of a call as text, or its result."""
    try:
        return action(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def with_gradients(t):
    net = t.nn.Sequential(t.nn.Linear(3, 2), t.nn.Linear(2, 1))
    net(t.randn(4, 3)).square().sum().backward()
    return net


def clipping(t):
    u = t.nn.utils
    net = with_gradients(t)
    grads = [p.grad for p in net.parameters()]
    out = [u.get_total_norm(grads), u.get_total_norm(grads, float("inf")), u.get_total_norm([])]
    out += [u.clip_grad_norm_(net.parameters(), 0.5), u.clip_grad_norm_(net[0].weight, 0.1, 1)]
    u.clip_grad_value_(net.parameters(), 0.01)
    net[0].weight.grad.fill_(float("nan"))
    out.append(raised(u.clip_grad_norm_, net.parameters(), 1.0, error_if_nonfinite=True))
    out.append(u.clip_grad_norm_(iter(()), 1.0))
    return [*out, [p.grad for p in net.parameters()], u.clip_grad_norm_((p for p in ()), 1.0)]


def vectors(t):
    u, net = t.nn.utils, t.nn.Linear(3, 2)
    u.vector_to_parameters(t.arange(8.0), net.parameters())
    vector = u.parameters_to_vector(net.parameters())
    return [net.weight, net.bias, vector, raised(u.vector_to_parameters, 3, net.parameters())]


def sequences(t):
    r = t.nn.utils.rnn
    a, b, c = t.ones(3, 2), t.ones(1, 2) * 2, t.ones(2, 2) * 3
    padded = r.pad_sequence([a, b, c])
    packed = r.pack_padded_sequence(padded, [3, 1, 2], enforce_sorted=False)
    left = r.pad_sequence([a, b], batch_first=True, padding_value=-1.0, padding_side="left")
    return [
        *(padded, left, list(packed), packed.is_cuda, packed.double().data.dtype == t.float64),
        r.pad_packed_sequence(packed),
        r.pad_packed_sequence(packed, batch_first=True, padding_value=9.0, total_length=4),
        r.unpack_sequence(r.pack_sequence([a, c, b])),
        r.unpad_sequence(padded, t.tensor([3, 1, 2])),
        raised(r.pack_sequence, [b, a]),
        raised(r.pack_padded_sequence, padded, [3, 1]),
        raised(r.pack_padded_sequence, padded, [3, 1, 0]),
        raised(r.pad_packed_sequence, packed, total_length=2),
        raised(r.pad_sequence, 3),
        raised(r.pad_sequence, [1]),
        raised(r.pad_sequence, []),
        raised(r.pad_sequence, [a], padding_side="up"),
    ]


def packed_recurrence(t):
    r, lstm = t.nn.utils.rnn, t.nn.LSTM(2, 3)
    x = t.randn(4, 2, 2, requires_grad=True)
    packed = r.pack_padded_sequence(x, [2, 4], enforce_sorted=False)
    output, (h, c) = lstm(packed)
    output.data.sum().backward()
    return [output.data, output.batch_sizes, h, c, x.grad]


def recurrence_mistakes(t):
    nn = t.nn
    gru, lstm = nn.GRU(2, 3), nn.LSTM(2, 3)
    return [
        raised(gru, t.zeros(1)),
        raised(gru, t.zeros(2, 1, 5)),
        raised(gru, t.zeros(2, 1, 2), t.zeros(1, 1, 5)),
        raised(gru, t.zeros(2, 2), t.zeros(1, 1, 3)),
        raised(lstm, t.zeros(2, 1, 2), (t.zeros(1, 1, 3), t.zeros(1, 1, 4))),
        raised(lstm, t.zeros(1)),
        raised(nn.GRU, 2, 3, proj_size=1),
        raised(nn.LSTM, 2, 3, proj_size=3),
        raised(nn.RNN, 2, 3, nonlinearity="x"),
        raised(nn.RNN, 0, 3),
        raised(nn.RNN, 2, 3.5),
        raised(nn.RNN, 2, 3, dropout=2),
        raised(nn.RNNCell(2, 3), t.zeros(1, 1, 2)),
        raised(nn.LSTMCell(2, 3), t.zeros(1, 2), (t.zeros(1, 1, 3), t.zeros(1, 3))),
        repr(nn.GRU(2, 3, 2, dropout=0.5, bidirectional=True)),
        nn.RNN(2, 3, dropout=0.5) is None,
    ]


def old_weight_norm(t):
    u, net = t.nn.utils, t.nn.Linear(3, 2)
    before = net.weight.detach().clone()
    u.weight_norm(net)
    out = [list(net.state_dict()), net.weight_g, (net.weight - before).abs().max() < 1e-6]
    u.remove_weight_norm(net)
    return [*out, list(net.state_dict()), raised(u.remove_weight_norm, net)]


def old_spectral_norm(t):
    u, net = t.nn.utils, t.nn.Linear(3, 2)
    u.spectral_norm(net)
    out = [net(t.ones(1, 3)), net(t.ones(1, 3)), net.state_dict(), net.state_dict()._metadata[""]]
    other = u.spectral_norm(t.nn.Linear(3, 2))
    out.append(repr(other.load_state_dict(net.state_dict())))
    u.remove_spectral_norm(net)
    return [*out, list(net.state_dict())]


def parametrized(t):
    p = t.nn.utils.parametrize

    class Symmetric(t.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, x):
            return x.triu()

    class Wrong(t.nn.Module):
        def forward(self, x):
            return x[0]

    net = t.nn.Linear(3, 3)
    p.register_parametrization(net, "weight", Symmetric())
    out = [repr(net), type(net), list(net.state_dict()), net.weight, p.is_parametrized(net)]
    net.weight = t.arange(9.0).view(3, 3)
    with p.cached():
        out += [net.weight is net.weight, net.weight]
    out += [raised(p.register_parametrization, net, "weight", Wrong())]
    out += [raised(p.register_parametrization, net, "bias", Wrong())]
    out += [raised(p.register_parametrization, net, "x", Wrong())]
    out += [raised(p.remove_parametrizations, net, "bias"), p.type_before_parametrizations(net)]
    p.remove_parametrizations(net, "weight")
    return [*out, type(net), net.weight, list(net.state_dict())]


def new_norms(t):
    z = t.nn.utils.parametrizations
    a = z.weight_norm(t.nn.Linear(3, 2))
    b = z.spectral_norm(t.nn.Conv2d(2, 3, 2))
    out = [a.state_dict(), a(t.ones(1, 3)), b.state_dict(), b(t.ones(1, 2, 2, 2))]
    return [*out, repr(b), raised(z.spectral_norm, b, "x"), raised(z.orthogonal, a, "bias")]


def pruning(t):
    p = t.nn.utils.prune
    net = t.nn.Linear(4, 3)
    p.l1_unstructured(net, "weight", 0.25)
    p.ln_structured(net, "weight", 1, 2, 0)
    p.random_unstructured(net, "bias", 1)
    out = [net.state_dict(), net.weight, p.is_pruned(net)]
    p.remove(net, "weight")
    out += [list(net.state_dict()), net.weight, raised(p.remove, net, "weight")]
    two = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Linear(2, 2))
    pairs = [(two[0], "weight"), (two[1], "weight")]
    p.global_unstructured(pairs, pruning_method=p.L1Unstructured, amount=3)
    out += [two.state_dict(), raised(p.l1_unstructured, two[0], "weight", 1.5)]
    return [*out, raised(p.l1_unstructured, two[0], "weight", "a")]


def fused(t):
    conv, bn = t.nn.Conv2d(2, 3, 2).eval(), t.nn.BatchNorm2d(3).eval()
    bn.running_mean.fill_(0.3)
    both = t.nn.utils.fuse_conv_bn_eval(conv, bn)
    linear = t.nn.utils.fuse_linear_bn_eval(t.nn.Linear(2, 3).eval(), t.nn.BatchNorm1d(3).eval())
    out = [repr(both), both.weight, both.bias, linear.weight]
    return [*out, raised(t.nn.utils.fuse_conv_bn_eval, conv.train(), bn)]


def called_functionally(t):
    call = t.nn.utils.stateless.functional_call
    net = t.nn.Linear(2, 1)
    given = {"weight": t.ones(1, 2), "bias": t.zeros(1)}
    out = [call(net, given, t.ones(1, 2)), net.weight, call(net, {"bias": t.ones(1)}, t.ones(1, 2))]
    return [*out, raised(call, net, {"x": t.ones(1)}, t.ones(1, 2), strict=True)]


SCENARIOS = [
    clipping,
    vectors,
    sequences,
    packed_recurrence,
    recurrence_mistakes,
    old_weight_norm,
    old_spectral_norm,
    parametrized,
    new_norms,
    pruning,
    fused,
    called_functionally,
]


@pytest.mark.parity
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
def test_utilities_behave_like_those_of_torch(scenario, same):
    same(scenario)


def test_clipping_scales_all_gradients_to_the_norm():
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([3.0, 4.0])
    assert torch.nn.utils.clip_grad_norm_([weight], 1.0).item() == 5.0
    assert weight.grad.tolist() == pytest.approx([0.6, 0.8], abs=1e-6)


def test_padding_fills_up_to_the_longest():
    padded = torch.nn.utils.rnn.pad_sequence([torch.ones(1), torch.ones(2)], batch_first=True)
    assert padded.tolist() == [[1.0, 0.0], [1.0, 1.0]]


def test_packing_takes_all_first_steps_first():
    packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
    assert packed.data.tolist() == [1, 4, 2, 3]
    assert packed.batch_sizes.tolist() == [2, 1, 1]
