"""The part ``train``: whole programs, in training and inference.

All contestants of a program live at once, get ready one after the other, and then take turns.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from time import perf_counter

from benchmarks._quiet import Patience
from benchmarks._table import Row, measured
from benchmarks._turns import RefusedError, Worker, take_turns
from benchmarks._variants import VARIANTS

TITLES = {
    "mlp": "MLP, training step",
    "cnn": "CNN, training step",
    "resnet": "ResNet-18, training step",
    "gpt": "GPT, training step",
    "lstm": "LSTM, training step",
    "per-sample": "MLP, gradients per sample",
    "resnet-infer": "ResNet-18, inference",
    "gpt-infer": "GPT, inference",
}


class Contest:
    """One program and the workers that compute it, less those that gave up, with their reasons."""

    def __init__(
        self, stack: ExitStack, program: str, variants: Sequence[str], environment: Mapping
    ) -> None:
        """Start one worker after the other, each to its second step; ``stack`` ends them."""
        self.ready: dict[str, list[float]] = {}  # seconds from the start of the process
        self.missing: dict[str, str] = {}
        self.workers: dict[str, Worker] = {}
        for name in variants:
            variant = VARIANTS[name]
            if variant.programs is None or program in variant.programs:
                arguments = (variant.kind, program)
                start = perf_counter()
                worker = Worker(
                    variant.launcher, "worker_program.py", *arguments, environment=environment
                )
                stack.enter_context(worker)
                try:
                    worker.round("ready")
                except RefusedError as error:
                    self.missing[name] = str(error)
                else:
                    self.workers[name], self.ready[name] = worker, [perf_counter() - start]

    def turns(
        self, request: str, rounds: int = 1, patience: Patience | None = None
    ) -> dict[str, list[float]]:
        """Let all answer ``request`` in turns, ``rounds`` times; with patience, in quiet ones."""

        def answering(worker: Worker) -> Callable[[], float]:
            if patience is None:
                return lambda: worker.round(request)
            return lambda: worker.quiet_round(request, patience)

        asked = {name: answering(worker) for name, worker in self.workers.items()}
        found, refused = take_turns(asked, rounds)
        self.missing |= refused
        self.workers = {name: self.workers[name] for name in found}
        return found


def compete(
    program: str,
    variants: Sequence[str],
    rounds: int,
    round_s: float,
    environment: Mapping,
    patience: Patience,
) -> list[Row]:
    """Time a program; return the rows of a step, of the way to the second step, and of memory."""
    title = TITLES[program]
    with ExitStack() as stack:
        contest = Contest(stack, program, variants, environment)
        contest.turns(f"rounds {round_s}")
        times = contest.turns("go", rounds, patience)
        memory = contest.turns("memory")
    return [
        measured(title, "ms", times, contest.missing, patience.disturbed),
        measured(f"{title}: start of the process to second", "s", contest.ready),
        measured(f"{title}: peak memory of the process", "MiB", memory),
    ]
