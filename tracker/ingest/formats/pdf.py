"""Text of a PDF, within limits."""

from __future__ import annotations

import io
from typing import Final

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from tracker.errors import SourceError
from tracker.text.normalise import normalise_text

MAX_PAGES: Final = 400
MAX_BYTES: Final = 60_000_000


def pdf_text(body: bytes, where: str) -> str:
    """Text page by page. Raises SourceError when the file is encrypted, damaged or has no text (a scan)."""
    if len(body) > MAX_BYTES:
        raise SourceError(f"a PDF of {len(body):,} bytes is too large", where=where)
    try:
        reader = PdfReader(io.BytesIO(body))
        if reader.is_encrypted and not reader.decrypt(""):
            raise SourceError("the PDF is encrypted", where=where)
        text = "\n\n".join(page.extract_text() or "" for page in reader.pages[:MAX_PAGES])
    except (PyPdfError, ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise SourceError(f"the PDF cannot be read: {error}", where=where) from error
    text = normalise_text(text)
    if not text:
        raise SourceError("the PDF holds no text (scanned pages?)", where=where)
    return text
