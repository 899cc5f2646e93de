"""Rows 96-112: autograd."""

from tests.parity import attempt

from .rows import row


@row(96)
def backward_from_a_scalar(torch):
    for gradient in ((), (torch.tensor(1.0),), (torch.tensor(3.0),)):
        x = torch.ones(2, requires_grad=True)
        out = (x * 3).sum()
        print(out.backward(*gradient), x.grad)
    x = torch.ones(2, requires_grad=True)
    (x * x).backward(torch.tensor([1.0, 10.0]))
    print(x.grad)
    attempt(lambda: (x * 2).backward())
    attempt(lambda: (x * 2).backward(torch.ones(3)))
    attempt(lambda: torch.ones(1).backward())
    attempt(lambda: torch.ones(1, requires_grad=True).backward(1.0))
    one = torch.ones(1, requires_grad=True)
    one.backward()
    print(one.grad)


@row(97)
def checked_by_hand(torch):
    x = torch.tensor(2.0, requires_grad=True)
    y = torch.tensor(4.0, requires_grad=True)
    z = x * y  # 8
    w = (z + x * 0) ** 2  # 64
    w.backward()
    print(z, w, x.grad, y.grad)


@row(98)
def mean_of_squares(torch):
    x = torch.ones(2, 2, requires_grad=True)
    print(x.grad)
    y = x + 2
    z = y * y * 3
    out = z.mean()
    print(y, z, out)
    out.backward()
    print(x.grad)


@row(99)
def chain_rule(torch):
    x = torch.tensor(0.7, requires_grad=True)
    y = torch.exp(torch.sin(x**2))
    y.backward()
    with torch.no_grad():
        by_hand = torch.exp(torch.sin(x**2)) * torch.cos(x**2) * 2 * x
    print(y, x.grad, by_hand, torch.allclose(x.grad, by_hand), by_hand.requires_grad)


@row(100)
def sum_of_squares(torch):
    x = torch.arange(4.0, requires_grad=True)
    (x**2).sum().backward()
    print(x.grad, torch.autograd.grad((x**3).sum(), x), torch.autograd.grad((x * 2).sum(), [x])[0])


@row(101)
def only_leaves_get_grad(torch):
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.retain_grad()
    z = (y * y).sum()
    z.retain_grad()
    z.backward()
    print(x.grad, y.grad, z.grad, y.retains_grad, x.retains_grad, y.is_leaf)
    attempt(lambda: torch.ones(1).retain_grad())


@row(102)
def node_names(torch):
    x = torch.arange(1.0, 5.0).view(2, 2).requires_grad_()
    made = [
        x * 2,
        x + 1,
        x - 1,
        x / 2,
        x**2,
        -x,
        x.mean(),
        x.sum(),
        x.sum(0),
        x.mean(1),
        x.exp(),
        x.log(),
        x.sin(),
    ]
    made += [
        x.cos(),
        x.tanh(),
        x.sigmoid(),
        x.relu(),
        x.abs(),
        x.sqrt(),
        x.mm(x),
        x @ x,
        x.t(),
        x.T,
        x.view(4),
    ]
    made += [
        x.reshape(4),
        x[0],
        x[:, 1:],
        x[[0]],
        x[x > 2],
        x.transpose(0, 1),
        x.permute(1, 0),
        x.unsqueeze(0),
    ]
    made += [
        x[None].squeeze(0),
        x.expand(2, 2, 2),
        torch.cat([x, x]),
        torch.stack([x, x]),
        x.clone(),
        x.max(),
    ]
    made += [
        x.max(0)[0],
        x.min(),
        x.prod(),
        x.std(),
        x.var(),
        x.norm(),
        x.clamp(1, 2),
        torch.where(x > 1, x, x),
    ]
    made += [
        x.softmax(0),
        x.log_softmax(0),
        x.double(),
        x.cumsum(0),
        x.flatten(),
        x.flip(0),
        x.repeat(2, 1),
    ]
    made += [x[0].dot(x[1]), torch.addmm(x, x, x), x.sort()[0], x.gather(0, x.detach().long() * 0)]
    made += [
        torch.maximum(x, x),
        1 / x,
        2 - x,
        2**x,
        x.rsqrt(),
        x.diagonal(),
        x.tril(),
        x.split(1)[0],
        x.unbind()[0],
    ]
    functional = torch.nn.functional
    made += [
        functional.linear(x, x, x[0]),
        functional.mse_loss(x, x),
        functional.cross_entropy(x, torch.tensor([0, 1])),
    ]
    made += [
        functional.gelu(x),
        functional.leaky_relu(x),
        functional.layer_norm(x, (2,)),
        functional.dropout(x),
    ]
    made += [
        functional.l1_loss(x, x * 1),
        functional.softplus(x),
        functional.conv1d(x[None], x[:, :, None]),
    ]
    for tensor in made:
        print(tensor.grad_fn)


@row(103)
def walking_back(torch):
    x = torch.ones(2, 2, requires_grad=True)
    out = ((x + 2) ** 2 * 3).mean()
    node = out.grad_fn
    while node is not None:
        print(
            node, node.name(), len(node.next_functions), [index for _, index in node.next_functions]
        )
        last, node = node, (node.next_functions[0][0] if node.next_functions else None)
    print(last.variable is x, last.next_functions)
    y = (x * x).grad_fn
    print(
        y.next_functions[0][0] is y.next_functions[1][0],
        (x + 1).grad_fn.next_functions,
        (x * 2).grad_fn.next_functions,
    )
    layer = torch.nn.Linear(2, 3)
    print(layer(x).grad_fn, layer(x).grad_fn.next_functions[:2])


@row(103)
def walking_back_through_composed_operations(torch):
    x = torch.ones(2, 2, requires_grad=True)
    layer = torch.nn.Linear(2, 2)
    print(layer(x).grad_fn.next_functions, (x @ x[0]).grad_fn)
    loss = torch.nn.functional.cross_entropy(layer(x), torch.tensor([0, 1]))
    print(loss.grad_fn, loss.grad_fn.next_functions)


def tree(node):
    """Return the graph below a node as text: ``*`` is a leaf, ``-`` no gradient."""
    if node is None or not node.next_functions:
        return "-" if node is None else "*"
    return f"{node.name()}({', '.join(tree(below) for below, _ in node.next_functions)})"


@row(103)
def graphs_of_layers_and_products(torch):
    functional = torch.nn.functional

    def leaf(*sizes):
        return torch.ones(sizes, requires_grad=True)

    for sizes in [(2,), (4, 2), (5, 4, 2)]:
        for x in (leaf(*sizes), torch.ones(sizes)):
            print(tree(functional.linear(x, leaf(3, 2), leaf(3)).grad_fn))
            print(tree(functional.linear(x, leaf(3, 2)).grad_fn))
    pairs = [((2,), (2,)), ((3, 2), (2,)), ((2,), (2, 3)), ((3, 2), (2, 4)), ((5, 3, 2), (2, 4))]
    pairs += [((5, 3, 2), (2,)), ((5, 3, 2), (5, 2, 4)), ((6, 5, 3, 2), (6, 5, 2, 4))]
    for left, right in pairs:
        print(tree((leaf(*left) @ leaf(*right)).grad_fn), (leaf(*left) @ leaf(*right)).sum())
    print(tree(functional.conv2d(leaf(1, 2, 4, 4), leaf(3, 2, 2, 2), leaf(3)).grad_fn))
    print(tree(functional.max_pool1d(leaf(1, 2, 4), 2).grad_fn))


@row(103)
def graphs_of_losses_and_indices(torch):
    functional = torch.nn.functional
    scores = torch.ones(3, 2, requires_grad=True)
    target = torch.tensor([0, 1, 1])
    for reduction in ("mean", "sum", "none"):
        loss = functional.cross_entropy(scores, target, reduction=reduction)
        print(loss, tree(loss.grad_fn), tree(functional.nll_loss(scores, target).grad_fn))
        print(tree(functional.l1_loss(scores, scores.detach(), reduction=reduction).grad_fn))
    print(tree(functional.cross_entropy(scores, target, weight=torch.ones(2)).grad_fn))
    print(
        tree(
            functional.nll_loss(
                torch.ones(3, 2, 4, requires_grad=True), target[:, None].expand(3, 4)
            ).grad_fn
        )
    )
    print(tree(scores[target].grad_fn), tree(functional.embedding(target, scores).grad_fn))
    print(tree(torch.where(scores > 0, scores, 0.0).grad_fn), tree(scores[scores > 0].grad_fn))
    print(tree(functional.normalize(scores).grad_fn))
    loss = functional.cross_entropy(scores @ torch.ones(2, 2), target)
    loss.backward()
    print(tree(loss.grad_fn), scores.grad)


@row(104)
def nodes_keep_saved_results(torch):
    x = torch.tensor([0.5], requires_grad=True)
    y = x.exp()
    z = x * y
    print(
        z.grad_fn.next_functions[1][0] is y.grad_fn,
        isinstance(y.grad_fn, torch.autograd.graph.Node),
    )
    y.sum().backward()
    attempt(lambda: y.sum().backward())


@row(104)
def saved_results_can_be_read(torch):
    x = torch.tensor([0.5], requires_grad=True)
    y = x.exp()
    print(y.grad_fn._saved_result, (x * y).grad_fn._saved_self)
    print((x * y).grad_fn._saved_self is x, (x * y).grad_fn._saved_other)
    w = torch.tensor([3.0])
    print((x * w).grad_fn._saved_self, (x * w).grad_fn._saved_other, (x * 2).grad_fn._saved_other)
    print(
        (x**2).grad_fn._saved_exponent, (x**w).grad_fn._saved_exponent, (2**x).grad_fn._saved_self
    )
    print(torch.add(x, w, alpha=3).grad_fn._saved_alpha, (w / x).grad_fn._saved_other)
    print(sorted(n for n in dir((x**w).grad_fn) if n.startswith("_saved")))
    attempt(lambda: (x * w).grad_fn._saved_strange)


@row(104)
def saved_arguments_can_be_read(torch):
    def saved(result):
        node = result.grad_fn
        for name in sorted(n for n in dir(node) if n.startswith("_saved")):
            print(node.name(), name, getattr(node, name))

    functional = torch.nn.functional
    x = torch.tensor([[0.5, 2.0], [1.0, 3.0]], requires_grad=True)
    for result in (x.sum(1), x.sum(-1, keepdim=True), x.mean(), x.mean(0), x.softmax(-1)):
        saved(result)
    for result in (x.max(1)[0], x.cumsum(1), x.sort()[0], x.amax(1), x.prod(), x.clamp(0, 1)):
        saved(result)
    for result in (torch.cat([x, x]), functional.mse_loss(x, x.detach()), functional.relu(x)):
        saved(result)
    saved(functional.gelu(x))
    saved(functional.leaky_relu(x))
    saved(functional.embedding(torch.tensor([1]), x))
    saved(torch.where(x > 1, x, 0.0))


@row(104)
def saved_results_are_freed_and_watched(torch):
    x = torch.tensor([0.5], requires_grad=True)
    y = x.exp()
    z = torch.sin(y) * y
    z.sum().backward()
    attempt(lambda: y.grad_fn._saved_result)
    attempt(lambda: z.grad_fn._saved_self)
    product = x * x
    kept = x.exp()
    node = kept.grad_fn
    kept.add_(1)
    attempt(lambda: node._saved_result)
    with torch.no_grad():
        x.add_(1)
    attempt(lambda: product.grad_fn._saved_self)


@row(104)
def hooks_on_what_is_saved(torch):
    graph = torch.autograd.graph
    x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0])

    def pack(tensor):
        print("pack", tensor)
        return tensor.tolist()

    def unpack(held):
        print("unpack", held)
        return torch.tensor(held)

    for compute in (lambda: x * w, lambda: x * x, lambda: x**3, lambda: w / x, lambda: x + w):
        with graph.saved_tensors_hooks(pack, unpack):
            result = compute().sum()
        print(torch.autograd.grad(result, x))
    with graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t + 1):
        with graph.saved_tensors_hooks(lambda t: t, lambda t: t * 10):
            inner = (x * x).sum()
        outer = (x * w).sum()
    print(torch.autograd.grad(inner, x), torch.autograd.grad(outer, x))
    with graph.save_on_cpu():
        result = (x.sin() * x).sum()
    print(torch.autograd.grad(result, x))


@row(104)
def hooks_on_what_is_saved_that_go_wrong(torch):
    graph = torch.autograd.graph
    x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0, 4.0])
    with graph.saved_tensors_hooks(lambda t: t, lambda t: 5):
        product = x * w
    attempt(product.sum().backward)

    def forbidden():
        no_hooks = graph.disable_saved_tensors_hooks("no hooks here")
        with no_hooks, graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            pass

    def in_place():
        with graph.saved_tensors_hooks(lambda t: t.add_(1), lambda t: t):
            print(x * w.clone())

    attempt(forbidden)
    attempt(in_place)
    with torch.no_grad(), graph.saved_tensors_hooks(lambda t: 1 / 0, lambda t: t):
        print(x * x)

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        def backward(ctx, gradient):
            return 2 * ctx.saved_tensors[0] * gradient

    with graph.saved_tensors_hooks(lambda t: t.detach() * 10, lambda t: t):
        result = Square.apply(x).sum()
    print(torch.autograd.grad(result, x))


@row(105)
def custom_function(torch):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * 3 * x**2

    x = torch.tensor([2.0], requires_grad=True)
    y = Cube.apply(x)
    print(y, y.grad_fn, y.grad_fn.name())
    y.backward()
    print(
        x.grad,
        torch.autograd.gradcheck(
            Cube.apply, torch.tensor([1.5], dtype=torch.double, requires_grad=True)
        ),
    )
    attempt(lambda: torch.autograd.Function.apply(x))


@row(106)
def gradients_accumulate(torch):
    x = torch.ones(2, requires_grad=True)
    for _ in range(3):
        (x * 2).sum().backward()
        print(x.grad)
    print(x.grad.zero_(), x.grad)
    (x * 3).sum().backward()
    print(x.grad)
    x.grad = None
    print(x.grad)
    (x * 4).sum().backward()
    print(x.grad)
    attempt(lambda: setattr(x, "grad", torch.ones(3)))
    attempt(lambda: setattr(x, "grad", 1))


@row(107)
def several_paths_add_up(torch):
    x = torch.tensor(2.0, requires_grad=True)
    (x**2 + x**3).backward()
    print(x.grad)


@row(108)
def second_backward(torch):
    x = torch.ones(2, requires_grad=True)
    y = (x**2).sum()
    y.backward(retain_graph=True)
    y.backward()
    print(x.grad)
    attempt(y.backward)
    z = (x + 1).sum()
    z.backward()
    attempt(z.backward)
    w = x.exp()
    w.sum().backward()
    attempt(lambda: w.sum().backward())


@row(109)
def detach(torch):
    x = torch.ones(2, requires_grad=True)
    y = (x * 2).detach()
    d = x.detach()
    d[0] = 5
    print(
        y.requires_grad, y.grad_fn, x, d, d.requires_grad, d.data_ptr() == x.data_ptr(), x._version
    )
    z = x * 2
    print(z.detach_() is z, z, z.requires_grad)
    attempt(lambda: x.view(2).detach_())


@row(110)
def no_grad(torch):
    x = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        y = x * 2
        print(y.requires_grad, x.requires_grad, torch.is_grad_enabled())
        with torch.enable_grad():
            print((x * 2).requires_grad)

    @torch.no_grad()
    def double(v):
        """Twice v."""
        return v * 2

    print(double(x).requires_grad, double.__name__, double.__doc__, torch.is_grad_enabled(), y)
    with torch.set_grad_enabled(False):
        print((x * 2).requires_grad)
    with torch.inference_mode():
        z = x * 2
        print(z.requires_grad, z.is_inference())
    with torch.no_grad():
        x += 1
    print(x, x.requires_grad)
    attempt(lambda: y.sum().backward())


@row(111)
def a_layer_in_the_graph(torch):
    torch.manual_seed(1)
    layer = torch.nn.Linear(2, 1)
    x = torch.tensor([[1.0, 2.0]], requires_grad=True)
    y = layer(x)
    y.backward()
    print(layer.weight, layer.bias, y, x.grad, layer.weight.grad, layer.bias.grad)
    print(x.grad.equal(layer.weight.data), y.grad_fn)


@row(112)
def in_place_errors(torch):
    x = torch.ones(2, requires_grad=True)
    attempt(lambda: x.add_(1))
    attempt(lambda: x.__setitem__(0, 1.0))
    attempt(lambda: x[0].mul_(2))
    attempt(lambda: x.view(2, 1).zero_())
    y = x * 2
    z = (y * y).sum()
    y += 1
    attempt(z.backward)
    w = x.exp()
    w.mul_(2)
    attempt(lambda: w.sum().backward())
    v = x + 1
    u = v * 3
    v.add_(1)
    u.sum().backward()
    print(x.grad, v._version)
