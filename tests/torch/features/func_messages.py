"""Misuse of torch.func: each script prints the error's type and first line."""

from tests.parity import attempt

from .rows import FUNC as row


def inputs(torch):
    """Return tensors of shapes (3,), (3, 2) and (2,)."""
    return torch.arange(3.0) + 1, torch.arange(6.0).view(3, 2), torch.ones(2)


@row("vmap messages")
def in_dims_that_do_not_fit(torch):
    x, a, b = inputs(torch)
    vmap = torch.vmap
    attempt(lambda: vmap(torch.sin, in_dims="a")(a))
    attempt(lambda: vmap(torch.sin, in_dims=None)(a))
    attempt(lambda: vmap(torch.sin, in_dims=(0, 0))(a))
    attempt(lambda: vmap(torch.add, in_dims=((0, 0), 0))(a, a))
    attempt(lambda: vmap(torch.sin, in_dims=(0.5,))(a))
    attempt(lambda: vmap(torch.sin, in_dims=2)(a))
    attempt(lambda: vmap(torch.sin, in_dims=-3)(a))
    attempt(lambda: vmap(torch.sin)(torch.tensor(1.0)))
    attempt(lambda: vmap(torch.sin, in_dims=(None,))(a))
    attempt(lambda: vmap(torch.add)(a, b))
    attempt(lambda: vmap(torch.add)(a, 2.0))
    attempt(lambda: vmap(lambda: x)())


@row("vmap messages")
def outputs_that_do_not_fit(torch):
    _x, a, _b = inputs(torch)

    def one(x):
        return x

    def two(x):
        return x, x

    attempt(lambda: torch.vmap(lambda x: 3)(a))
    attempt(lambda: torch.vmap(lambda x: None)(a))
    attempt(lambda: torch.vmap(lambda x: (x, "a"))(a))
    attempt(lambda: torch.vmap(one, out_dims=(0, 0))(a))
    attempt(lambda: torch.vmap(two, out_dims=(0,))(a))
    attempt(lambda: torch.vmap(one, out_dims="a")(a))
    attempt(lambda: torch.vmap(one, out_dims=4)(a))
    attempt(lambda: torch.vmap(one, out_dims=None)(a))
    attempt(lambda: torch.vmap(two, out_dims=(0, None))(a))


@row("vmap messages")
def bad_modes_and_chunks(torch):
    _x, a, _b = inputs(torch)
    attempt(lambda: torch.vmap(torch.sin, randomness="often"))
    attempt(lambda: torch.vmap(torch.sin, randomness="often")(a))
    attempt(lambda: torch.vmap(torch.sin, chunk_size=0)(a))
    attempt(lambda: torch.vmap(torch.sin, chunk_size=-1)(a))


@row("vmap messages")
def random_operations_in_error_mode(torch):
    x, a, _b = inputs(torch)
    F = torch.nn.functional
    attempt(lambda: torch.vmap(lambda x: x + torch.rand(2))(a))
    attempt(lambda: torch.vmap(F.dropout)(a))
    attempt(lambda: torch.vmap(torch.bernoulli)(a * 0))
    attempt(lambda: torch.vmap(lambda x: torch.empty_like(x).normal_())(a))
    attempt(lambda: torch.vmap(lambda x: torch.randperm(3))(a))
    attempt(lambda: torch.vmap(torch.vmap(torch.rand_like, randomness="different"))(a))
    attempt(lambda: torch.vmap(torch.bernoulli, randomness="same")(a * 0))
    attempt(lambda: torch.func.jacfwd(lambda x: x * torch.rand(3))(x))
    attempt(lambda: torch.func.jacfwd(torch.sin, randomness="often")(x))


@row("vmap messages")
def values_needed_in_python(torch):
    _x, a, _b = inputs(torch)
    attempt(lambda: torch.vmap(lambda x: x.sum().item())(a))
    attempt(lambda: torch.vmap(lambda x: float(x.sum()))(a))
    attempt(lambda: torch.vmap(lambda x: int(x.sum()))(a))
    attempt(lambda: torch.vmap(lambda x: x if x.sum() > 0 else -x)(a))
    attempt(lambda: torch.vmap(lambda x: x.tolist())(a))
    attempt(lambda: torch.vmap(lambda x: x.numpy())(a))


@row("vmap messages")
def shapes_that_depend_on_values(torch):
    _x, a, _b = inputs(torch)
    attempt(lambda: torch.vmap(torch.nonzero)(a))
    attempt(lambda: torch.vmap(lambda x: x[x > 0])(a))
    attempt(lambda: torch.vmap(lambda x: x.masked_select(x > 0))(a))
    attempt(lambda: torch.vmap(torch.unique)(a))


@row("grad messages")
def outputs_that_are_no_scalar(torch):
    x, _a, _b = inputs(torch)
    grad = torch.func.grad
    attempt(lambda: grad(torch.sin)(x))
    attempt(lambda: grad(lambda x: x.sum(0, keepdim=True))(x))
    attempt(lambda: grad(lambda x: 2.0)(x))
    attempt(lambda: grad(lambda x: (x.sum(),))(x))
    attempt(lambda: grad(lambda x: x.sum(), has_aux=True)(x))
    attempt(lambda: grad(lambda x: (x.sum(), x, x), has_aux=True)(x))
    attempt(lambda: grad(torch.sum)(x + 1j))
    attempt(lambda: torch.func.grad_and_value(torch.sin)(x))


@row("grad messages")
def arguments_that_do_not_exist(torch):
    x, _a, _b = inputs(torch)
    for name in ("grad", "grad_and_value", "jacrev", "jacfwd", "hessian"):
        transform = getattr(torch.func, name)
        attempt(lambda t=transform: t(torch.sum, argnums=1)(x))
        attempt(lambda t=transform: t(torch.sum, argnums=-2)(x))
        attempt(lambda t=transform: t(torch.sum, argnums=(0, 1))(x))
    attempt(lambda: torch.func.grad(torch.sum, argnums=())(x))
    attempt(lambda: torch.func.grad(torch.sum, argnums="a")(x))
    attempt(lambda: torch.func.grad(torch.dot, argnums=(0, 0))(x, x))
    attempt(lambda: torch.func.grad(torch.sum)())
    attempt(lambda: torch.func.grad(torch.sum)(torch.arange(3)))
    attempt(lambda: torch.func.jacrev(torch.sin)(torch.arange(3)))


@row("grad messages")
def writes_to_captured_tensors(torch):
    x, _a, _b = inputs(torch)
    captured = torch.zeros(3)
    attempt(lambda: torch.func.grad(lambda x: captured.copy_(x).sum())(x))
    attempt(lambda: torch.func.vjp(lambda x: captured.copy_(x).sum(), x))
    attempt(lambda: torch.func.jvp(lambda x: captured.mul_(x).sum(), (x,), (x,)))
    attempt(lambda: torch.func.grad(lambda x: captured.add_(x).sum())(x))
    attempt(lambda: torch.func.grad(lambda x: x.mul_(2).sum())(x))
    print(captured, x)


@row("grad messages")
def the_tape_inside_a_transform(torch):
    x, a, _b = inputs(torch)
    leaf = torch.ones(3, 2, requires_grad=True)
    grad = torch.func.grad
    attempt(lambda: grad(lambda x: x.requires_grad_().sum())(x))
    attempt(lambda: torch.vmap(lambda x: x.requires_grad_())(a))
    attempt(lambda: grad(lambda x: ((x * 2).retain_grad(), x.sum())[1])(x))
    attempt(lambda: grad(lambda x: ((x * x).sum().backward(), x.sum())[1])(x))
    attempt(lambda: torch.vmap(lambda x: (x * x).sum().backward())(leaf))
    attempt(lambda: grad(lambda x: x.numpy().sum())(x))


@row("vjp messages")
def cotangents_that_do_not_fit(torch):
    x, _a, b = inputs(torch)
    vjp = torch.func.vjp
    attempt(lambda: vjp(lambda x: 2, x))
    attempt(lambda: vjp(lambda x: {"a": x, "b": "s"}, x))
    attempt(lambda: vjp(torch.sin, x, has_aux=True))
    attempt(lambda: vjp(lambda x: (x, x), x)[1](x))
    attempt(lambda: vjp(torch.sin, x)[1]((x, x)))
    attempt(lambda: vjp(torch.sin, x)[1](b))
    attempt(lambda: vjp(torch.sin, x)[1](2.0))


@row("jvp messages")
def tangents_that_do_not_fit(torch):
    x, _a, b = inputs(torch)
    jvp = torch.func.jvp
    attempt(lambda: jvp(torch.sin, x, x))
    attempt(lambda: jvp(torch.sin, (x,), x))
    attempt(lambda: jvp(torch.sin, (x,), (x, x)))
    attempt(lambda: jvp(lambda: x, (), ()))
    attempt(lambda: jvp(torch.sin, (x,), (b,)))
    attempt(lambda: jvp(torch.sin, ("s",), ("s",)))
    attempt(lambda: jvp(lambda x: 2, (x,), (x,)))
    attempt(lambda: jvp(torch.sin, (x,), (x,), has_aux=True))
    attempt(lambda: jvp(lambda x: torch.ones(3), (x,), (x,), strict=True))
    attempt(lambda: jvp(torch.sin, (torch.arange(3),), (torch.arange(3),)))


@row("linearize messages")
def tangents_of_linearize(torch):
    x, _a, b = inputs(torch)
    push = torch.func.linearize(torch.sin, x)[1]
    attempt(lambda: push(b))
    attempt(lambda: push(x.double()))
    attempt(lambda: push(x, x))


@row("jacobian messages")
def jacobians(torch):
    x, _a, _b = inputs(torch)
    attempt(lambda: torch.func.jacrev(torch.sin, chunk_size=0)(x))
    attempt(lambda: torch.func.jacrev(lambda x: 2)(x))
    attempt(lambda: torch.func.jacfwd(lambda x: 2)(x))
    attempt(lambda: torch.func.jacrev(torch.sin, has_aux=True)(x))
    attempt(lambda: torch.func.jacfwd(torch.sin, has_aux=True)(x))
    attempt(lambda: torch.func.jacrev(torch.sin)(x + 0j))
    attempt(lambda: torch.func.jacfwd(torch.sin)(x + 0j))


@row("functional_call messages")
def modules(torch):
    x, _a, _b = inputs(torch)
    net = torch.nn.Linear(3, 2)
    call = torch.func.functional_call
    attempt(lambda: call(net, {"weight": net.weight}, x, strict=True))
    attempt(lambda: call(net, {**dict(net.named_parameters()), "foo": x}, x, strict=True))
    attempt(lambda: call(net, ({"weight": net.weight}, {"weight": net.weight}), x))
    attempt(lambda: call(net, 3, x))
    attempt(lambda: call(net, (3,), x))
    attempt(lambda: call(net, {"foo": x}, x))
    stack = torch.func.stack_module_state
    attempt(lambda: stack([]))
    attempt(lambda: stack([net, torch.nn.Linear(3, 2).eval()]))
    attempt(lambda: stack([net, torch.nn.ReLU()]))
    frozen = torch.nn.Linear(3, 2).requires_grad_(False)
    attempt(lambda: stack([net, frozen]))
    attempt(lambda: torch.func.functionalize(torch.sin, remove="all")(x))
