"""torch.func on what it supports: values, structures, random numbers, modules."""

from tests.parity import attempt

from .rows import FUNC as row


@row("grad")
def gradients_of_containers_keep_their_order(torch):
    params = {"w": torch.tensor([1.0, 2.0]), "b": torch.tensor(0.5), "a": [torch.tensor(3.0)]}

    def loss(params, x, *, scale=1.0):
        return ((params["w"] * x).sum() + params["b"] * params["a"][0]) * scale

    print(torch.func.grad(loss)(params, torch.tensor([3.0, 4.0])))
    print(torch.func.grad(loss, argnums=(1, 0))(params, torch.tensor([3.0, 4.0]), scale=2.0))
    print(torch.func.grad_and_value(loss)(params, torch.ones(2)))


@row("grad")
def aux_and_argnums(torch):
    def f(x, y):
        return (x * y).sum(), {"sum": x + y, "both": (x, y)}

    x, y = torch.arange(3.0), torch.ones(3)
    print(torch.func.grad(f, has_aux=True)(x, y))
    print(torch.func.grad(f, argnums=-1, has_aux=True)(x, y))
    print(torch.func.grad_and_value(f, argnums=(0, 1), has_aux=True)(x, y))


@row("grad")
def python_control_flow_on_values(torch):
    def f(x):
        if x.sum() > 0:
            return (x**2).sum() * x.sum().item()
        return -x.sum()

    print(torch.func.grad(f)(torch.ones(2)), torch.func.grad(f)(-torch.ones(2)))
    print(torch.func.grad(lambda x: x[x > 1].sum())(torch.arange(4.0)))
    print(torch.func.grad(lambda x: x[x.argmax()] * len(x.nonzero()))(torch.arange(4.0)))


@row("grad")
def detach_no_grad_and_constants(torch):
    x = torch.arange(3.0) + 1

    def quiet(x):
        with torch.no_grad():
            c = x**2
            view = x[1:]
        return (x * c).sum() + view.sum()

    print(torch.func.grad(quiet)(x))
    print(torch.func.grad(lambda x: (x * x.detach()).sum())(x))
    print(torch.func.grad(lambda x: (x * x.data).sum())(x))
    print(torch.func.grad(lambda y: torch.func.grad(quiet)(y).sum())(x))
    with torch.no_grad():
        print(torch.func.grad(lambda x: (x**3).sum())(x))
    print(torch.func.grad(lambda x: torch.tensor(1.0))(x))
    print(torch.func.jvp(lambda x: x.detach() * x, (x,), (x,)))

    def under(x):
        with torch.no_grad():
            return x * 2

    print(torch.func.jvp(under, (x,), (x,)))


@row("grad")
def in_place_code_and_views(torch):
    def f(x):
        y = x.clone()
        y[0] = y[1] * 2
        y[1:].mul_(3)
        y.view(2, 2)[0, 0] += 1
        y.t_() if y.dim() == 2 else y.relu_()
        return (y * y).sum()

    x = torch.arange(4.0)
    print(torch.func.grad(f)(x), torch.func.hessian(f)(x), x)
    print(torch.vmap(torch.func.grad(f))(torch.arange(8.0).view(2, 4)))


@row("grad")
def second_arguments_may_be_written_to(torch):
    x, y = torch.arange(3.0), torch.ones(3)
    print(torch.func.grad(lambda x, y: (x * y.mul_(2)).sum())(x, y), y)


@row("grad")
def complex_numbers_follow_pytorch(torch):
    z = torch.tensor([1 + 2j, 3 - 1j])
    print(torch.func.grad(lambda z: z.abs().pow(2).sum())(z))
    print(torch.func.grad(lambda z: (z * z).real.sum())(z))
    output, pull = torch.func.vjp(lambda z: z * (2 + 1j), z)
    print(output, pull(torch.tensor([1 + 0j, 0 + 1j])))


@row("vjp")
def pulling_back(torch):
    x, y = torch.arange(3.0), torch.ones(3)
    output, pull = torch.func.vjp(lambda x, y: {"p": x * y, "s": (x.sum(),)}, x, y)
    print(output)
    print(pull({"p": torch.ones(3), "s": (torch.tensor(2.0),)}))
    print(torch.func.vjp(lambda x: (x * 2, x), x, has_aux=True)[2])
    print(torch.vmap(torch.func.vjp(torch.sin, x)[1])(torch.eye(3)))


@row("jvp")
def pushing_forward(torch):
    x = torch.arange(3.0)
    print(torch.func.jvp(lambda x: {"a": x.sin(), "b": [x * 2]}, (x,), (torch.ones(3),)))
    print(torch.func.jvp(lambda x, y: x * y, (x, x), (torch.ones(3), torch.zeros(3))))
    print(torch.func.jvp(lambda x: (x, x + 1), (x,), (x,), has_aux=True))
    print(torch.func.jvp(lambda x: torch.ones(3), (x,), (x,)))
    output, push = torch.func.linearize(lambda x: x.sin() * x, x)
    print(output, push(torch.ones(3)), push(x))


@row("jacobians")
def jacobians_of_containers(torch):
    x, y = torch.arange(2.0) + 1, torch.ones(3)

    def f(x, y):
        return x.sum() * y, {"a": x**2}

    for transform in (torch.func.jacrev, torch.func.jacfwd):
        print(transform(f)(x, y))
        print(transform(f, argnums=(0, 1))(x, y))
        print(transform(f, argnums=(1,))(x, y))
        print(transform(lambda d: d["x"] ** 2)({"x": x}))
        print(transform(lambda x: (x**2, x), has_aux=True)(x))
    for size in (1, 2, 5):
        print(torch.func.jacrev(lambda x: x.outer(x), chunk_size=size)(x))


@row("jacobians")
def hessians(torch):
    x, y = torch.arange(2.0) + 1, torch.ones(2)
    print(torch.func.hessian(lambda x: (x**3).sum())(x))
    print(torch.func.hessian(lambda x, y: (x * y).sum() ** 2, argnums=(0, 1))(x, y))
    print(torch.func.jacrev(torch.func.jacrev(lambda x: x.prod()))(x))
    print(torch.func.jacfwd(torch.func.jacfwd(lambda x: x.prod()))(x))


@row("vmap")
def dims_in_and_out(torch):
    a = torch.arange(6.0).view(2, 3)
    print(torch.vmap(torch.sum)(a), torch.vmap(torch.sum, in_dims=1)(a))
    print(torch.vmap(torch.dot, in_dims=(None, -1))(torch.ones(2), a))
    print(torch.vmap(lambda x: x * 2, in_dims=1, out_dims=1)(a))
    print(torch.vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(a))
    print(torch.vmap(lambda d, y: d["x"] + y, in_dims=({"x": 0}, None))({"x": a}, torch.ones(3)))
    print(torch.vmap(lambda x: (x, torch.ones(2)), out_dims=(0, None))(a)[1])
    print(torch.vmap(torch.vmap(torch.mul, in_dims=(0, None)), in_dims=(None, 0))(a[0], a[1]))
    print(torch.vmap(lambda x, scale: x * scale, in_dims=(0, None))(a, 3.0))
    print(torch.vmap(lambda x, *, k: x + k)(a, k=torch.ones(3)))
    for size in (1, 2, 4):
        print(torch.vmap(torch.sum, chunk_size=size)(a.repeat(2, 1)))
        print(torch.vmap(lambda x: x + 1, out_dims=1, chunk_size=size)(a.repeat(2, 1)))


@row("vmap")
def failures_inside_linear_algebra_name_the_slice(torch):
    a = torch.stack([torch.eye(2), torch.zeros(2, 2)])
    attempt(lambda: torch.vmap(torch.linalg.inv)(a))
    attempt(lambda: torch.vmap(torch.linalg.cholesky)(a))
    attempt(lambda: torch.vmap(torch.linalg.lu_factor)(a))
    attempt(lambda: torch.func.grad(lambda a: torch.linalg.inv(a).sum())(a[1]))
    print(torch.vmap(torch.linalg.det)(a), torch.func.grad(torch.linalg.det)(a[0]))


@row("vmap")
def what_a_slice_shows_of_itself(torch):
    def f(x):
        print(x.shape, x.dim(), x.dtype, x.requires_grad, x)
        return x.sum()

    torch.vmap(f)(torch.arange(6).view(2, 3))
    torch.func.grad(f)(torch.ones(2))


@row("vmap")
def writes_reach_mapped_arguments(torch):
    a = torch.zeros(3, 2)
    print(torch.vmap(lambda x: x.add_(1))(a), a)

    def f(x):
        x.mul_(3)
        return x * 2

    print(torch.vmap(f)(a[:, 0]), a)
    count = torch.zeros(2)
    print(torch.vmap(lambda x: (count.add_(1), x)[1])(a), count)
    print(torch.vmap(lambda x, y: x + y.add_(1), in_dims=(0, None))(a, count), count)

    def g(x):
        fresh = torch.zeros_like(x)
        fresh[0] = x[0]
        return fresh

    print(torch.vmap(g)(a))


@row("vmap")
def ranges_between_bounds_that_differ(torch):
    a, b = torch.tensor([0.0, 1.0, -2.5]), torch.tensor([1.0, 5.0, 3.0])
    print(torch.vmap(lambda a, b: torch.linspace(a, b, 4))(a, b))
    print(torch.vmap(lambda a: torch.linspace(a, 4, 1))(a))
    print(torch.vmap(lambda a: torch.linspace(-1, a, 3, dtype=torch.float64))(a))
    print(torch.vmap(lambda a, b: torch.linspace(a, b, 5, dtype=torch.int64))(a * 4, b * 4))
    print(torch.vmap(lambda a, b: torch.logspace(a, b, 3, base=2))(a, b))
    print(torch.func.grad(lambda a: (torch.linspace(a, 4.0, 3) * a).sum())(a[1]))


@row("grad")
def statistics_of_a_norm_are_constants(torch):
    x, w, b = torch.arange(6.0).view(2, 3) ** 2, torch.ones(3), torch.zeros(3)

    def layer(x):
        return torch.native_layer_norm(x, [3], w, b, 1e-5)

    def batch(x):
        return torch.native_batch_norm(x, w, b, b.clone(), w.clone(), True, 0.1, 1e-5)

    for norm in (layer, batch):
        print([t.requires_grad for t in norm(x.clone().requires_grad_())])
        print(torch.func.jvp(lambda x, f=norm: f(x)[1:], (x,), (x + 1,)))
        print(torch.func.grad(lambda x, f=norm: (f(x)[1] * x).sum())(x))


@row("randomness")
def different_numbers_for_each_slice(torch):
    F = torch.nn.functional
    a = torch.zeros(3, 5)

    def show(f, *args, **modes):
        torch.manual_seed(7)
        print(torch.vmap(f, randomness="different", **modes)(*args))

    show(lambda x: torch.rand(2), a)
    show(lambda x: torch.randn(3), a)
    show(lambda x: torch.randn(20), a)
    show(torch.rand_like, a)
    show(lambda x: torch.randint(0, 9, (2,)), a)
    show(lambda x: torch.randperm(4), a)
    show(lambda x: torch.bernoulli(x + 0.5), a)
    show(lambda x: torch.normal(x, 1.0), a)
    show(lambda x: torch.multinomial(x + 1, 2), a)
    show(lambda x: F.dropout(x + 1), a)
    show(lambda x: F.dropout(torch.ones(5)), a)
    show(lambda x: F.dropout(x + 1), a.t(), in_dims=1)
    show(lambda x: torch.empty_like(x).uniform_(), a)
    show(lambda x: torch.empty_like(x).exponential_(), a)
    show(lambda x: torch.rand(2), a, chunk_size=2)


@row("randomness")
def categories_of_each_slice(torch):
    weights = torch.arange(1.0, 25.0).view(2, 3, 4) % 5

    def show(f, weights=weights):
        torch.manual_seed(7)
        attempt(lambda: print(torch.vmap(f, randomness="different")(weights)))

    show(lambda w: torch.multinomial(w, 2))
    show(lambda w: torch.multinomial(w, 6, replacement=True))
    show(torch.vmap(lambda w: torch.multinomial(w, 3), randomness="different"))
    show(lambda w: torch.multinomial(w - 1, 2))
    show(lambda w: torch.multinomial(w, 2), weights[None])
    print(torch.rand(1))


@row("randomness")
def the_same_numbers_for_all_slices(torch):
    F = torch.nn.functional
    a = torch.zeros(3, 5)

    def show(f, **modes):
        torch.manual_seed(7)
        print(torch.vmap(f, randomness="same", **modes)(a), torch.rand(1))

    show(lambda x: torch.rand(2))
    show(lambda x: F.dropout(x + 1))
    show(torch.rand_like)
    show(lambda x: torch.empty_like(x).normal_())
    show(lambda x: torch.randperm(4))
    show(lambda x: torch.rand(2), chunk_size=2)


@row("randomness")
def nested_modes(torch):
    a = torch.zeros(2, 3)
    for outer in ("same", "different"):
        for inner in ("same", "different"):
            torch.manual_seed(7)
            f = torch.vmap(lambda x: torch.rand(2), randomness=inner)
            print(outer, inner, torch.vmap(f, randomness=outer)(a))
    torch.manual_seed(7)
    print(torch.func.grad(lambda x: (x * torch.rand(3)).sum())(torch.ones(3)), torch.rand(1))
    print(torch.func.jacfwd(lambda x: x * torch.rand(3), randomness="same")(torch.ones(3)))


@row("modules")
def functional_call_and_stacks(torch):
    nn = torch.nn
    nets = [nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(3)]
    params, buffers = torch.func.stack_module_state(nets)
    print({k: (tuple(v.shape), v.requires_grad) for k, v in params.items()}, buffers)
    x = torch.randn(5, 3)

    def call(params, x):
        return torch.func.functional_call(nets[0], params, (x,))

    print(torch.vmap(call, (0, None))(params, x).detach())
    own = dict(nets[0].named_parameters())
    grads = torch.func.grad(lambda p: call(p, x).pow(2).mean())(own)
    print({k: v.detach() for k, v in grads.items()})
    nets[0](x).pow(2).mean().backward()
    print([torch.allclose(grads[k], p.grad) for k, p in own.items()])
    print(torch.func.functional_call(nets[0], ({}, own), x).detach())


@row("modules")
def a_skeleton_without_values(torch):
    import copy

    net = torch.nn.Linear(3, 2)
    skeleton = copy.deepcopy(net).to("meta")
    print(skeleton.weight, skeleton.weight.device, skeleton.weight.is_meta, net.weight.is_meta)
    x = torch.ones(1, 3)
    output = torch.func.functional_call(skeleton, dict(net.named_parameters()), (x,))
    print(torch.equal(output, net(x)))
    attempt(lambda: skeleton.weight.to("cpu"))
    attempt(lambda: skeleton.weight.detach().tolist())


@row("modules")
def per_sample_gradients_of_a_network(torch):
    nn, F = torch.nn, torch.nn.functional
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )
    params = {k: v.detach() for k, v in net.named_parameters()}
    x, y = torch.randn(4, 1, 6, 6), torch.tensor([0, 1, 2, 1])

    def loss(params, x, y):
        logits = torch.func.functional_call(net, params, (x[None],))
        return F.cross_entropy(logits, y[None])

    per_sample = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(params, x, y)
    print({k: tuple(v.shape) for k, v in per_sample.items()})
    F.cross_entropy(net(x), y).backward()
    print(
        [
            torch.allclose(per_sample[k].mean(0), p.grad, atol=1e-6)
            for k, p in net.named_parameters()
        ]
    )


@row("modules")
def batch_norm_without_running_statistics(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    print(torch.func.replace_all_batch_norm_modules_(net), list(dict(net.named_buffers())))
    x = torch.randn(2, 5, 3)
    params = {k: v.detach() for k, v in net.named_parameters()}

    def loss(p, x):
        return torch.func.functional_call(net, p, x).pow(3).sum()

    print(torch.vmap(torch.func.grad(loss), (None, 0))(params, x)["1.weight"])


@row("modules")
def debug_unwrap_and_functionalize(torch):
    a = torch.arange(6.0).view(2, 3)
    torch.vmap(lambda x: (print(torch.func.debug_unwrap(x)), x)[1])(a)
    torch.func.grad(lambda x: (print(torch.func.debug_unwrap(x)), x.sum())[1])(a[0])

    def f(x):
        y = x.clone()
        y.add_(1)[0].mul_(5)
        return y

    print(
        torch.func.functionalize(f)(a), torch.func.functionalize(f, remove="mutations_and_views")(a)
    )
