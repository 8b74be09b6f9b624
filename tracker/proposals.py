"""A round of proposals: which documents are asked about, and how what holds joins the facts that are there.

The endpoint is asked outside any transaction; facts join in one of their own and go the same way as all others. A fact
the program reads by itself is never doubled by a proposal.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from tracker import jobs
from tracker.config import MailSettings, Settings
from tracker.extract.repeats import beside
from tracker.kit import Kit
from tracker.llm import Proposals, Proposer
from tracker.pipeline import Counts, add_facts
from tracker.store import Store
from tracker.vocabulary import DOCUMENTS_SCHEMA, FACTS_SCHEMA, conform

JOB: Final = "proposals"
MAX_DOCUMENTS: Final = 200  # of one round, newest first
FIRST_REACH: Final = timedelta(days=7)  # how far back the first round goes
# a round that met problems (nobody answered, the cap) is taken up again: what was answered is in the cache
_SINCE: Final = """
SELECT max(started_at) FROM runs
WHERE job = $job AND status = 'ok' AND CAST(json_extract(counts, '$.problems') AS INTEGER) = 0
"""
_WAITING: Final = """
SELECT * FROM documents WHERE ingested_at >= $since ORDER BY published_at DESC, doc_id LIMIT $most
"""
_READ: Final = "SELECT * FROM v_facts WHERE doc_id IN (SELECT unnest($ids))"


def is_on(settings: Settings) -> bool:
    """Whether an endpoint is configured."""
    return bool(settings.extract.llm.base_url)


def cache_dir(settings: Settings) -> Path:
    """Where answers and what was spent are kept."""
    return settings.extract.llm.cache_dir or settings.store.path.parent / "llm"


def waiting(store: Store, now: datetime) -> pl.DataFrame:
    """Documents (DOCUMENTS schema) that came in since the last round without problems."""
    last = store.scalar(_SINCE, {"job": JOB})
    since = last if isinstance(last, datetime) else now - FIRST_REACH
    return conform(store.read(_WAITING, {"since": since, "most": MAX_DOCUMENTS}), DOCUMENTS_SCHEMA)


def ask(documents: pl.DataFrame, kit: Kit, settings: Settings) -> Proposals:
    """Ask the endpoint; touches no database."""
    with Proposer(settings.extract.llm, cache_dir(settings)) as proposer:
        return proposer.propose(documents, kit.lexicon)


def take_in(
    store: Store,
    kit: Kit,
    documents: pl.DataFrame,
    proposals: Proposals,
    now: datetime,
    mail: MailSettings | None = None,
) -> Counts:
    """Let the proposals that hold join the facts of their documents; records the round in `runs`."""
    with jobs.recorded(store, JOB, now) as counts:
        known = conform(store.read(_READ, {"ids": documents["doc_id"].to_list()}), FACTS_SCHEMA)
        fresh = beside(known, proposals.facts).join(known.select("fact_id"), on="fact_id", how="anti")
        total = add_facts(store, kit, documents, fresh, now, mail=mail)
        total.problems += proposals.problems
        counts |= {
            "documents": documents.height, "asked": proposals.asked, "facts": total.facts, "signals": total.signals,
            "refused": sum(map(len, proposals.refused.values())), "problems": len(proposals.problems),
            "cost_usd": round(proposals.cost_usd, 4),
        }  # fmt: skip
    return total


def one_round(store: Store, kit: Kit, settings: Settings, now: datetime) -> Counts:
    """Ask about what came in; nothing without an endpoint. Problems are told in the counts, never raised."""
    if not is_on(settings):
        return Counts()
    documents = waiting(store, now)
    return take_in(store, kit, documents, ask(documents, kit, settings), now, settings.mail)
