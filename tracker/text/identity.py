"""The identity of a document: the same text at the same address keeps its id."""

from __future__ import annotations

import hashlib


def document_id(canonical: str, text: str) -> str:
    """First 16 hex digits of SHA-256 over the canonical URL and the normalised text."""
    return hashlib.sha256(f"{canonical}\n{text}".encode("utf-8", errors="replace")).hexdigest()[:16]
