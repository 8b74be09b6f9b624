"""On what footing something is told: basis, direction and period."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.calendar import last_quarter_before, quarter_label, shift_quarter, sort_key, year_label
from tracker.extract.growth import RESULTS
from tracker.extract.guards import Guarded
from tracker.extract.metrics import Link
from tracker.extract.observers import AGAINST, is_consensus, vouching
from tracker.extract.periods import Period, quarter_before, year_before
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Reading
from tracker.vocabulary import GROWTH_UNITS, MARKET

_COMPARED: Final = re.compile(
    r"(?:compared (?:to|with)|versus|vs\.?|than|from|over|against|较|較|比|double[ds]? those|above|below|before|until|prior to)\s?(?:the |those |that |in |its |our )*(?:same )?(?:period )?(?:of |in )?$",
    re.IGNORECASE,
)
_PRIOR: Final = re.compile(
    r"(?:\b(?:up from|down from|compared (?:to|with)|versus|vs\.?|from|against)|高于|低于|去年同期为?|上年同期|高於|低於)\s*(?:approximately |about |an? |over |more than |fewer than )?~?$",
    re.IGNORECASE,
)
# What growth is measured against, not what it is about.
_EARLIER: Final = re.compile(r"(?:the )?(?:prior|previous|preceding|last|same) |去年|上季|前一", re.IGNORECASE)
_BEFORE_THAT: Final = re.compile(
    r"(?:the )?(?:prior|previous|preceding|same)[- ](?:year|quarter|period)", re.IGNORECASE
)
_MADE_UP: Final = re.compile(r"\bma(?:de|kes?|king) up$", re.IGNORECASE)
_GOAL: Final = re.compile(r"targets?\b", re.IGNORECASE)
_BREAK: Final = re.compile(r"[,，;；。]")
_QOQ: Final = re.compile(r"quarter|sequential|上季|环比", re.IGNORECASE)
_EXPECTED: Final = re.compile(
    r"(?:above|below|ahead of|beat(?:ing)?|exceed(?:s|ed|ing)?|topp(?:ed|ing)|end of|than|versus|compared (?:to|with)) (?:\w+ )?(?:our|its|their|the company's) (?:\w+ ){0,3}(?:outlook|guidance|expectations?|forecast|estimate|target)(?: range)?(?: of| for)? ?$|(?:超过|超過|高于|高於|低于|低於|优于|優於|不及|符合)(?:市场|市場|分析师|分析師)?(?:预期|預期|预估|預估|指引)的?(?:约|約)?$",
    re.IGNORECASE,
)
# What an earlier outlook said: "raised to 66 from a previous range of 64", 从之前的……上调到……
_EARLIER_OUTLOOK: Final = re.compile(
    r"\b(?:previous|prior|earlier|original|initial|old) (?:\w+ ){0,2}(?:guidance|guide|outlook|range|forecasts?|estimates?|plans?|targets?|expectations?|projections?|view)"
    r"(?: range)?(?: (?:of|at|for|was|calling for))*(?: (?:around|about|approximately))? ?$|"
    r"\bfrom (?:an? |its |the )(?:\w+ ){0,2}(?:range|guidance|outlook|forecast|target)(?: (?:of|at|that ended at|ending at))* ?$|"
    r"(?:previously|earlier) (?:\w+ )?(?:expected|guided|forecast|estimated|projected|planned) (?:to be |for |at |of )?$|"
    r"(?:从|由|自|较|較)(?:之前|先前|此前|原先|原本|原来|原來|前次)(?:预估|預估|预计|預計|预期|預期|指引)?的?(?:约|約)?$",
    re.IGNORECASE,
)
_SOON_EXPECTED: Final = Guarded(
    _EXPECTED,
    (
        "outlook", "guidance", "expectation", "forecast", "estimate", "target",
        "预期", "預期", "预估", "預估", "指引",
    ),
)  # fmt: skip
_ONCE_EXPECTED: Final = Guarded(
    _EARLIER_OUTLOOK,
    ("previous", "prior ", "earlier ", "original ", "initial ", "old ", "from ", "从", "由", "自", "较", "較"),
)
# 优于市场预期, 財報優預期: what had been expected is no outlook
_MET: Final = re.compile(
    r"(?:[优超胜逊]于?|超出|超过|胜过|符合|好于|不如|不及|低于|高于|打败|击败|差于)(?:了)?(?:市场|分析师|华尔街|法人|外资|外界)?的?$"
)
_IF: Final = re.compile(
    r"\b(?:if|assuming|unless|were to|supposing)\b|如果|假如|假设|假設|若(?!干)|倘若", re.IGNORECASE
)
_NOT_SUPPOSED: Final = re.compile(r"[,，;；:：]|\bplans?\b|计划|計劃")
_TAIL_STOP: Final = re.compile(r"[;；。]|, (?!which|with|as)|，|\.\s|\b(?:and|but|while)\b|\bup\b|\bdown\b")
_OUTCOME: Final = re.compile(
    r"\b(?:was|were|totaled|totalled|reached|came in|reported|reporting|posted|delivered|generated|grew|rose|fell|jumped|increased|decreased|declined|surged|soared|closed|achieved|recorded|made up)\b",
    re.IGNORECASE,
)
_BEING_BUILT: Final = re.compile(
    r"\b(?:is|are|was|were|been|begun|started) (?:currently |now |already )?(?:building|constructing)|\bunder construction|"
    r"\bbuilding (?:an?|the|its|out)\b|正在(?:建设|建設|兴建|興建)|在建",
    re.IGNORECASE,
)
# What is told of the whole market in these kinds somebody has reckoned.
_NOBODY_COUNTS: Final = frozenset({"segment_revenue", "shipment", "scaling_doubt"})
# What a company counts at the end of the quarter it reports on.
_OF_ITS_QUARTER: Final = frozenset({"inventory", "shipment", "supply_commitment"})
_WEAKEST: Final = ("rumor", "estimate", "plan", "guidance")
_FIGURE_UP: Final = re.compile(r"\b(?:up|increas\w+|grew|growth|rose|higher|record|doubl\w+|tripl\w+)\b", re.IGNORECASE)


def basis_of(reading: Reading, start: int, end: int, kind: str, entity: str) -> str:
    """actual, guidance, plan, estimate or rumor: the weakest footing that governs `text[start:end]`.

    Governing words stand before the figure in its clause or close behind it; what a figure is compared with
    ("above our outlook of ...") governs only what comes after the comparison.
    """
    text = reading.text
    floor = reading.clause_start(start)
    against = [m.end() for m in AGAINST.finditer(text, floor, start)]
    words = [m for m in reading.of("basis") if not _MET.search(reading.folded, max(0, m.start - 10), m.start)]
    inside = [m for m in words if (against[-1] if against else floor) <= m.start and m.end <= end]
    if against and not inside:
        # a comparison ends the reach of what was said before it, unless that is about everything that follows
        inside = [m for m in words if floor <= m.start < against[0] and m.term.value in ("rumor", "estimate")]
    stop = _TAIL_STOP.search(text, end)
    tail = min(stop.start() if stop else len(text), end + 70)
    behind = [
        m
        for m in words
        if end <= m.start
        and m.end <= tail
        and m.start - end <= 40
        and not _GOAL.match(text, m.start)
        and not AGAINST.search(text, end, m.start)
    ]
    observers = vouching(reading, end)
    values = {m.term.value for m in (*inside, *behind)}
    values |= {m.term.value for m in observers if m.start >= floor - 60}
    # a house that is quoted, or a rumour, holds for the whole sentence
    values |= {m.term.value for m in words if m.term.value == "rumor"}
    told_by_observer = any(m.end <= start and m.term.value == "estimate" for m in observers) or any(
        m.term.value == "estimate" for m in (*inside, *behind)
    )
    basis = next((b for b in _WEAKEST if b in values), "actual")
    if basis == "actual" and kind == "deployment" and _BEING_BUILT.search(text, floor, min(len(text), end + 30)):
        basis = "plan"
    if basis in ("guidance", "plan"):
        last = max((m.end for m in inside if m.term.value in ("guidance", "plan")), default=None)
        if last is not None and _OUTCOME.search(text, last, start) and kind in RESULTS:
            basis = "actual"
    if basis == "actual" and entity == MARKET and told_by_observer:
        basis = "estimate"
    if basis == "actual" and entity == MARKET and kind in _NOBODY_COUNTS:
        basis = "estimate"
    if basis == "plan" and kind in RESULTS and kind not in ("order", "capex"):
        # a bare 将 of somebody who is not the issuer foresees, it does not guide
        basis = "estimate" if reading.document.lang == "zh" and reading.document.issuer != entity else "guidance"
    if basis == "plan" and kind == "capex" and entity == MARKET:
        basis = "estimate"
    if basis == "estimate" and entity != MARKET and kind in RESULTS and not observers:
        # a company's own estimate is its guidance, unless somebody else is named as the one who estimates
        return "guidance" if reading.document.issuer is None or entity == reading.document.issuer else "estimate"
    if basis == "guidance":
        if entity == MARKET or told_by_observer:
            return "estimate"
        if kind not in RESULTS and kind not in ("inventory", "supply_commitment", "shipment", "ramp"):
            return "plan"
    return basis


def direction_of(reading: Reading, link: Link, unit: str | None, *, level: bool = False) -> str:
    """The change that is told with a figure: the sign of a growth rate, or the word of change beside a level."""
    quantity, text = link.quantity, reading.text
    floor = max(
        reading.clause_start(quantity.start), link.after.quantity.end if link.after and unit in GROWTH_UNITS else 0
    )
    words = [m for m in reading.of("direction") if not _MADE_UP.search(text[max(0, m.start - 8) : m.end])]
    if unit in GROWTH_UNITS and not level:
        before = [m for m in words if floor <= m.start and m.end <= quantity.start + 1]
        behind = [m for m in words if quantity.end <= m.start <= quantity.end + 25]
        inside = [m for m in words if quantity.start <= m.start and m.end <= quantity.end]
        if "digit" in text[quantity.start : quantity.end].lower():
            inside = []  # "down double digits"
        for group in (inside, before[-1:], behind[:1]):
            if group:
                return group[0].term.value
        if link.after is not None and link.after.quantity.unit in (None, *GROWTH_UNITS, "pct"):
            return direction_of(reading, link.after, unit)
        return "up" if unit in GROWTH_UNITS else "none"
    cue = link.cue.start if link.cue is not None else quantity.start
    near_start = max(reading.clause_start(min(cue, quantity.start)), min(cue, quantity.start) - 40)
    stop = re.search(
        r"[;；]|\.\s|, (?:and|while|excluding)\b|\bresulting\b|(?<=\d)[^,]{0,3}\band\b(?! (?:up|down))",
        text[quantity.end :],
    )
    near_end = min(quantity.end + (stop.start() if stop else 200), quantity.end + 60)
    near = [m for m in words if near_start <= m.start and m.end <= near_end]
    if not near:
        return "none"
    return min(near, key=lambda m: max(quantity.start - m.end, m.start - quantity.end, 0)).term.value


def is_prior(reading: Reading, link: Link, unit: str | None) -> bool:
    """Whether a level (`unit` money or pct) is what another one is compared with ("up from $131 billion")."""
    if unit not in ("money", "pct") or link.kind in ("price", "order"):
        return False
    return _is_compared(reading.text, link.quantity)


def _is_compared(text: str, quantity: Quantity) -> bool:
    return _PRIOR.search(text[max(0, quantity.start - 34) : quantity.start]) is not None


def is_expectation(reading: Reading, quantity: Quantity) -> bool:
    """Whether a figure is what had been expected ("above our outlook of 37.5 billion"): told before, not news."""
    if is_consensus(reading, quantity):
        return False
    before = reading.text[max(0, quantity.start - 60) : quantity.start]
    return _SOON_EXPECTED.search(before) is not None or _ONCE_EXPECTED.search(before) is not None


def is_supposed(reading: Reading, start: int) -> bool:
    """Whether what begins at `start` is only supposed ("if the five doubled their capex"): an `if` governs its clause."""
    found = list(_IF.finditer(reading.text, 0, start))
    return bool(found) and not _NOT_SUPPOSED.search(reading.text[found[-1].end() : start])


def period_of(
    reading: Reading, quantity: Quantity, kind: str, basis: str, *, fiscal_year_end_month: int, growth: bool
) -> str | None:
    """The period nearest to the figure; the one it is compared with is not what it is about.

    A result without a period of its own is about the period the document's title names, an outlook about the one the
    outlook was announced for.
    """
    text = reading.text
    periods = [
        p
        for p in reading.periods_in(fiscal_year_end_month)
        if not (p.start < quantity.end and quantity.start < p.end)
        and not (growth and _EARLIER.match(text, p.start))
        and not _COMPARED.search(text[max(0, p.start - 30) : p.start])
        and not _BEFORE_THAT.match(text, p.start)
    ]
    others = [q for q in reading.quantities if q is not quantity]
    if not _is_compared(text, quantity):  # "(up from $131 billion in 2025)": that year is the other figure's
        compared = [q for q in others if _is_compared(text, q)]
        periods = [p for p in periods if not any(0 <= p.start - q.end <= 6 for q in compared)]
    periods = [p for p in periods if not _is_of_another(text, p, quantity, others)]
    reported = reading.document.period
    if basis == "guidance" and reported is not None:
        periods = [p for p in periods if sort_key(p.label) > sort_key(reported) or not _is_quarter(p.label)]
    if periods:

        def distance(p: Period) -> tuple[int, int]:
            low, high = (p.end, quantity.start) if p.end <= quantity.start else (quantity.end, p.start)
            crossed = sum(low <= q.start and q.end <= high for q in others)
            apart = p.start >= quantity.end and _BREAK.search(text, low, high) is not None
            return (crossed * 40 + apart * 30 + (high - low) + (0 if p.start >= quantity.start else 5), p.start)

        return _full_year(min(periods, key=distance).label, reading, basis)
    document = reading.document
    if basis == "guidance" and document.outlook is not None and reading.offset - document.outlook[1] <= 1500:
        return document.outlook[0]
    if kind not in RESULTS:
        return reported if basis == "actual" and kind in _OF_ITS_QUARTER else None
    if reported is None and document.reports and basis in ("actual", "guidance"):
        year, quarter = last_quarter_before(document.published, fiscal_year_end_month)
        reported = quarter_label(year, quarter, fiscal_year_end_month)
        if kind == "capex" and basis == "guidance":
            return year_label(year, fiscal_year_end_month)
    # an outlook given with results, without a period of its own, is about the quarter after them
    return quarter_after(reported) if basis == "guidance" and reported is not None else reported


def _is_of_another(text: str, p: Period, quantity: Quantity, others: list[Quantity]) -> bool:
    """Whether a period stands in the clause of another figure, closer to it than to this one."""
    if p.start < quantity.end or not _BREAK.search(text, quantity.end, p.start):
        return False
    for q in others:
        low, high = (p.end, q.start) if p.end <= q.start else (q.end, p.start)
        if low <= high < low + (p.start - quantity.end) and not _BREAK.search(text, low, high):
            return True
    return False


def _is_quarter(label: str) -> bool:
    return "Q" in label


def quarter_after(label: str) -> str:
    year, quarter = shift_quarter(int(label[2:6]), int(label[7]), 1)
    return f"{label[:2]}{year}Q{quarter}"


def _full_year(label: str, reading: Reading, basis: str) -> str:
    """An outlook given with a fourth quarter's results is about the year after it."""
    reported = reading.document.period
    if basis == "guidance" and reported is not None and reported.endswith("Q4") and label == reported[:-2]:
        return f"{label[:2]}{int(label[2:6]) + 1}"
    return label


def prior_period(reading: Reading, link: Link, period: str | None) -> str | None:
    """ "up from $131 billion a year earlier": the period before the sentence's own, unless one stands beside it."""
    quantity, text = link.quantity, reading.text
    after = [p for p in reading.periods if 0 <= p.start - quantity.end <= 14]
    base_period = next((p.label for p in reversed(reading.periods) if p.end <= quantity.start), None) or period
    if after and not (base_period and sort_key(after[0].label) > sort_key(base_period)):
        return after[0].label
    if base_period is None:
        return None
    if _QOQ.search(text[quantity.end : quantity.end + 40]) and not re.search(
        r"year|去年", text[quantity.end : quantity.end + 40]
    ):
        return quarter_before(base_period)
    return year_before(base_period)
