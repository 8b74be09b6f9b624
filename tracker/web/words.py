"""What the page behind a link of a mail says, in the language of that mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tracker.alerts.links import REFUSED, VALID_FOR

ENGLISH: Final = "en"
_ASKS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "confirm": "Mark as right", "reject": "Mark as wrong", "silence": "Silence for a week",
        "unsubscribe": "Stop these mails", "undo": "Take it back",
    },
    "zh": {"confirm": "标为正确", "reject": "标为错误", "silence": "静音一周", "unsubscribe": "停止此类邮件", "undo": "撤回"},
}  # fmt: skip
_DONE: Final[dict[str, dict[str, str]]] = {
    "en": {
        "confirm": "Marked as right", "reject": "Marked as wrong", "silence": "Silenced for a week",
        "unsubscribe": "No more of these mails", "undo": "Taken back",
    },
    "zh": {"confirm": "已标为正确", "reject": "已标为错误", "silence": "已静音一周", "unsubscribe": "不再发送此类邮件", "undo": "已撤回"},
}  # fmt: skip
_SAYS: Final[dict[str, dict[str, str]]] = {
    "en": {"again": "Nothing to do: this was done before", "broken": "This link does not work", "undo": "Undo"},
    "zh": {"again": "无需操作：此前已完成", "broken": "此链接无效", "undo": "撤销"},
}
_REFUSED: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "en": REFUSED,
    "zh": {
        "unmade": ("此链接并非由本系统生成，或已被截断", "请复制完整链接"),
        "unknown": ("此链接的请求无法识别", ""),
        "old": (f"此链接已超过{VALID_FOR.days}天", "请改用 tracker review"),
        "gone": ("此链接所指的信号已不存在", ""),
        "again": ("这封邮件发出之后，您已重新订阅此类邮件", "请使用较新邮件中的链接"),
    },
}


def asks(action: str, language: str) -> str:
    """What the button of an action says."""
    return _ASKS[known(language)][action]


def done(action: str, language: str, *, new: bool) -> str:
    """What came of it."""
    return _DONE[known(language)][action] if new else _SAYS[known(language)]["again"]


def says(what: str, language: str) -> str:
    """Other words of the page: broken, undo."""
    return _SAYS[known(language)][what]


def refused(reason: str, language: str) -> tuple[str, str]:
    """(why a link does nothing, the way out)."""
    return _REFUSED[known(language)][reason]


def known(language: str) -> str:
    """The language, or English where it is none of ours."""
    return language if language in _ASKS else ENGLISH


def preferred(headers: Mapping[str, str]) -> str:
    """The language of a browser whose link cannot be read."""
    first = headers.get("accept-language", "").split(",")[0].strip().lower()
    return "zh" if first.startswith("zh") else ENGLISH
