"""Rows 1-14: systems and packages. Rows 9, 10, 15, 16 need a process: see programs.py."""

import copy
import pickle

from tests.parity import attempt

from .rows import row


@row(1)
def a_tensor_library(torch):
    x = torch.zeros(2, 3, 4, 5, 6)
    print(x.dim(), x.device, x.to("cpu").shape, torch.__version__.split("+")[0])
    print(torch.tensor([[1, 2], [3, 4]]) @ torch.tensor([[1], [1]]))


@row(2)
def differentiation(torch):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    print(torch.autograd.grad((x * x.exp()).sum(), x))
    torch.autograd.backward((x**2).sum())
    print(x.grad)


@row(2)
def jacobians(torch):
    x = torch.tensor([1.0, 2.0])
    print(torch.autograd.functional.jacobian(lambda v: v**2, x))
    print(torch.autograd.functional.hessian(lambda v: (v**3).sum(), x))
    print(
        torch.autograd.functional.jvp(lambda v: v**2, x, x),
        torch.autograd.functional.vjp(lambda v: v**2, x, x),
    )


@row(3)
def layers_containers_losses(torch):
    nn = torch.nn
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    loss = nn.MSELoss()(net(torch.ones(2, 3)), torch.zeros(2, 1))
    loss.backward()
    print(net, loss, [tuple(p.shape) for p in net.parameters()], net[0].weight.grad.shape)


@row(4)
def functional_forms(torch):
    functional = torch.nn.functional
    x = torch.tensor([[1.0, 2.0, 3.0]])
    print(functional.softmax(x, dim=1), functional.relu(-x), functional.log_softmax(x, 1))
    print(functional.softmax(x, dim=1).sum(), functional.one_hot(torch.tensor([0, 2]), 3))
    print(functional.softmax(torch.ones(2)))


@row(5)
def torch_functional(torch):
    import_name = torch.functional
    print(import_name.__name__.endswith("functional"), torch.functional.split is torch.split)
    print(
        torch.functional.einsum("i,i->", torch.ones(3), torch.ones(3)),
        torch.functional.norm(torch.ones(4)),
    )


@row(6)
def optimizers(torch):
    for name in ("SGD", "RMSprop", "LBFGS", "Adam"):
        w = torch.tensor([1.0, -2.0], requires_grad=True)
        optimizer = getattr(torch.optim, name)([w], lr=0.1)

        def closure(w=w, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (w**2).sum()
            loss.backward()
            return loss

        for _ in range(3):
            loss = optimizer.step(closure)
        print(name, w, f"{loss.item():.4f}")


@row(7)
def shared_memory(torch):
    x = torch.zeros(2)
    print(x.is_shared())
    print(
        torch.multiprocessing.get_start_method(allow_none=True)
        in (None, "fork", "spawn", "forkserver")
    )
    print(hasattr(torch.multiprocessing, "Process"), hasattr(torch.multiprocessing, "spawn"))


@row(7)
def sharing_memory(torch):
    x = torch.zeros(2)
    part = x[1:]
    print(x.share_memory_() is x, x.is_shared(), part.is_shared(), (x * 2).is_shared())
    part += 1
    x.numpy()[0] = 5
    print(x, x._version, x.untyped_storage().is_shared(), x.detach().is_shared())
    attempt(lambda: x.resize_(5))
    net = torch.nn.Linear(2, 2)
    net.weight.data.fill_(1.0)
    print(net.share_memory() is net, [p.is_shared() for p in net.parameters()])
    net(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(net.parameters(), lr=0.5).step()
    print(net.weight, net.weight.is_shared(), net.weight.grad.is_shared())
    column = torch.arange(6.0).view(2, 3).t().share_memory_()
    print(column, column.stride(), column.is_shared(), torch.empty(0).share_memory_().is_shared())
    half = torch.ones(2, dtype=torch.bfloat16).share_memory_()
    print(half, half.is_shared(), copy.deepcopy(half).is_shared())
    storage = torch.zeros(3).untyped_storage()
    print(storage.share_memory_() is storage, storage.is_shared(), storage.nbytes())
    print(torch.multiprocessing.get_sharing_strategy())


class Squares:
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return float(index), index**2


@row(8)
def data_loading(torch):
    loader = torch.utils.data.DataLoader(Squares(), batch_size=2, shuffle=True)
    torch.manual_seed(3)
    print(len(loader), [batch for batch in loader])
    x = torch.arange(6).view(3, 2)
    print([b for b in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=2)])


@row(10)
def legacy_is_gone(torch):
    attempt(lambda: torch.legacy)
    attempt(lambda: torch.utils.trainer)


@row(11)
def cuda_where_there_is_none(torch):
    print(torch.cuda.is_available(), torch.cuda.device_count())
    x = torch.ones(2)
    attempt(x.cuda)
    attempt(lambda: x.to("cuda"))
    attempt(torch.nn.Linear(1, 1).cuda)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(device, x.to(device) is x, torch.device("cuda"), torch.device("cuda:0").index)


@row(12)
def three_levels(torch):
    variable = torch.autograd.Variable(torch.ones(2), requires_grad=True)
    print(variable, type(variable), isinstance(variable, torch.autograd.Variable))
    print(torch.autograd.Variable(torch.ones(1)).requires_grad)


@row(13)
def define_by_run(torch):
    w = torch.tensor(1.5, requires_grad=True)
    for steps in (1, 3, 2):
        x = torch.tensor(1.0)
        for _ in range(steps):
            x = x * w if x < 3 else x + w
        w.grad = None
        x.backward()
        print(steps, x, w.grad)


@row(14)
def missing_names_stay_missing(torch):
    attempt(lambda: torch.tong)
    attempt(lambda: torch.ones(1, requird_grad=True))
    attempt(lambda: torch.tensor([1.0], requird_grad=True))
    attempt(lambda: torch.nn.Parameters)
    attempt(lambda: torch.optim.RMSProp)
    attempt(lambda: torch.ones(1).copy())
    attempt(lambda: torch.Variable)
    attempt(lambda: torch.nn.functional.sofmax)
    attempt(lambda: torch.ones(1).requird_grad)
    attempt(lambda: torch.nn.linear)
    attempt(lambda: torch.utils.data.DataLoder)
    x = torch.ones(1)
    x.requird_grad = True
    print(x.requires_grad, hasattr(torch, "tong"), len(pickle.dumps(torch.float32)) > 0)
