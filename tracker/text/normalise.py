"""Text as a reader would see it, and nothing else: the offsets of every fact point into what comes out here."""

from __future__ import annotations

import html
import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\u200b\u2028\u2029]")
_SPACES: Final = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f]+")
_NEWLINES: Final = re.compile(r" ?\n[ \n]*\n ?")
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def normalise_text(text: str) -> str:
    """Tidy white space, control characters and left-over HTML entities; idempotent, linear, never raises.

    Kept as they are: case, punctuation, full-width forms, traditional and simplified characters.
    """
    for _ in range(3):  # doubly escaped feeds exist; a fixed number keeps it linear
        if not _ENTITY.search(text):
            break
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _CONTROL.sub("", text)
    text = _SPACES.sub(" ", text)
    text = _NEWLINES.sub("\n\n", text)
    return re.sub(r" ?\n ?", "\n", text).strip(" \n")


def one_line(text: str) -> str:
    """The same on a single line: for titles."""
    return " ".join(normalise_text(text).split())
