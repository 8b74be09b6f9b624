"""Unpacking a body with a cap that holds while unpacking.

A few kilobytes of zstd or brotli can stand for gigabytes, so a check of the size after a piece is unpacked comes too
late: every decoder here is asked for bounded pieces and stops at the first byte over the cap.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Final

import brotli
import zstandard

ACCEPTED: Final = "gzip, deflate, br, zstd"
MAX_LAYERS: Final = 3
_PIECE: Final = 65_536


class TooLarge(Exception):
    """More bytes than allowed once unpacked."""


class Undecodable(Exception):
    """Not what `Content-Encoding` says, or cut off."""


def unpack(body: bytes, content_encoding: str, limit: int) -> bytes:
    """The body without its encodings, applied last to first. Raises TooLarge or Undecodable."""
    names = [name.strip().lower() for name in content_encoding.split(",") if name.strip()]
    names = [name for name in names if name != "identity"]
    if len(names) > MAX_LAYERS:
        raise Undecodable(f"packed {len(names)} times over")
    for name in reversed(names):
        if not body:  # some servers label empty answers
            return body
        reader = _READERS.get(name)
        if reader is None:
            raise Undecodable(f"unknown content encoding '{name}'")
        body = _joined(reader(body), limit)
    return body


def _joined(pieces: Iterator[bytes], limit: int) -> bytes:
    whole = bytearray()
    try:
        for piece in pieces:
            whole += piece
            if len(whole) > limit:
                raise TooLarge
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as error:
        raise Undecodable(str(error) or "damaged") from error
    return bytes(whole)


def _zlib(body: bytes, wbits: int) -> Iterator[bytes]:
    while body:  # gzip allows members one after another
        unpacker = zlib.decompressobj(wbits)
        while not unpacker.eof:
            piece = unpacker.decompress(body, _PIECE)
            body = unpacker.unconsumed_tail
            if not piece and not body and not unpacker.eof:
                raise EOFError("the packed body is cut off")
            yield piece
        body = unpacker.unused_data if unpacker.unused_data[:2] == b"\x1f\x8b" else b""


def _gzip(body: bytes) -> Iterator[bytes]:
    return _zlib(body, 31)


def _deflate(body: bytes) -> Iterator[bytes]:
    """zlib as the standard says, or bare deflate as some servers send it."""
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _zlib(body, zlib.MAX_WBITS if zlib_header else -zlib.MAX_WBITS)


def _brotli(body: bytes) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    yield unpacker.process(body, output_buffer_limit=_PIECE)
    while not unpacker.is_finished():
        if unpacker.can_accept_more_data():
            raise EOFError("the packed body is cut off")
        yield unpacker.process(b"", output_buffer_limit=_PIECE)


def _zstd(body: bytes) -> Iterator[bytes]:
    # browsers refuse windows over 8 MB (RFC 9659); so does this
    unpacker = zstandard.ZstdDecompressor(max_window_size=8 * 1024 * 1024)
    with unpacker.stream_reader(io.BytesIO(body), read_across_frames=True) as reader:
        while piece := reader.read(_PIECE):
            yield piece
    # That reader takes a body cut off for a short one. Only this one tells, and by now the size is known to be harmless.
    while body:
        whole = unpacker.decompressobj()
        whole.decompress(body)
        if not whole.eof:
            raise EOFError("the packed body is cut off")
        body = whole.unused_data


_READERS: Final = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
