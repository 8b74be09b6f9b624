"""What a row of a table measures, from its name: only whole names count, so that a part is not taken for the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tracker.extract.guards import holds_any

FLOWS: Final = frozenset({"revenue", "segment_revenue", "gross_margin", "operating_income", "capex"})

_GAAP: Final = r"(?:(?:total|consolidated|company|gaap|non-gaap|adjusted|u\.?s\.? gaap)\s+){0,3}"
# (kind, is a ratio in per cent, pattern for the whole folded name)
NAMES: Final[tuple[tuple[str, bool, re.Pattern[str]], ...]] = tuple(
    (kind, ratio, re.compile(rf"{pattern}", re.IGNORECASE))
    for kind, ratio, pattern in (
        ("revenue", False, rf"{_GAAP}(?:net\s+)?(?:revenues?|sales)(?:\s+and other income)?(?:, net|\s*\(net\))?"),
        ("revenue", False, rf"{_GAAP}(?:net\s+)?revenues? and sales|{_GAAP}operating revenues?"),
        ("revenue", False, r"(?:一、)?(?:合并|合併)?(?:营业|營業)(?:总|總)?收入(?:合[计計]|净额|淨額|總額)?|(?:总|總)?(?:营收|營收|收入)(?:总额|總額|合計|合计)?"),
        ("gross_margin", True, rf"{_GAAP}gross (?:margin|profit)(?: margin)?(?:\s*(?:%|percent(?:age)?|rate|ratio|\(%\)|as a percentage of (?:net )?(?:revenue|sales)))*"),
        ("gross_margin", True, r"(?:综合|綜合)?(?:营业|營業)?毛利率(?:\s*[（(]?%[)）]?)?"),
        ("operating_income", False, rf"{_GAAP}(?:operating (?:income|profit|loss)|(?:income|loss|profit) from operations)(?:\s*\((?:loss|income)\)|\s*/\s*\(?loss\)?)?(?: from operations)?"),
        ("operating_income", False, rf"{_GAAP}(?:income|loss|\(loss\) income|income \(loss\)|profit) from operations"),
        ("operating_income", False, r"(?:三、|二、)?(?:营业|營業)(?:利润|利益|利潤)(?:[（(](?:损失|亏损|損失).{0,12}[)）])?(?:净额|淨額)?"),
        ("capex", False, r"(?:total |cash )?capital expenditures?(?:, net)?|capex|(?:cash )?(?:purchases?|acquisitions?|payments for (?:acquisition|purchases?)|additions) (?:of|to|related to) (?:property(?:,? plant,?)?,? (?:and )?equipment)(?: and (?:intangible assets|other))?"),
        ("capex", False, r"(?:资本|資本)(?:开支|支出|開支)|(?:购建|購建|取得)(?:固定资产|不動產、?廠房及設備|固定資產).{0,24}(?:支付的现金|支付的現金|價款)?"),
        ("inventory", False, r"(?:total )?inventor(?:y|ies)(?:, net)?|(?:存货|存貨)(?:净额|淨額)?"),
        ("backlog", False, r"(?:total |revenue )?(?:(?:remaining )?performance obligations(?: \(RPO\))?|backlog|RPO)|remaining performance obligations(?: \(RPO\))?"),
        ("supply_commitment", False, r"(?:total )?(?:(?:inventory|outstanding inventory|manufacturing)? ?(?:purchase|supply)(?:,? (?:and )?(?:long-term )?(?:supply|capacity))*(?: and (?:long-term supply and )?capacity)? (?:obligations|commitments)|(?:total )?supply-related commitments)"),
    )
)  # fmt: skip
# Letters of which every name of the table has some: asked first.
WORDS: Final = (
    "revenue", "sales", "gross ", "operating ", "from operations", "capital expenditure", "capex", "equipment",
    "inventor", "obligation", "backlog", "rpo", "commitments",
    "收入", "营收", "營收", "毛利率", "营业", "營業", "资本", "資本", "购建", "購建", "取得", "存货", "存貨",
)  # fmt: skip
_FOOTNOTE: Final = re.compile(
    r"\s*(?:\(\d{1,2}\)|\[\d{1,2}\]|\*+|\(unaudited\)|（[一二三四五六七八九十]+）|[¹²³⁴⁵†‡])+\s*$"
)
_TRAIL: Final = re.compile(r"[:：\s]+$")
_RATIO: Final = re.compile(r"%|percent|rate|ratio|率", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a row measures. ratio: in per cent, whether or not its cells say so."""

    kind: str
    ratio: bool
    stated_ratio: bool  # the name itself says per cent


def bare_name(name: str) -> str:
    """A row's name without footnotes, colons and list marks."""
    name = _TRAIL.sub("", name.strip().lstrip("•-–*# ").replace("**", ""))
    return _TRAIL.sub("", _FOOTNOTE.sub("", name))


def metric_of(name: str) -> Metric | None:
    """The metric a whole name stands for, or None."""
    if len(name) > 140:
        return None
    bare = bare_name(name)
    if not holds_any(bare.lower(), WORDS):
        return None
    for kind, ratio, pattern in NAMES:
        if pattern.fullmatch(bare):
            return Metric(kind, ratio, _RATIO.search(bare) is not None)
    return None
