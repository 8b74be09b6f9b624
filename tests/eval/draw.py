"""Draw clips for hand labelling: `python -m tests.eval.draw heldout|dev2|heldout2|dev3|dev4`; prints one reference per line as JSON.

Only the draw is by script: a seed, a quota per set, a border rule. Labels are written by a reader afterwards.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import sys
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

SHARED = Path(__file__).parents[3] / "shared" / "data"
# Clips begin and end after a line break or a closed sentence.
BORDER = re.compile(r"\n+|(?<=[.!?”\"])\s+(?=[A-Z“\"])|(?<=[。！？])")
FILES = {
    "news": ["news_thesis_en.jsonl"],
    "press": ["press_en.jsonl"],
    "calls": ["transcripts_en.jsonl.gz"],
    "zh": ["thesis_zh.jsonl.gz"],
    "headlines_zh": ["headlines_liquid_cooling_zh.jsonl"],
    "ordinary": [
        "news_negatives_en.jsonl",
        "negatives_zh.jsonl.gz",
        "transcripts_negatives_en.jsonl.gz",
        "press_en.jsonl",
    ],
}
# Calls are cut from their first 45 % (prepared remarks); the rest anywhere. Lengths in characters.
LENGTHS = {"zh": (500, 1300), "ordinary": (500, 1600), "headlines_zh": (20, 2600)}
HELDOUT = {"news": 5, "press": 5, "calls": 12, "zh": 6, "headlines_zh": 4, "ordinary": 6}
DEV2 = {"calls": 26, "press": 14, "zh": 14, "news": 12, "headlines_zh": 4}
# Windows tried per document: the one with most digits wins, so that a small set holds enough figures; ordinary texts and
# the last set, which is to hold statements too, get one.
TRIES = 3
HELDOUT2 = {"news": 9, "press": 4, "calls": 10, "zh": 8, "headlines_zh": 24, "ordinary": 8}
DEV3 = {"news": 16, "calls": 24, "zh": 28, "headlines_zh": 60}
DEV4 = {"news": 33, "calls": 24, "zh": 22, "headlines_zh": 100}
# A draw leaves out every source document, title and address of the draws before it.
DRAWS = {
    "heldout": (20261124, HELDOUT),
    "dev2": (424242, DEV2),
    "heldout2": (20261125, HELDOUT2),
    "dev3": (515151, DEV3),
    "dev4": (616161, DEV4),
}


@cache
def read_rows(name: str) -> list[dict[str, Any]]:
    """Rows of a source file under `documents`."""
    path = SHARED / "documents" / name
    raw = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    return [json.loads(line) for line in raw.decode().splitlines() if line.strip()]


def taken() -> tuple[set[str], set[str]]:
    """Source ids and titles (or addresses) of the labelled documents beside the checkout."""
    rows = [json.loads(x) for x in (SHARED / "labels" / "dev_documents.jsonl").read_text().splitlines()]
    return {r["parent"] for r in rows} | {r["doc_id"] for r in rows}, {
        r[k] for r in rows for k in ("title", "url") if r[k]
    }


def window(text: str, name: str, rng: random.Random) -> tuple[int, int]:
    """One clip of a text as (start, end), cut at borders and trimmed of outer blanks."""
    low, high = LENGTHS.get(name, (900, 2600))
    length = rng.randint(low, high)
    reach = int(len(text) * 0.45) if name == "calls" else max(len(text) - length, 0)
    if name == "headlines_zh" or len(text) <= length:
        start, end = 0, min(len(text), high)
    else:
        borders = [0] + [m.end() for m in BORDER.finditer(text)] + [len(text)]
        place = rng.randint(0, reach)
        start = max(b for b in borders if b <= place)
        end = max((b for b in borders if start < b <= start + length), default=start + length)
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def fits(name: str, file: str, row: dict[str, Any]) -> bool:
    """Press releases with fewer than three thesis terms (genes, trucks, code) count as ordinary texts."""
    return file != "press_en.jsonl" or (row["thesis_terms"] > 2) == (name == "press")


@cache
def draw(which: str) -> list[dict[str, Any]]:
    """References of one draw, in the order drawn; one clip per source document, one per address and title."""
    seed, quota = DRAWS[which]
    ids, titles = taken()
    for earlier in takewhile(lambda name: name != which, DRAWS):
        for other in draw(earlier):
            ids.add(other["source_doc_id"])
            titles |= {other["title"], other["url"]}
    picked: list[dict[str, Any]] = []
    for name, wanted in quota.items():
        rng = random.Random(f"{seed} {name}")
        pool = [(file, row) for file in FILES[name] for row in read_rows(file) if fits(name, file, row)]
        rng.shuffle(pool)
        got, issuers = 0, set[str]()
        for file, row in pool:
            text, issuer = row["text"], row.get("symbol", row["doc_id"])
            if got == wanted:
                break
            if row["doc_id"] in ids or {row["title"], row["url"]} & titles or issuer in issuers:
                continue
            spans = [window(text, name, rng) for _ in range(1 if name == "ordinary" or which == "dev4" else TRIES)]
            start, end = max(spans, key=lambda s: sum(c.isdigit() for c in text[s[0] : s[1]]))
            if end - start < (20 if name == "headlines_zh" else 200):
                continue
            got += 1
            issuers.add(issuer)
            ids.add(row["doc_id"])
            titles |= {row["title"], row["url"]}
            digest = hashlib.sha256(text[start:end].encode()).hexdigest()
            picked.append(
                {"source_doc_id": row["doc_id"], "file": file, "clip_start": start, "clip_end": end, "sha256": digest}
                | {"set": name, "lang": row["lang"], "title": row["title"], "url": row["url"]}
            )
    return picked


if __name__ == "__main__":
    for reference in draw(sys.argv[1]):
        print(json.dumps({k: v for k, v in reference.items() if k not in ("title", "url")}))
