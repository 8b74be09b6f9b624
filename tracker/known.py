"""What a store knows beside new facts: the history their rules ask for, and the facts they put in another light.

Ten new documents meet a million stored facts here. Every query therefore finds rows first, on the few columns it asks
by, and reads their texts afterwards; and it says from when on rows count wherever that is known, for a store grows with
time and the database leaves out what is older as a whole.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from tracker.extract.lexicon import Lexicon
from tracker.store import Store
from tracker.thesis.reach import reach_of, touched_by
from tracker.thesis.rulebook import Rule
from tracker.vocabulary import SCORED_FACTS_SCHEMA, conform, empty

# texts, not lists: the database's Python client looks for optional packages anew for every element of a list
_SEPARATOR: Final = "\x1f"
_ASKED: Final = """
WITH asked AS (
  SELECT unnest(string_split($kinds, chr(31))) AS kind, unnest(string_split($entities, chr(31))) AS entity,
         make_timestamptz(unnest(string_split($since, chr(31)))::BIGINT) AS since
)
"""
# what windows, comparisons and references look at; nobody asks the past for its sentence or its source
_HISTORY: Final = (
    _ASKED
    + """
SELECT fact_id, kind, entity, counterparty, product, value_low, value_high, unit, currency, period, basis, direction,
       published_at, story_id, tier
FROM facts WHERE rowid IN (
  SELECT f.rowid FROM facts f JOIN asked USING (kind, entity)
  WHERE f.superseded_at IS NULL AND f.published_at >= asked.since {of_all})
"""
)
_OF_ALL: Final = """
  UNION ALL SELECT rowid FROM facts WHERE superseded_at IS NULL AND published_at >= $oldest AND ({parts})
"""
_SCORED: Final = ", ".join(f'f."{name}"' for name in SCORED_FACTS_SCHEMA)
_TOLD_LATER: Final = (
    _ASKED
    + f"""
SELECT {_SCORED} FROM facts f WHERE rowid IN (
  SELECT l.rowid FROM facts l JOIN asked USING (kind, entity)
  WHERE l.superseded_at IS NULL AND l.published_at >= $oldest AND l.published_at >= asked.since
  UNION ALL
  SELECT rowid FROM facts
  WHERE superseded_at IS NULL AND published_at >= $oldest AND kind IN (SELECT unnest(string_split($touched, chr(31)))))
"""
)
_SPAN_OF_STORIES: Final = """
SELECT min(published_at), max(published_at) FROM documents
WHERE story_id IN (SELECT unnest(string_split($stories, chr(31))))
"""
_WHOLE_STORIES: Final = f"""
SELECT {_SCORED} FROM facts f WHERE rowid IN (
  SELECT rowid FROM facts
  WHERE superseded_at IS NULL AND published_at BETWEEN $first AND $last
    AND story_id IN (SELECT unnest(string_split($stories, chr(31)))))
"""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)


def history_of(store: Store, facts: pl.DataFrame, rules: list[Rule], lexicon: Lexicon, now: datetime) -> pl.DataFrame:
    """Facts (SCORED_FACTS schema) of the same entity and kind in full, and what windows and comparisons look at.

    facts: those to be scored; for the market and for others, the kinds rules ask for, as far back as they look.
    """
    reach = reach_of(rules, facts, lexicon)
    earliest = facts["published_at"].min()
    start = earliest if isinstance(earliest, datetime) else now
    told = facts.select("kind", "entity").unique().iter_rows()
    asked: dict[tuple[str, str], datetime] = dict.fromkeys([*told, *reach.own], _EVER)
    params: dict[str, Any] = {}
    of_all = []
    for i, part in enumerate(reach.wide):
        since = start - timedelta(days=int(part.days) + 1)
        if part.entities is not None and part.products is None:
            for entity in part.entities:
                key = (part.kind, entity)
                asked[key] = min(since, asked.get(key, since))
            continue
        params |= {f"kind{i}": part.kind, f"since{i}": since}
        among = ""
        for column, names in (("entity", part.entities), ("product", part.products)):
            if names is not None:
                params[f"{column}{i}"] = _SEPARATOR.join(sorted(names))
                among += f" AND list_contains(string_split(${column}{i}, chr(31)), {column})"
        of_all.append(f"(kind = $kind{i} AND published_at >= $since{i}{among})")
    if of_all:
        params["oldest"] = min(value for name, value in params.items() if name.startswith("since"))
    more = _OF_ALL.format(parts=" OR ".join(of_all)) if of_all else ""
    return conform(store.read(_HISTORY.format(of_all=more), params | _columns(asked)), SCORED_FACTS_SCHEMA)


def seen_otherwise(store: Store, new: pl.DataFrame, rules: list[Rule], lexicon: Lexicon) -> pl.DataFrame:
    """Known facts that may mean something else now: told with or after a new one of the same thing, or in the same story.

    A fact that arrives late is history to those told after it: what was novel may be a repeat, a surprise none. Scored
    again they make the same signals as if everything had come in the order it was told. new: SCORED_FACTS schema.
    """
    oldest = new["published_at"].min()
    if not isinstance(oldest, datetime):
        return empty(SCORED_FACTS_SCHEMA)
    touched = touched_by(rules, new, lexicon)
    told = new.group_by("kind", "entity").agg(pl.col("published_at").min())
    since = {(kind, entity): moment for kind, entity, moment in told.iter_rows()} | dict.fromkeys(touched.of, oldest)
    params = _columns(since) | {"touched": _SEPARATOR.join(sorted(touched.kinds)), "oldest": oldest}
    later = conform(store.read(_TOLD_LATER, params), SCORED_FACTS_SCHEMA)
    # one fact of a story speaks for it: the others must be there when it is chosen
    stories = pl.concat([new["story_id"], later["story_id"]]).drop_nulls().unique().sort()
    found = pl.concat([later, _of_stories(store, stories)]).unique("fact_id", maintain_order=True)
    return found.join(new.select("fact_id"), on="fact_id", how="anti", maintain_order="left")


def _of_stories(store: Store, stories: pl.Series) -> pl.DataFrame:
    """Facts (SCORED_FACTS schema) of whole stories; they lie between the first and the last document of them."""
    names = {"stories": _SEPARATOR.join(stories)}
    first, last = store.read(_SPAN_OF_STORIES, names).row(0)
    if first is None:
        return empty(SCORED_FACTS_SCHEMA)
    return conform(store.read(_WHOLE_STORIES, names | {"first": first, "last": last}), SCORED_FACTS_SCHEMA)


def _columns(asked: dict[tuple[str, str], datetime]) -> dict[str, Any]:
    """Parameters of `_ASKED`: kinds, entities and moments, each as one text."""
    return {
        "kinds": _SEPARATOR.join(kind for kind, _ in asked),
        "entities": _SEPARATOR.join(entity for _, entity in asked),
        "since": _SEPARATOR.join(str((moment - _EPOCH) // timedelta(microseconds=1)) for moment in asked.values()),
    }
