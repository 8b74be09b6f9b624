"""The words of a mail in both languages, and figures told in plain words."""

from __future__ import annotations

from typing import Final

ACCELERATORS_PER_RACK: Final = 72  # an NVL72, by name

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Rack-scale thesis", "digest": "Daily digest", "weekly": "Weekly review", "earnings": "Earnings-day brief",
        "immediate": "Alert", "thesis": "Thesis", "for": "For", "against": "Against",
        "nothing": "Nothing moved. The tracker read {n} documents and is well.",
        "new": "{signals} new signals from {documents} documents", "over": "the last {days} days", "gains": "Gain", "squeezed": "Squeezed",
        "also": "Also moved", "health": "Sources", "well": "All {n} sources answer.", "failing": "{n} of {all} sources fail:",
        "before": "was", "none": "Nothing known.", "older": "known before", "tightest": "Tightest link", "due": "Due",
        "overdue": "Overdue", "late": "{n} days late", "moves": "could move", "names": "New names", "reports": "Reports today (expected)",
        "last": "last results", "verdicts": "Your verdicts this week", "confirmed": "confirmed", "rejected": "rejected",
        "withheld": "Not told at once", "tune": "more rejected than confirmed: tighten this rule", "short": "{link}: supply covers {share} of demand in {quarter}.",
        "enough": "{link}: supply exceeds demand by {share} in {quarter}, and still it is the tightest.",
        "sides": "Demand {demand} racks, supply {supply} racks.", "picture": "Demand and supply of {link} by quarter: {figures}",
        "demand": "demand", "supply": "supply", "spark": "{claim}: {before} to {after}", "who": "Who gains, who is squeezed",
        "answer": "in its document", "confirm": "Right", "reject": "Wrong", "silence": "Silence a week", "open": "Open the full page", "folded": "{n} more signals on the page.",
        "folded_off": "{n} more signals: `tracker signals`.", "stop": "Stop these mails", "foot": "Evidence, not advice. Every sentence links to its source.",
        "more": "tracker thesis · tracker signals · tracker sql", "model": "hardware model", "times": "{n}×", "rose": "{text}: up {points} points ({why})", "fell": "{text}: down {points} points ({why})", "then": "; ", "calm": "News, but no claim moved by half a point.", "would": "Nothing known. It would be weakened by: {what}.",
    },
    "zh": {
        "title": "机柜级规模化论点", "digest": "每日摘要", "weekly": "每周回顾", "earnings": "财报日简报",
        "immediate": "即时提醒", "thesis": "总论点", "for": "支持", "against": "反对",
        "nothing": "今日无变化。共读取{n}篇文档，系统运行正常。",
        "new": "{documents}篇文档带来{signals}条新信号", "over": "最近{days}天", "gains": "受益", "squeezed": "承压",
        "also": "其他变化", "health": "信息源", "well": "全部{n}个信息源正常。", "failing": "{all}个信息源中{n}个异常：",
        "before": "前值", "none": "暂无。", "older": "此前已知", "tightest": "最紧环节", "due": "即将公布",
        "overdue": "逾期未至", "late": "已逾期{n}天", "moves": "可能影响", "names": "新名称", "reports": "预计今日发布财报",
        "last": "上次财报", "verdicts": "本周您的判定", "confirmed": "确认", "rejected": "否决",
        "withheld": "未即时提醒", "tune": "否决多于确认，建议收紧该规则", "short": "{link}：{quarter}供给仅满足需求的{share}。",
        "enough": "{link}：{quarter}供给高出需求{share}，仍是最紧环节。",
        "sides": "需求{demand}机柜，供给{supply}机柜。", "picture": "{link}各季度供需：{figures}",
        "demand": "需求", "supply": "供给", "spark": "{claim}：{before}至{after}", "who": "谁受益，谁承压",
        "answer": "原文位置", "confirm": "正确", "reject": "错误", "silence": "静音一周", "open": "打开完整页面", "folded": "另有{n}条信号见网页。",
        "folded_off": "另有{n}条信号：`tracker signals`。", "stop": "停止此类邮件", "foot": "仅为证据，不构成投资建议。每句均附来源链接。",
        "more": "tracker thesis · tracker signals · tracker sql", "model": "硬件模型", "times": "{n}条", "rose": "{text}：上升{points}个百分点（{why}）", "fell": "{text}：下降{points}个百分点（{why}）", "then": "；", "calm": "有新消息，但各论点变化均不足半个百分点。", "would": "暂无。",
    },
}  # fmt: skip

LINKS: Final[dict[str, dict[str, str]]] = {
    "en": {"racks": "Racks", "assembly": "Rack assembly", "hbm": "HBM", "cowos": "CoWoS packaging", "liquid_cooling": "Liquid cooling", "power": "Power",
           "substrate": "Substrates"},
    "zh": {"racks": "整机柜", "assembly": "整机柜组装", "hbm": "HBM内存", "cowos": "CoWoS封装", "liquid_cooling": "液冷", "power": "供电", "substrate": "封装基板"},
}  # fmt: skip
_DUE: Final[dict[str, dict[str, str]]] = {
    "en": {"results": "results", "monthly_revenue": "monthly revenue", "system": "ships {name}"},
    "zh": {"results": "财报", "monthly_revenue": "月度营收", "system": "{name}出货"},
}


def what_is_due(what: str, language: str) -> str:
    """`results`, `monthly_revenue` or `system: NAME` in words."""
    kind, _, name = what.partition(": ")
    return _DUE[language].get(kind, what).replace("{name}", name)


def round_figure(value: float, language: str) -> str:
    """Two digits that count, in words for what is large: 27,677 -> "28,000", 2,003,000 -> "2 million"."""
    if language == "zh":
        for size, word in ((1e8, "亿"), (1e4, "万")):
            if value >= size:
                return f"{_two_digits(value / size):,g}{word}"
        return f"{_two_digits(value):,.0f}"
    return f"{_two_digits(value / 1e6):,g} million" if value >= 1e6 else f"{_two_digits(value):,.0f}"


def _two_digits(value: float) -> float:
    if value < 10:
        return round(value, 1)
    digits = len(str(int(value))) - 2
    return float(round(value / 10**digits) * 10**digits)


def racks_in_words(racks: float, yearly: float | None, language: str) -> str:
    """Rack-equivalents for somebody who has never seen a rack: how many, how many accelerators, what share of a year.

    racks: NVL72-equivalents; yearly: racks supplied in the last four quarters, when the ledger knows.
    """
    figures = {"racks": round_figure(racks, language), "gpus": round_figure(racks * ACCELERATORS_PER_RACK, language)}
    share = "" if not yearly else _share(racks / yearly, language)
    if language == "zh":
        return "约{racks}个NVL72等效机柜（{gpus}颗加速器{share}）".format(
            **figures, share=f"，{share}" if share else ""
        )
    return "about {racks} NVL72 racks ({gpus} accelerators{share})".format(
        **figures, share=f", {share}" if share else ""
    )


def _share(share: float, language: str) -> str:
    if share >= 2:
        return f"{share:.0f}倍于过去一年供给" if language == "zh" else f"{share:.0f}× the last year's supply"
    if share < 0.01:
        return ""
    return f"过去一年供给的{share:.0%}" if language == "zh" else f"{share:.0%} of the last year's supply"


def quarter_in_words(quarter: str, language: str) -> str:
    """CY2026Q4 -> "Q4 2026"."""
    year, _, number = quarter.removeprefix("CY").partition("Q")
    return f"{year}年第{number}季度" if language == "zh" else f"Q{number} {year}"
