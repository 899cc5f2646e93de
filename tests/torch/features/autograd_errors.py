"""Scripts about autograd (DESIGN.md 6): errors, hooks, gradients of gradients."""

from tests.parity import attempt

from .rows import AUTOGRAD as script

# --- errors ---------------------------------------------------------------------------------------


@script("errors")
def second_backward(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    for result in (
        x * x,
        x.exp(),
        x.sum(),
        x / 3,
        x[0],
        (x * 2).relu(),
        x.pow(2),
        x @ x,
        x.tanh(),
        x + x,
    ):
        total = result.sum()
        total.backward()
        attempt(total.backward)
    shared = x * x
    (shared + 1).sum().backward()
    attempt(lambda: (shared * 2).sum().backward())
    y = x * x
    torch.autograd.grad(y.sum(), x)
    attempt(lambda: torch.autograd.grad(y.sum(), x))
    z = x * x
    torch.autograd.grad(z.sum(), x, retain_graph=True)
    print(torch.autograd.grad(z.sum(), x))


@script("errors")
def writing_to_leaves(torch):
    x = torch.ones(2, 2, requires_grad=True)
    attempt(lambda: x.add_(1))
    attempt(lambda: x.__setitem__(0, 5.0))
    attempt(lambda: x.view(4).mul_(2))
    attempt(lambda: x[0].fill_(1))
    attempt(lambda: x.t()[0].zero_())
    leaf_and_view = torch.arange(4.0).view(2, 2).requires_grad_()
    attempt(lambda: leaf_and_view.add_(1))
    attempt(lambda: leaf_and_view[0].add_(1))
    attempt(lambda: x.resize_(4))
    y = torch.ones(2)
    y[0] = x[0, 0] * 3
    print(y, y.is_leaf)
    y.sum().backward()
    print(x.grad)
    attempt(lambda: x.detach_().add_(1))
    print(x.requires_grad)


@script("errors")
def modified_operands(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)

    def after(make, write):
        a = x * 2
        b = make(a)
        write(a)
        attempt(lambda: b.sum().backward())

    after(lambda a: a * a, lambda a: a.add_(1))
    after(lambda a: a + a, lambda a: a.add_(1))
    after(lambda a: a * 3, lambda a: a.add_(1))
    after(lambda a: a**2, lambda a: a.zero_())
    after(lambda a: a**1, lambda a: a.zero_())
    after(lambda a: a / 2, lambda a: a.zero_())
    after(lambda a: 2 / a, lambda a: a.mul_(2))
    after(lambda a: a.sin(), lambda a: a[0].fill_(1))
    after(lambda a: a.log(), lambda a: a.__setitem__(0, 1))
    after(lambda a: a.sum(), lambda a: a.zero_())
    after(lambda a: a.abs(), lambda a: a.neg_())
    after(lambda a: a.clone(), lambda a: a.neg_())
    after(lambda a: torch.where(a > 0, a, 0), lambda a: a.neg_())
    after(lambda a: torch.cat([a, a]), lambda a: a.neg_())
    after(lambda a: a.max(), lambda a: a.neg_())
    after(lambda a: a.clamp(0, 1), lambda a: a.neg_())


@script("errors")
def modified_results(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    saving_results = ("exp", "sigmoid", "tanh", "sqrt", "relu", "reciprocal", "rsqrt")
    for name in (*saving_results, "sin", "cos", "abs", "neg", "square", "log1p"):
        y = getattr(x, name)()
        y.add_(1)
        print(name, end=": ")
        attempt(lambda y=y: y.sum().backward())
    y = x.softmax(0)
    y.mul_(2)
    attempt(lambda: y.sum().backward())
    w = x.exp()
    view = w[0:1]
    view.mul_(5)
    attempt(lambda: w.sum().backward())


@script("errors")
def wrong_roots_and_gradients(torch):
    x = torch.ones(3, requires_grad=True)
    y = x * 2
    attempt(y.backward)
    attempt(lambda: y.backward(torch.ones(2)))
    attempt(lambda: y.backward("a"))
    attempt(lambda: torch.ones(1).backward())
    attempt(lambda: torch.autograd.grad(y, x))
    attempt(lambda: torch.autograd.grad(y.sum(), torch.ones(1)))
    attempt(lambda: torch.autograd.grad(y.sum(), [x, torch.ones(1, requires_grad=True)]))
    attempt(lambda: torch.autograd.grad(torch.ones(1), x))
    attempt(lambda: torch.autograd.grad([], x))
    attempt(lambda: torch.autograd.backward([y, y], [torch.ones(3)]))
    attempt(lambda: y.sum().backward(inputs=[]))
    attempt(lambda: torch.ones(2, dtype=torch.long, requires_grad=True))
    attempt(lambda: (x > 1).backward())
    unused = torch.ones(1, requires_grad=True)
    print(torch.autograd.grad((x * 2).sum(), [x, unused], allow_unused=True))
    print(torch.autograd.grad((x * 2).sum(), [x, unused], materialize_grads=True))
    print(torch.autograd.grad([(x * 2).sum(), (x * 3).sum()], x))
    print(torch.autograd.grad(x * 2, x, torch.tensor([1.0, 2.0, 3.0])))
    batch = torch.eye(3)
    print(torch.autograd.grad(x * x, x, batch, is_grads_batched=True))


# --- hooks ----------------------------------------------------------------------------------------


@script("hooks")
def tensor_hooks(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    handles = [y.register_hook(lambda g: print("y", g)), y.register_hook(lambda g: g * 2)]
    handles.append(y.register_hook(lambda g: print("y again", g)))
    x.register_hook(lambda g: print("x", g))
    y.sum().backward(retain_graph=True)
    print(x.grad)
    handles[1].remove()
    handles[1].remove()
    x.grad = None
    y.sum().backward()
    print(x.grad)
    attempt(lambda: torch.ones(1).register_hook(print))
    bad = x * 1
    bad.register_hook(lambda g: torch.ones(5))
    attempt(lambda: bad.sum().backward())
    worse = x * 1
    worse.register_hook(lambda g: "text")
    attempt(lambda: worse.sum().backward())
    with (x * 1).register_hook(print):
        pass


@script("hooks")
def order_of_hooks(torch):
    x = torch.ones(1, requires_grad=True)
    y = x * 2
    z = y + 1
    w = y * z
    for name, tensor in (("x", x), ("y", y), ("z", z), ("w", w)):
        tensor.register_hook(lambda g, name=name: print("tensor", name, g.item()))
        if tensor.grad_fn is not None:
            tensor.grad_fn.register_prehook(lambda g, name=name: print("pre", name, len(g)))
            tensor.grad_fn.register_hook(lambda i, o, name=name: print("node", name, i, o))
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    x.register_post_accumulate_grad_hook(lambda t: print("after", t.grad, t is x))
    w.sum().backward()
    print(x.grad, y.grad)


@script("hooks")
def node_hooks_replace_gradients(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.grad_fn.register_prehook(lambda g: (g[0] * 5,))
    handle = y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] + 100, *inputs[1:]))
    y.sum().backward(retain_graph=True)
    print(x.grad)
    handle.remove()
    x.grad = None
    y.sum().backward()
    print(x.grad)
    accumulate = (x * 1).grad_fn.next_functions[0][0]
    accumulate.register_hook(lambda inputs, outputs: print("accumulated", inputs, outputs))
    accumulate.register_prehook(lambda g: (g[0] * 3,))
    x.grad = None
    (x * 1).sum().backward()
    print(x.grad)


@script("hooks")
def post_accumulate_hooks(torch):
    x = torch.ones(2, requires_grad=True)
    handle = x.register_post_accumulate_grad_hook(lambda p: print(p.grad.mul_(10)))
    (x * 2).sum().backward()
    print(x.grad)
    answering = x.register_post_accumulate_grad_hook(lambda p: p.grad)
    attempt(lambda: (x * 2).sum().backward())
    answering.remove()
    x.grad = None

    def step(p):
        with torch.no_grad():
            p -= 0.1 * p.grad
        p.grad = None

    handle.remove()
    x.register_post_accumulate_grad_hook(step)
    (x * 2).sum().backward()
    print(x, x.grad)
    attempt(lambda: (x * 2).register_post_accumulate_grad_hook(print))
    attempt(lambda: torch.ones(1).register_post_accumulate_grad_hook(print))


@script("hooks")
def hooks_and_in_place(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(lambda g: print("before the write", g))
    y.mul_(3)
    y.register_hook(lambda g: print("after the write", g))
    y.sum().backward()
    print(x.grad)


@script("hooks")
def module_hooks(torch):
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 1)
    layer.register_forward_pre_hook(lambda m, i: print("pre", i))
    layer.register_forward_hook(lambda m, i, o: o * 2)
    layer.register_full_backward_hook(lambda m, i, o: print("back", i, o))
    layer.register_full_backward_pre_hook(lambda m, o: print("pre back", o))
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x)
    y.sum().backward()
    print(y, x.grad, layer.weight.grad)


@script("hooks")
def retained_gradients(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    z = y[0]
    z.retain_grad()
    w = y.sum() + z
    w.backward(retain_graph=True)
    print(y.grad, z.grad, x.grad, y.retains_grad)
    w.backward()
    print(y.grad, x.grad)
    v = x * 2
    v.retain_grad()
    v.mul_(3)
    v.sum().backward()
    print(v.grad)
    x.retain_grad()
    print(x.retains_grad)


# --- higher orders --------------------------------------------------------------------------------


@script("orders")
def to_third_order(torch):
    for function in (
        lambda v: v**4,
        lambda v: v.sin() * v.exp(),
        lambda v: (v @ v) * v.sum(),
        lambda v: v.tanh().log(),
        lambda v: v.softmax(0)[0],
        lambda v: (v.unsqueeze(1) * v).norm(),
        lambda v: torch.where(v > 1, v**3, v**2),
        lambda v: v[[0, 0, 1]].prod(),
    ):
        x = torch.tensor([0.5, 1.5], dtype=torch.double, requires_grad=True)
        y = function(x).sum()
        for _ in range(3):
            (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
            print([f"{v:.6f}".replace("-0.000000", "0.000000") for v in y.tolist()])


@script("orders")
def backward_of_a_gradient(torch):
    x = torch.tensor([2.0], requires_grad=True)
    (x**3).backward(create_graph=True)
    first = x.grad
    print(first.detach(), first.requires_grad)
    x.grad = None
    first.backward()
    print(x.grad)
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad((w**2).sum(), w, create_graph=True)
    penalty = w.sum() + (g.norm() - 1) ** 2
    penalty.backward()
    print(w.grad)
    print(
        torch.autograd.gradcheck(
            lambda v: v.exp() * v, torch.rand(3, dtype=torch.double, requires_grad=True)
        )
    )
    print(
        torch.autograd.gradgradcheck(
            lambda v: v.exp() * v, torch.rand(3, dtype=torch.double, requires_grad=True)
        )
    )
