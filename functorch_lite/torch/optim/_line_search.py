"""The strong Wolfe line search of L-BFGS: bracket a good step, then close in on it.

Follows Nocedal and Wright, algorithms 3.5 and 3.6, with the constants and stopping rules of
PyTorch, which took them from minFunc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SUFFICIENT_DECREASE = 1e-4
CURVATURE = 0.9
TOLERANCE_CHANGE = 1e-9


@dataclass
class Point:
    """A step length with loss, gradient and slope there."""

    t: Any
    loss: Any
    grad: Any
    slope: Any


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Return the minimum of the cubic through two points and slopes, within ``bounds``."""
    low, high = bounds if bounds is not None else ((a.t, b.t) if a.t <= b.t else (b.t, a.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        best = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        best = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(best, low), high)


class _Search:
    """Evaluates points along the direction and judges them against the start."""

    def __init__(self, evaluate: Callable[[Any], tuple], d: Any, start: Point) -> None:
        self.evaluate = evaluate
        self.d = d
        self.start = start
        self.evaluations = 0

    def at(self, t: Any) -> Point:
        loss, grad = self.evaluate(t)
        self.evaluations += 1
        return Point(t, loss, grad, grad.dot(self.d))

    def too_high(self, point: Point) -> bool:
        start = self.start
        return point.loss > start.loss + SUFFICIENT_DECREASE * point.t * start.slope

    def flat(self, point: Point) -> bool:
        return bool(abs(point.slope) <= -CURVATURE * self.start.slope)


def strong_wolfe(
    evaluate: Callable[[Any], tuple],
    t: Any,
    d: Any,
    loss: float,
    grad: Any,
    slope: Any,
    max_steps: int = 25,
) -> tuple[float, Any, Any, int]:
    """Find a step length that satisfies the strong Wolfe conditions.

    Args: ``evaluate(t) -> (loss, grad)``; ``t`` first guess; ``d`` direction; the rest as it is
        at the start, where ``slope`` is ``grad . d``.
    Returns: (loss, gradient, t, number of evaluations).
    """
    search = _Search(evaluate, d, Point(0, loss, grad.clone(), slope))
    bracket, done, steps = _bracket(search, t, max_steps)
    if not done:
        bracket = _zoom(search, bracket, steps, max_steps)
    best = min(bracket, key=lambda point: point.loss) if len(bracket) > 1 else bracket[0]
    return best.loss, best.grad, best.t, search.evaluations


def _bracket(search: _Search, t: Any, max_steps: int) -> tuple[list[Point], bool, int]:
    """Lengthen the step until a good one is in between; return (points, found it, steps)."""
    previous, point, steps = search.start, search.at(t), 0
    while steps < max_steps:
        if search.too_high(point) or (steps > 1 and point.loss >= previous.loss):
            return [previous, point], False, steps
        if search.flat(point):
            return [point], True, steps
        if point.slope >= 0:
            return [previous, point], False, steps
        bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
        longer = cubic_minimum(previous, point, bounds)
        previous, point = point, search.at(longer)
        steps += 1
    return [search.start, point], False, steps


def _zoom(search: _Search, bracket: list[Point], steps: int, max_steps: int) -> list[Point]:
    """Shrink the bracket around a good step; return it with the better end first."""
    d_norm = search.d.abs().max()
    low, high = bracket if bracket[0].loss <= bracket[-1].loss else reversed(bracket)
    first_is_low = low is bracket[0]
    stalled = False
    while steps < max_steps:
        if abs(high.t - low.t) * d_norm < TOLERANCE_CHANGE:
            break
        first, second = (low, high) if first_is_low else (high, low)
        t, stalled = _inner_step(cubic_minimum(first, second), low.t, high.t, stalled)
        point = search.at(t)
        steps += 1
        if search.too_high(point) or point.loss >= low.loss:
            high = point
            if high.loss < low.loss or (high.loss == low.loss and not first_is_low):
                low, high, first_is_low = high, low, not first_is_low
            continue
        if search.flat(point):
            return [point]
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
    return [low]


def _inner_step(t: Any, a: Any, b: Any, stalled: bool) -> tuple[Any, bool]:
    """Keep ``t`` off the ends of the bracket the second time that it comes close to one."""
    lower, upper = min(a, b), max(a, b)
    margin = 0.1 * (upper - lower)
    if not min(upper - t, t - lower) < margin:
        return t, False
    if not (stalled or t >= upper or t <= lower):
        return t, True
    return (upper - margin if abs(t - upper) < abs(t - lower) else lower + margin), False
