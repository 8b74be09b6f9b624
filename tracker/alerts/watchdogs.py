"""What is wrong with the tracker itself, as sentences for its operator in both languages. Pure.

Each watchdog takes what was measured and returns troubles; a trouble keeps its id as long as it stands, so it is told once,
again after a while, and when it is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from tracker.alerts.recipients import Recipient
from tracker.alerts.schedule import digest_due
from tracker.thesis.calendar import was_due

EMPTY_ANSWERS: Final = 3  # full answers in a row without an entry, from a source that had some
USUAL_ANSWERS: Final = 10  # what was usual is read from as many answers before
FEW: Final = 0.2  # or with less than a fifth of the usual number of entries
MANY: Final = 10  # which only says something when they used to be as many
OVERDUE_UNTIL: Final = 60  # days; later it is history


@dataclass(frozen=True)
class Trouble:
    """One thing that is wrong."""

    id: str
    kind: str
    text_en: str
    text_zh: str


def dead_sources(health: pl.DataFrame) -> list[Trouble]:
    """health: source_id, name, health, failures, last_error of enabled sources."""
    return [
        Trouble(
            f"dead_source:{source}",
            "dead_source",
            f"{name} has failed {failures} times in a row: {error or 'no reason given'}",
            f"{name} 已连续失败{failures}次：{error or '原因未知'}",
        )
        for source, name, failures, error in health.filter(pl.col("health") == "dead")
        .sort("source_id")
        .select("source_id", "name", "failures", "last_error")
        .iter_rows()
    ]


def shape_changes(answers: pl.DataFrame) -> list[Trouble]:
    """Sources whose pages still answer but no longer read as before.

    answers: source_id, name, requested_at, items of full answers (no 304s). Needs three answers after ten: a quiet
    day is no change of shape, because a list shows its old entries.
    """
    found = []
    for (source, name), part in answers.sort("requested_at").group_by("source_id", "name", maintain_order=True):
        items: list[int] = part["items"].to_list()
        latest, before = items[-EMPTY_ANSWERS:], items[:-EMPTY_ANSWERS][-USUAL_ANSWERS:]
        usual = float(pl.Series(before).median() or 0) if len(before) >= EMPTY_ANSWERS else 0.0  # type: ignore[arg-type]
        most = max(latest, default=0)
        if len(latest) == EMPTY_ANSWERS and usual >= 1 and (most == 0 or (usual >= MANY and most < FEW * usual)):
            found.append(
                Trouble(
                    f"shape_change:{source}",
                    "shape_change",
                    f"{name} answers, but its last {EMPTY_ANSWERS} pages had at most {most} entries instead of about {usual:.0f}: "
                    "its page has probably changed; check the source's selectors",
                    f"{name} 有响应，但最近{EMPTY_ANSWERS}次最多只有{most}条（通常约{usual:.0f}条）：页面结构可能已变，请检查该信息源的选择器",
                )
            )
    return found


def absent_news(calendar: pl.DataFrame, days: int) -> list[Trouble]:
    """Expected news that did not come: what came before (`last`), is `days` overdue, and not yet history.

    calendar: entity, what, due, last, overdue_days.
    """
    late = calendar.filter(pl.col("last").is_not_null() & pl.col("overdue_days").is_between(days, OVERDUE_UNTIL))
    return [
        Trouble(
            f"news_absent:{entity}:{what}:{due}",
            "news_absent",
            f"{was_due(what, entity)} on {due}, and nothing was seen: late, or missed by our sources",
            f"{entity} 的{ {'results': '财报', 'monthly_revenue': '月度营收'}.get(what, what) }应于{due}发布，尚未见到：可能推迟，也可能被信息源漏掉",
        )
        for entity, what, due in late.sort("due", "entity").select("entity", "what", "due").iter_rows()
    ]


def no_documents(last: datetime | None, started: datetime, now: datetime, hours: float) -> list[Trouble]:
    """Nothing came in for hours; a tracker that has just started has that long to find something."""
    since = max(last or started, started)
    if now - since < timedelta(hours=hours):
        return []
    silent = (now - (last or started)) / timedelta(hours=1)
    return [
        Trouble(
            "no_documents",
            "no_documents",
            f"no document has come in for {silent:.0f} hours: check the network and 'tracker sources'",
            f"已{silent:.0f}小时没有新文档：请检查网络与 'tracker sources'",
        )
    ]


def disk_nearly_full(free_share: float, percent: float) -> list[Trouble]:
    """free_share: 0..1."""
    if free_share * 100 >= percent:
        return []
    return [
        Trouble(
            "disk",
            "disk",
            f"only {free_share:.1%} of the disk is free: 'tracker prune', or a larger disk",
            f"磁盘仅剩{free_share:.1%}：请运行 'tracker prune' 或扩容",
        )
    ]


def clock_jump(jump_s: float, ahead_s: float, limit_s: float) -> list[Trouble]:
    """jump_s: the wall clock against the monotonic one since the last look; ahead_s: newest record after now."""
    worst = jump_s if abs(jump_s) >= ahead_s else -ahead_s
    if abs(worst) < limit_s:
        return []
    way, way_zh = ("forward", "前") if worst > 0 else ("back", "后")
    return [
        Trouble(
            "clock",
            "clock",
            f"the clock jumped {way} by {abs(worst):,.0f} s, or the machine slept: times of news and of digests may be wrong; check NTP",
            f"系统时钟向{way_zh}跳变{abs(worst):,.0f}秒：时间可能有误，请检查NTP",
        )
    ]


def late_digests(
    recipients: Sequence[tuple[Recipient, date | None]], started: datetime, now: datetime, minutes: float
) -> list[Trouble]:
    """recipients: with the local date of the last digest that was accepted for them."""
    grace = timedelta(minutes=minutes)
    if now - started < grace:
        return []  # what was missed while the machine was off is being caught up
    found = []
    for recipient, last in recipients:
        day = digest_due(recipient, last, now - grace)
        if day is not None:
            found.append(
                Trouble(
                    f"digest_late:{recipient.address}:{day}",
                    "digest_late",
                    f"the digest of {day} for {recipient.name} has not been accepted {minutes:.0f} minutes after its time",
                    f"{recipient.name} 的{day}摘要超时{minutes:.0f}分钟仍未送达",
                )
            )
    return found


def dead_letters(count: int, example: str) -> list[Trouble]:
    """Deliveries that were given up. example: why the latest was."""
    if not count:
        return []
    return [
        Trouble(
            "dead_letter",
            "dead_letter",
            f"{count} deliveries were given up, the last because: {example}; see 'tracker alerts dead', then 'tracker alerts retry'",
            f"{count}条投递已放弃，最近原因：{example}；见 'tracker alerts dead'，再 'tracker alerts retry'",
        )
    ]
