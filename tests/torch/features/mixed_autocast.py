"""Autocast: what it casts, how the graph looks, when it is on."""

import contextlib
import threading
import warnings

from tests.parity import attempt

from .rows import MIXED as row


def edges(node):
    return [None if n is None else n.name() for n, _ in node.next_functions]


@row("state")
def regions_nest_and_restore(torch):
    def show():
        device = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")
        print(*device, torch.is_autocast_enabled(), torch.is_autocast_cache_enabled())

    show()
    with torch.autocast("cpu") as region:
        show()
        print(region.device, region.fast_dtype, region._enabled)
        with torch.autocast("cpu", dtype=torch.float16, cache_enabled=False):
            show()
            with torch.autocast("cpu", enabled=False):
                show()
            show()
        show()
    show()
    with contextlib.suppress(ValueError), torch.autocast("cpu"):
        raise ValueError
    show()


@row("state")
def functions_set_it_too(torch):
    torch.set_autocast_enabled("cpu", True)
    torch.set_autocast_dtype("cpu", torch.float16)
    print(torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype)
    torch.set_autocast_enabled("cpu", False)
    torch.set_autocast_dtype("cpu", torch.bfloat16)
    print(torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype)
    print(torch.autocast_increment_nesting(), torch.autocast_increment_nesting())
    print(torch.autocast_decrement_nesting(), torch.autocast_decrement_nesting())
    print(torch.clear_autocast_cache(), torch.get_autocast_cpu_dtype())
    print(torch.is_autocast_cpu_enabled(), torch.get_autocast_gpu_dtype())
    torch.set_autocast_cpu_enabled(True)
    print(torch.is_autocast_enabled("cpu"))
    torch.set_autocast_cpu_enabled(False)


@row("state")
def each_thread_has_its_own(torch):
    seen = []

    def look():
        seen.append(torch.is_autocast_enabled("cpu"))
        seen.append(torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype)

    with torch.autocast("cpu"):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    print(seen)


@row("state")
def what_is_refused(torch):
    kinds = ("cpu", "cuda", "xla", "mps", "cuda:0", "meta", "lazy")
    print([torch.amp.is_autocast_available(kind) for kind in kinds])
    print([torch.get_autocast_dtype(k) for k in kinds[:5]])
    attempt(lambda: torch.amp.is_autocast_available("foo"))
    attempt(lambda: torch.autocast("foo"))
    attempt(lambda: torch.autocast("meta"))
    attempt(lambda: torch.autocast(3))
    attempt(lambda: torch.autocast("cpu")(3))
    attempt(lambda: torch.is_autocast_enabled("meta"))
    attempt(lambda: torch.is_autocast_enabled(1))
    attempt(lambda: torch.set_autocast_enabled(1))
    attempt(lambda: torch.set_autocast_enabled("cpu", 1))
    attempt(lambda: torch.set_autocast_enabled())
    attempt(lambda: torch.set_autocast_dtype("cpu", 1))
    attempt(lambda: torch.set_autocast_cache_enabled(1))
    print(torch.autocast("cpu", dtype=torch.float32)._enabled)
    print(torch.autocast("cuda")._enabled, torch.autocast("cuda", enabled=False)._enabled)


@row("state")
def older_names_warn(torch):
    with torch.cpu.amp.autocast():
        print(torch.get_autocast_dtype("cpu"), torch.is_autocast_enabled("cpu"))
    with torch.cuda.amp.autocast():
        print(torch.is_autocast_enabled())
    print(torch.cuda.amp.GradScaler().is_enabled(), torch.cpu.amp.GradScaler().is_enabled())
    print(torch.autocast is torch.amp.autocast, torch.GradScaler is torch.amp.GradScaler)
    print(torch.cuda.amp.common.amp_definitely_not_available())


@row("state")
def decorators(torch):
    @torch.autocast("cpu")
    def product(a, b):
        """Multiply."""
        return torch.mm(a, b)

    @torch.autocast("cpu", enabled=False)
    def plain(a, b):
        return torch.mm(a, b)

    one = torch.ones(2, 2)
    print(product(one, one).dtype, product.__name__, product.__doc__)
    with torch.autocast("cpu"):
        print(plain(one, one).dtype, product(one, one).dtype)


@row("casts")
def a_leaf_is_cast_once(torch):
    w, x = torch.randn(3, 3, requires_grad=True), torch.randn(2, 3)
    with torch.autocast("cpu"):
        y = torch.mm(x, w) + torch.mm(x + 1, w)
        (first, _), (second, _) = y.grad_fn.next_functions
        print(edges(y.grad_fn), edges(first), edges(second))
        print(first.next_functions[1][0] is second.next_functions[1][0])
        z = torch.mm(w * 1, x.t())
        print(edges(z.grad_fn), edges(z.grad_fn.next_functions[0][0]))
    y.float().pow(2).sum().backward()
    print(w.grad.dtype, w.grad)


@row("casts")
def or_each_time(torch):
    w, x = torch.randn(3, 3, requires_grad=True), torch.randn(2, 3)
    with torch.autocast("cpu", cache_enabled=False):
        y = torch.mm(x, w) + torch.mm(x + 1, w)
        (first, _), (second, _) = y.grad_fn.next_functions
        print(first.next_functions[1][0] is second.next_functions[1][0])
    y.float().pow(2).sum().backward()
    print(w.grad)


@row("casts")
def a_kept_cast_may_be_old(torch):
    w, x = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
    with torch.autocast("cpu"):
        print(torch.mm(x, w))
        with torch.no_grad():
            w.zero_()
        print(torch.mm(x, w))
        torch.clear_autocast_cache()
        print(torch.mm(x, w))
    with torch.autocast("cpu"):
        with torch.no_grad():
            print(torch.mm(x, w).requires_grad)
        print(torch.mm(x, w).requires_grad)


@row("casts")
def what_is_left_alone(torch):
    a = torch.arange(4.0).reshape(2, 2)
    with torch.autocast("cpu"):
        print(torch.mm(a, a, out=torch.empty(2, 2)).dtype, a.clone().addmm_(a, a).dtype)
        print(torch.mm(a.double(), a.double()).dtype, torch.mm(a.long(), a.long()).dtype)
        print((a + a.bfloat16()).dtype, (a.bfloat16() * 2.5).dtype, a.sum().dtype)
        print(torch.cat([a, a.bfloat16()]).dtype, torch.stack([a.bfloat16()] * 2).dtype)
        attempt(lambda: torch.cat([a.half(), a]))
        attempt(lambda: torch.stack([a.bfloat16(), a.half()]))
        print(torch.cat([a, a.half()]).dtype)
        attempt(lambda: a.bfloat16().addmm_(a, a))


@row("casts")
def a_graph_of_several_steps(torch):
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))
    x, y = torch.randn(5, 4), torch.tensor([0, 2, 1, 0, 1])
    with torch.autocast("cpu"):
        out = net(x)
        loss = torch.nn.functional.cross_entropy(out, y)
        print(out.dtype, loss.dtype, edges(out.grad_fn), loss.grad_fn.name())
    loss.backward()
    print([p.grad.dtype for p in net.parameters()])
    print([round(p.grad.norm().item(), 2) for p in net.parameters()])


@row("functions")
def custom_functions(torch):
    class Product(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu")
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            out = a.mm(b)
            print("forward", out.dtype, torch.is_autocast_enabled("cpu"))
            return out

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            a, b = ctx.saved_tensors
            print("backward", grad.dtype, torch.is_autocast_enabled("cpu"))
            return grad.mm(b.t()), a.t().mm(grad)

    class Wide(Product):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
        def forward(ctx, a, b):
            return Product.forward(ctx, a, b)

    for function in (Product, Wide):
        a = torch.randn(2, 2, requires_grad=True)
        b = torch.randn(2, 2).bfloat16().requires_grad_()
        with torch.autocast("cpu"):
            out = function.apply(a, b)
        out.float().sum().backward()
        print(a.grad.dtype, b.grad.dtype)
    Product.apply(a, b.float()).sum().backward()
    attempt(lambda: torch.amp.custom_fwd(device_type=1))


@row("functions")
def checkpoints(torch):
    checkpoint = torch.utils.checkpoint.checkpoint
    seen = []

    def block(x):
        seen.append(torch.is_autocast_enabled("cpu"))
        y = torch.mm(x, w).relu()
        seen.append(y.dtype)
        return torch.mm(y.float(), w)

    w = torch.randn(3, 3, requires_grad=True)
    for reentrant in (False, True):
        x = torch.randn(2, 3, requires_grad=True)
        with torch.autocast("cpu"):
            out = checkpoint(block, x, use_reentrant=reentrant)
        out.float().sum().backward()
        print(seen, x.grad.dtype, w.grad.dtype)
        seen.clear()


@row("layers")
def recurrent_layers(torch):
    for name in ("RNN", "GRU", "LSTM"):
        layer = getattr(torch.nn, name)(3, 4, num_layers=2, bidirectional=True)
        with torch.autocast("cpu"):
            out, state = layer(torch.randn(5, 2, 3))
            low, _ = layer(torch.randn(5, 2, 3).bfloat16())
            packed = torch.nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 3), [5, 3])
            flat, _ = layer(packed)
        state = state if isinstance(state, tuple) else (state,)
        print(name, out.dtype, [s.dtype for s in state], low.dtype, flat.data.dtype)
    layer = torch.nn.LSTM(3, 4, proj_size=2)
    with torch.autocast("cpu"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of the library that it would use
        out, (h, c) = layer(torch.randn(5, 2, 3))
    print(out.dtype, h.dtype, c.dtype)


@row("layers")
def attention_layers(torch):
    x = torch.randn(2, 3, 8)
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    with torch.autocast("cpu"):
        out, weights = attention(x, x, x)
        print(out.dtype, weights.dtype, attention(x, x, x, need_weights=False)[0].dtype)
        print(layer(x).dtype, layer.eval()(x).dtype)


@row("layers")
def convolution_and_norm(torch):
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.MaxPool2d(2)
    )
    with torch.autocast("cpu"):
        out = net(torch.randn(2, 3, 8, 8))
    print(out.dtype, net[1].running_mean.dtype, edges(out.grad_fn))
    out.float().sum().backward()
    print([p.grad.dtype for p in net.parameters()])
