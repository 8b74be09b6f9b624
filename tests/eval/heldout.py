"""Hand-labelled clips kept by reference: rebuild their documents from the data beside the checkout.

A row of `labels.jsonl` names a source document, a character span of its text, the SHA-256 of that span and the facts
with offsets into it. No text is kept here, so a quote is `text[start:end]` of the rebuilt document. The held-out clips
have two more readings of the same rows: `second.jsonl` (another reader) and `agreed.jsonl` (both, differences settled).
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.eval.draw import SHARED, read_rows

HERE = Path(__file__).parent
SETS = ("heldout", "dev2", "heldout2", "dev3", "dev4")
READINGS = {
    "heldout": ("labels", "second", "agreed"),
    "dev2": ("labels",),
    "heldout2": ("labels",),
    "dev3": ("labels",),
    "dev4": ("labels",),
}
# What the labelled documents beside the checkout carry too; the issuer's symbol is left out on purpose, as there.
KEPT = ("url", "source", "title", "published_at", "lang")


def present() -> bool:
    """Whether the source documents lie beside this checkout."""
    return (SHARED / "documents").is_dir()


def references(name: str, reading: str = "labels") -> list[dict[str, Any]]:
    """Rows of a reading of a set, in order; row N is the document `NAME-N`."""
    path = HERE / name / f"{reading}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


@cache
def _sources(file: str) -> dict[str, dict[str, Any]]:
    return {row["doc_id"]: row for row in read_rows(file)}


def documents(name: str) -> list[dict[str, Any]]:
    """The clips of a set as documents; ValueError naming the row when a source text is not the one labelled."""
    rebuilt = []
    for number, row in enumerate(references(name), start=1):
        source = _sources(row["file"])[row["source_doc_id"]]
        text = source["text"][row["clip_start"] : row["clip_end"]]
        if hashlib.sha256(text.encode()).hexdigest() != row["sha256"]:
            raise ValueError(
                f"tests/eval/{name}/labels.jsonl:{number}: the source text is not the one that was labelled"
            )
        rebuilt.append({"doc_id": f"{name}-{number}", "text": text} | {key: source.get(key) for key in KEPT})
    return rebuilt


def labels(name: str, reading: str = "labels") -> dict[str, list[dict[str, Any]]]:
    """Facts by document of a reading of a set, each with its quote cut from the rebuilt clip."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row, document in zip(references(name, reading), documents(name), strict=True):
        text = document["text"]
        found[document["doc_id"]] = [fact | {"quote": text[fact["start"] : fact["end"]]} for fact in row["facts"]]
    return found


def as_jsonl(name: str) -> bytes:
    """The documents of a set as JSON Lines."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in documents(name)).encode()
