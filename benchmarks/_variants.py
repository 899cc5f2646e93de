"""The contestants: which process computes a program, and with which compiler around what."""

from dataclasses import dataclass

from benchmarks._turns import UNDER_PYTHON, UNDER_US


@dataclass(frozen=True)
class Variant:
    """A column of the table. ``kind`` is a key of ``worker_program.KINDS``."""

    title: str
    launcher: list[str]
    kind: str
    programs: frozenset[str] | None = None  # those that it has; None for all


REFERENCE = "torch"  # whose time is 1
VARIANTS = {
    "torch": Variant("torch eager", UNDER_PYTHON, "eager"),
    "ours": Variant("ours, eager", UNDER_US, "eager"),
    "captured": Variant("ours, captured", UNDER_US, "step"),
    "compiled": Variant("torch.compile", UNDER_PYTHON, "model"),
    "jax": Variant("jax + optax", UNDER_PYTHON, "jax"),
    "nnx": Variant("flax nnx", UNDER_PYTHON, "nnx", frozenset({"mlp", "gpt"})),
}
