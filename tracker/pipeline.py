"""The one path: documents -> facts -> signals -> conviction -> alerts.

`process` takes a batch of documents through all of it inside one transaction of the store: after a crash either all of
a batch is there or none of it, and running the same batch again changes nothing. Every step is a pure function of
another room; this module only fetches what the step needs and writes what it returns.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Final

import polars as pl
import structlog

from tracker.alerts import dispatch
from tracker.config import MailSettings
from tracker.extract.facts import EXTRACTOR_VERSION, extract_facts
from tracker.extract.lexicon import Lexicon
from tracker.extract.repeats import beside
from tracker.hardware.equivalents import add_racks, exchange_rates
from tracker.ingest.formats.ixbrl import IXBRL_VERSION
from tracker.kit import Kit
from tracker.known import history_of, seen_otherwise
from tracker.store import Store
from tracker.text.stories import STORY_WINDOW_DAYS, assign_stories
from tracker.thesis.conviction import conviction
from tracker.thesis.score import score_facts
from tracker.thesis.stages import stage_signals, stages
from tracker.vocabulary import DOCUMENTS_SCHEMA, FACTS_SCHEMA, SCORED_FACTS_SCHEMA, SIGNALS_SCHEMA, conform, empty

log = structlog.get_logger("pipeline")

# 60,000 racks a year (2026) for some fifteen years; the largest stated plans (10 GW) are about 70,000 racks
MOST_RACKS: Final = 1_000_000
_KNOWN_STORIES: Final = """
SELECT doc_id, story_id, published_at, signature FROM documents
WHERE published_at BETWEEN $start AND $end AND signature IS NOT NULL
"""
# what the extractor makes of the text's own tables is made again with it
_STRUCTURED: Final = """
SELECT * FROM v_facts
WHERE extractor IN ('xbrl', 'table') AND extractor_version NOT LIKE 'tables-%' AND doc_id IN (SELECT unnest($ids))
"""
# A figure filed again with another value is a restatement: the latest value counts, from the filing that first had it.
_RESTATED: Final = """
WITH filed AS (
  SELECT fact_id, value_low, published_at, struct_pack(entity, kind, period, unit, currency) AS about,
         first_value(value_low) OVER (PARTITION BY about ORDER BY published_at DESC, fact_id) AS latest
  FROM v_facts
  WHERE extractor = 'xbrl' AND entity IN (SELECT unnest($entities))
)
SELECT fact_id FROM filed
QUALIFY row_number() OVER (PARTITION BY about ORDER BY (value_low = latest) DESC, published_at, fact_id) > 1
"""
_EVIDENCE: Final = """
SELECT s.pillar, s.direction, s.entity, s.story_id, s.effective_at, f.kind, f.basis,
       coalesce(f.value_low, f.value_high) IS NOT NULL AS has_value
FROM v_signals s LEFT JOIN facts f ON f.fact_id = s.fact_ids[1] AND f.published_at > $since
WHERE coalesce(s.review, '') <> 'reject' AND s.effective_at > $since
"""
_STANDING: Final = """
SELECT signal_id, strength, confidence FROM signals
WHERE retired_at IS NULL AND fact_ids[1] IN (SELECT unnest(string_split($facts, chr(31))))
"""
# what conviction reads of a signal; their words, by far the most of them, stay where they are
_WEIGHING: Final = """
SELECT signal_id, rule_id, claim, entity, direction, severity, strength, confidence, effective_at, created_at
FROM signals WHERE retired_at IS NULL
"""
_LATEST: Final = "SELECT claim, log_odds AS before, stage AS old_stage FROM v_latest_conviction"
_SEPARATOR: Final = "\x1f"


@dataclass
class Counts:
    """What a run did."""

    documents: int = 0
    facts: int = 0
    series: int = 0
    signals: int = 0
    alerts: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Sum up."""
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))

    @property
    def anything(self) -> bool:
        """Whether something new came in."""
        return bool(self.documents or self.facts or self.series or self.signals)

    def summary(self) -> dict[str, int]:
        """The numbers, for logs and the record of runs."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "problems"}


def process(
    store: Store,
    kit: Kit,
    documents: pl.DataFrame,
    now: datetime,
    *,
    figures: pl.DataFrame | None = None,
    mail: MailSettings | None = None,
) -> Counts:
    """Take documents through the whole path in one transaction; returns what was new.

    documents: DOCUMENTS schema. figures: facts (FACTS schema) that were read from structure (XBRL) and belong to these
    documents. mail: who may get alerts at once; without a mail server nothing is routed.
    """
    with store.transaction():
        new = store.append("documents", _with_stories(store, conform(documents, DOCUMENTS_SCHEMA)))
        if new.is_empty():
            return Counts()
        structured = figures if figures is not None else empty(FACTS_SCHEMA)
        counts = Counts(documents=new.height)
        facts = _all_facts(new, structured.join(new.select("doc_id"), on="doc_id", how="semi"), kit, counts)
        return _after_facts(store, kit, _in_context(facts, new, kit), now, counts, mail)


def add_facts(
    store: Store,
    kit: Kit,
    documents: pl.DataFrame,
    facts: pl.DataFrame,
    now: datetime,
    *,
    mail: MailSettings | None = None,
) -> Counts:
    """Let facts (FACTS schema) of documents that are stored already join in, and what follows from them."""
    with store.transaction():
        return _after_facts(store, kit, _in_context(facts, documents, kit), now, Counts(), mail)


def _all_facts(documents: pl.DataFrame, structured: pl.DataFrame, kit: Kit, counts: Counts) -> pl.DataFrame:
    """Facts (FACTS schema) read from structure, and those of the words around them.

    A document that is nothing but its figures (a list of XBRL facts, a row of a table) is not read again; a filing
    with inline XBRL is, and its marked figures count where its words tell them, too.
    """
    structured = conform(structured, FACTS_SCHEMA)
    figures_only = structured.filter(pl.col("extractor_version") != IXBRL_VERSION).select("doc_id").unique()
    told = documents.join(figures_only, on="doc_id", how="anti", maintain_order="left")
    return beside(structured, _read_safely(conform(told, DOCUMENTS_SCHEMA), kit.lexicon, counts))


def _with_stories(store: Store, documents: pl.DataFrame) -> pl.DataFrame:
    if documents.is_empty():
        return documents
    window = timedelta(days=STORY_WINDOW_DAYS)
    published = pl.col("published_at")
    start, end = documents.select(start=published.min() - window, end=published.max() + window).row(0)
    known = store.read(_KNOWN_STORIES, {"start": start, "end": end})
    fresh = documents.join(known.select("doc_id"), on="doc_id", how="anti").drop("story_id")
    return assign_stories(fresh, known)


def _read_safely(documents: pl.DataFrame, lexicon: Lexicon, counts: Counts) -> pl.DataFrame:
    """Facts of a batch; a document that breaks the extractor is named and left without facts, the others go on."""
    if documents.is_empty():
        return empty(FACTS_SCHEMA)
    try:
        return extract_facts(documents, lexicon)
    except Exception as error:
        if documents.height == 1:
            problem = f"document {documents.item(0, 'doc_id')} cannot be read by the extractor: {error!r}"
            counts.problems.append(problem)
            log.error(problem, exc_info=error)
            return empty(FACTS_SCHEMA)
        half = documents.height // 2
        return pl.concat([_read_safely(part, lexicon, counts) for part in (documents[:half], documents[half:])])


def _in_context(facts: pl.DataFrame, documents: pl.DataFrame, kit: Kit) -> pl.DataFrame:
    """Facts with what they inherit from their document and with their rack-equivalents (SCORED_FACTS schema)."""
    inherited = documents.select("doc_id", "published_at", "ingested_at", "story_id", "source_id", "tier", "lang")
    joined = facts.join(inherited, on="doc_id", how="left", maintain_order="left")
    return _plausible(conform(add_racks(joined, kit.catalogue, kit.lexicon.entities), SCORED_FACTS_SCHEMA))


def _plausible(facts: pl.DataFrame) -> pl.DataFrame:
    """A single fact worth more racks than the industry builds in decades was misread: it weighs nothing, and says so."""
    absurd = (pl.col("racks_base") > MOST_RACKS).fill_null(False)
    return facts.with_columns(
        *(pl.when(absurd).then(None).otherwise(pl.col(c)).alias(c) for c in ("racks_low", "racks_base", "racks_high")),
        racks_method=pl.when(absurd)
        .then(pl.lit(f"none: more than {MOST_RACKS:,} racks, a misreading"))
        .otherwise(pl.col("racks_method")),
    )


def _after_facts(
    store: Store, kit: Kit, facts: pl.DataFrame, now: datetime, counts: Counts, mail: MailSettings | None
) -> Counts:
    new = store.append("facts", facts.with_columns(pl.lit(now).alias("recorded_at")))
    counts.facts += new.height
    _supersede_restated(store, new, now)
    fresh = conform(new, SCORED_FACTS_SCHEMA)
    if fresh.is_empty():
        return counts
    seen_anew = pl.concat([fresh, seen_otherwise(store, fresh, kit.thesis.rules, kit.lexicon)])
    signals = score(store, kit, seen_anew, now)
    _retire_changed(store, seen_anew["fact_id"], signals, now)
    return tell(store, kit, signals, now, counts, mail)


def _retire_changed(store: Store, facts: pl.Series, signals: pl.DataFrame, now: datetime) -> None:
    """Retire standing signals of these facts that would not be made any more, or not as they were."""
    standing = store.read(_STANDING, {"facts": _SEPARATOR.join(facts)})
    made = signals.select("signal_id", _strength="strength", _confidence="confidence")
    same = (pl.col("strength") - pl.col("_strength")).abs() + (
        pl.col("confidence") - pl.col("_confidence")
    ).abs() < 1e-9
    changed = standing.join(made, on="signal_id", how="left").filter(~same.fill_null(False))
    store.supersede("signals", changed["signal_id"], at=now)


def tell(
    store: Store, kit: Kit, signals: pl.DataFrame, now: datetime, counts: Counts, mail: MailSettings | None
) -> Counts:
    """Keep signals (SIGNALS schema), move conviction, queue what goes out at once; adds to counts what was new."""
    fresh = conform(store.append("signals", signals), SIGNALS_SCHEMA)
    counts.signals += fresh.height
    if fresh.height:
        update_conviction(store, kit, now, counts)
        if mail is not None and (recipients := kit.routing.readers(mail)):
            counts.alerts += dispatch.take(store, kit, fresh, recipients, mail, now)
    return counts


def score(store: Store, kit: Kit, facts: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Signals (SIGNALS schema) of new facts, given what is known of the same things and of what rules lay beside them."""
    if facts.is_empty():
        return empty(SIGNALS_SCHEMA)
    history = history_of(store, facts, kit.thesis.rules, kit.lexicon, now)
    return score_facts(facts, history, kit.thesis, kit.lexicon, model={"fx": exchange_rates(kit.catalogue)}, now=now)


def _supersede_restated(store: Store, facts: pl.DataFrame, now: datetime) -> None:
    """A figure filed again with another value: the later filing counts from now on."""
    restated = facts.filter(pl.col("extractor") == "xbrl")
    if restated.is_empty():
        return
    older = store.read(_RESTATED, {"entities": restated["entity"].unique().to_list()})
    store.supersede("facts", older["fact_id"], at=now, by="restated")


def update_conviction(store: Store, kit: Kit, now: datetime, counts: Counts | None = None) -> pl.DataFrame:
    """Compute conviction and stages anew and keep the claims that moved; returns the rows written."""
    # a signal is as old as its fact, and no stage looks back further than its days
    since = now - timedelta(days=max((float(needs["days"]) for needs in kit.thesis.stages.values()), default=0.0))
    reached = stages(store.read(_EVIDENCE, {"since": since}), kit.thesis, now)
    latest = store.read(_LATEST)
    before = {
        claim.removeprefix("pillar:"): stage
        for claim, _, stage in latest.iter_rows()
        if stage and claim.startswith("pillar:")
    }
    told = store.append("signals", stage_signals(before, reached, kit.thesis, now))
    if counts is not None:
        counts.signals += told.height
    signals = store.read(_WEIGHING)
    reviews = store.read("SELECT target_id, verdict, correction FROM v_reviews WHERE target = 'signal'")
    fresh = conviction(signals, kit.thesis, reviews, now, reached)
    moved = fresh.join(latest, on="claim", how="left").filter(
        pl.col("before").is_null()
        | ((pl.col("log_odds") - pl.col("before")).abs() > 1e-9)
        | pl.col("stage").ne_missing(pl.col("old_stage"))
    )
    return store.append("conviction", moved.drop("before", "old_stage"))


def reprocess(store: Store, kit: Kit, documents: pl.DataFrame, now: datetime) -> Counts:
    """Facts and signals of stored documents again, with today's program and rules; history stays.

    Rows that are made again keep their ids; what is no longer made is closed at `now`, what is new is recorded at `now`.
    """
    counts = Counts(documents=documents.height)
    with store.transaction():
        ids = {"ids": documents["doc_id"].to_list()}
        # figures read from structure have no better reading in the words that tell of them
        structured = conform(store.read(_STRUCTURED, ids), FACTS_SCHEMA)
        facts = _in_context(_all_facts(documents, structured, kit, counts), documents, kit)
        # what a model proposed was asked for once; reading again neither makes it nor takes it back
        old = store.read(
            "SELECT fact_id FROM v_facts WHERE extractor <> 'llm' AND doc_id IN (SELECT unnest($ids))", ids
        )
        gone = old.join(facts.select("fact_id"), on="fact_id", how="anti")
        store.supersede("facts", gone["fact_id"], at=now, by=EXTRACTOR_VERSION)
        new = store.append("facts", facts.with_columns(pl.lit(now).alias("recorded_at")))
        counts.facts = new.height
        signals = score(store, kit, facts, now)
        standing = store.read(
            "SELECT signal_id FROM v_signals WHERE list_has_any(doc_ids, $ids)", {"ids": documents["doc_id"].to_list()}
        )
        retired = standing.join(signals.select("signal_id"), on="signal_id", how="anti")
        store.supersede("signals", retired["signal_id"], at=now)
        counts.signals = store.append("signals", signals).height
        update_conviction(store, kit, now, counts)
    return counts
