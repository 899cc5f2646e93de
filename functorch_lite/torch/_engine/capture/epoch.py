"""The count of changes to modules and hooks, by which guards know that there is nothing to do."""


class _Epoch:
    """Counts the changes of attributes and parts of all modules, and of hooks."""

    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


epoch = _Epoch()
