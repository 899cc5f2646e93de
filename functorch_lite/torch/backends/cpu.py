"""``torch.backends.cpu``: what the processor can do."""


def get_cpu_capability() -> str:
    """Return ``"DEFAULT"``: XLA compiles for the processor at hand and does not name it."""
    return "DEFAULT"
