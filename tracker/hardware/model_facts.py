"""What the model itself observes, as frames a rule can read: steps between generations, lags, shortages of the ledger.

A system speaks on the day it was announced and is compared only with systems announced before it; a change of the ledger
speaks when it was computed. `quote` is the sentence a reader gets, `fact_id` names what it rests on
(`system:ID:KIND` or `ledger:QUARTER:LINK:KIND`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval, span
from tracker.hardware.interconnect import Interconnect, domain_within
from tracker.hardware.scaling import announced_on, fit, follower_lags, generations
from tracker.vocabulary import MARKET, SCORED_FACTS_SCHEMA, conform

SOURCE: Final = "model"
_STEPS: Final = {  # kind -> (field, what a reader calls it)
    "domain_step": ("scale_up_domain_size", "accelerators in one scale-up domain"),
    "memory_step": ("hbm_gb_per_accelerator", "GB of HBM per accelerator"),
    "power_step": ("kw_per_rack", "kW per cabinet"),
    "ratio_step": ("scale_up_to_scale_out_ratio", "times as much bandwidth inside the domain as outside"),
}
_LINK_PRODUCTS: Final = {
    "racks": "rack", "assembly": "rack", "hbm": "hbm", "cowos": "cowos", "substrate": "pcb", "power": "power_shelf",
    "liquid_cooling": "liquid_cooling",
}  # fmt: skip
_EVENT_KINDS: Final = {
    "shortage": "ledger_shortage", "glut": "ledger_glut", "divergence": "ledger_divergence",
    "tightest_link_changed": "tightest_link",
}  # fmt: skip


def catalogue_facts(catalogue: Catalogue, net: Interconnect) -> pl.DataFrame:
    """SCORED_FACTS rows of MODEL_KINDS for every generation that came or is to come to market, oldest first."""
    rows: list[dict[str, Any]] = []
    for line in generations(catalogue).values():
        for before, own in zip([None, *line], line, strict=False):
            rows += _copper(catalogue, net, own)
            if before is not None:
                rows += _steps(catalogue, before, own)
        rows += _residuals(catalogue, line)
    rows += _lags(catalogue)
    return _frame(rows)


def ledger_facts(events: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """SCORED_FACTS rows of what changed in the ledger (`ledger.ledger_signals`), spoken at a moment."""
    rows = []
    for event in events.iter_rows(named=True):
        kind = _EVENT_KINDS[event["event"]]
        rows.append(
            {
                "fact_id": f"ledger:{event['quarter']}:{event['link']}:{kind}:{at:%Y-%m-%d}", "kind": kind,
                "entity": MARKET, "product": _LINK_PRODUCTS.get(event["link"]), "unit": "racks",
                "value": event["gap_base"], "direction": "up" if event["gap_base"] > 0 else "down",
                "period": event["quarter"], "quote": event["say"], "at": at,
            }
        )  # fmt: skip
    return _frame(rows)


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    made = [
        {
            **row, "value_low": row["value"], "value_high": row["value"], "basis": "estimate", "extractor": SOURCE,
            "source_id": SOURCE, "tier": 2, "lang": "en", "published_at": row["at"], "ingested_at": row["at"],
            "story_id": row["fact_id"], "racks_base": abs(row["value"]) if row["unit"] == "racks" else None,
        }
        for row in rows
    ]  # fmt: skip
    frame = pl.DataFrame(made, infer_schema_length=None) if made else pl.DataFrame(schema=SCORED_FACTS_SCHEMA)
    return conform(frame, SCORED_FACTS_SCHEMA).sort("published_at", "fact_id")


def _row(catalogue: Catalogue, system: str, kind: str, value: float, unit: str, say: str) -> dict[str, Any]:
    """An observation about a system, spoken on the day of its announcement."""
    row = catalogue.raw[system]
    day = announced_on(row["announced"])
    assert day is not None
    return {
        "fact_id": f"system:{system}:{kind}", "kind": kind, "entity": row["vendor"], "value": value, "unit": unit,
        "product": next((p for p, s in catalogue.products.items() if s == system), system), "quote": say,
        "at": datetime.combine(day, time(), UTC), "direction": "up" if value > 0 else "down" if value < 0 else "flat",
    }  # fmt: skip


def _steps(catalogue: Catalogue, before: str, own: str) -> Iterable[dict[str, Any]]:
    """A generation against the one before it."""
    for kind, (field, what) in _STEPS.items():
        new, old = _value(catalogue, own, field), _value(catalogue, before, field)
        if new is not None and old:
            say = f"{_name(catalogue, own)} has {_told(new)} {what}; {_name(catalogue, before)} has {_told(old)}"
            yield _row(catalogue, own, kind, 100 * (new / old - 1), "pct", say)


def _copper(catalogue: Catalogue, net: Interconnect, system: str) -> Iterable[dict[str, Any]]:
    row = catalogue.raw[system]
    lane, need = _value(catalogue, system, "scale_up_lane_gbit_s"), _value(catalogue, system, "accelerators_per_rack")
    if lane is None or not need or "copper" not in str(row.get("scale_up_medium")):
        return
    rate = next((r for r in net.lanes if r >= lane), None)
    reach: Interval | None = net.reach("passive_copper", rate) if rate else None
    if reach is None:
        return
    holds = domain_within(reach, net.rack)
    say = (
        f"At {rate:g} Gbit/s a lane passive copper reaches {reach.base:g} m ({reach.low:g}-{reach.high:g}) and joins "
        f"{holds.base:,.0f} accelerators in one rack ({holds.low:,.0f}-{holds.high:,.0f}); "
        f"{_name(catalogue, system)} puts {need:,.0f} there"
    )
    yield _row(catalogue, system, "copper_headroom", 100 * (holds.base / need - 1), "pct", say)


def _residuals(catalogue: Catalogue, line: list[str]) -> Iterable[dict[str, Any]]:
    """Each generation against the line through the ones before it, once there are enough of them."""
    known: list[tuple[date, float]] = []
    for system in line:
        day = announced_on(catalogue.raw[system]["first_volume_shipment"])
        value = _value(catalogue, system, "hbm_bw_total_tb_s")
        if day is None or not value:
            continue
        trend = fit([d for d, _ in known], [v for _, v in known])
        if trend is not None:
            expected = trend.project(day)[1]
            say = (
                f"{_name(catalogue, system)} brings {value:,.0f} TB/s of HBM bandwidth in one domain; the line through "
                f"the generations before it says {expected:,.0f}"
            )
            yield _row(catalogue, system, "trend_residual", 100 * (value / expected - 1), "pct", say)
        known.append((day, value))


def _lags(catalogue: Catalogue) -> Iterable[dict[str, Any]]:
    """How far behind each follower's system was, and whether that is less than its system before."""
    own = [system for line in generations(catalogue).values() for system in line]
    lags = follower_lags(catalogue).filter(
        pl.col("metric") == "hbm_bandwidth_tb_s", pl.col("lag_months").is_not_null(), pl.col("system").is_in(own)
    )
    # of the systems a follower brings on one day the largest speaks
    lags = lags.sort("value", descending=True).unique(["vendor", "at"], keep="first", maintain_order=True)
    last: dict[str, float] = {}
    for row in lags.sort("at", "system").iter_rows(named=True):
        before = last.get(row["vendor"])
        change = "" if before is None else f"; its system before came {_apart(before)}"
        say = (
            f"{_name(catalogue, row['system'])} comes {_apart(row['lag_months'])} the leader's first system with as much "
            f"HBM bandwidth in a domain{change}"
        )
        months = row["lag_months"]
        made = _row(catalogue, row["system"], "lag_step", months, "months", say)
        shrinks = before is not None and months < before
        yield made | {"direction": "none" if before is None else "down" if shrinks else "up"}
        last[row["vendor"]] = months


def _told(value: float) -> str:
    """A number as a reader wants it: four digits, and no powers of ten."""
    return f"{value:,.0f}" if value >= 1e4 else f"{value:,.4g}"


def _apart(months: float) -> str:
    """How far from the leader: "9 months before"."""
    n = abs(round(months))
    if n == 0:
        return "in the same quarter as"
    return f"{n} month{'s' if n > 1 else ''} {'after' if months > 0 else 'before'}"


def _value(catalogue: Catalogue, system: str, field: str) -> float | None:
    value = catalogue.raw[system].get(field)
    known = value if isinstance(value, Interval) else span(value)
    return None if known is None else known.base


def _name(catalogue: Catalogue, system: str) -> str:
    return str(catalogue.raw[system]["name"])
