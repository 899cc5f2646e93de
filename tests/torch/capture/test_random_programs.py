"""Random small programs, eagerly and compiled: tensors, views, writes, attributes, steps."""

from hypothesis import given, settings
from hypothesis import strategies as st

import functorch_lite.torch as torch
from functorch_lite.torch import nn
from tests.torch.capture.test_twins import Box
from tests.torch.capture.twin import twin

WRITES = ["add_", "mul_", "copy_", "sub_"]
VIEWS = {
    "row": lambda x: x[1].expand(3, 3),
    "all": lambda x: x[:, :],
    "transposed": lambda x: x.t(),
    "diagonal": lambda x: x.diagonal().unsqueeze(0).expand(3, 3),
}
PLACE = st.integers(0, 30)  # of a tensor among those that the program has so far


def _step(kind, *operands):
    return st.tuples(st.just(kind), *operands)


STEP = st.one_of(
    _step("unary", st.sampled_from(["sin", "tanh", "clone", "detach", "relu", "t"]), PLACE),
    _step("binary", st.sampled_from(["add", "mul", "maximum"]), PLACE, PLACE),
    _step("write", st.sampled_from(WRITES), PLACE, PLACE),
    _step("unrecorded write", st.sampled_from(WRITES), PLACE, PLACE),
    _step("view", st.sampled_from(list(VIEWS)), PLACE),
    _step("set", st.sampled_from(["a", "b", "new"]), PLACE),
    _step("entry", st.sampled_from(["k", "j"]), PLACE),
    _step("item", st.integers(0, 1), PLACE),
    _step("get", st.integers(0, 5)),
    _step("swap"),
    _step("draw"),
    _step("drop", PLACE),
    _step("backward", PLACE),
    _step("optimize", st.booleans()),
)


class State:
    """What a random program reads and changes."""

    def __init__(self, adam):
        self.box = Box()
        self.box.a, self.box.b = torch.ones(3, 3), torch.full((3, 3), 0.5)
        self.table = {"k": torch.zeros(3, 3), "j": torch.eye(3)}
        self.list = [torch.ones(3, 3) * 2, torch.ones(3, 3) * 3]
        self.weight = nn.Parameter(torch.arange(9.0).reshape(3, 3) / 9)
        self.dropout = nn.Dropout(0.5)
        if adam:
            self.optimizer = torch.optim.Adam([self.weight], lr=0.1)
        else:
            self.optimizer = torch.optim.SGD([self.weight], lr=0.1, momentum=0.5)

    def all(self):
        return [*vars(self.box).values(), *self.table.values(), *self.list][:6]


def perform(state, tensors, kind, *operands):
    """Do one step of a random program."""
    name, *places = operands if operands and isinstance(operands[0], str) else ("", *operands)
    found = [tensors[place % len(tensors)] for place in places]
    box = state.box
    if kind == "unary":
        tensors.append(getattr(found[0], name)())
    elif kind == "binary":
        tensors.append(getattr(torch, name)(*found))
    elif kind == "write":
        getattr(found[0], name)(found[1])
    elif kind == "unrecorded write":
        with torch.no_grad():
            getattr(found[0], name)(found[1])
    elif kind == "view":
        tensors.append(VIEWS[name](found[0]))
    elif kind == "set":
        setattr(box, name, found[0].detach().clone() if name == "new" else found[0].detach())
    elif kind == "entry":
        state.table[name] = found[0].detach() * 0.5
    elif kind == "item":
        state.list[places[0]] = found[1].detach().clone()
    elif kind == "get":
        tensors.append(state.all()[places[0]])
    elif kind == "swap":
        box.a, box.b = box.b, box.a
    elif kind == "draw":
        tensors.append(torch.rand(3, 3))
    elif kind == "drop":
        tensors.append(state.dropout(found[0]))
    elif kind == "backward":
        if found[0].requires_grad:
            found[0].pow(2).mean().backward(retain_graph=True)
    else:
        state.optimizer.step()
        state.optimizer.zero_grad(bool(places[0]))


def program(steps, wanted, adam, argument):
    """Return a program (see ``twin``) of three calls of a function that performs ``steps``."""

    def run(compile):
        state, base = State(adam), torch.randn(3, 3, 3)

        @compile
        def call(x, y):
            tensors = [x, y, state.weight, state.box.a]
            for step in steps:
                perform(state, tensors, *step)
            return [tensors[place % len(tensors)] for place in wanted]

        for x in base:
            x = x if argument == "view" else x.clone()
            if argument == "with a history":
                x = x.requires_grad_() * 1
            results = call(x, torch.randn(3, 3))
            yield results, x, base, state
            for result in results:
                if result.requires_grad and not result.is_leaf:
                    result.sum().backward()
                    break
            yield state

    return run


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    st.lists(STEP, min_size=1, max_size=8),
    st.lists(PLACE, min_size=1, max_size=2),
    st.booleans(),
    st.sampled_from(["plain", "view", "with a history"]),
)
def test_a_random_program_compiled_is_the_eager_one(steps, wanted, adam, argument):
    twin(program(steps, wanted, adam, argument))
