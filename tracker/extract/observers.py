"""Observers: who vouches for a figure, who is only told it, and whose estimate it is measured against."""

from __future__ import annotations

import re
from typing import Final

from tracker.extract.guards import Guarded
from tracker.extract.quantity_words import Quantity
from tracker.extract.reading import Mention, Reading

# "above our outlook of 37.5 billion": only what comes after it is an outlook
AGAINST: Final = re.compile(
    r"\b(?:above|below|ahead of|short of|shy of|beat(?:ing)?|beats|exceed(?:s|ed|ing)?|topp(?:ed|ing)|top(?:s)?|miss(?:ed|ing)?|versus|vs\.?|compared (?:to|with)|than|relative to|in line with|against|higher end of|high end of|low end of)\b|超出|高于|低于|优于|優於|超过市场|不及",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"(?:US|NT|HK|A|C)?[$€¥£₩]|(?:RMB|CNY|NTD|TWD|USD|EUR|KRW|JPY)\s?\d|\d", re.IGNORECASE)
# Who is told something, and whose estimate a figure is measured against, is not who vouches for the figure.
_AUDIENCE: Final = re.compile(
    r"\b(?:told|telling|tells?|with|for|from|asked by|answering|briefed|to|addressing|reassured|surprised|disappointed|pleased|among) (?:\w+ ){0,2}$|(?:对|向|告诉|与|和|令|让)$",
    re.IGNORECASE,
)
# What the market had reckoned with, as the yardstick of a result: "above the $16.9 billion analyst estimate".
CONSENSUS: Final = re.compile(
    r"\b(?:consensus|(?:wall )?street(?:['’]s)?|analysts?['’]?|LSEG|FactSet|Visible Alpha|Bloomberg|StreetAccount|Refinitiv|Zacks|market)\b(?:['’]s?)?[\w ,'’-]{0,24}\b(?:estimate[sd]?|expect\w*|forecasts?|predict\w*|project\w*|consensus|polled|surveyed|compiled)"
    r"|\b(?:consensus|expected by (?:\w+ ){0,3}analysts|analysts? (?:\w+ ){0,2}(?:were |was |had |are )?(?:expect|forecast|look|model|project|anticipat|predict|estimat))"
    r"|(?<!our )(?<!its )(?<!their )(?<!own )\b(?:estimates|expectations|forecasts|projections) (?:of|for)\b"
    r"|(?:市场|市場|分析师|分析師|华尔街|華爾街|机构)(?:一致|普遍|平均)?(?:预期|預期|预估|預估|预测|預測)",
    re.IGNORECASE,
)
_RECKONED: Final = Guarded(
    CONSENSUS,
    (
        "consensus", "expected by ", "street", "analyst", "lseg", "factset", "visible alpha", "bloomberg", "refinitiv", "zacks", "market",
        "estimates ", "expectations ", "forecasts ", "projections ",
        "市场", "市場", "分析师", "分析師", "华尔街", "華爾街", "机构",
    ),
)  # fmt: skip
_YARDSTICK: Final = re.compile(
    r"(?<!to )(?<!will )(?:above|below|beat(?:s|ing)?|topp?(?:s|ed|ing)?|ahead of|short of|shy of|miss(?:es|ed|ing)?|versus|vs\.?|compared (?:to|with)|against|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|better than|worse than|shy of|more than|less than|higher than|lower than|over|under|(?:高于|高於|低于|低於|超过|超過|不及|优于|優於))"
    r"(?: |$)(?:(?:the|an?|average|mean|median|consensus|analysts?['’]?|wall|street(?:['’]s)?|LSEG|FactSet|Bloomberg|Visible Alpha|estimates?|expectations?|forecasts?|projections?|of|for|at|about|around|roughly|approximately|nearly)\s?){0,9}$",
    re.IGNORECASE,
)


def vouching(reading: Reading, end: int) -> list[Mention]:
    """Observers who say a figure that ends at `end`: not those it is told to, nor those it is measured against."""
    text = reading.text
    vouching = []
    for m in reading.of("observer"):
        if _AUDIENCE.search(text, max(0, m.start - 24), m.start):
            continue
        if m.start >= end and AGAINST.search(text, end, m.start):
            continue
        vouching.append(m)
    return vouching


def bare_span(reading: Reading, quantity: Quantity) -> tuple[int, int]:
    """Where the amount itself stands, without the comparison before it ("above the")."""
    found = _AMOUNT.search(reading.text, quantity.start, quantity.end)
    return (found.start() if found else quantity.start), quantity.end


def is_consensus(reading: Reading, quantity: Quantity) -> bool:
    """Whether a figure is what analysts had reckoned with, beside the result that is measured against it."""
    text, floor = reading.text, max(0, quantity.start - 70)
    near = text[floor : quantity.end + 60]
    if not _RECKONED.may_match(near.lower()):
        return False
    return _YARDSTICK.search(text, floor, quantity.start) is not None and CONSENSUS.search(near) is not None
