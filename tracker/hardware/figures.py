"""A figure is low <= base <= high with a unit, a source and a date; arithmetic on it keeps the order."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """Low, base, high of a non-negative quantity. Products and quotients are taken end against end."""

    low: float
    base: float
    high: float

    def __mul__(self, other: Interval | float) -> Interval:
        o = as_interval(other)
        return Interval(self.low * o.low, self.base * o.base, self.high * o.high)

    __rmul__ = __mul__

    def __truediv__(self, other: Interval | float) -> Interval:
        o = as_interval(other)
        return Interval(*(_ratio(a, b) for a, b in ((self.low, o.high), (self.base, o.base), (self.high, o.low))))

    def __add__(self, other: Interval | float) -> Interval:
        o = as_interval(other)
        return Interval(self.low + o.low, self.base + o.base, self.high + o.high)

    def __rtruediv__(self, other: float) -> Interval:
        return as_interval(other) / self


@dataclass(frozen=True)
class Figure:
    """One sourced factor of the model. `group` names the cause it shares with others; `where` is file:line."""

    id: str
    low: float
    base: float
    high: float
    unit: str
    source: str
    date: str
    group: str | None = None
    note: str | None = None
    where: str = ""

    @property
    def interval(self) -> Interval:
        return Interval(self.low, self.base, self.high)


def as_interval(value: Interval | float) -> Interval:
    """A plain number as an interval without width."""
    return value if isinstance(value, Interval) else Interval(value, value, value)


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.inf


def span(value: object) -> Interval | None:
    """A catalogue value as an interval: a number, or {low, base, high} whose missing ends take the nearest one."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return as_interval(float(value))
    if not isinstance(value, dict):
        return None
    ends = [value.get(k) for k in ("low", "base", "high")]
    known = [float(e) for e in ends if isinstance(e, int | float)]
    if not known:
        return None
    low = float(ends[0]) if ends[0] is not None else known[0]
    high = float(ends[2]) if ends[2] is not None else known[-1]
    base = float(ends[1]) if ends[1] is not None else (low + high) / 2
    return Interval(low, base, high)
