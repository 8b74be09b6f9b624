"""Racks wanted per quarter: what buyers spend, at the prices of the generation they buy, and the buyers without a figure.

Demand is capex spread over quarters; where too few buyers have a figure, orders, deployments or backlog, in this order.
Every part of a quarter's sum is kept beside it with the fact or figure it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import polars as pl

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.figures import Interval
from tracker.hardware.ledger_rules import LedgerRules, load_ledger_rules
from tracker.hardware.mix import at_quarter, per_rack
from tracker.hardware.observations import (
    RACKS,
    SPREAD_SCHEMA,
    built_in_entities,
    observations,
    spread,
    supply_observations,
)
from tracker.vocabulary import MARKET

DEMAND_VIEWS: Final = ("capex", "order", "deployment", "backlog")  # best first
MONEY_VIEWS: Final = (
    "capex",
    "revenue",
    "segment_revenue",
)  # always money: more racks or fewer by the price of the year
UNSEEN: Final = "ledger:watched_share_of_demand"
ENDS: Final = ("low", "base", "high")


def shares_of_demand(
    facts: pl.DataFrame,
    supply: pl.DataFrame,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    entities: pl.DataFrame | None = None,
    rules: LedgerRules | None = None,
) -> pl.DataFrame:
    """Every known figure spread over quarters: (quarter, kind, entity, input, racks_*), all views side by side.

    Racks bought with money are counted at the price of the quarter's generations, not of the first one.
    """
    rules = rules or load_ledger_rules()
    about = built_in_entities() if entities is None else entities
    found = pl.concat([supply_observations(supply, catalogue, about), observations(facts)])
    alive = found.filter(
        (pl.col("published_at") <= as_of) & pl.col("entity").is_not_null() & (pl.col("entity") != MARKET)
    )
    shares = spread(alive, about, rules.spread_quarters)
    return _at_prices(shares, price_ratios(catalogue, rules, as_of, shares["quarter"].unique().to_list()))


def price_ratios(catalogue: Catalogue, rules: LedgerRules, as_of: datetime, quarters: list[str]) -> dict[str, float]:
    """Quarter -> price of the reference rack over that of a rack-equivalent of the quarter's mix; 1 where unknown."""
    reference = catalogue.field(catalogue.reference, "price_usd_m")
    ratios: dict[str, float] = {}
    for quarter in quarters:
        mix = at_quarter(rules.mixes, quarter, as_of)
        price = per_rack(catalogue, mix, "price_usd_m") if mix else None
        ratios[quarter] = reference.base / price.base if price and reference else 1.0
    return ratios


def _at_prices(shares: pl.DataFrame, ratios: Mapping[str, float]) -> pl.DataFrame:
    ratio = pl.col("quarter").replace_strict(ratios, default=1.0, return_dtype=pl.Float64)
    by = pl.when(pl.col("kind").is_in(MONEY_VIEWS)).then(ratio).otherwise(1.0)
    return shares.with_columns(pl.col(*RACKS) * by)


def rack_demand(shares: pl.DataFrame, rules: LedgerRules) -> tuple[dict[str, Interval], pl.DataFrame]:
    """Quarter -> demanded racks of the leader's kind, and the parts that make each sum (SPREAD_SCHEMA).

    A quarter takes the best view that enough buyers have a figure for; one without any is left out. What the watched
    buyers' known share leaves over is a part of its own, less what other buyers' facts fill of it. Renters are left out:
    the racks they speak of are in the capex of whoever builds them.
    """
    used: list[pl.DataFrame] = []
    taken: set[str] = set()
    leader = rules.figures["nvidia_share_of_demand"]
    for view in DEMAND_VIEWS:
        own = shares.filter((pl.col("kind") == view) & ~pl.col("entity").is_in(list(rules.renters)))
        new = [q for q in _covered(own, rules.coverage) if q not in taken]
        taken.update(new)
        factors = zip(RACKS, (leader.low, leader.base, leader.high), strict=True)
        parts = own.filter(pl.col("quarter").is_in(new)).with_columns(pl.col(c) * f for c, f in factors)
        used += [parts, _unseen(parts, rules)]
    every = pl.concat(used) if used else pl.DataFrame(schema=SPREAD_SCHEMA)
    sums = every.group_by("quarter").agg(pl.col(*RACKS).sum()).sort("quarter")
    return {r["quarter"]: Interval(*(r[c] for c in RACKS)) for r in sums.iter_rows(named=True)}, every


def _unseen(parts: pl.DataFrame, rules: LedgerRules) -> pl.DataFrame:
    """Racks of buyers without a figure: the rest of a market of which the watched buyers are a known share."""
    share = rules.figures["watched_share_of_demand"]
    watched = pl.col("entity").is_in(list(rules.watched))
    rows: list[dict[str, Any]] = []
    for (quarter, kind), group in parts.group_by(["quarter", "kind"], maintain_order=True):
        known, others = (group.filter(w)[list(RACKS)].sum().row(0) for w in (watched, ~watched))
        rest = [
            max(0.0, have / part - have - other)
            for have, part, other in zip(known, (share.high, share.base, share.low), others, strict=True)
        ]
        ends = dict(zip(RACKS, sorted(rest), strict=True))
        rows.append({"quarter": quarter, "kind": kind, "entity": None, "input": UNSEEN, **ends})
    return pl.DataFrame(rows, schema=SPREAD_SCHEMA).filter(pl.col("racks_high") > 0)


def _covered(own: pl.DataFrame, coverage: float) -> list[str]:
    """Quarters in which buyers of the stated share of the usual total have a figure."""
    usual = own.group_by("entity").agg(pl.col("racks_base").mean().alias("_usual"))
    total = float(usual["_usual"].sum())
    summed = own.join(usual, on="entity").group_by("quarter").agg(pl.col("_usual").sum())
    return summed.filter(pl.col("_usual") >= coverage * total).sort("quarter")["quarter"].to_list()
