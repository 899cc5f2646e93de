"""Scripts about autograd (DESIGN.md 6): custom functions, modes, accumulation, the graph."""

from tests.parity import attempt

from .rows import AUTOGRAD as script

# --- custom functions -----------------------------------------------------------------------------


@script("function")
def context(torch):
    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y, factor, flag=None):
            ctx.save_for_backward(x, None, y)
            ctx.factor = factor
            return x * y * factor, x + y

        @staticmethod
        def backward(ctx, first, second):
            x, nothing, y = ctx.saved_tensors
            print(ctx.needs_input_grad, nothing, first, second)
            return first * y * ctx.factor + second, first * x * ctx.factor + second, None, None

    x, y = torch.tensor([2.0], requires_grad=True), torch.tensor([3.0])
    a, b = Scale.apply(x, y, 10.0)
    print(a, b, y.grad)
    a.backward()
    print(x.grad)
    a, b = Scale.apply(x, y.requires_grad_(), 10.0, True)
    (a + b).sum().backward()
    print(x.grad, y.grad)
    attempt(lambda: a.sum().backward())
    with torch.no_grad():
        print(Scale.apply(x, y, 1.0)[0].requires_grad)
    print(Scale.apply(torch.ones(1), torch.ones(1), 1.0)[0].grad_fn)


@script("function")
def dirty_and_non_differentiable(torch):
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 7

    class Sorted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values, order = x.sort()
            big = values > 1
            ctx.mark_non_differentiable(order, big)
            ctx.save_for_backward(order)
            return values, order, big

        @staticmethod
        def backward(ctx, gradient, none, nothing):
            print(none, nothing)
            (order,) = ctx.saved_tensors
            return torch.zeros_like(gradient).index_add(0, order, gradient)

    leaf = torch.ones(2, requires_grad=True)
    x = leaf * 2
    y = AddOne.apply(x)
    print(y is x, x, y.grad_fn, x._version)
    y.sum().backward()
    print(leaf.grad)
    attempt(lambda: AddOne.apply(leaf))
    z = torch.tensor([3.0, 1.0], requires_grad=True)
    values, order, big = Sorted.apply(z)
    print(values, order, big, order.requires_grad)
    (values * torch.tensor([1.0, 10.0])).sum().backward()
    print(z.grad)


@script("function")
def missing_gradients(torch):
    class Two(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, keep):
            ctx.set_materialize_grads(keep)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, first, second):
            print(first, second)
            return first, None

    x = torch.ones(2, requires_grad=True)
    for keep in (True, False):
        Two.apply(x, keep)[0].sum().backward()
    print(x.grad)


@script("function")
def wrong_answers(torch):
    def make(answer):
        class Wrong(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, gradient):
                return answer(gradient)

        return Wrong

    for answer in (
        lambda g: (g, g),
        lambda g: g[:1],
        lambda g: "text",
        lambda g: None,
        lambda g: (g, None),
        lambda g: g.double() * 3,
        lambda g: g.sum(),
        lambda g: 1 / 0,
    ):
        x = torch.ones(2, requires_grad=True)
        attempt(lambda x=x, answer=answer: make(answer).apply(x).sum().backward())
        print(x.grad)

    class Bare(torch.autograd.Function):
        pass

    class NoBackward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    attempt(lambda: Bare.apply(x))
    attempt(lambda: NoBackward.apply(x).sum().backward())
    attempt(lambda: NoBackward.apply(torch.ones(1)).sum().backward())


@script("function")
def double_backward(torch):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * gradient

    class Once(Cube):
        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * gradient

    x = torch.tensor([2.0], requires_grad=True)
    y = Cube.apply(x)
    for _ in range(3):
        (y,) = torch.autograd.grad(y, x, create_graph=True)
        print(y)
    (g,) = torch.autograd.grad(Once.apply(x), x, create_graph=True)
    print(g)
    attempt(lambda: torch.autograd.grad(g, x))


@script("function")
def with_setup_context(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, factor = inputs
            print("set up", output, len(inputs))
            ctx.save_for_backward(x, output)
            ctx.factor = factor

        @staticmethod
        def backward(ctx, gradient):
            x, output = ctx.saved_tensors
            print(x, output, ctx.needs_input_grad)
            return gradient * ctx.factor, None

    x = torch.ones(2, requires_grad=True)
    y = Double.apply(x, 4)
    y.sum().backward()
    print(y, x.grad)


@script("function")
def saved_values_are_watched(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, gradient):
            return ctx.saved_tensors[0] * 2 * gradient

    leaf = torch.ones(2, requires_grad=True)
    x = leaf * 3
    y = Square.apply(x)
    x.add_(1)
    attempt(lambda: y.sum().backward())

    class Same(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 9

    z = Same.apply(leaf)
    print(z is leaf, z.grad_fn, leaf.is_leaf)
    z.sum().backward()
    print(leaf.grad)
    view = Same.apply(leaf.view(2, 1))
    print(view.shape, view.grad_fn)


# --- modes ----------------------------------------------------------------------------------------


@script("modes")
def contexts_and_decorators(torch):
    x = torch.ones(1, requires_grad=True)

    @torch.no_grad
    def bare():
        return (x * 2).requires_grad

    @torch.no_grad()
    def called():
        return (x * 2).requires_grad

    @torch.enable_grad()
    def enabled():
        return (x * 2).requires_grad

    @torch.inference_mode()
    def inferring():
        return x * 2

    @torch.set_grad_enabled(False)
    def switched():
        return (x * 2).requires_grad

    @torch.no_grad()
    def generator():
        yield (x * 2).requires_grad
        yield (x * 2).requires_grad

    print(
        bare(), called(), enabled(), inferring().requires_grad, switched(), torch.is_grad_enabled()
    )
    print([(flag, (x * 2).requires_grad) for flag in generator()])
    with torch.no_grad():
        print(enabled(), torch.is_grad_enabled())
        with torch.enable_grad(), torch.no_grad():
            print(torch.is_grad_enabled())
    try:
        with torch.no_grad():
            raise KeyError
    except KeyError:
        print(torch.is_grad_enabled())
    torch.set_grad_enabled(False)
    print((x * 2).requires_grad)
    torch.set_grad_enabled(True)
    print((x * 2).requires_grad, torch.is_inference_mode_enabled())
    with torch.autograd.no_grad():
        print(
            torch.ones(1, requires_grad=True).requires_grad,
            torch.nn.Parameter(torch.ones(1)).requires_grad,
        )


@script("modes")
def inference_tensors(torch):
    with torch.inference_mode():
        a = torch.ones(2)
        b = a * 2
        a.add_(1)
        print(
            a.is_inference(), b.is_inference(), torch.is_inference_mode_enabled(), b.requires_grad
        )
    attempt(lambda: b.add_(1))
    x = torch.ones(2, requires_grad=True)
    attempt(lambda: (x * a).sum().backward())
    print((a + 1).is_inference(), a.clone().add_(1), x.is_inference())
    attempt(lambda: a.requires_grad_())
    attempt(lambda: a._version)
    with torch.inference_mode(False):
        print((x * 2).requires_grad)


@script("modes")
def views_made_under_no_grad(torch):
    x = torch.ones(2, 2, requires_grad=True)
    y, plain = x * 2, torch.ones(2, 2)
    with torch.no_grad():
        of_leaf, of_result, of_plain = x[0], y[0], plain[0]
        print((x * 1)[0].requires_grad, of_leaf, of_leaf.requires_grad, of_leaf.is_leaf)
        of_leaf.mul_(2)
    attempt(lambda: of_leaf.mul_(2))
    attempt(lambda: of_result.mul_(2))
    attempt(lambda: of_result.mul_(x[0]))
    attempt(lambda: of_result[0].mul_(3))
    attempt(lambda: of_plain.mul_(x[0]))
    print(of_plain.mul_(2), plain, x)
    print(of_leaf.detach().requires_grad, x.data[0].requires_grad)


# --- accumulation ---------------------------------------------------------------------------------


@script("accumulate")
def into_the_same_tensor(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    print(first is x.grad, first, first.requires_grad)
    x.grad.zero_()
    print(first)
    (x**2).sum().backward(create_graph=True)
    print(first is x.grad, x.grad.requires_grad)
    x.grad = torch.tensor([10.0, 20.0])
    (x * 1).sum().backward()
    print(x.grad)
    del x.grad
    print(x.grad)
    attempt(lambda: setattr(x, "grad", torch.ones(2, dtype=torch.double)))
    attempt(lambda: setattr(x, "grad", x))


@script("accumulate")
def only_into_some_inputs(torch):
    x, y = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    z = x * y * 3
    z.sum().backward(inputs=[y], retain_graph=True)
    print(x.grad, y.grad)
    z.sum().backward(inputs=x)
    print(x.grad, y.grad)
    w = x * 2
    (w * w).sum().backward(inputs=[w, x])
    print(w.grad if w.retains_grad else None, x.grad)


@script("accumulate")
def frozen_parts(torch):
    x, y = torch.ones(2, requires_grad=True), torch.ones(2)
    z = (x * y).detach() * x + y
    z.sum().backward()
    print(x.grad, y.grad)
    v = torch.ones(2, requires_grad=True)
    total = v.sum()
    v.requires_grad_(False)
    attempt(total.backward)
    print(v.grad)


# --- the graph ------------------------------------------------------------------------------------


def walk(node, depth=0):
    """Print a graph, indented."""
    print("  " * depth, None if node is None else node.name())
    for following, _ in node.next_functions if node is not None else ():
        walk(following, depth + 1)


@script("graph")
def names_and_edges(torch):
    x = torch.ones(2, 2, requires_grad=True)
    walk(((x + 2) * 3).mean().grad_fn)
    walk((x * x.t() / 2 - 1).grad_fn)
    walk(torch.cat([x, torch.ones(1, 2), x * 2])[0].grad_fn)
    walk(x.std().grad_fn)
    walk((x @ x).relu().grad_fn)
    walk(torch.max(x, dim=0)[0].grad_fn)
    walk(x.double().pow(2).grad_fn)


@script("graph")
def nodes_after_writes(torch):
    x = torch.ones(2, 2, requires_grad=True)
    y = x * 2
    view = y[0]
    print(view.grad_fn)
    y.add_(1)
    print(y.grad_fn, view.grad_fn)
    view.mul_(3)
    print(y.grad_fn, view.grad_fn, y.grad_fn.next_functions)
    other = torch.zeros(2, 2)
    part = other[:, 0]
    part.copy_(x[0])
    print(other.grad_fn, part.grad_fn, other.requires_grad, other.is_leaf)
    other.sum().backward()
    print(x.grad, other)
    chunks = (x * 1).chunk(2)
    attempt(lambda: chunks[0].add_(1))
    attempt(lambda: (x * 1).unbind()[0].mul_(2))


# --- values ---------------------------------------------------------------------------------------


@script("values")
def broadcasting(torch):
    shapes = [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((2, 1, 3), (4, 1)), ((1,), (3,))]
    for one, other in shapes:
        for operation in (
            torch.add,
            torch.mul,
            torch.sub,
            torch.div,
            torch.maximum,
            torch.pow,
            torch.atan2,
        ):
            a = torch.full(one, 2.0, requires_grad=True)
            b = torch.full(other, 3.0, requires_grad=True)
            operation(a, b).sum().backward()
            print(operation.__name__, a.grad, b.grad)


@script("values")
def dtypes_of_gradients(torch):
    a = torch.ones(2, dtype=torch.double, requires_grad=True)
    b = torch.ones(2, requires_grad=True)
    h = torch.ones(2, dtype=torch.half, requires_grad=True)
    c = torch.ones(2, dtype=torch.complex64, requires_grad=True)
    (a * b + h).sum().backward()
    print(a.grad, b.grad, h.grad)
    (c * c.conj()).real.sum().backward()
    print(c.grad)
    b.grad = None
    (b.double() ** 2).sum().backward()
    print(b.grad)
    b.grad = None
    (b * torch.tensor(2, dtype=torch.int64)).sum().backward(torch.tensor(1.0))
    print(b.grad)
    attempt(lambda: c.sum().backward())


@script("values")
def at_the_kinks(torch):
    for name in ["abs", "relu", "sign", "floor", "sqrt", "norm"]:
        x = torch.tensor([-1.0, 0.0, 1.0] if name != "sqrt" else [0.0, 1.0], requires_grad=True)
        getattr(x, name)().sum().backward()
        print(name, x.grad)
    tied = torch.tensor([2.0, 2.0, 1.0], requires_grad=True)
    for reduce in (
        lambda v: v.max(),
        lambda v: v.amax(),
        lambda v: v.max(0)[0],
        lambda v: v.median(),
        lambda v: v.sort()[0][-1],
    ):
        print(torch.autograd.grad(reduce(tied), tied))
    bound = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
    print(torch.autograd.grad(bound.clamp(0, 1).sum(), bound))
    print(torch.autograd.grad(torch.maximum(bound, torch.tensor(0.5)).sum(), bound))
    print(torch.autograd.grad(torch.nn.functional.hardtanh(bound).sum(), bound))
    print(torch.autograd.grad(torch.nn.functional.leaky_relu(bound).sum(), bound))
    zero = torch.zeros(2, requires_grad=True)
    print(
        torch.autograd.grad(zero.norm(), zero),
        torch.autograd.grad(zero.prod(), zero),
        torch.autograd.grad((zero**0).sum(), zero),
    )
    nan = torch.tensor([float("nan"), 1.0], requires_grad=True)
    print(
        torch.autograd.grad(torch.where(nan > 0, nan, 0.0).sum(), nan),
        torch.autograd.grad(zero.std(), zero),
    )
