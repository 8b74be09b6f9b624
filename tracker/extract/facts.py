"""From documents to facts: candidate sentences, their mentions, and the links between them.

Everything after the scan works sentence by sentence in Python: only a few percent of a text is candidate sentences, and
with them linking as ordinary code is faster than joins of tiny frames and far easier to read and explain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

import polars as pl

from tracker.extract.identity import with_fact_ids
from tracker.extract.lexicon import Lexicon, Term, fold, term_at
from tracker.extract.periods import Period, find_periods, quarter_before, year_before
from tracker.extract.quantities import Quantity, find_quantities
from tracker.extract.sentences import NUMBER, candidate_sentences
from tracker.vocabulary import FACTS_SCHEMA, GROWTH_UNITS, MARKET, MAX_QUOTE_CHARS, conform, empty

EXTRACTOR_VERSION: Final = "rules-1"
_MAX_GAP: Final = 110  # characters between a cue and its figure
_YOY: Final = re.compile(
    r"year[- ]over[- ]year|year[- ]on[- ]year|\by/y\b|\byoy\b|from a year (?:ago|earlier)|a year (?:ago|earlier)|compared (?:to|with) (?:the )?(?:same|prior|previous|last) year|同比|年增|年减|較去年|比去年|去年同期|年成长|from the (?:same|prior)[- ]year|compared (?:to|with) (?:the )?(?:\w+ quarter of )?(?:19|20)\d\d|over the (?:past|prior|last) year|to the prior year",
    re.IGNORECASE,
)
_QOQ: Final = re.compile(
    r"quarter[- ]over[- ]quarter|\bq/q\b|\bqoq\b|sequential(?:ly)?|from the (?:previous|prior|preceding) quarter|环比|季增|季减|季成长|較上季|比上季",
    re.IGNORECASE,
)
_YEARLY_KINDS: Final = frozenset({"revenue", "segment_revenue", "operating_income", "capex", "order", "backlog"})
_GROWS: Final = re.compile(
    r"\b(?:up|down|rose|rising|grew|grow|growing|increas\w+|decreas\w+|declin\w+|fell|jump\w+|surg\w+|climb\w+|soar\w+)\b|增|长|減|减|升|降",
    re.IGNORECASE,
)
_COMPARED: Final = re.compile(
    r"(?:compared (?:to|with)|versus|vs\.?|than|from|over|against|较|較|比)\s?(?:the |in )?(?:same )?(?:period )?(?:of |in )?$",
    re.IGNORECASE,
)
_RESULTS: Final = frozenset(
    {"revenue", "segment_revenue", "gross_margin", "operating_income", "capex", "order", "backlog"}
)
_BREAK: Final = re.compile(r"[,;，；。、]| and (?=up|down|\d|over|more)")
_SHARE: Final = re.compile(
    r"made up|makes? up|account\w* for|represent\w*|% of (?:total |our |its )?\w* ?(?:revenue|sales)|占", re.IGNORECASE
)
_PRIOR: Final = re.compile(
    r"(?:up|down|compared (?:to|with)|versus|vs\.?|from|against|高于|低于|去年同期为?|上年同期)\s*(?:approximately |about |an? )?$",
    re.IGNORECASE,
)
_STATEMENT_NEEDS_PRODUCT: Final = frozenset(
    {"product_launch", "design_win", "ramp", "schedule_slip", "supply_tightness", "price", "capacity"}
)
# Without a named subject these are told of the product's maker.
_VENDOR_KINDS: Final = frozenset({"shipment", "ramp", "schedule_slip", "product_launch", "supply_tightness", "price"})
_MARKET_KINDS: Final = frozenset({"price", "supply_tightness", "capacity", "shipment"})
_CLAUSE: Final = re.compile(r"[;；]|, (?:while|but|whereas|and (?:its|the company))\b|，(?:而|但|同时)")


@dataclass(frozen=True, slots=True)
class Mention:
    """A term where it stands in a sentence."""

    start: int
    end: int
    term: Term


@dataclass(slots=True)
class Reading:
    """A sentence with everything found in it."""

    document: dict[str, Any]
    offset: int
    text: str
    mentions: list[Mention]
    fiscal_year_end_month: int = 12
    quantities: list[Quantity] = field(default_factory=list)
    _periods: list[Period] | None = None

    @property
    def periods(self) -> list[Period]:
        """Periods of the sentence; looked for when a fact first asks, because most sentences hold none."""
        if self._periods is None:
            self._periods = find_periods(
                self.text,
                fiscal_year_end_month=self.fiscal_year_end_month,
                published=self.document["published"],
            )
        return self._periods

    def of(self, *roles: str) -> list[Mention]:
        """Mentions of the roles, in order."""
        return [m for m in self.mentions if m.term.role in roles]


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
    by_id = _prepared(documents, lexicon)
    sentences = candidate_sentences(documents, lexicon)
    rows: list[dict[str, Any]] = []
    misses: list[Miss] = []
    seen: set[tuple[Any, ...]] = set()
    for reading in _readings(sentences, by_id, lexicon):
        for fact in _facts_of(reading, lexicon, misses):
            key = (
                fact["doc_id"],
                fact["kind"],
                fact["entity"],
                fact["value_low"],
                fact["value_high"],
                fact["unit"],
                fact["product"] if fact["unit"] is None else None,
            )
            if key not in seen:  # a number repeated in a document is told once, where it stands first
                seen.add(key)
                rows.append(fact)
    if not rows:
        return empty(FACTS_SCHEMA), misses
    frame = conform(pl.DataFrame(rows, infer_schema_length=None), FACTS_SCHEMA)
    return with_fact_ids(frame.sort("doc_id", "start", "end", "kind")), misses


def _prepared(documents: pl.DataFrame, lexicon: Lexicon) -> dict[str, dict[str, Any]]:
    """Documents by id with their issuer and day; titles are scanned all at once."""
    titles = (
        documents["title"] if "title" in documents.columns else pl.repeat("", documents.height, eager=True)
    ).fill_null("")
    folded = [fold(title) for title in titles]
    prepared: dict[str, dict[str, Any]] = {}
    for row, title, low, hits in zip(
        documents.drop("text").iter_rows(named=True), titles, folded, _hits(folded, lexicon), strict=True
    ):
        named = {m.term.value for m in _mentions(title, low, hits, lexicon) if m.term.role == "entity"}
        published = row.get("published_at")
        if isinstance(published, datetime):
            published = published.date()
        day = published if isinstance(published, date) else datetime.now(UTC).date()
        prepared[row["doc_id"]] = {
            "doc_id": row["doc_id"],
            "issuer": _known_issuer(row.get("entity"), lexicon) or (next(iter(named)) if len(named) == 1 else None),
            "published": day,
            "lang": row.get("lang") or "en",
        }
        document = prepared[row["doc_id"]]
        fye = lexicon.fiscal_year_ends.get(document["issuer"] or "", 12)
        quarters = [p.label for p in find_periods(title, fiscal_year_end_month=fye, published=day) if "Q" in p.label]
        document["period"] = quarters[0] if quarters else None
    return prepared


def _known_issuer(name: str | None, lexicon: Lexicon) -> str | None:
    """A watchlist id for an issuer given as id, ticker or name; None for one that is not watched."""
    if not name or name in lexicon.fiscal_year_ends:
        return name or None
    return next((t.value for t in lexicon.terms.get(fold(name), ()) if t.role == "entity"), None)


def _hits(folded: list[str], lexicon: Lexicon) -> list[list[tuple[int, str]]]:
    """(byte offset, wording) of every term in each text; overlapping ones included."""
    series = pl.Series(folded, dtype=pl.String)
    patterns = list(lexicon.patterns)
    places = series.str.find_many(patterns, overlapping=True)
    words = series.str.extract_many(patterns, overlapping=True)
    return [
        list(zip(p.to_list(), w.to_list(), strict=True)) if p is not None and w is not None else []
        for p, w in zip(places, words, strict=True)
    ]


def _mentions(text: str, folded: str, hits: list[tuple[int, str]], lexicon: Lexicon) -> list[Mention]:
    raw = None if folded.isascii() else folded.encode("utf-8")
    found: list[Mention] = []
    for offset, word in hits:
        start = offset if raw is None else len(raw[:offset].decode("utf-8", errors="ignore"))
        found += [
            Mention(start, start + len(word), term) for term in term_at(lexicon, folded, text, start, start + len(word))
        ]
    found.sort(key=lambda m: (m.start, -(m.end - m.start)))
    kept: list[Mention] = []
    for mention in found:
        # the longest wording of a role wins: "GB200 NVL72" hides "GB200" and "NVL72"
        if not any(
            k.term.role == mention.term.role
            and k.start <= mention.start
            and mention.end <= k.end
            and k.end - k.start > mention.end - mention.start
            for k in kept
        ):
            kept.append(mention)
    return kept


def _readings(sentences: pl.DataFrame, documents: dict[str, dict[str, Any]], lexicon: Lexicon) -> Iterator[Reading]:
    hits = _hits(sentences["folded"].to_list(), lexicon)
    for (doc_id, start, _, sentence, folded), found in zip(sentences.iter_rows(), hits, strict=True):
        mentions = _mentions(sentence, folded, found, lexicon)
        if not any(m.term.role in ("cue", "strong") for m in mentions) or any(
            m.term.role == "boilerplate" for m in mentions
        ):
            continue
        document = documents[doc_id]
        reading = Reading(document, start, sentence, mentions)
        fiscal_owner = document["issuer"]
        if fiscal_owner is None:
            named = reading.of("entity")
            fiscal_owner = named[0].term.value if named else ""
        reading.fiscal_year_end_month = lexicon.fiscal_year_ends.get(fiscal_owner, 12)
        if NUMBER.search(folded):
            reading.quantities = find_quantities(sentence, currency="CNY" if document["lang"] == "zh" else None)
        yield reading


# --- linking -------------------------------------------------------------------------------------------------------


def _facts_of(reading: Reading, lexicon: Lexicon, misses: list[Miss]) -> Iterator[dict[str, Any]]:
    used_kinds: set[str] = set()
    for quantity in reading.quantities:
        cue = _cue_for(reading, quantity, lexicon)
        if cue is None:
            continue
        kind = cue.term.value
        entity = _entity_for(reading, cue, quantity, kind, lexicon)
        if entity is None:
            misses.append(
                _miss(reading, quantity.start, quantity.end, kind, "no entity of the watchlist is its subject")
            )
            continue
        if _negated(reading, cue):
            misses.append(_miss(reading, quantity.start, quantity.end, kind, "negated"))
            continue
        used_kinds.add(kind)
        yield _figure(reading, quantity, cue, kind, entity, lexicon)
    yield from _statements(reading, used_kinds, lexicon, misses)


def _miss(reading: Reading, start: int, end: int, kind: str, reason: str) -> Miss:
    return Miss(reading.document["doc_id"], reading.offset + start, reading.offset + end, kind, reason)


def _cue_for(reading: Reading, quantity: Quantity, lexicon: Lexicon) -> Mention | None:
    """The nearest cue whose kind can be told in this unit; one before the figure counts as nearer than one behind."""
    best: tuple[float, Mention] | None = None
    for cue in reading.of("cue", "strong"):
        rule = lexicon.kinds[cue.term.value]
        if cue.start < quantity.end and quantity.start < cue.end:
            continue
        if not _unit_fits(quantity, rule):
            continue
        before = cue.end <= quantity.start
        gap = quantity.start - cue.end if before else cue.start - quantity.end
        if gap > _MAX_GAP or _barrier(reading, cue, quantity):
            continue
        distance = gap + (0 if before else 25)
        if cue.term.value in ("order", "deployment", "acquisition") and quantity.unit == "money":
            distance += 20  # revenue and capex are told in money by preference
        if best is None or distance < best[0]:
            best = (distance, cue)
    return best[1] if best else None


def _unit_fits(quantity: Quantity, rule: Any) -> bool:
    units = rule.get("units", ())
    if quantity.unit in units or (quantity.unit is None and "money" in units):
        return True
    return bool(rule.get("growth")) and quantity.unit in ("pct", "pct_yoy", "pct_qoq")


def _barrier(reading: Reading, cue: Mention, quantity: Quantity) -> bool:
    """A clause boundary between cue and figure, or another metric that the figure belongs to."""
    a, b = (cue.end, quantity.start) if cue.end <= quantity.start else (quantity.end, cue.start)
    if _CLAUSE.search(reading.text, a, b):
        return True
    others = reading.of("other_metric")
    return any(a <= m.start and m.end <= b for m in others) or any(0 <= m.start - quantity.end <= 5 for m in others)


def _entity_for(reading: Reading, cue: Mention, quantity: Quantity | None, kind: str, lexicon: Lexicon) -> str | None:
    """The subject: the nearest entity before the cue or figure, else the issuer, else who makes the product.

    Research houses are quoted, they are not the subject of what they say.
    """
    entities = [m for m in reading.of("entity") if m.term.value not in lexicon.observers]
    anchor = min(cue.start, quantity.start) if quantity is not None else cue.start
    before = [m for m in entities if m.end <= anchor + 1]
    if before:
        return before[-1].term.value
    between = [m for m in entities if quantity is not None and m.start < quantity.start]
    if between:
        return between[-1].term.value
    issuer = reading.document["issuer"]
    if issuer is not None and issuer not in lexicon.observers:
        return str(issuer)
    if entities and reading.document["lang"] == "zh":
        return entities[0].term.value
    product = _product_for(reading, cue, anchor)
    vendor = lexicon.vendors.get(product or "")
    if vendor is not None and kind in _VENDOR_KINDS:
        return vendor
    return MARKET if kind in _MARKET_KINDS and product is not None and quantity is not None else None


def _negated(reading: Reading, cue: Mention) -> bool:
    return any(m.term.role == "negation" and 0 <= cue.start - m.end <= 25 for m in reading.mentions)


def _product_for(reading: Reading, cue: Mention, at: int) -> str | None:
    """The product nearest to the cue or figure; what slips or ramps is named before the word that says so."""
    near = [m for m in reading.of("product") if abs(m.start - cue.start) <= _MAX_GAP or abs(m.start - at) <= _MAX_GAP]
    if cue.term.value in ("schedule_slip", "ramp", "supply_tightness"):
        near = [m for m in near if m.end <= cue.start] or near
    if not near:
        return None
    return min(
        near, key=lambda m: (min(abs(m.end - cue.start), abs(m.start - cue.end), abs(m.start - at)), m.start - m.end)
    ).term.value


def _figure(
    reading: Reading, quantity: Quantity, cue: Mention, kind: str, entity: str, lexicon: Lexicon
) -> dict[str, Any]:
    product = _product_for(reading, cue, quantity.start)
    if kind == "revenue":
        kind, product = _segment(reading, cue, product)
    elif kind in ("capex", "gross_margin", "operating_income", "backlog", "inventory", "supply_commitment"):
        product = None
    low, high, unit = quantity.low, quantity.high, quantity.unit
    context = reading.text[max(0, quantity.start - 40) : quantity.end + 45]
    direction = _direction(reading, quantity, cue)
    currency = quantity.currency
    if unit is None:  # a bare amount is in the currency of whoever it is about
        unit, currency = "money", lexicon.currencies.get(entity, "USD")
    if unit == "pct" and kind != "gross_margin":
        unit = _growth_unit(reading.text, quantity, kind)
        if unit == "pct" and kind == "revenue" and _SHARE.search(context):
            kind = "segment_revenue"
    if unit in GROWTH_UNITS and direction == "down" and kind not in ("gross_margin", "supply_tightness"):
        low, high = (-high if high is not None else None), (-low if low is not None else None)
    period = _period_for(reading, quantity, kind)
    prior = (
        bool(_PRIOR.search(reading.text[max(0, quantity.start - 30) : quantity.start]))
        and unit in ("money", "pct")
        and kind not in ("price", "order")
    )
    if prior:
        period, direction = _prior_period(reading, quantity, period), "none"
    return _row(
        reading,
        kind,
        entity,
        product,
        min(cue.start, quantity.start),
        max(cue.end, quantity.end),
        _basis(reading, cue, quantity),
        direction,
        lexicon,
    ) | {
        "value_low": low,
        "value_high": high,
        "unit": unit,
        "currency": currency,
        "period": period,
        "counterparty": _counterparty(reading, entity, kind),
    }


def _segment(reading: Reading, cue: Mention, product: str | None) -> tuple[str, str | None]:
    near = [m for m in reading.of("segment") if 0 <= cue.start - m.end <= 12 or 0 <= m.start - cue.end <= 12]
    if near:
        value = near[-1].term.value
        return "segment_revenue", None if value == "_" else value
    close = [m for m in reading.of("product") if 0 <= cue.start - m.end <= 3 or 0 <= m.start - cue.end <= 12]
    return ("segment_revenue", close[-1].term.value) if close else ("revenue", None)


def _growth_unit(text: str, quantity: Quantity, kind: str) -> str:
    """Against what a percentage is measured: the nearest wording, the one behind the figure first.

    Results are compared with the year before unless something else is said; a share or a price change is not.
    """
    before, behind = text[: quantity.start], text[quantity.end : quantity.end + 90]
    chunk, next_chunk = _BREAK.split(before[-60:])[-1], _BREAK.split(behind)[0]
    for part in (chunk, next_chunk):
        for pattern, unit in ((_QOQ, "pct_qoq"), (_YOY, "pct_yoy")):
            if pattern.search(part):
                return unit
    # "sequentially, sales were up 11%, 12% in local currencies": what was said last holds until something else is said
    said = [
        (m.start(), unit) for pattern, unit in ((_QOQ, "pct_qoq"), (_YOY, "pct_yoy")) for m in pattern.finditer(before)
    ]
    if said:
        return max(said)[1]
    grows = kind in _YEARLY_KINDS and _GROWS.search(before[-40:]) and not _SHARE.search(before[-60:] + behind)
    return "pct_yoy" if grows else "pct"


def _direction(reading: Reading, quantity: Quantity, cue: Mention) -> str:
    """The nearest word of change to the figure."""
    words = [m for m in reading.of("direction") if m.end <= quantity.end + 25]
    words = [
        m for m in words if min(abs(m.end - quantity.start), abs(m.start - quantity.end), abs(m.start - cue.end)) <= 60
    ]
    if not words:
        return "none"
    return min(words, key=lambda m: min(abs(m.end - quantity.start), abs(m.start - quantity.end))).term.value


def _period_for(reading: Reading, quantity: Quantity, kind: str) -> str | None:
    """The period nearest to the figure; the one it is compared with is not what it is about.

    A result without a period of its own is about the period the document's title names.
    """
    periods = [
        p
        for p in reading.periods
        if not (p.start < quantity.end and quantity.start < p.end)
        and not _COMPARED.search(reading.text[max(0, p.start - 24) : p.start])
    ]
    if not periods:
        return reading.document["period"] if kind in _RESULTS else None
    return min(
        periods,
        key=lambda p: (
            min(abs(p.start - quantity.end), abs(quantity.start - p.end)) + (0 if p.start >= quantity.start else 5)
        ),
    ).label


def _prior_period(reading: Reading, quantity: Quantity, period: str | None) -> str | None:
    """ "up from $131 billion a year earlier": the period before the sentence's own, unless one stands beside it."""
    after = [p for p in reading.periods if 0 <= p.start - quantity.end <= 12]
    if after:
        return after[0].label
    own = [p for p in reading.periods if p.end <= quantity.start]
    base = own[-1].label if own else period
    if base is None:
        return None
    if _QOQ.search(reading.text[quantity.end : quantity.end + 40]):
        return quarter_before(base)
    return year_before(base)


def _basis(reading: Reading, cue: Mention, quantity: Quantity | None) -> str:
    """Rumor before estimate before plan before guidance: the weakest footing that the clause states."""
    anchor = quantity.start if quantity is not None else cue.start
    near = {m.term.value for m in reading.of("basis") if m.start <= anchor + 60 and anchor - m.end <= 130}
    for basis in ("rumor", "estimate", "plan", "guidance"):
        if basis in near:
            if basis == "plan" and cue.term.value in (
                "revenue",
                "segment_revenue",
                "gross_margin",
                "capex",
                "operating_income",
            ):
                return "guidance"
            return basis
    return "actual"


def _counterparty(reading: Reading, entity: str, kind: str) -> str | None:
    if kind not in ("order", "design_win", "deployment", "acquisition", "supply_commitment", "alliance"):
        return None
    others = list(dict.fromkeys(m.term.value for m in reading.of("entity") if m.term.value != entity))
    return others[0] if len(others) == 1 else None


def _statements(reading: Reading, used: set[str], lexicon: Lexicon, misses: list[Miss]) -> Iterator[dict[str, Any]]:
    for cue in reading.of("strong"):
        kind = cue.term.value
        if kind in used or not lexicon.kinds[kind].get("statement"):
            continue
        product = _product_for(reading, cue, cue.start)
        if kind in _STATEMENT_NEEDS_PRODUCT and product is None:
            misses.append(_miss(reading, cue.start, cue.end, kind, "no product beside the statement"))
            continue
        if _negated(reading, cue) or any(
            m.term.role == "hypothetical" and 0 <= cue.start - m.end <= 30 for m in reading.mentions
        ):
            misses.append(_miss(reading, cue.start, cue.end, kind, "negated or hypothetical"))
            continue
        entity = _entity_for(reading, cue, None, kind, lexicon)
        if entity is None:
            misses.append(_miss(reading, cue.start, cue.end, kind, "no entity of the watchlist is its subject"))
            continue
        used.add(kind)
        direction = "up" if kind in ("ramp", "supply_tightness") else "none"
        if kind in ("price", "capacity", "order"):
            words = [m.term.value for m in reading.of("direction")]
            direction = words[0] if words else "none"
        if kind == "demand_cut":
            direction = "down"
        period = reading.periods[0].label if reading.periods else None
        end = _clause_end(reading.text, cue.end)
        yield _row(reading, kind, entity, product, cue.start, end, _basis(reading, cue, None), direction, lexicon) | {
            "period": period,
            "counterparty": _counterparty(reading, entity, kind),
        }


def _clause_end(text: str, start: int) -> int:
    """Where the clause that begins before `start` ends: a statement is quoted whole."""
    found = re.search(r"[,;，；。.]\s|[，；。]|$", text[start:])
    return start + (found.start() if found else 0)


def _row(
    reading: Reading,
    kind: str,
    entity: str,
    product: str | None,
    start: int,
    end: int,
    basis: str,
    direction: str,
    lexicon: Lexicon,
) -> dict[str, Any]:
    subject = [m.start for m in reading.of("entity") if m.end <= start and start - m.end < 60]
    start = subject[-1] if subject and end - subject[-1] <= MAX_QUOTE_CHARS else start
    end = min(end, start + MAX_QUOTE_CHARS)
    return {
        "doc_id": reading.document["doc_id"],
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
