"""Facts a language model proposes, kept only where the text itself bears them out. Pure: no request is made here.

A proposal counts when its quote stands verbatim in the text, when its value parses out of that quote by
`quantities.find_quantities` (the parsed figure is kept, not the proposed one), and when the one it is about is named
beside the quote or is the document's issuer. A period nobody can read there is dropped, not believed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from tracker.extract.folding import fold
from tracker.extract.identity import with_fact_ids
from tracker.extract.lexicon import Lexicon
from tracker.extract.mentions import find_terms, mentions_of
from tracker.extract.periods import find_periods
from tracker.extract.quantities import find_quantities
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Document, prepared
from tracker.vocabulary import (
    BASES,
    DIRECTIONS,
    FACTS_SCHEMA,
    GROWTH_UNITS,
    KINDS,
    MARKET,
    MAX_QUOTE_CHARS,
    UNITS,
    conform,
    empty,
)

PROPOSALS_VERSION: Final = "llm-1"
MAX_TEXT: Final = 24_000  # characters of a document that are asked about
MAX_PROPOSALS: Final = 60  # of one document; a model that lists more is rambling
_AROUND: Final = 400  # characters beside a quote in which its subject and period are looked for
_FIGURE_KINDS: Final = frozenset(
    {"revenue", "segment_revenue", "gross_margin", "operating_income", "capex", "backlog", "inventory"}
)
_TASK: Final = (
    "You read one document for facts about AI hardware and its supply chain. Answer with one JSON object "
    '{"facts": [...]} and nothing else. Each fact: kind, entity (id), quote, and where stated value_low, value_high, '
    "unit, currency, period, basis, direction, product (id), counterparty (id).\n"
    "quote: copied character for character from the text, at most 240 characters, holding the figure and what it "
    "measures. Values are plain numbers in base units. Leave out what the text does not state: boilerplate, hypotheticals, "
    "history, anything negated.\n"
    "kinds: {kinds}\nunits: {units}\nbasis: {bases}\ndirection: {directions}\n"
    "period: FY2026Q1, FY2026, CY2025Q3, CY2025H2, CY2025 or CY2025-03.\n"
    "entities named in the text: {entities}"
)


def messages(document: Document, title: str, lexicon: Lexicon) -> list[dict[str, str]]:
    """The conversation that asks for the facts of a document (OpenAI's chat format)."""
    text = document.text[:MAX_TEXT]
    folded = fold(f"{title}\n{text}")
    named = mentions_of(f"{title}\n{text}", folded, find_terms([folded], lexicon), 0, lexicon).get("entity", [])
    ids = dict.fromkeys([*([document.issuer] if document.issuer else []), *(m.term.value for m in named), MARKET])
    task = _TASK
    for key, words in (
        ("kinds", KINDS),
        ("units", UNITS),
        ("bases", BASES),
        ("directions", DIRECTIONS),
        ("entities", ids),
    ):
        task = task.replace(f"{{{key}}}", ", ".join(words))
    about = f"title: {title}\npublished: {document.published}\nissuer: {document.issuer or 'none'}\n\n{text}"
    return [{"role": "system", "content": task}, {"role": "user", "content": about}]


def accepted(
    replies: Mapping[str, str], documents: pl.DataFrame, lexicon: Lexicon, model: str
) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """Facts (FACTS schema, extractor `llm`) of what a model answered, and why the other proposals were refused.

    replies: document id -> the words of the answer. documents: at least doc_id and text. Never raises on any answer.
    """
    rows: list[dict[str, Any]] = []
    refused: dict[str, list[str]] = {}
    by_id = prepared(documents.filter(pl.col("doc_id").is_in(list(replies))), lexicon)
    known = set(lexicon.entities["id"]), set(lexicon.products["id"])
    for doc_id, reply in replies.items():
        if doc_id not in by_id:
            continue
        proposals = _parsed(reply)
        if proposals is None:
            refused[doc_id] = ["the answer is not a JSON object with a list of facts"]
            continue
        for proposal in proposals[:MAX_PROPOSALS]:
            row = _checked(proposal, by_id[doc_id], lexicon, *known)
            if isinstance(row, str):
                refused.setdefault(doc_id, []).append(row)
            else:
                rows.append(row | {"extractor": "llm", "extractor_version": f"{PROPOSALS_VERSION}:{model}"})
    if not rows:
        return empty(FACTS_SCHEMA), refused
    frame = conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA)
    return with_fact_ids(frame.sort("doc_id", "start", "end", "kind")), refused


def _parsed(reply: str) -> list[Any] | None:
    """The proposals of an answer; None when it holds none. A fence of Markdown around the JSON is forgiven."""
    start, end = reply.find("{"), reply.rfind("}")
    try:
        answer = json.loads(reply[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    facts = answer.get("facts") if isinstance(answer, dict) else None
    return facts if isinstance(facts, list) else None


def _checked(
    proposal: object, document: Document, lexicon: Lexicon, entities: set[str], products: set[str]
) -> dict[str, Any] | str:
    """The row of a proposal that holds, or the reason why it does not."""
    if not isinstance(proposal, dict):
        return "a proposal is not an object"
    kind, entity, quote = proposal.get("kind"), proposal.get("entity"), proposal.get("quote")
    if kind not in KINDS:
        return f"no such kind: {str(kind)[:40]}"
    if not isinstance(entity, str) or entity not in entities:
        return f"not on the watchlist: {str(entity)[:40]}"
    if not isinstance(quote, str) or not quote.strip() or len(quote) > MAX_QUOTE_CHARS:
        return "no quote, or too long a one"
    start = document.text.find(quote)
    if start < 0:
        return f"the quote is not in the text: {quote[:60]}"
    if not _is_named(entity, quote, start, document, lexicon):
        return f"{entity} is not named beside the quote: {quote[:60]}"
    figure = _figure(proposal, quote, entity, lexicon)
    if isinstance(figure, str):
        return figure
    if figure["unit"] is None and kind in _FIGURE_KINDS:
        return f"{kind} without a figure"
    stated = {key: proposal.get(key) for key in ("basis", "direction", "product", "counterparty")}
    return figure | {
        "doc_id": document.doc_id, "kind": kind, "entity": entity, "quote": quote, "start": start,
        "end": start + len(quote), "period": _period(proposal.get("period"), quote, start, entity, document, lexicon),
        "basis": stated["basis"] if stated["basis"] in BASES else "actual",
        "direction": stated["direction"] if stated["direction"] in DIRECTIONS else "none",
        "product": stated["product"] if isinstance(stated["product"], str) and stated["product"] in products else None,
        "counterparty": stated["counterparty"]
        if isinstance(stated["counterparty"], str) and stated["counterparty"] in entities - {entity}
        else None,
    }  # fmt: skip


def _is_named(entity: str, quote: str, start: int, document: Document, lexicon: Lexicon) -> bool:
    if entity in (document.issuer, MARKET):
        return True
    around = document.text[max(0, start - _AROUND) : start + len(quote) + _AROUND]
    folded = fold(around)
    found = mentions_of(around, folded, find_terms([folded], lexicon), 0, lexicon).get("entity", [])
    return any(m.term.value == entity for m in found)


def _figure(proposal: dict[str, Any], quote: str, entity: str, lexicon: Lexicon) -> dict[str, Any] | str:
    """Value fields as our own parser reads them from the quote; all None for a statement."""
    low, high, unit = proposal.get("value_low"), proposal.get("value_high"), proposal.get("unit")
    if low is None and high is None:
        return {"value_low": None, "value_high": None, "unit": None, "currency": None}
    for end in (low, high):
        if end is not None and (isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end)):
            return "a value is not a number"
    if unit not in UNITS:
        return f"no such unit: {str(unit)[:40]}"
    for found in find_quantities(quote, currency=lexicon.currencies.get(entity)):
        sign = -1.0 if _falls(proposal, found) else 1.0
        if _same(sign * found.low if found.low is not None else None, low) and _same(
            sign * found.high if found.high is not None else None, high
        ):
            fits = found.unit == unit or (found.unit == "pct" and unit in GROWTH_UNITS)
            currency = found.currency if unit == "money" else None
            if fits and proposal.get("currency") in (None, currency):
                return {"value_low": low, "value_high": high, "unit": unit, "currency": currency}
    return f"the value does not parse out of the quote: {low}..{high} {unit} from {quote[:60]!r}"


def _falls(proposal: dict[str, Any], found: Quantity) -> bool:
    """A fall of 12 % is told as 12 and meant as -12; both ends of the proposal must say so."""
    ends = [e for e in (proposal.get("value_low"), proposal.get("value_high")) if e is not None]
    positive = (found.low or 0.0) >= 0 and (found.high or 0.0) >= 0
    return proposal.get("unit") in GROWTH_UNITS and proposal.get("direction") == "down" and positive and max(ends) < 0


def _same(parsed: float | None, proposed: float | None) -> bool:
    if parsed is None or proposed is None:
        return parsed is None and proposed is None
    return math.isclose(parsed, proposed, rel_tol=1e-6, abs_tol=1e-9)


def _period(proposed: object, quote: str, start: int, entity: str, document: Document, lexicon: Lexicon) -> str | None:
    """The proposed period when the quote, its surroundings or the document's title name it."""
    if not isinstance(proposed, str):
        return None
    if proposed == document.period:
        return proposed
    around = document.text[max(0, start - _AROUND) : start + len(quote) + _AROUND]
    for month in {lexicon.fiscal_year_ends.get(entity, 12), 12}:
        found = find_periods(
            around, fiscal_year_end_month=month, published=document.published, reference=document.period
        )
        if any(p.label == proposed for p in found):
            return proposed
    return None
