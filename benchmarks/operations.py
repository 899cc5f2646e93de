"""Names of the operations whose dispatch is timed (shared by the driver and its worker)."""

DISPATCHED = (
    "a + b",
    "a + b, with gradient",
    "a * 2.0",
    "a @ b",
    "a[1]",
    "a.sum()",
    "a.add_(1)",
)
