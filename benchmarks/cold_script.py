"""Forty different operations, once each: what a short script meets before anything is warm."""

import torch
from torch.nn import functional as F

torch.manual_seed(0)
a = torch.randn(4, 5)
b = torch.randn(5, 3, requires_grad=True)
parts = [
    *(a.sum(), a.mean(1), a.std(), a.amax(0), a.argmin(1), a.cumsum(0), a.prod(), a.norm()),
    *(a.exp(), a.abs(), a.sin(), a.tanh(), a.sigmoid(), a.relu(), a.clamp(-1, 1), a.round()),
    *(a + 1, a * a, a / 2, a - a.mean(), a**2, -a, a > 0, torch.maximum(a, a.flip(0))),
    *(a.t(), a.reshape(2, 10), a[1], a[:, 1:3], a.unsqueeze(0), torch.cat([a, a])),
    *(torch.stack([a, a]), a.sort(1).values, torch.where(a > 0, a, 0.0), a.expand(2, 4, 5)),
    *(F.softmax(a, 1), F.gelu(a), F.layer_norm(a, (5,)), F.linear(a, a), a @ a.t()),
]
loss = (a @ b).square().mean()
loss.backward()
print(len(parts) + 1, loss.item(), parts[0].item(), b.grad.abs().max().item())
