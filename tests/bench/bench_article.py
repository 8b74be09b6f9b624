"""Article text of HTML pages: pages/s by the fast path, by trafilatura on the same pages, and as the product reads them."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from tracker.ingest.formats import article

_URL = "https://example.org/a"


def _pages() -> list[str]:
    folder = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "html"
    found = [gzip.decompress(path.read_bytes()).decode("utf-8", "replace") for path in sorted(folder.glob("*.html.gz"))]
    paragraph = "<p>" + "The committee met twice and found little to discuss before the spring. " * 6 + "</p>"
    made_up = (
        f"<html><body><nav><a href='/'>home</a></nav><article><h1>A day</h1>{paragraph * 12}</article></body></html>"
    )
    return found or [made_up] * 50


def _rate(run: Callable[[str], object], pages: list[str]) -> float:
    started = time.process_time()
    for page in pages:
        run(page)
    return len(pages) / (time.process_time() - started)


def main() -> None:
    """Print pages/s of each path and how often the product takes it."""
    pages = _pages()
    article.extract_article(pages[0], _URL)
    paths = [article.extract_article(page, _URL).path for page in pages]
    share = ", ".join(f"{paths.count(path)} {path}" for path in sorted(set(paths)))
    print(
        f"bench article_pages {_rate(lambda p: article.extract_article(p, _URL), pages):.0f} pages/s as read ({share})"
    )
    known = [page for page, path in zip(pages, paths, strict=True) if path == "fast"] or pages
    fast = _rate(lambda p: article.fast_text(LexborHTMLParser(p)), known)
    robust = _rate(lambda p: article.robust_text(p, _URL), known)
    print(
        f"bench article_fast {fast:.0f} pages/s of {len(known)} pages of known layouts, trafilatura {robust:.0f} pages/s:"
        f" {fast / robust:.1f} times as fast"
    )


if __name__ == "__main__":
    main()
