"""``out=``: what PyTorch refuses to write to, because of its dtype or of what it shares."""

import pytest

import functorch_lite.torch as shim
from tests.parity import live_torch, outcome

ELSEWHERE = {
    "gather": lambda torch, x, out: torch.gather(x, 0, torch.zeros(3, 3).long(), out=out),
    "index_select": lambda torch, x, out: torch.index_select(x, 0, torch.tensor([0]), out=out),
    "cat": lambda torch, x, out: torch.cat([x], out=out),
    "add": lambda torch, x, out: torch.add(x, 1, out=out),
    "neg": lambda torch, x, out: torch.neg(x, out=out),
    "mm": lambda torch, x, out: torch.mm(x, x, out=out),
}
EXACT = {
    **{name: ELSEWHERE[name] for name in ("gather", "mm", "add")},
    "exp": lambda torch, x, out: torch.exp(x, out=out),
    "argmax": lambda torch, x, out: torch.argmax(x, 0, out=out),
    "tril": lambda torch, x, out: torch.tril(x, out=out),
    "softmax": lambda torch, x, out: torch.softmax(x, 0, out=out),
    "sum": lambda torch, x, out: torch.sum(x, 0, out=out),
    "multinomial": lambda torch, x, out: torch.multinomial(x, 2, out=out).shape,
    "dot": lambda torch, x, out: torch.vdot(x[0], x[0], out=out.to(x.dtype)),
}


def seen(torch, call, offset):
    memory = torch.arange(18.0)
    return outcome(
        lambda: call(torch, memory[:9].view(3, 3), memory[offset : offset + 9].view(3, 3)).tolist()
    )


@pytest.mark.parity
@pytest.mark.parametrize("offset", [0, 4, 9])
@pytest.mark.parametrize("name", ELSEWHERE)
@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
def test_out_that_overlaps_an_operand(name, offset):
    call = ELSEWHERE[name]
    assert seen(shim, call, offset) == seen(live_torch(), call, offset)


@pytest.mark.parity
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
@pytest.mark.parametrize("name", EXACT)
def test_out_of_another_dtype(name, dtype):
    def run(torch):
        out = torch.empty(0, dtype=getattr(torch, dtype))
        kind, told = outcome(lambda: EXACT[name](torch, torch.ones(3, 3), out))
        return kind, str(told)

    if name == "sum" and dtype == "int64":
        pytest.skip("PyTorch sums in the dtype of out")
    assert run(shim) == run(live_torch())


def test_sparse_gradients_of_embeddings_are_refused():
    weight = shim.ones(3, 2, requires_grad=True)
    rows = shim.embedding(weight, shim.tensor([1]), sparse=True)
    assert rows.tolist() == [[1.0, 1.0]]
    with pytest.raises(NotImplementedError, match="sparse gradients of an embedding"):
        rows.sum().backward()
    bag = shim.nn.EmbeddingBag(3, 2, sparse=True)(shim.tensor([[0, 1]]))
    with pytest.raises(NotImplementedError, match=r"Use sparse=False\."):
        bag.sum().backward()


def test_drawn_numbers_hand_zeros_to_their_parameters():
    mean, std = shim.zeros(3, requires_grad=True), shim.ones(3, requires_grad=True)
    drawn = shim.normal(mean, std)
    drawn.sum().backward()
    assert mean.grad.tolist() == std.grad.tolist() == [0.0, 0.0, 0.0]
