"""Transforms in and around each other, the tape, custom functions."""

from .rows import FUNC as row


@row("composition")
def any_order_of_two_transforms(torch):
    func = torch.func
    x, a = torch.arange(3.0) + 1, torch.arange(6.0).view(2, 3) + 1

    def f(x):
        return (x.sin() * x).sum()

    print(torch.vmap(func.grad(f))(a))
    print(func.grad(lambda a: torch.vmap(f)(a).sum())(a))
    print(func.jvp(func.grad(f), (x,), (torch.ones(3),)))
    print(func.grad(lambda x: func.jvp(f, (x,), (torch.ones(3),))[1])(x))
    print(torch.vmap(lambda x: func.jvp(f, (x,), (x,)))(a))
    print(func.jvp(torch.vmap(f), (a,), (a,)))
    print(func.vjp(torch.vmap(f), a)[1](torch.ones(2)))
    print(torch.vmap(func.hessian(f))(a))
    print(func.jacrev(func.jacfwd(torch.vmap(f)))(a).shape)
    print(func.grad(lambda x: func.grad(lambda x: func.grad(f)(x).sum())(x).sum())(x))


@row("composition")
def recurrent_networks_and_attention(torch):
    nn, func = torch.nn, torch.func
    x = torch.randn(4, 2, 3)
    for layer in (nn.RNN(3, 2), nn.GRU(3, 2)):
        print(func.grad(lambda x, f=layer: f(x)[0].pow(2).sum())(x).detach())
    attend = nn.MultiheadAttention(4, 2)
    y = torch.randn(3, 1, 4)
    print(func.grad(lambda y: attend(y, y, y)[0].pow(2).sum())(y).detach())


@row("the tape")
def backward_through_a_transform(torch):
    func = torch.func
    w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x = torch.arange(6.0).view(2, 3)
    output = torch.vmap(lambda x: (x * w).sin().sum())(x)
    print(output.requires_grad, output.is_leaf)
    output.sum().backward()
    print(w.grad)
    w.grad = None
    (func.grad(lambda x: (x * x * w).sum())(x[1]).pow(2)).sum().backward()
    print(w.grad)
    w.grad = None
    func.jvp(lambda x: x * w, (x[1],), (x[0],))[1].sum().backward()
    print(w.grad)
    w.grad = None
    func.vjp(lambda x: x * x * w, x[1])[1](torch.ones(3))[0].sum().backward()
    print(w.grad)
    w.grad = None
    func.jacrev(lambda x: x * x * w)(x[1]).sum().backward()
    print(w.grad)
    w.grad = None
    func.linearize(lambda x: x * w.detach(), x[1])[1](w).sum().backward()
    print(w.grad)


@row("the tape")
def a_function_that_reads_parameters_runs_once(torch):
    import functools

    net = torch.nn.Linear(2, 1)
    leaves = {"w": torch.ones(2, requires_grad=True), "rest": [torch.ones((), requires_grad=True)]}

    def helper(x):
        return net(x).tanh() * leaves["rest"][0]

    def f(x, scale=leaves["w"]):
        print("called")
        return (helper(x) * scale).sum()

    torch.vmap(f)(torch.ones(3, 2)).sum().backward()
    print(leaves["w"].grad, leaves["rest"][0].grad, net.weight.grad)
    torch.func.grad(functools.partial(lambda k, x: f(x) * k, 2.0))(torch.ones(2))
    torch.func.jacrev(net.forward)(torch.ones(2)).sum().backward()
    print(net.weight.grad)


@row("the tape")
def arguments_with_a_history(torch):
    x = torch.arange(3.0).requires_grad_()
    y = x * 2
    torch.func.grad(lambda z: (z**3).sum())(y).sum().backward()
    print(x.grad)
    print(torch.func.grad(lambda z: z.sum())(y).requires_grad)
    with torch.no_grad():
        print(torch.vmap(torch.sin)(y).requires_grad)
    view = y[1:]
    print(torch.autograd.grad(torch.vmap(lambda v: v * v)(view).sum(), x))


@row("the tape")
def gradients_of_gradients_through_a_transform(torch):
    w = torch.ones(3, requires_grad=True)
    output = torch.vmap(lambda x: (x * w).sin().sum())(torch.ones(4, 3)).sum()
    (first,) = torch.autograd.grad(output, w, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), w)
    print(first.detach(), second)


@row("the tape")
def a_physics_informed_step(torch):
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    points = torch.rand(5, 2)

    def u(z):
        return net(z).squeeze()

    def residual(z):
        return torch.func.hessian(u)(z).diagonal().sum() + torch.func.grad(u)(z)[0]

    loss = torch.vmap(residual)(points).pow(2).mean()
    loss.backward()
    print(loss.item(), [p.grad for p in net.parameters()])


@row("custom functions")
def the_users_own_backward_is_honoured(torch):
    class Square(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, power):
            return x**power

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, ctx.power = inputs
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * 10 * x, None

        @staticmethod
        def jvp(ctx, tangent, _):
            (x,) = ctx.saved_tensors
            return tangent * 100 * x

    func, x = torch.func, torch.arange(3.0) + 1

    def f(x):
        return Square.apply(x, 2).sum()

    print(func.grad(f)(x), torch.vmap(func.grad(f))(x.view(3, 1)))
    print(func.grad(lambda x: func.grad(f)(x).sum())(x))
    print(func.jvp(f, (x,), (x,)))
    print(torch.vmap(f)(x.view(3, 1)))
    print(func.jacrev(lambda x: Square.apply(x, 3))(x))


@row("custom functions")
def several_outputs_and_a_vmap_of_its_own(torch):
    class Both(torch.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y, x + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, product, total):
            x, y = ctx.saved_tensors
            return product * y + total, product * x + total * 5

        @staticmethod
        def vmap(info, in_dims, x, y):
            print(info.batch_size, info.randomness, in_dims, x.shape, y.shape)
            product, total = Both.apply(x, y)
            return (product + 100, total), (0, 0)

    x, y = torch.arange(4.0).view(2, 2), torch.ones(2)
    func = torch.func
    print(func.grad(lambda x: sum(t.sum() for t in Both.apply(x, y)))(x[1]))
    print(func.grad(lambda y: sum(t.sum() for t in Both.apply(x[1], y)))(y))
    print(torch.vmap(Both.apply, in_dims=(0, None))(x, y))
    print(func.grad(lambda x: torch.vmap(Both.apply, in_dims=(0, None))(x, y)[0].sum())(x))


@row("custom functions")
def without_a_jvp(torch):
    from tests.parity import attempt

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            pass

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    x = torch.ones(2)
    attempt(lambda: torch.func.jvp(Twice.apply, (x,), (x,)))
