"""Fetches from the store what a mail is made of, and hands it to the pure builder."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final

import polars as pl

from tracker.alerts.digest import build_digest
from tracker.alerts.news import EVIDENCE
from tracker.alerts.parts import Digest, Due, Sides, Tightest
from tracker.alerts.quotes import whole_sentences, with_quotes
from tracker.alerts.recipients import Recipient
from tracker.alerts.words import LINKS, what_is_due
from tracker.extract.lexicon import Lexicon
from tracker.hardware.ledger import OUTCOMES, pair_sides
from tracker.store import Store
from tracker.thesis.discovery import candidates
from tracker.vocabulary import LEDGER_SCHEMA, conform

if TYPE_CHECKING:
    from tracker.kit import Kit

DUE_DAYS: Final = 10
OVERDUE_SHOWN_DAYS: Final = 120
GRACE_DAYS: Final = 21  # due, not here, and not yet called late
NAMES_DAYS: Final = 14
NAMES_DOCUMENTS: Final = {"weekly": 300}  # newest documents read for new names; the weekly review reads more
NAMES_DOCUMENTS_DAILY: Final = 60
NAMES_CHARS: Final = 4000  # the beginning of each: what matters of a new name is told there
_SHOWN: Final = 4
_HISTORY: Final = "SELECT claim, as_of, probability FROM conviction WHERE as_of <= $end"
_VERDICTS: Final = """
SELECT s.rule_id, count(DISTINCT s.signal_id) FILTER (r.verdict IN ('confirm', 'correct')) AS confirmed,
       count(DISTINCT s.signal_id) FILTER (r.verdict = 'reject') AS rejected
FROM v_reviews r JOIN signals s ON r.target = 'signal' AND r.target_id = s.signal_id
WHERE r.reviewed_at > $start AND r.reviewed_at <= $end GROUP BY s.rule_id ORDER BY rejected DESC, confirmed DESC, s.rule_id LIMIT 6
"""
_WITHHELD: Final = """
SELECT regexp_replace(reason, ': [0-9a-f]{16}$', '') AS why, count(*) AS n FROM notices
WHERE recipient = $who AND changed_at > $start AND changed_at <= $end AND (state = 'digest' OR group_key = 'fold')
GROUP BY why ORDER BY n DESC, why LIMIT 4
"""
_TEXTS: Final = """
SELECT doc_id, story_id, source, published_at, ingested_at, left(text, $chars) AS text FROM documents
WHERE ingested_at > $since AND ingested_at <= $end ORDER BY ingested_at DESC, doc_id LIMIT $most
"""


def compose(
    store: Store,
    kit: Kit,
    recipient: Recipient,
    kind: str,
    day: date,
    window: tuple[datetime, datetime],
    *,
    calendar: pl.DataFrame | None = None,
) -> Digest:
    """The mail of a window as it would be sent at its end.

    calendar: what is due (CALENDAR schema), computed by whoever has the hardware catalogue.
    """
    start, end = window
    evidence = store.read(EVIDENCE, {"end": end})
    names = names_of(kit.lexicon, recipient.language)
    build = partial(
        build_digest,
        kind=kind,
        recipient=recipient,
        local_date=day,
        thesis=kit.thesis,
        conviction=store.read(_HISTORY, {"end": end}),
        start=start,
        end=end,
        names=names,
        sides=_sides(store, kit, recipient, kind, day, window, calendar),
    )
    first = build(evidence=evidence)
    whole = whole_sentences(store, first)
    # told again with whole sentences: that can fold the mail further, never bring in others
    return build(evidence=with_quotes(evidence, whole)) if whole else first


def _sides(
    store: Store,
    kit: Kit,
    recipient: Recipient,
    kind: str,
    day: date,
    window: tuple[datetime, datetime],
    calendar: pl.DataFrame | None,
) -> Sides:
    start, end = window
    both = {"start": start, "end": end}
    health = store.read("SELECT name, health, last_error FROM v_source_health WHERE enabled ORDER BY name")
    failing = health.filter(pl.col("health").is_in(["failing", "dead"]))
    names = names_of(kit.lexicon, recipient.language)
    ledger = _ledger(store, end)
    return Sides(
        documents=int(
            store.scalar("SELECT count(*) FROM documents WHERE ingested_at > $start AND ingested_at <= $end", both)
        ),
        sources=health.height,
        failing=[(str(n), str(e or "")) for n, e in failing.select("name", "last_error").iter_rows()],
        tightest=tightest_of(ledger, end.date(), recipient.language),
        yearly_racks=yearly_racks(ledger, end.date()),
        due=due_of(calendar, names, day, recipient.language) if calendar is not None else (),
        reporters=reporters_of(calendar, names, day) if kind == "earnings" and calendar is not None else (),
        new_names=_new_names(store, kit.lexicon, window, NAMES_DOCUMENTS.get(kind, NAMES_DOCUMENTS_DAILY)),
        withheld=withheld_from(store, recipient.address, window),
        verdicts=list(store.read(_VERDICTS, both).iter_rows()) if kind == "weekly" else (),
    )


def withheld_from(store: Store, address: str, window: tuple[datetime, datetime]) -> list[tuple[str, int]]:
    """What was loud enough for a reader but folded or left to the digest in a window: (reason, signals), most first."""
    rows = store.read(_WITHHELD, {"who": address, "start": window[0], "end": window[1]})
    return [(str(why), int(n)) for why, n in rows.iter_rows()]


def reporting(calendar: pl.DataFrame, day: date) -> bool:
    """Whether an issuer's results are expected on this day."""
    return not calendar.filter((pl.col("what") == "results") & (pl.col("due") == day)).is_empty()


def reporters_of(
    calendar: pl.DataFrame, names: dict[str, str], day: date
) -> list[tuple[str, str, date | None, list[str]]]:
    """(entity, name, last results, claims) of those whose results are expected on a day."""
    rows = calendar.filter((pl.col("what") == "results") & (pl.col("due") == day)).head(3)
    return [(e, names.get(e, e), last, claims) for e, last, claims in rows.select("entity", "last", "claims").rows()]


def due_of(calendar: pl.DataFrame, names: dict[str, str], day: date, language: str) -> list[Due]:
    """What is expected in the next days, soonest first, then what is late, latest first."""
    soon = calendar.filter(
        (pl.col("overdue_days") == 0)
        & pl.col("due").is_between(day - timedelta(days=GRACE_DAYS), day + timedelta(days=DUE_DAYS))
    )
    late = calendar.filter((pl.col("overdue_days") > 0) & (pl.col("due") >= day - timedelta(days=OVERDUE_SHOWN_DAYS)))
    shown = [*soon.head(_SHOWN).rows(named=True), *late.sort("due", "entity", descending=True).head(3).rows(named=True)]
    return [
        Due(
            row["due"],
            names.get(row["entity"], row["entity"]),
            what_is_due(row["what"], language),
            row["claims"],
            row["overdue_days"],
        )
        for row in shown
    ]


def _ledger(store: Store, end: datetime) -> pl.DataFrame:
    latest = "SELECT * FROM ledger WHERE as_of = (SELECT max(as_of) FROM ledger WHERE as_of <= $end)"
    return conform(store.read(latest, {"end": end}), LEDGER_SCHEMA)


def tightest_of(ledger: pl.DataFrame, today: date, language: str) -> Tightest | None:
    """The link with the least supply per demanded rack in the current quarter, with the quarters around it.

    Racks shipped are what the links let through, no link themselves.
    """
    quarter = _quarter(today)
    both = pair_sides(ledger).filter(~pl.col("link").is_in(list(OUTCOMES)))
    now = both.filter((pl.col("quarter") == quarter) & (pl.col("demand_base") > 0))
    if now.is_empty():
        return None
    ratio = pl.col("supply_base") / pl.col("demand_base")
    row = now.with_columns(ratio=ratio).sort("ratio", "link").row(0, named=True)
    around = [_quarter_at(today, step) for step in range(-4, 4)]
    told = [(q, *_sides_of(ledger, row["link"], q)) for q in around]
    quarters = [one for one in told if one[1] or one[2]]
    link = LINKS[language].get(row["link"], row["link"].replace("_", " "))
    return Tightest(link, quarter, row["demand_base"], row["supply_base"], quarters)


def _sides_of(ledger: pl.DataFrame, link: str, quarter: str) -> tuple[float | None, float | None]:
    own = ledger.filter((pl.col("link") == link) & (pl.col("quarter") == quarter))
    found = dict(own.select("side", "racks_base").iter_rows())
    return found.get("demand"), found.get("supply")


def yearly_racks(ledger: pl.DataFrame, today: date) -> float | None:
    """Racks supplied in the four quarters up to the current one; None when the ledger does not know all of them."""
    wanted = [_quarter_at(today, step) for step in range(-3, 1)]
    own = ledger.filter((pl.col("link") == "racks") & (pl.col("side") == "supply") & pl.col("quarter").is_in(wanted))
    return float(own["racks_base"].sum()) if own.height == len(wanted) else None


def _quarter(day: date) -> str:
    return f"CY{day.year}Q{(day.month + 2) // 3}"


def _quarter_at(day: date, step: int) -> str:
    index = day.year * 4 + (day.month - 1) // 3 + step
    return f"CY{index // 4}Q{index % 4 + 1}"


def _new_names(store: Store, lexicon: Lexicon, window: tuple[datetime, datetime], most: int) -> list[tuple[str, str]]:
    """Names that became candidates within the window: unknown before it, told by several sources at its end."""
    start, end = window
    since = start - timedelta(days=NAMES_DAYS)
    texts = store.read(_TEXTS, {"since": since, "end": end, "most": most, "chars": NAMES_CHARS})
    if texts.filter(pl.col("ingested_at") > start).is_empty():
        return []
    found = candidates(texts, lexicon)
    if found.height:
        known = candidates(texts.filter(pl.col("ingested_at") <= start), lexicon)
        found = found.join(known, on="name", how="anti", maintain_order="left")
    return [(n, s) for n, s in found.head(3).select("name", "sentence").iter_rows()]


@lru_cache(maxsize=8)
def names_of(lexicon: Lexicon, language: str) -> dict[str, str]:
    """Entity -> its name in a language; in Chinese the first Chinese wording the watchlist knows."""
    known: dict[str, str] = dict(lexicon.entities.select("id", "name").iter_rows())
    return known if language != "zh" else known | _chinese_names(lexicon)


def _chinese_names(lexicon: Lexicon) -> dict[str, str]:
    found: dict[str, str] = {}
    for wording, meanings in lexicon.terms.items():
        if any("\u4e00" <= c <= "\u9fff" for c in wording):
            for meaning in meanings:
                if meaning.role == "entity":
                    found.setdefault(meaning.value, wording)
    return found
