"""The operators of neural-network layers: convolution, pooling, norms, losses, recurrence."""
