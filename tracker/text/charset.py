"""From bytes to text: by mark, by header, by what the document says of itself, by detection."""

from __future__ import annotations

import re
from typing import Final

import charset_normalizer

_META_CHARSET: Final = re.compile(
    rb"""(?i)<(?:meta[^>]{0,200}?charset\s*=\s*|\?xml[^>]{0,200}?encoding\s*=\s*)["']?([\w.:-]{2,40})"""
)


def decode(body: bytes, charset: str | None) -> str:
    """Text of a body: by mark, by header, by what the document says of itself, by detection; never raises."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if body.startswith(mark):
            return body.decode(name, errors="replace")
    said = _META_CHARSET.search(body[:4096])
    stated: tuple[str | None, ...] = (charset, said[1].decode("ascii") if said else None, "utf-8")
    for claimed in stated:
        if claimed:
            try:
                return body.decode(_wider(claimed))
            except (LookupError, UnicodeDecodeError):
                continue
    best = charset_normalizer.from_bytes(body[:200_000]).best()
    return body.decode(best.encoding if best else "utf-8", errors="replace")


def _wider(name: str) -> str:
    """What browsers do: the common mislabels mean the larger set."""
    return {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "ascii": "utf-8", "us-ascii": "utf-8"}.get(
        name.lower(), name
    )
