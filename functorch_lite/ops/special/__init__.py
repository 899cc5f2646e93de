"""Special functions (``torch.special``)."""
