"""What is asked of a source: its address, headers and body, with days and secrets filled in.

`{date:%Y%m%d}` stands for the day of the poll in UTC, `{date-1:%Y-%m-%d}` for the day before, `{date:%R}` holds the year
of the Republic of China (115 for 2026); `${NAME}` for an environment variable, so that no key stands in a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from tracker.ingest.client import FetchError
from tracker.ingest.sources import Source

_DAY: Final = re.compile(r"\{date([+-]\d{1,4})?:([^{}]+)\}")
_SECRET: Final = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")
_ROC_YEAR: Final = "%R"


@dataclass(frozen=True)
class Request:
    """A request to be made; a body makes it a POST. `changes`: another address every day, so validators do not hold."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    changes: bool = False


def request_of(source: Source, now: datetime, environment: Mapping[str, str] | None = None) -> Request:
    """What to ask a source now. Raises FetchError when a variable it needs is not set."""
    known = os.environ if environment is None else environment

    def filled(text: str, *, in_address: bool = False) -> str:
        def secret(found: re.Match[str]) -> str:
            if found[1] not in known:
                raise FetchError(
                    f"needs the environment variable {found[1]}, which is not set", error_class="config", url=source.url
                )
            return quote(known[found[1]], safe="") if in_address else known[found[1]]

        return _SECRET.sub(secret, _DAY.sub(lambda found: _day(found, now), text))

    body = source.request.get("body")
    headers = {str(name): filled(str(value)) for name, value in source.request.get("headers", {}).items()}
    return Request(
        filled(source.url, in_address=True),
        headers,
        filled(body).encode() if body is not None else None,
        changes=body is not None or _DAY.search(source.url) is not None,
    )


def _day(found: re.Match[str], now: datetime) -> str:
    day = now + timedelta(days=int(found[1] or 0))
    return day.strftime(found[2].replace(_ROC_YEAR, str(day.year - 1911)))
