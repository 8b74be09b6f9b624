"""The ledger: demand beside supply per calendar quarter and link, in NVL72-equivalent racks, and the link that binds.

Demand is what buyers spend (`demand`), supply what each link can make (`supply_links`). The same racks seen at other points of the chain are laid beside it in `reconcile`, not added.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tracker.hardware.catalogue import Catalogue
from tracker.hardware.demand import rack_demand, shares_of_demand
from tracker.hardware.figures import Interval
from tracker.hardware.ledger_rules import LedgerRules, load_ledger_rules, quarter_at, quarter_index
from tracker.hardware.observations import RACKS, known_since
from tracker.hardware.supply_links import Flow, Flows, supply_flows, with_stock
from tracker.vocabulary import LEDGER_SCHEMA

OUTCOMES: Final = frozenset({"racks"})  # as in the built-in ledger.yaml
DRAWS: Final = 4000
SEED: Final = 20261124

ATTRIBUTION_SCHEMA: Final[dict[str, pl.DataType]] = {
    "quarter": pl.String(),
    "link": pl.String(),
    "side": pl.String(),
    "input": pl.String(),  # fact id or figure id
    "entity": pl.String(),
    "racks_low": pl.Float64(),
    "racks_base": pl.Float64(),
    "racks_high": pl.Float64(),
    "method": pl.String(),
}
TIGHTEST_SCHEMA: Final[dict[str, pl.DataType]] = {
    "quarter": pl.String(),
    "link": pl.String(),
    "gap_low": pl.Float64(),  # demand less supply, racks; positive: short
    "gap_base": pl.Float64(),
    "gap_high": pl.Float64(),
    "confidence": pl.Float64(),  # share of draws in which this link has the least supply per demand
    "short": pl.Float64(),  # share of draws in which its demand exceeds its supply
}


class Ledger(NamedTuple):
    """LEDGER_SCHEMA, ATTRIBUTION_SCHEMA and TIGHTEST_SCHEMA frames of one moment."""

    ledger: pl.DataFrame
    attribution: pl.DataFrame
    tightest: pl.DataFrame


def build_ledger(
    facts: pl.DataFrame,
    supply: pl.DataFrame,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    entities: pl.DataFrame | None = None,
    rules: LedgerRules | None = None,
    alter: Callable[[Flows], Flows] | None = None,
) -> Ledger:
    """The ledger as it could be known at `as_of`.

    facts: SCORED_FACTS (may be empty), supply: series of supply.yaml, entities: (id, layer, fiscal_year_end_month).
    Facts published later, or without racks, do not count. The result does not depend on the order of the rows.
    alter: what a scenario does to the supply before it is laid beside the demand.
    """
    rules = rules or load_ledger_rules()
    shares = shares_of_demand(facts, supply, catalogue, as_of, entities=entities, rules=rules)
    wanted, used = rack_demand(shares, rules)
    flows = supply_flows(supply, catalogue, rules, as_of)
    if alter is not None:
        flows = alter(flows)
    rows: list[dict[str, Any]] = []
    attributed = [_demand_attribution(used)]
    for link in rules.links:
        demand = {quarter_at(quarter_index(q) - link.lead_quarters): v for q, v in wanted.items()}
        own = {q: flow.racks for (q, name), flow in flows.items() if name == link.id}
        stocked = with_stock(own, demand, link.stock_quarters)
        inputs = _inputs_by_quarter(used, link.lead_quarters)
        rows += [_demand_row(q, link.id, v, link.lead_quarters, inputs) for q, v in demand.items()]
        rows += [_supply_row(q, link.id, v, stock, flows[q, link.id]) for q, (v, stock) in stocked.items()]
        attributed.append(_supply_attribution(link.id, {q: flows[q, link.id] for q in own}))
    ledger = pl.DataFrame(rows, schema=LEDGER_SCHEMA).filter(pl.col("quarter").is_in(rules.quarters))
    ledger = ledger.sort("quarter", "link", "side")
    return Ledger(
        ledger,
        pl.concat(attributed).sort("quarter", "link", "side", "input", "entity"),
        tightest(ledger, rules.outcomes),
    )


def figures_known(supply: pl.DataFrame, rules: LedgerRules, as_of: datetime) -> int:
    """How many published figures and mixes are known at a moment: with the facts, all that `as_of` changes in a ledger."""
    told = [*supply["published"], *(mix.published for mix in rules.mixes)]
    return sum(known_since(str(day)) <= as_of for day in told)


def _inputs_by_quarter(used: pl.DataFrame, lead: int) -> dict[str, list[str]]:
    grouped = used.group_by("quarter").agg(pl.col("input").unique().sort())
    return {quarter_at(quarter_index(q) - lead): list(ids) for q, ids in grouped.iter_rows()}


def _demand_row(quarter: str, link: str, value: Interval, lead: int, inputs: Mapping[str, list[str]]) -> dict[str, Any]:
    when = f"racks wanted {lead} quarter(s) later" if lead else "racks wanted"
    ends = dict(zip(RACKS, (value.low, value.base, value.high), strict=True))
    method = f"{when}: buyers' spending x NVIDIA share at the year's rack prices, and buyers without a figure"
    known = [*inputs.get(quarter, []), "ledger:nvidia_share_of_demand"]
    return {"quarter": quarter, "link": link, "side": "demand", **ends, "method": method, "inputs": known}


def _supply_row(quarter: str, link: str, value: Interval, stock: float, flow: Flow) -> dict[str, Any]:
    method = f"{flow.method}; {stock:,.0f} carried over" if stock else flow.method
    ends = dict(zip(RACKS, (value.low, value.base, value.high), strict=True))
    row = {"quarter": quarter, "link": link, "side": "supply", **ends}
    return row | {"method": method, "inputs": list(flow.inputs)}


def _demand_attribution(used: pl.DataFrame) -> pl.DataFrame:
    """Each buyer's part of the rack demand; the parts of a quarter sum to its ledger row."""
    rows = used.with_columns(
        pl.lit("racks").alias("link"), pl.lit("demand").alias("side"), pl.col("kind").alias("method")
    )
    return rows.select(pl.col(c).cast(t) for c, t in ATTRIBUTION_SCHEMA.items())


def _supply_attribution(link: str, flows: Mapping[str, Flow]) -> pl.DataFrame:
    rows = [
        {"quarter": q, "link": link, "side": "supply", "input": i, "entity": None, "method": f.method}
        | dict(zip(RACKS, (f.racks.low, f.racks.base, f.racks.high), strict=True))
        for q, f in flows.items()
        for i in f.inputs
    ]
    return pl.DataFrame(rows, schema=ATTRIBUTION_SCHEMA)


def tightest(ledger: pl.DataFrame, outcomes: frozenset[str] = OUTCOMES) -> pl.DataFrame:
    """LEDGER_SCHEMA -> TIGHTEST_SCHEMA: per quarter the link with the least supply per demanded rack.

    Racks shipped are an outcome of the links and no link themselves. A quarter in which only one link has both sides names none: there is nothing to compare it with.
    """
    rows: list[dict[str, Any]] = []
    both = pair_sides(ledger).filter(~pl.col("link").is_in(list(outcomes)))
    for (quarter,), group in both.group_by(["quarter"], maintain_order=True):
        if group.height < 2:
            continue
        demand, supply = (_draws(group, side) for side in ("demand", "supply"))
        ratios = supply / np.maximum(demand, 1e-9)
        base = (group["supply_base"] / group["demand_base"].clip(lower_bound=1e-9)).to_numpy()
        at = int(np.argmin(base))
        row = group.row(at, named=True)
        rows.append(
            {
                "quarter": quarter,
                "link": row["link"],
                "gap_low": row["demand_low"] - row["supply_high"],
                "gap_base": row["demand_base"] - row["supply_base"],
                "gap_high": row["demand_high"] - row["supply_low"],
                "confidence": float(np.mean(np.argmin(ratios, axis=0) == at)),
                "short": float(np.mean(demand[at] > supply[at])),
            }
        )
    return pl.DataFrame(rows, schema=TIGHTEST_SCHEMA)


def pair_sides(ledger: pl.DataFrame) -> pl.DataFrame:
    """(quarter, link, demand_low.., supply_low..) where a quarter has both sides of a link, sorted."""
    sides = []
    for side in ("demand", "supply"):
        renamed = {f"racks_{e}": f"{side}_{e}" for e in ("low", "base", "high")}
        sides.append(ledger.filter(pl.col("side") == side).select("quarter", "link", *RACKS).rename(renamed))
    return sides[0].join(sides[1], on=["quarter", "link"]).sort("quarter", "link")


def _draws(group: pl.DataFrame, side: str) -> NDArray[np.float64]:
    """Triangular draws, links x DRAWS. One demand lies under all links of a quarter, so its draw is shared."""
    rng = np.random.default_rng(SEED + (side == "supply"))
    uniform = rng.random((1 if side == "demand" else group.height, DRAWS))
    low, base, high = (group[f"{side}_{e}"].to_numpy()[:, None] for e in ("low", "base", "high"))
    width = np.maximum(high - low, 1e-9)
    turn = (base - low) / width
    rising = low + np.sqrt(uniform * width * (base - low))
    falling = high - np.sqrt((1 - uniform) * width * (high - base))
    return np.asarray(np.where(uniform < turn, rising, falling))


def installed_base(ledger: pl.DataFrame, life_quarters: int) -> pl.DataFrame:
    """(quarter, racks_low, racks_base, racks_high) in the field: racks supplied in the last `life_quarters` quarters."""
    racks = ledger.filter((pl.col("link") == "racks") & (pl.col("side") == "supply")).sort("quarter")
    if racks.is_empty():
        return racks.select("quarter", *RACKS)
    first, last = (quarter_index(racks["quarter"][i]) for i in (0, -1))
    every = pl.DataFrame({"quarter": [quarter_at(i) for i in range(first, last + 1)]})
    dense = every.join(racks, on="quarter", how="left", maintain_order="left").with_columns(
        pl.col(*RACKS).fill_null(0.0)
    )
    return dense.select("quarter", pl.col(*RACKS).rolling_sum(life_quarters, min_samples=1))


def ledger_signals(before: Ledger | None, after: Ledger, *, surely: float = 0.8, moved: float = 0.1) -> pl.DataFrame:
    """What changed between two ledgers, ready for a rule: (quarter, event, link, previous, gap_base, confidence, say).

    Events: tightest_link_changed; shortage / glut (the sign of the tightest gap became sure); divergence (demand less
    supply moved by more than `moved` of demand). Without a ledger before, only sure shortages and gluts are told.
    """
    old = {r["quarter"]: r for r in before.tightest.iter_rows(named=True)} if before is not None else {}
    wanted = {(r["quarter"], r["link"]): r["demand_base"] for r in pair_sides(after.ledger).iter_rows(named=True)}
    rows: list[dict[str, Any]] = []
    for now in after.tightest.iter_rows(named=True):
        was = old.get(now["quarter"])
        for event in _events(was, now, surely, moved * wanted[now["quarter"], now["link"]]):
            previous = was["link"] if was else None
            rows.append({**{k: now[k] for k in ("quarter", "link", "gap_base", "confidence")}, "event": event,
                         "previous": previous, "say": _say(event, was, now)})  # fmt: skip
    columns = {"quarter": pl.String, "event": pl.String, "link": pl.String, "previous": pl.String,
               "gap_base": pl.Float64, "confidence": pl.Float64, "say": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=columns).sort("quarter", "event")


def _events(was: Mapping[str, Any] | None, now: Mapping[str, Any], surely: float, threshold: float) -> list[str]:
    events: list[str] = []
    if was is not None and was["link"] != now["link"]:
        events.append("tightest_link_changed")
    if now["short"] >= surely and (was is None or was["short"] < surely):
        events.append("shortage")
    if now["short"] <= 1 - surely and (was is None or was["short"] > 1 - surely):
        events.append("glut")
    if was is not None and abs(now["gap_base"] - was["gap_base"]) > threshold:
        events.append("divergence")
    return events


def _say(event: str, was: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    gap = f"{now['quarter']}: demand less supply of {now['link']} is {now['gap_base']:+,.0f} racks"
    if was is None:
        return f"{gap} ({event})"
    return f"{gap}, was {was['gap_base']:+,.0f} at {was['link']} ({event})"
