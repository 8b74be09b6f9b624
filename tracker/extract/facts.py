"""From documents to facts: candidate sentences, their mentions, and the links between them.

Everything after the scan works sentence by sentence in Python: only a few percent of a text is candidate sentences, and
with them linking as ordinary code is faster than joins of tiny frames and far easier to read and explain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import polars as pl

from tracker.extract.calendar import days_left
from tracker.extract.dismissal import reason_against
from tracker.extract.footing import (
    basis_of,
    direction_of,
    is_prior,
    period_of,
    prior_period,
    quarter_after,
)
from tracker.extract.growth import RESULTS, growth_unit, is_over_years, is_prior_share, is_share
from tracker.extract.identity import with_fact_ids
from tracker.extract.lexicon import Lexicon
from tracker.extract.memory import YEAR
from tracker.extract.metrics import Link, links
from tracker.extract.observers import bare_span, is_consensus
from tracker.extract.parts import goes_on_about_part, part_of
from tracker.extract.periods import Period
from tracker.extract.quantity_words import Quantity
from tracker.extract.quotes import widened
from tracker.extract.reading import Document, Mention, Reading, Told, prepared
from tracker.extract.reconcile import reconciled
from tracker.extract.redundant import distinct
from tracker.extract.repeats import beside
from tracker.extract.roles import nearest_product, negated, specific
from tracker.extract.sentences import batches, candidate_sentences
from tracker.extract.statements import Dropped, Statement, statements
from tracker.extract.subjects import deal, is_object, listed_with, subject
from tracker.extract.tables import read_tables
from tracker.extract.walk import readings
from tracker.vocabulary import FACTS_SCHEMA, GROWTH_UNITS, MARKET, MAX_QUOTE_CHARS, conform, empty

EXTRACTOR_VERSION: Final = "rules-2"
# Kinds told of a whole company: a product named beside them is not what they are about.
_WHOLE_COMPANY: Final = frozenset(
    {"gross_margin", "operating_income", "backlog", "inventory", "supply_commitment", "revenue"}
)
_SELLERS: Final = frozenset({"accelerator", "custom_silicon", "network", "optics", "copper", "equipment"})
_RATES: Final = frozenset({*GROWTH_UNITS, "pct"})
LOSS: Final = re.compile(r"loss|亏损|损失", re.IGNORECASE)
_COUNTED: Final = frozenset(
    {"revenue", "segment_revenue", "capex", "gross_margin", "operating_income", "shipment", "capacity"}
)
_HISTORY: Final = 5  # years after which a figure is a retelling
_NOT_OVER: Final = 45  # days to the end of a period from which on its figure must be an outlook
_LONG_PAST: Final = 100  # days after which a period has been reported
_OF_THE_QUARTER: Final = frozenset({"ramp", "supply_tightness", "backlog", "price", "order", "shipment", "capacity"})
_OTHERS_SPEND: Final = re.compile(
    r"hyperscal|customers|the (?:capex|capital) spend|industry|cloud(?: service)? providers|enterprises|CSPs|the world",
    re.IGNORECASE,
)
_SHARES: Final = frozenset({"gross_margin", "segment_revenue", "supply_tightness"})


_WITH: Final = re.compile(r"\s?(?:携手|联手|采购|购买|买|向|与|扫货|下单|抢购|抢)\s?")
_EACH_CJK: Final = re.compile(r"均|都(?!市)|皆|纷纷|双双")
_OUTLOOK: Final = 1500  # characters an outlook holds for the period it was announced for
_ERA: Final = 500  # characters a passage goes on in the years it named last


@dataclass(frozen=True, slots=True)
class Miss:
    """Something that nearly became a fact, and why it did not."""

    doc_id: str
    start: int
    end: int
    kind: str
    reason: str


def extract_facts(documents: pl.DataFrame, lexicon: Lexicon) -> pl.DataFrame:
    """Facts (FACTS schema) of documents (at least doc_id, text; title, published_at, entity, lang where there are).

    Pure and deterministic; sorted by document and place; `text[start:end] == quote`.
    """
    facts, _ = read_facts(documents, lexicon)
    return facts


def read_facts(documents: pl.DataFrame, lexicon: Lexicon) -> tuple[pl.DataFrame, list[Miss]]:
    """Facts, and the near-misses with their reasons: what `tracker extract --explain` shows."""
    if documents.is_empty():
        return empty(FACTS_SCHEMA), []
    by_id = prepared(documents, lexicon)
    tabled, documents, unread = read_tables(documents, by_id, lexicon)
    rows: list[dict[str, Any]] = []
    misses = [Miss(*row) for row in unread]
    seen: set[tuple[Any, ...]] = set()
    held = by_id if len(by_id) == documents.height else None  # a text known by its document need not be copied
    candidates = (
        candidate_sentences(part, lexicon, [held[i].text for i in part["doc_id"]] if held is not None else None)
        for part in batches(documents)
    )
    for reading in chain.from_iterable(readings(part, by_id, lexicon) for part in candidates):
        for fact in _facts_of(reading, lexicon, misses):
            part = fact.pop("_part", "") if fact["unit"] in _RATES else fact.pop("_part", "") and ""
            key = (
                fact["doc_id"],
                fact["kind"],
                fact["entity"],
                fact["value_low"],
                fact["value_high"],
                fact["unit"],
                fact["product"] if fact["unit"] is None else None,
                fact["counterparty"] if fact["unit"] is None and fact["kind"] == "acquisition" else None,
                # the same rate may well be told of two periods, the same amount hardly
                fact["period"] if fact["unit"] in _RATES else None,
                part,  # two parts of a business may well grow alike
            )
            if key in seen:  # a number repeated in a document is told once, where it stands first
                misses.append(
                    Miss(fact["doc_id"], fact["start"], fact["end"], fact["kind"], "told before in the document")
                )
                continue
            seen.add(key)
            rows.append(fact)
    if not rows and not tabled:
        return empty(FACTS_SCHEMA), misses
    reporting = {d.doc_id for d in by_id.values() if d.issuer is not None and d.period is not None}
    frame = beside(reconciled(_frame(distinct(rows)), reporting), _frame(tabled))
    return with_fact_ids(frame.sort("doc_id", "start", "end", "kind")), misses


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a frame; 68.1 times a billion is 68,100,000,000, whatever binary fractions make of it."""
    if not rows:
        return empty(FACTS_SCHEMA)
    frame = conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA)
    return frame.with_columns(pl.col("value_low", "value_high").round_sig_figs(12))


def _facts_of(reading: Reading, lexicon: Lexicon, misses: list[Miss]) -> Iterator[dict[str, Any]]:
    document = reading.document
    told: set[str] = set()
    entities: dict[int, str] = {}  # of the figures of this sentence, by where they begin
    last: Told | None = None
    for link in links(reading, lexicon):
        fact, reason = _figure(reading, link, entities, lexicon)
        if fact is None:
            misses.append(_miss(reading, link.quantity.start, link.quantity.end, link.kind, reason))
            continue
        told.add(link.kind)
        told.add(fact["kind"])
        if fact["kind"] == "capex" and fact["product"] == "data_center":
            told.add("deployment")  # what is spent on a site tells of the site
        last = Told(
            fact["kind"],
            fact["entity"],
            fact["product"],
            fact["period"],
            fact["unit"],
            reading.offset + len(reading.text),
        )
        yield fact
        for name in _each_of_a_list(reading, link, fact["entity"], lexicon):
            yield fact | {"entity": name}
    if last is not None:
        document.told = last
        document.subject = (last.entity, reading.offset)
    elif not reading.follows:
        document.told = None
    if reading.follows:
        return
    for found in statements(reading, told, lexicon):
        if isinstance(found, Dropped):
            misses.append(_miss(reading, found.start, found.end, found.kind, found.reason))
            continue
        statement = _statement(reading, found)
        if _is_history(statement["period"], document) or _is_past_era(reading, statement["period"]):
            misses.append(_miss(reading, found.start, found.end, found.kind, "history"))
        else:
            yield statement
    document.passed.append(reading)


def _each_of_a_list(reading: Reading, link: Link, entity: str, lexicon: Lexicon) -> list[str]:
    """Whom else a figure is told of: each of a list ("联想、戴尔等均上调15%"), not of their sum."""
    if reading.document.lang != "zh" or entity == MARKET or link.quantity.unit not in ("pct", "months"):
        return []
    if link.quantity.unit == "pct" and not _EACH_CJK.search(reading.folded, 0, link.quantity.start):
        return []
    anchor = min(link.cue.start, link.quantity.start) if link.cue is not None else link.quantity.start
    return listed_with(reading, entity, anchor, lexicon)


def _dated(basis: str, kind: str, entity: str, period: str | None, document: Document, month: int) -> str:
    """What the period says about the footing: nobody has counted a time that is not over, nobody guides for one long past.

    A company's spending on a stated year is its guidance for that year.
    """
    if kind == "capex" and basis == "plan" and period is not None and entity != MARKET:
        basis = "guidance"
    if period is None or kind not in _COUNTED:
        return basis
    left = days_left(period, document.published, month)
    if basis == "actual" and left > _NOT_OVER:
        return "estimate" if entity == MARKET else "guidance"
    if basis == "guidance" and left < -_LONG_PAST and kind in RESULTS:
        return "actual"
    return basis


def _is_history(period: str | None, document: Document) -> bool:
    """Whether a statement is about a time before the year before its document."""
    return period is not None and int(period[2:6]) < document.published.year - 1


def _is_past_era(reading: Reading, period: str | None) -> bool:
    """Whether a statement without a time of its own goes on in a passage about years long past."""
    document = reading.document
    if period is not None or document.era is None or YEAR.search(reading.text):
        return False
    year, place = document.era
    return reading.offset - place <= _ERA and year < document.published.year - 1


def _miss(reading: Reading, start: int, end: int, kind: str, reason: str) -> Miss:
    return Miss(reading.document.doc_id, reading.offset + start, reading.offset + end, kind, reason)


def _figure(
    reading: Reading, link: Link, entities: dict[int, str], lexicon: Lexicon
) -> tuple[dict[str, Any] | None, str]:
    """The fact of a figure, or None and the reason."""
    quantity, cue, kind = link.quantity, link.cue, link.kind
    product = _product_of(reading, link)
    if kind == "price" and product is None and "token" in reading.folded:
        product = "llm"
    anchor = min(cue.start, quantity.start) if cue is not None else quantity.start
    entity = _entity_of(reading, link, entities, anchor, product, lexicon)
    if entity is None:
        return None, "no entity of the watchlist is its subject"
    if cue is not None and negated(reading, cue):
        return None, "negated"
    if cue is not None and cue.term.role == "weak" and (seller := _spent_with(reading, quantity, entity, lexicon)):
        kind = "order"  # 砸600亿美元携手英伟达: what is spent there is bought there
        reading.document.deal = (entity, seller, reading.offset)
    elif cue is not None and cue.term.role == "weak" and lexicon.layers.get(entity) in _SELLERS:
        if not _OTHERS_SPEND.search(reading.text) or reading.document.issuer != entity:
            return None, "spending told beside a maker of what the money is spent on"
        entity = MARKET  # "the capex spend has doubled to $600 billion": a supplier speaks of its customers
    if (reason := reason_against(reading, link, entity, product, anchor, lexicon)) is not None:
        return None, reason
    entities[quantity.start] = entity
    part = ""
    if kind == "revenue" and entity == MARKET:
        kind = "segment_revenue"
    elif kind == "revenue" and cue is not None:
        kind, product, part = part_of(reading, cue, quantity, lexicon)
        if kind == "revenue" and goes_on_about_part(reading, link, lexicon):
            kind = "segment_revenue"
    elif kind in _WHOLE_COMPANY:
        product = None
    low, high, unit, currency = quantity.low, quantity.high, quantity.unit, quantity.currency
    if unit == "units" and lexicon.families.get(product or "") == "rack_system":
        unit = "racks"
    if unit is None:  # a bare amount is in the currency of whoever it is about
        told_in = link.after.quantity.currency if link.after is not None else None
        unit, currency = "money", told_in or lexicon.currencies.get(entity) or "USD"
    if unit == "pct" and (kind != "gross_margin" or _is_amount(reading, cue)):
        unit = growth_unit(reading.text, quantity, kind)
        if kind in ("revenue", "segment_revenue") and (
            is_share(reading, quantity)
            or (link.after is not None and is_prior_share(reading, link.after.quantity, quantity))
        ):
            kind, unit = "segment_revenue", "pct"
    level = kind in ("gross_margin", "segment_revenue", "order")
    if unit == "pct" and kind in (*RESULTS, "shipment") and not level and not is_over_years(reading, quantity):
        return None, "a percentage without a comparison"
    if kind == "segment_revenue" and unit == "pct" and entity == MARKET and reading.document.lang == "zh":
        return None, "a share of nobody's revenue"
    if kind == "operating_income" and cue is not None and LOSS.search(reading.text[cue.start : cue.end]):
        low, high = -abs(high or low or 0.0), -abs(low or high or 0.0)
    basis = basis_of(reading, anchor, quantity.end, kind, entity)
    level = unit == "pct" and kind in _SHARES
    direction = direction_of(reading, link, unit, level=level)
    if unit in GROWTH_UNITS and not level and direction == "down":
        low, high = (-high if high is not None else None), (-low if low is not None else None)
    month = lexicon.fiscal_year_ends.get(entity, reading.fiscal_year_end_month)
    period = period_of(reading, quantity, kind, basis, fiscal_year_end_month=month, growth=unit in GROWTH_UNITS)
    basis = _dated(basis, kind, entity, period, reading.document, month)
    if period is None and link.cue is None and reading.document.told is not None and link.after is None:
        period = reading.document.told.period
    if basis == "actual" and period is not None and reading.document.published.year - int(period[2:6]) > _HISTORY:
        return None, "history"
    consensus = is_consensus(reading, quantity)
    if consensus:  # "above the $16.9 billion estimate" is a point, not a bound
        direction, basis = "none", "estimate"
        low, high = low if low is not None else high, high if high is not None else low
        period = period or (reading.document.told.period if link.after is None and reading.document.told else None)
    elif is_prior(reading, link, unit):
        period, direction, basis = prior_period(reading, link, period), "none", "actual"
    entity, counterparty = deal(reading, entity, kind, quantity.start, lexicon)
    if consensus:
        start, end = bare_span(reading, quantity)
    else:
        start, end = widened(reading.text, *_span(reading, link), quantity, reading.document.currency)
    row = _row(reading, kind, entity, product, start, end, basis, direction)
    return row | {
        "value_low": low,
        "value_high": high,
        "unit": unit,
        "currency": currency if unit == "money" else None,
        "period": period,
        "counterparty": counterparty,
        "_part": part,
    }, ""


def _spent_with(reading: Reading, quantity: Quantity, entity: str, lexicon: Lexicon) -> str | None:
    """The maker of chips with whom a Chinese text says money is spent, right behind the amount."""
    if reading.document.lang != "zh" or lexicon.layers.get(entity) in _SELLERS:
        return None
    for m in reading.of("entity"):
        if 0 <= m.start - quantity.end <= 8 and lexicon.layers.get(m.term.value) in _SELLERS:
            return m.term.value if _WITH.fullmatch(reading.folded, quantity.end, m.start) else None
    return None


def _is_amount(reading: Reading, cue: Mention | None) -> bool:
    """Whether a margin is told in money ("gross margin dollars increased 13 %"): its percentage is growth."""
    return cue is not None and reading.text[cue.start : cue.end].lower().endswith("dollars")


def _entity_of(
    reading: Reading, link: Link, entities: dict[int, str], anchor: int, product: str | None, lexicon: Lexicon
) -> str | None:
    """The subject of a figure; a figure that goes on from another one keeps its subject unless a new one is named."""
    quantity = link.quantity
    if link.after is not None and (link.cue is link.after.cue) and link.after.quantity.start in entities:
        between = [
            m
            for m in reading.of("entity")
            if link.after.quantity.end <= m.start < quantity.start
            and m.term.value not in lexicon.observers
            and not is_object(reading, m)
        ]
        if not between:
            return entities[link.after.quantity.start]
        return between[0].term.value
    if link.cue is None and reading.document.told is not None:
        named = [m for m in reading.of("entity") if m.start < quantity.start]
        return named[0].term.value if named else reading.document.told.entity
    # how long building takes is told of each, not of all
    kind = "" if quantity.unit == "months" and link.kind == "deployment" else link.kind
    found = subject(reading, anchor, quantity.start, kind, product, lexicon)
    if found is None and link.after is not None:  # "the market will double, reaching $3 billion in revenue"
        return entities.get(link.after.quantity.start)
    return found


def _product_of(reading: Reading, link: Link) -> str | None:
    if link.cue is None:
        return link.product
    at = link.quantity.start
    near = [
        m for m in reading.of("product") if min(abs(m.start - link.cue.start), abs(m.start - at), abs(m.end - at)) <= 90
    ]
    if not near:
        return nearest_product(reading, link.cue)
    cue = link.cue
    nearest = min(
        near,
        key=lambda m: (min(abs(m.end - cue.start), abs(m.start - cue.end), abs(m.start - at)), m.start - m.end),
    )
    return specific(nearest, near, reading.text)


def _statement(reading: Reading, found: Statement) -> dict[str, Any]:
    period = _statement_period(reading, found)
    basis = found.basis or basis_of(reading, found.start, found.end, found.kind, found.entity)
    end = min(found.end, found.start + MAX_QUOTE_CHARS)
    row = _row(reading, found.kind, found.entity, found.product, found.start, end, basis, found.direction)
    row |= {"quote": reading.text[found.start : end], "start": reading.offset + found.start}
    label = period.label if period else None
    if label is None and basis == "actual" and found.kind in _OF_THE_QUARTER:  # a call speaks of its quarter
        label = reading.document.period
    elif label is None and basis == "guidance" and reading.document.period is not None:
        outlook = reading.document.outlook
        near = outlook is not None and reading.offset - outlook[1] <= _OUTLOOK
        label = outlook[0] if outlook is not None and near else None
        if label is None and found.kind in (
            *RESULTS,
            "shipment",
            "inventory",
        ):  # ... and an outlook of the one after it
            label = quarter_after(reading.document.period)
    return row | {"period": label, "counterparty": found.counterparty}


def _statement_period(reading: Reading, found: Statement) -> Period | None:
    near = [p for p in reading.periods if found.start - 60 <= p.start <= found.end + 60]
    return min(near, key=lambda p: max(found.start - p.start, p.start - found.end, 0)) if near else None


def _span(reading: Reading, link: Link) -> tuple[int, int]:
    """The shortest stretch that holds the figure and the words that say what it is."""
    quantity, cue = link.quantity, link.cue
    if cue is None:
        return quantity.start, quantity.end
    start, end = min(cue.start, quantity.start), max(cue.end, quantity.end)
    if end - start > MAX_QUOTE_CHARS:
        return quantity.start, quantity.end
    return start, end


def _row(
    reading: Reading, kind: str, entity: str, product: str | None, start: int, end: int, basis: str, direction: str
) -> dict[str, Any]:
    names = [m.start for m in reading.of("entity") if m.end <= start and start - m.end < 60]
    start = names[-1] if names and end - names[-1] <= MAX_QUOTE_CHARS else start
    end = min(end, start + MAX_QUOTE_CHARS)
    return {
        "doc_id": reading.document.doc_id,
        "kind": kind,
        "entity": entity,
        "counterparty": None,
        "product": product,
        "value_low": None,
        "value_high": None,
        "unit": None,
        "currency": None,
        "period": None,
        "basis": basis,
        "direction": direction,
        "quote": reading.text[start:end],
        "start": reading.offset + start,
        "end": reading.offset + end,
        "extractor": "rules",
        "extractor_version": EXTRACTOR_VERSION,
    }


__all__ = ["EXTRACTOR_VERSION", "Document", "Miss", "extract_facts", "read_facts"]
