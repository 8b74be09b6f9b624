"""What is due and what is overdue: results, monthly revenue, generations of systems; and which claims each would move.

Nothing here is announced by anyone: an issuer's next results are expected one of its own intervals after its last ones, a
system when its maker said it would ship. What did not come in time is itself an observation a rule can read (`overdue`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.thesis.reach import entities_of
from tracker.thesis.rulebook import Rule, Thesis
from tracker.vocabulary import RESULT_KINDS, SCORED_FACTS_SCHEMA, conform

CALENDAR_SCHEMA: Final = {
    "due": pl.Date(), "entity": pl.String(), "what": pl.String(), "kinds": pl.List(pl.String()),
    "claims": pl.List(pl.String()), "last": pl.Date(), "overdue_days": pl.Int64(),
}  # fmt: skip
_EVERY: Final = {"results": 91, "monthly_revenue": 31}
_GRACE: Final = {"results": 21, "monthly_revenue": 7, "system": 60}
_SILENT_AFTER: Final = 250  # an issuer unheard of for so long is not late, it is not followed


def expected(told: pl.DataFrame, systems: pl.DataFrame, thesis: Thesis, lexicon: Lexicon, today: date) -> pl.DataFrame:
    """CALENDAR_SCHEMA, soonest first.

    told: (entity, kind, period, published_at) of actual results; systems: (id, name, vendor, ships, shipping) with the day
    of a maker's own plan.
    """
    rows = [*_results(told, today), *_monthly(told, today), *_launches(systems, today)]
    reads = _reads(thesis, lexicon)
    made = [row | {"claims": _moved_by(reads, row["entity"], row["kinds"])} for row in rows]
    return pl.DataFrame(made, schema=CALENDAR_SCHEMA).sort("due", "entity", "what")


def overdue_facts(calendar: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """SCORED_FACTS rows of kind `overdue` for what is late: value in months, `period` what was due."""
    rows = [
        {
            "fact_id": f"overdue:{row['entity']}:{row['what']}:{row['due']}", "kind": "overdue",
            "entity": row["entity"], "value_low": row["overdue_days"] / 30.44, "value_high": row["overdue_days"] / 30.44,
            "unit": "months", "basis": "actual", "direction": "none", "extractor": "calendar", "source_id": "calendar",
            "tier": 1, "lang": "en", "published_at": max(_midnight(row["due"]), now - timedelta(days=1)),
            "ingested_at": now, "period": row["what"].split(":")[0], "story_id": f"overdue:{row['entity']}:{row['what']}:{row['due']}",
            "quote": f"{was_due(row['what'], row['entity'])} {row['due']}, {row['overdue_days']} days ago",
        }
        for row in calendar.filter(pl.col("overdue_days") > 0).iter_rows(named=True)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame(schema=SCORED_FACTS_SCHEMA)
    return conform(frame, SCORED_FACTS_SCHEMA)


def was_due(what: str, entity: str) -> str:
    """`results`, `monthly_revenue` or `system: NAME` as the beginning of a sentence: "results of NVDA were due"."""
    kind, _, system = what.partition(": ")
    thing = system or kind.replace("_", " ")
    return f"{thing} of {entity} {'were' if kind == 'results' else 'was'} due"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _results(told: pl.DataFrame, today: date) -> Iterable[dict[str, Any]]:
    """One of an issuer's own intervals after its last results: the median of its last gaps, a quarter by default."""
    results = told.filter(
        pl.col("kind").is_in(list(RESULT_KINDS)) & ~pl.col("period").str.contains(r"M\d").fill_null(False)
    )
    days = results.select("entity", pl.col("published_at").dt.date().alias("day")).unique().sort("entity", "day")
    for (entity,), group in days.group_by(["entity"], maintain_order=True):
        reports = _far_apart(group["day"].to_list())
        last = reports[-1]
        if len(reports) < 2 or (today - last).days > _SILENT_AFTER:  # one report makes no interval
            continue
        gaps = sorted((b - a).days for a, b in pairwise(reports[-5:]))
        usual = gaps[len(gaps) // 2] if gaps else _EVERY["results"]
        kinds = sorted(results.filter(pl.col("entity") == entity)["kind"].unique())
        yield _row(last + timedelta(days=min(max(usual, 80), 190)), str(entity), "results", kinds, last, today)


def _far_apart(days: list[date]) -> list[date]:
    """Days of reports: those within six weeks of an earlier one belong to the same results."""
    kept = days[:1]
    for day in days[1:]:
        if (day - kept[-1]).days > 42:
            kept.append(day)
    return kept


def _monthly(told: pl.DataFrame, today: date) -> Iterable[dict[str, Any]]:
    """Revenue of the month before, by the tenth of the month, of those who publish one."""
    monthly = told.filter((pl.col("kind") == "revenue") & pl.col("period").str.contains(r"M\d"))
    for entity, last in (
        monthly.group_by("entity").agg(pl.col("published_at").max().dt.date()).sort("entity").iter_rows()
    ):
        if (today - last).days > _SILENT_AFTER:
            continue
        following = (last.replace(day=1) + timedelta(days=32)).replace(day=10)
        yield _row(following, entity, "monthly_revenue", ["revenue"], last, today)


def _launches(systems: pl.DataFrame, today: date) -> Iterable[dict[str, Any]]:
    """Systems their makers plan to ship."""
    for row in systems.filter(~pl.col("shipping")).iter_rows(named=True):
        what = f"system: {row['name']}"
        yield _row(row["ships"], row["vendor"], what, ["shipment", "ramp"], None, today)


def _row(due: date, entity: str, what: str, kinds: list[str], last: date | None, today: date) -> dict[str, Any]:
    late = (today - due).days
    grace = _GRACE[what.partition(":")[0]]
    return {
        "due": due, "entity": entity, "what": what, "kinds": kinds, "last": last,
        "overdue_days": late if late > grace else 0,
    }  # fmt: skip


def claims_moved(rules: Iterable[Rule], lexicon: Lexicon, entity: str, kinds: Iterable[str]) -> list[str]:
    """Claims that a figure of these kinds from this entity could move, by the rules' own conditions."""
    return _moved_by(_what_rules_read(rules, lexicon), entity, kinds)


@lru_cache(maxsize=4)
def _reads(thesis: Thesis, lexicon: Lexicon) -> list[tuple[set[str], Collection[str] | None, str]]:
    return _what_rules_read(thesis.rules, lexicon)


def _what_rules_read(rules: Iterable[Rule], lexicon: Lexicon) -> list[tuple[set[str], Collection[str] | None, str]]:
    """(kinds, entities or None for all, claim) of every rule."""
    found: list[tuple[set[str], Collection[str] | None, str]] = []
    for rule in rules:
        asked = rule.when["kind"]
        who: Mapping[str, Any] | None = rule.when.get("entity")
        found.append((set([asked] if isinstance(asked, str) else asked), entities_of(who, lexicon), rule.claim))
    return found


def _moved_by(
    reads: list[tuple[set[str], Collection[str] | None, str]], entity: str, kinds: Iterable[str]
) -> list[str]:
    wanted = set(kinds)
    return sorted({claim for asked, among, claim in reads if wanted & asked and (among is None or entity in among)})
