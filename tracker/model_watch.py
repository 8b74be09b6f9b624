"""What the hardware model says by itself: the ledger laid anew, and signals where it or a new generation moves a claim.

The model is a source like any other: its observations go through the same rules, conviction and routes as facts do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import polars as pl

from tracker.config import MailSettings
from tracker.hardware.horizons import SPREAD_KINDS, with_horizons
from tracker.hardware.ledger import Ledger, build_ledger, figures_known, ledger_signals, tightest
from tracker.hardware.ledger_rules import load_ledger_rules
from tracker.hardware.model_facts import catalogue_facts, ledger_facts
from tracker.hardware.scaling import NO_GENERATION, announced_on
from tracker.kit import Kit
from tracker.pipeline import Counts, tell
from tracker.store import Store
from tracker.thesis.calendar import expected, overdue_facts
from tracker.thesis.score import score_facts
from tracker.vocabulary import LEDGER_SCHEMA, SCORED_FACTS_SCHEMA, UTC_TIME, conform

RESULTS_TOLD: Final = """
SELECT f.entity, f.kind, f.period, f.published_at FROM v_facts f JOIN documents d USING (doc_id)
WHERE f.basis = 'actual' AND d.entity = f.entity AND f.period IS NOT NULL AND f.published_at <= $now
"""
# facts with racks, and what the document says from the figure on: how many years a total is spread over
COUNTED: Final = """
SELECT f.*, concat(f.quote, substr(d.text, f."end" + 1, 160)) AS words
FROM v_facts f LEFT JOIN documents d USING (doc_id) WHERE f.racks_base IS NOT NULL
"""
_WORDS: Final = """
SELECT f.fact_id, concat(f.quote, substr(d.text, f."end" + 1, 160)) FROM facts f
JOIN (SELECT doc_id, text FROM documents WHERE doc_id IN (SELECT unnest(string_split($doc_id, chr(31))))) d USING (doc_id)
WHERE f.fact_id IN (SELECT unnest(string_split($fact_id, chr(31))))
"""
_ON_MARKET: Final = ("shipping", "ramping")
# what the ledger is made of besides the model: which facts with racks are known
_COUNTED_MARK: Final = """
SELECT count(*) || ' ' || coalesce(bit_xor(hash(fact_id)), 0) FROM facts
WHERE superseded_at IS NULL AND racks_base IS NOT NULL AND published_at <= $now
"""
_LATEST: Final = "SELECT * FROM v_ledger"
_STANDING: Final = "SELECT signal_id FROM v_signals WHERE fact_ids[1] LIKE 'system:%'"


def watch(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Let the model speak: new steps between generations, the ledger laid anew. Returns how many signals are new."""
    told = update_catalogue(store, kit, now, mail=mail) + update_ledger(store, kit, now, mail=mail)
    return told + update_overdue(store, kit, now, mail=mail)


def update_ledger(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Lay demand beside supply anew and tell what changed; returns how many signals are new."""
    made = _ledger_of(store, kit, now)
    before = conform(store.read(_LATEST), LEDGER_SCHEMA).sort("quarter", "link", "side")
    known = Ledger(before, made.attribution.clear(), _tightest_of(before, made)) if before.height else None
    this = f"CY{now.year}Q{(now.month + 2) // 3}"
    # a quarter that is over moves no claim any more
    events = ledger_signals(known, made).filter(pl.col("quarter") >= this)
    observed = ledger_facts(events, now)
    with store.transaction():
        store.append("ledger", made.ledger.with_columns(pl.lit(now).alias("as_of")))
        signals = score_facts(observed, observed, kit.thesis, kit.lexicon, model={}, now=now)
        return tell(store, kit, signals, now, Counts(), mail).signals


def _ledger_of(store: Store, kit: Kit, now: datetime) -> Ledger:
    """The ledger as it can be known at a moment; most days bring nothing it is made of, and it is yesterday's."""

    def lay() -> Ledger:
        facts = _counted_of(store)
        return build_ledger(facts, kit.catalogue.supply, kit.catalogue, now, rules=rules, entities=kit.lexicon.entities)

    rules = load_ledger_rules()
    key = (kit, rules, figures_known(kit.catalogue.supply, rules, now), store.scalar(_COUNTED_MARK, {"now": now}))
    return store.kept("ledger", key, lay)


def _tightest_of(before: pl.DataFrame, made: Ledger) -> pl.DataFrame:
    """Tightest links (TIGHTEST_SCHEMA) of the ledger laid before; when it is the one just made nothing is drawn again."""
    return made.tightest if before.equals(conform(made.ledger, LEDGER_SCHEMA)) else tightest(before)


def _counted_of(store: Store) -> pl.DataFrame:
    """What `counted_facts` makes of COUNTED; documents do not change, so the words after a figure are read once."""
    read = store.read("SELECT * FROM v_facts WHERE racks_base IS NOT NULL")
    words: dict[str, str] = store.kept("words after figures", None, dict)
    about = read.filter(pl.col("kind").is_in(SPREAD_KINDS) & pl.col("doc_id").is_not_null())
    new = about.filter(~pl.col("fact_id").is_in(list(words)))
    if new.height:
        asked = {name: "\x1f".join(new[name].unique()) for name in ("doc_id", "fact_id")}
        words.update(store.read(_WORDS, asked).iter_rows())
    told = pl.Series([words.get(fact) for fact in read["fact_id"]], dtype=pl.String)
    return counted_facts(read.with_columns(words=told))


def counted_facts(read: pl.DataFrame) -> pl.DataFrame:
    """SCORED_FACTS of what COUNTED gives; a total over several years has the range of its quarters as period."""
    return with_horizons(conform(read.drop("words"), SCORED_FACTS_SCHEMA), read["words"])


def update_catalogue(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Signals of the steps between generations; after a change of catalogue or rules the old ones retire.

    Returns how many are new. What was announced after `now` is not known yet and says nothing.
    """
    known = int((_observed(kit)["published_at"] <= now).sum())
    signals = _signals_of(kit, known).with_columns(created_at=pl.lit(now).cast(UTC_TIME))
    with store.transaction():
        standing = store.read(_STANDING)
        retired = standing.join(signals.select("signal_id"), on="signal_id", how="anti")
        store.supersede("signals", retired["signal_id"], at=now)
        counts = tell(store, kit, signals, now, Counts(), mail)
    return counts.signals


@lru_cache(maxsize=2)
def _observed(kit: Kit) -> pl.DataFrame:
    return catalogue_facts(kit.catalogue, kit.net)


@lru_cache(maxsize=2)
def _signals_of(kit: Kit, known: int) -> pl.DataFrame:
    """SIGNALS of the first `known` observations of the catalogue, which come oldest first."""
    observed = _observed(kit).head(known)
    at = observed["published_at"].max()
    moment = at if isinstance(at, datetime) else datetime.min.replace(tzinfo=UTC)
    return score_facts(observed, observed, kit.thesis, kit.lexicon, model={}, now=moment)


def calendar_of(told: pl.DataFrame, kit: Kit, now: datetime) -> pl.DataFrame:
    """What is due and overdue (CALENDAR schema). told: (entity, kind, period, published_at) of actual results."""
    systems = [
        {"id": s, "name": row["name"], "vendor": row["vendor"], "ships": day, "shipping": row["status"] in _ON_MARKET}
        for s, row in kit.catalogue.raw.items()
        if (day := announced_on(row.get("first_volume_shipment"))) is not None and row["status"] not in NO_GENERATION
    ]
    schema = {"id": pl.String, "name": pl.String, "vendor": pl.String, "ships": pl.Date, "shipping": pl.Boolean}
    return expected(told, pl.DataFrame(systems, schema=schema), kit.thesis, kit.lexicon, now.date())


def update_overdue(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Signals of what did not come in time; returns how many are new."""
    observed = overdue_facts(calendar_of(store.read(RESULTS_TOLD, {"now": now}), kit, now), now)
    signals = score_facts(observed, observed, kit.thesis, kit.lexicon, model={}, now=now)
    with store.transaction():
        return tell(store, kit, signals, now, Counts(), mail).signals
