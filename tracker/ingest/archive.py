"""Bodies as they were served: content-addressed, compressed, written before anything looks at them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import zstandard

from tracker.errors import StoreError


class Archive:
    """Files `ab/abcdef….zst` below a folder; the name is the SHA-256 of what is inside."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def location(self, sha256: str) -> str:
        """File of a body, relative to the folder."""
        return f"{sha256[:2]}/{sha256}.zst"

    def path(self, sha256: str) -> Path:
        """File of a body."""
        return self.root / self.location(sha256)

    def put(self, body: bytes) -> str:
        """Keep a body; returns its SHA-256. Writing the same body again does nothing."""
        sha256 = hashlib.sha256(body).hexdigest()
        target = self.path(sha256)
        if target.exists():
            return sha256
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=target.parent, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(zstandard.ZstdCompressor(level=3).compress(body))
                file.flush()
                os.fsync(file.fileno())
            Path(part).replace(target)  # atomic: a reader sees the whole body or none
            _sync_folder(target.parent)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
        return sha256

    def get(self, sha256: str) -> bytes:
        """The body. Raises StoreError when it is missing or damaged."""
        try:
            body = zstandard.ZstdDecompressor().decompress(self.path(sha256).read_bytes())
        except (OSError, zstandard.ZstdError) as error:
            raise StoreError(
                f"the archived body {sha256[:12]} cannot be read: {error}", where=str(self.path(sha256))
            ) from error
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StoreError(f"the archived body {sha256[:12]} is damaged", where=str(self.path(sha256)))
        return body


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut: the file's own fsync covers its bytes, not its place in the folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
