"""Addresses that mean the same page become the same address."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url, url_query_cleaner

_TRACKING: Final = [
    *("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id", "gclid", "fbclid", "mc_cid"),
    *("mc_eid", "igshid", "cmpid", "ref_src", "ncid", "guccounter", "guce_referrer", "guce_referrer_sig", "spm"),
    "share_token",
]


def canonical_url(url: str) -> str:
    """Without fragment and tracking parameters, query sorted, host in lower case; idempotent; '' stays ''."""
    url = url.strip()
    if not url:
        return ""
    try:
        cleaned = url_query_cleaner(url, _TRACKING, remove=True, unique=False) if "?" in url else url
        parts = urlsplit(canonicalize_url(cleaned))
        port = parts.port
    except ValueError:  # not an address after all: keep what was said
        return url
    host = (parts.hostname or "").removeprefix("www.")
    if port and (parts.scheme, port) not in (("http", 80), ("https", 443)):
        host = f"{host}:{port}"
    scheme = "https" if parts.scheme == "http" and host and not _local(host) else parts.scheme
    path = parts.path.rstrip("/") or "/" if host else parts.path
    return urlunsplit((scheme, host, path, parts.query, ""))


def _local(host: str) -> bool:
    name = host.partition(":")[0]
    return name == "localhost" or name.replace(".", "").isdigit()


def absolute_url(base: str, link: str) -> str:
    """The address a link on the page `base` leads to; '' when it leads nowhere (scripts, mail, broken addresses)."""
    try:
        joined = urljoin(base, link.strip())
        return joined if urlsplit(joined).scheme in ("http", "https", "file") else ""
    except ValueError:
        return ""
