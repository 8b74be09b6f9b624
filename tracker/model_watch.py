"""What the hardware model says by itself: the ledger laid anew, and signals where it or a new generation moves a claim.

The model is a source like any other: its observations go through the same rules, conviction and routes as facts do.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from tracker.config import MailSettings
from tracker.hardware.ledger import Ledger, build_ledger, ledger_signals, tightest
from tracker.hardware.model_facts import catalogue_facts, ledger_facts
from tracker.pipeline import Counts, Kit, tell
from tracker.store import Store
from tracker.thesis.score import score_facts
from tracker.vocabulary import LEDGER_SCHEMA, SCORED_FACTS_SCHEMA, conform

_LATEST: str = "SELECT * FROM v_ledger"
_STANDING: str = "SELECT signal_id FROM v_signals WHERE fact_ids[1] LIKE 'system:%'"


def watch(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Let the model speak: new steps between generations, the ledger laid anew. Returns how many signals are new."""
    return update_catalogue(store, kit, now, mail=mail) + update_ledger(store, kit, now, mail=mail)


def update_ledger(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Lay demand beside supply anew and tell what changed; returns how many signals are new."""
    facts = conform(store.read("SELECT * FROM v_facts WHERE racks_base IS NOT NULL"), SCORED_FACTS_SCHEMA)
    before = conform(store.read(_LATEST), LEDGER_SCHEMA)
    made = build_ledger(facts, kit.catalogue.supply, kit.catalogue, now, entities=kit.lexicon.entities)
    known = Ledger(before, made.attribution.clear(), tightest(before)) if before.height else None
    this = f"CY{now.year}Q{(now.month + 2) // 3}"
    # a quarter that is over moves no claim any more
    events = ledger_signals(known, made).filter(pl.col("quarter") >= this)
    observed = ledger_facts(events, now)
    with store.transaction():
        store.append("ledger", made.ledger.with_columns(pl.lit(now).alias("as_of")))
        signals = score_facts(observed, observed, kit.thesis, kit.lexicon, model={}, now=now)
        return tell(store, kit, signals, now, Counts(), mail).signals


def update_catalogue(store: Store, kit: Kit, now: datetime, *, mail: MailSettings | None = None) -> int:
    """Signals of the steps between generations; after a change of catalogue or rules the old ones retire.

    Returns how many are new. What was announced after `now` is not known yet and says nothing.
    """
    observed = catalogue_facts(kit.catalogue, kit.net).filter(pl.col("published_at") <= now)
    signals = score_facts(observed, observed, kit.thesis, kit.lexicon, model={}, now=now)
    with store.transaction():
        standing = store.read(_STANDING)
        retired = standing.join(signals.select("signal_id"), on="signal_id", how="anti")
        store.supersede("signals", retired["signal_id"], at=now)
        counts = tell(store, kit, signals, now, Counts(), mail)
    return counts.signals
