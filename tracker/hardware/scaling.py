"""The scaling law of systems: how fast a scale-up domain grows, against how fast one accelerator does.

A straight line through the logarithm of a figure over the date of first volume shipment, one point a generation: boards
and racks that start together are one generation, and the largest domain speaks for it. The slope is a doubling time, with
the confidence interval of a regression with few points (Student's t). The leader's line is what followers are measured by.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import stats

from tracker.hardware.catalogue import Catalogue, show_system

LEADER: Final = "NVDA"
CONFIDENCE: Final = 0.90
_FEWEST: Final = 4  # systems; with fewer a line has no interval worth printing
_DAYS_A_YEAR: Final = 365.25
# metric -> (figure of a system, whether it is of the whole domain, to be divided for the accelerator's own)
_PER_DOMAIN: Final[dict[str, str]] = {
    "domain_size": "scale_up_domain_size",
    "scale_up_bandwidth_tb_s": "scale_up_aggregate_tb_s",
    "hbm_tb": "hbm_total_tb",
    "hbm_bandwidth_tb_s": "hbm_bw_total_tb_s",
    "dense_fp8_pflops": "dense_fp8_pflops",
    "power_kw": "rack_power_kw",
    "price_usd": "price_usd",
}
NO_GENERATION: Final = ("cancelled", "dropped", "niche")
FIT_SCHEMA: Final = {
    "metric": pl.String(), "level": pl.String(), "systems": pl.Int64(), "planned": pl.Int64(), "first": pl.Date(),
    "last": pl.Date(), "doubling_months": pl.Float64(), "doubling_low": pl.Float64(), "doubling_high": pl.Float64(),
    "growth_a_year": pl.Float64(), "r2": pl.Float64(),
}  # fmt: skip
LAG_SCHEMA: Final = {
    "system": pl.String(), "vendor": pl.String(), "metric": pl.String(), "value": pl.Float64(), "at": pl.Date(),
    "leader": pl.String(), "leader_at": pl.Date(), "by": pl.String(), "lag_months": pl.Float64(),
}  # fmt: skip
POINT_SCHEMA: Final = {
    "system": pl.String(), "vendor": pl.String(), "announced": pl.Date(), "shipped": pl.Date(), "planned": pl.Boolean(),
    "generation": pl.Boolean(), "metric": pl.String(), "level": pl.String(), "value": pl.Float64(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fit:
    """log2(value) = intercept + slope * years since `origin`, with what an interval needs."""

    origin: date
    slope: float
    intercept: float
    slope_error: float
    residual: float  # standard deviation of log2 residuals
    n: int
    mean_years: float
    spread: float  # sum of squared deviations of the years
    r2: float

    def doubling_months(self) -> tuple[float, float | None, float | None]:
        """(estimate, low, high) in months; an end is None where the interval of the slope reaches zero."""
        by = float(stats.t.ppf(0.5 + CONFIDENCE / 2, self.n - 2)) * self.slope_error
        low, high = self.slope - by, self.slope + by
        return 12 / self.slope, (12 / high if high > 0 else None), (12 / low if low > 0 else None)

    def project(self, on: date) -> tuple[float, float, float]:
        """(low, base, high) of a value at a date: the band of a single new system."""
        years = (on - self.origin).days / _DAYS_A_YEAR
        base = self.intercept + self.slope * years
        width = self.residual * (1 + 1 / self.n + (years - self.mean_years) ** 2 / self.spread) ** 0.5
        by = float(stats.t.ppf(0.5 + CONFIDENCE / 2, self.n - 2)) * width
        return float(2 ** (base - by)), float(2**base), float(2 ** (base + by))


def fit(days: list[date], values: list[float]) -> Fit | None:
    """A line through log2 of positive values; None with fewer than four points or all on one day."""
    if len(days) < _FEWEST or len(set(days)) < 2:
        return None
    origin = min(days)
    years = np.array([(d - origin).days / _DAYS_A_YEAR for d in days])
    line = stats.linregress(years, np.log2(np.array(values)))
    residuals = np.log2(np.array(values)) - (line.intercept + line.slope * years)
    n = len(days)
    return Fit(
        origin, float(line.slope), float(line.intercept), float(line.stderr),
        float((residuals @ residuals / (n - 2)) ** 0.5), n, float(years.mean()),
        float(((years - years.mean()) ** 2).sum()), float(line.rvalue**2),
    )  # fmt: skip


def points(catalogue: Catalogue) -> pl.DataFrame:
    """POINT_SCHEMA of every system with a date; level is domain or accelerator.

    `shipped` is the first volume shipment (null when not known), `planned` that it is still to come by the catalogue's
    status, `generation` that the system stands for its vendor's generation in a fit.
    """
    leading = {system for line in generations(catalogue).values() for system in line}
    rows: list[dict[str, Any]] = []
    for system in catalogue.systems["id"]:
        figures = show_system(catalogue, system)
        announced, shipped = (announced_on(figures.get(f)) for f in ("announced", "first_volume_shipment"))
        size = figures.get("accelerators")
        if (announced is None and shipped is None) or not size:
            continue
        about = {
            "system": system, "vendor": figures["vendor"], "announced": announced, "shipped": shipped,
            "planned": figures["status"] == "announced", "generation": system in leading,
        }  # fmt: skip
        for metric, name in _PER_DOMAIN.items():
            value = _base(figures.get(name))
            if value is None or value <= 0:
                continue
            rows.append(about | {"metric": metric, "level": "domain", "value": value})
            if metric != "domain_size":
                rows.append(about | {"metric": metric, "level": "accelerator", "value": value / float(size)})
    return pl.DataFrame(rows, schema=POINT_SCHEMA).sort("metric", "level", "shipped", "announced", "system")


def generations(catalogue: Catalogue) -> dict[str, list[str]]:
    """Vendor -> its systems by first volume shipment, of those that start together the largest domain.

    So a board and a rack of one chip are not two steps of a line; dropped, cancelled and niche systems are none.
    """
    found: dict[str, dict[date, str]] = {}
    for system, row in catalogue.raw.items():
        shipped, announced = announced_on(row.get("first_volume_shipment")), announced_on(row.get("announced"))
        if shipped is None or announced is None or row.get("status") in NO_GENERATION:
            continue
        line = found.setdefault(row["vendor"], {})
        rival = line.get(shipped)
        if rival is None or (row["accelerators"] or 0) > (catalogue.raw[rival]["accelerators"] or 0):
            line[shipped] = system
    return {vendor: [line[day] for day in sorted(line)] for vendor, line in found.items()}


def announced_on(text: Any) -> date | None:
    """A day of the catalogue; the middle of a month, quarter or half year that is all that is known."""
    found = re.fullmatch(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?|-Q([1-4])|-H([12]))?", str(text or ""))
    if found is None:
        return None
    year, month, day, quarter, half = found.groups()
    middle = int(month) if month else int(quarter) * 3 - 1 if quarter else int(half) * 6 - 3 if half else 7
    return date(int(year), middle, int(day) if day else 15)


def _base(value: Any) -> float | None:
    if isinstance(value, dict):
        value = value.get("base")
    return float(value) if isinstance(value, int | float) else None


def doubling_times(catalogue: Catalogue, vendor: str = LEADER) -> pl.DataFrame:
    """FIT_SCHEMA: the doubling time of each figure of a vendor's generations, of a domain and of one accelerator.

    `planned` counts generations that are announced but not yet shipping.
    """
    rows = []
    for (metric, level), group in _line_of(catalogue, vendor).group_by(["metric", "level"], maintain_order=True):
        line = fit(group["shipped"].to_list(), group["value"].to_list())
        if line is None or line.slope <= 0:
            continue
        months, low, high = line.doubling_months()
        rows.append(
            {
                "metric": metric, "level": level, "systems": line.n, "planned": group["planned"].sum(),
                "first": group["shipped"].min(), "last": group["shipped"].max(), "doubling_months": months,
                "doubling_low": low, "doubling_high": high, "growth_a_year": 2**line.slope - 1, "r2": line.r2,
            }
        )  # fmt: skip
    return pl.DataFrame(rows, schema=FIT_SCHEMA)


def _line_of(catalogue: Catalogue, vendor: str) -> pl.DataFrame:
    """The points a vendor's lines go through: its generations, by first volume shipment."""
    return points(catalogue).filter(
        (pl.col("vendor") == vendor) & pl.col("generation") & pl.col("shipped").is_not_null()
    )


def follower_lags(catalogue: Catalogue, leader: str = LEADER) -> pl.DataFrame:
    """LAG_SCHEMA: months from the leader's first system with as much in one domain to the follower's.

    By first volume shipment of both where it is known (`by`), else by announcement of both: Kyber was shown two and a half
    years before it ships. Negative where the follower is first; null where the leader has announced none as large.
    """
    whole = points(catalogue).filter(pl.col("level") == "domain", pl.col("metric") != "price_usd")
    found = []
    for by, date_of in (("shipment", "shipped"), ("announcement", "announced")):
        dated = whole.with_columns(at=pl.col(date_of)).drop_nulls("at")
        first = dated.filter(pl.col("vendor") == leader).select(
            "metric", leader="system", leader_at="at", leader_value="value"
        )
        followers = dated.filter(pl.col("vendor") != leader)
        matched = (
            followers.join(first, on="metric")
            .filter(pl.col("leader_value") >= pl.col("value"))
            .sort("leader_at", "leader")
            .unique(["system", "metric"], keep="first", maintain_order=True)
            .select("system", "metric", "leader", "leader_at")
        )
        found.append(followers.join(matched, on=["system", "metric"], how="left").with_columns(by=pl.lit(by)))
    lag = (pl.col("at") - pl.col("leader_at")).dt.total_days() / _DAYS_A_YEAR * 12
    return (
        pl.concat(found)
        .unique(["system", "metric"], keep="first", maintain_order=True)
        .with_columns(lag_months=lag)
        .select([pl.col(name).cast(kind) for name, kind in LAG_SCHEMA.items()])
        .sort("metric", "at", "system")
    )


def projection(catalogue: Catalogue, metric: str, on: date, vendor: str = LEADER) -> tuple[float, float, float] | None:
    """(low, base, high) of a domain figure of a vendor's generation that first ships on a day; None without a line."""
    own = _line_of(catalogue, vendor).filter(pl.col("metric") == metric, pl.col("level") == "domain")
    line = fit(own["shipped"].to_list(), own["value"].to_list())
    return line.project(on) if line is not None else None
