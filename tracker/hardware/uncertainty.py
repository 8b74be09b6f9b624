"""Monte Carlo over the bill of materials: every factor drawn once, factors of one cause drawn together.

A price (unit USD...) is lognormal, anything else triangular; both stay inside [low, high]. Within a `group` of
parameters.yaml the draws share a cause (Gaussian copula). Products of the same factors are computed once and scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from tracker.hardware.bom import evaluate, leaf_interval
from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval

RHO: Final = 0.8  # assumption: correlation inside a group; the cause (a node's yield, a price cycle) dominates
PERCENTILES: Final = (5.0, 50.0, 95.0)
# fields of a system that vary with a cause shared with parameters
_FIELD_GROUPS: Final = {
    "good_dies_per_wafer": "yield",
    "good_packages_per_cowos_wafer": "yield",
    "price_usd": "price",
}
Draws = NDArray[np.float32]


class Sampler:
    """Draws of named factors with a fixed seed; the same name gives the same draws."""

    def __init__(self, count: int, seed: int = 20261124) -> None:
        self.count = count
        self._rng = np.random.default_rng(seed)
        self._groups: dict[str, Draws] = {}
        self._cache: dict[tuple[tuple[str, int], ...], Draws] = {}
        self._percentiles: dict[tuple[tuple[str, int], ...], Draws] = {}

    def draw(self, name: str, interval: Interval, *, group: str | None, money: bool) -> Scaled:
        """A factor as draws; one without width is a plain scale."""
        if interval.low == interval.high:
            return Scaled(self, interval.base, ())
        key = ((name, 1),)
        if key not in self._cache:
            uniform = ndtr(self._normal(group))
            self._cache[key] = (_lognormal if money else _triangular)(uniform, interval)
        return Scaled(self, 1.0, key)

    def _normal(self, group: str | None) -> Draws:
        own = self._rng.standard_normal(self.count, dtype=np.float32)
        if group is None:
            return own
        if group not in self._groups:
            self._groups[group] = self._rng.standard_normal(self.count, dtype=np.float32)
        return np.float32(np.sqrt(RHO)) * self._groups[group] + np.float32(np.sqrt(1 - RHO)) * own

    def array(self, key: tuple[tuple[str, int], ...]) -> Draws:
        """Product of the factors of a key, each to its power; computed once."""
        if key not in self._cache:
            product = np.ones(self.count, dtype=np.float32)
            for name, power in key:
                product *= self._cache[((name, 1),)] ** power
            self._cache[key] = product
        return self._cache[key]

    def put(self, name: str, draws: Draws) -> Scaled:
        """Draws that are no product (a sum) under a name of their own."""
        self._cache[((name, 1),)] = draws
        return Scaled(self, 1.0, ((name, 1),))

    def percentiles(self, key: tuple[tuple[str, int], ...]) -> Draws:
        """PERCENTILES of a product of factors."""
        if not key:
            return np.ones(len(PERCENTILES), dtype=np.float32)
        if key not in self._percentiles:
            self._percentiles[key] = np.percentile(self.array(key), PERCENTILES).astype(np.float32)
        return self._percentiles[key]


@dataclass(frozen=True)
class Scaled:
    """A number times a product of drawn factors."""

    sampler: Sampler
    scale: float
    key: tuple[tuple[str, int], ...]

    def __mul__(self, other: Scaled) -> Scaled:
        return Scaled(self.sampler, self.scale * other.scale, _merge(self.key, other.key, 1))

    def __truediv__(self, other: Scaled) -> Scaled:
        return Scaled(self.sampler, self.scale / other.scale, _merge(self.key, other.key, -1))

    def __add__(self, other: Scaled) -> Scaled:
        if self.key == other.key:
            return Scaled(self.sampler, self.scale + other.scale, self.key)
        draws = self.sampler.array(self.key) * np.float32(self.scale)
        draws = draws + self.sampler.array(other.key) * np.float32(other.scale)
        return self.sampler.put(f"({self.scale}*{self.key}+{other.scale}*{other.key})", draws)

    def percentiles(self) -> list[float]:
        """PERCENTILES of the draws."""
        return [float(p) * self.scale for p in self.sampler.percentiles(self.key)]

    def array(self) -> Draws:
        """The draws themselves."""
        return self.sampler.array(self.key) * np.float32(self.scale)


def _merge(a: tuple[tuple[str, int], ...], b: tuple[tuple[str, int], ...], sign: int) -> tuple[tuple[str, int], ...]:
    powers = dict(a)
    for name, power in b:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((n, p) for n, p in powers.items() if p))


def _triangular(u: NDArray[np.floating], x: Interval) -> Draws:
    width, left = x.high - x.low, x.base - x.low
    cut = left / width
    rising = x.low + np.sqrt(u * width * left)
    falling = x.high - np.sqrt((1 - u) * width * (x.high - x.base))
    drawn: Draws = np.where(u < cut, rising, falling).astype(np.float32)
    return drawn


def _lognormal(u: NDArray[np.floating], x: Interval) -> Draws:
    """Median at base; low and high are its 5 % and 95 % marks, each side with its own width; cut off at both."""
    if x.low <= 0:
        return _triangular(u, x)
    z = ndtri(u) / ndtri(0.95)
    widths = np.where(z < 0, np.log(x.base / x.low), np.log(x.high / x.base))
    drawn: Draws = np.clip(x.base * np.exp(widths * z), x.low, x.high).astype(np.float32)
    return drawn


def sample_bill(
    catalogue: Catalogue, systems: list[str], draws: int, seed: int = 20261124
) -> dict[str, dict[str, Scaled]]:
    """The whole bill of each system as draws; one factor has the same draws in every system."""
    sampler = Sampler(draws, seed)
    return {s: evaluate(catalogue, s, lambda name, s=s: _leaf(catalogue, s, name, sampler)) for s in systems}  # type: ignore[misc]


def _leaf(catalogue: Catalogue, system: str, name: str, sampler: Sampler) -> Scaled | None:
    interval = leaf_interval(catalogue, system, name)
    if interval is None:
        return None
    kind, _, field = name.partition(".")
    if kind == "param":
        figure = catalogue.figures[field]
        return sampler.draw(name, interval, group=figure.group, money=figure.unit.startswith("USD"))
    group, money = _FIELD_GROUPS.get(field), field == "price_usd"
    return sampler.draw(f"{system}.{field}", interval, group=group, money=money)


def percentiles(sampled: Mapping[str, Mapping[str, Scaled]]) -> pl.DataFrame:
    """(system, item, p5, p50, p95) of a sampled bill."""
    rows = [(s, item, *value.percentiles()) for s, items in sampled.items() for item, value in items.items()]
    names = ["system", "item", *(f"p{p:g}" for p in PERCENTILES)]
    return pl.DataFrame(rows, schema=names, orient="row")
