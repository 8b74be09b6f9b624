"""Unpacking: every encoding servers use, and what is made to do harm."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tracker.ingest.encoding import TooLarge, Undecodable, unpack

BARE = zlib.compressobj(wbits=-15)
TEXT = "台積電 revenue ".encode() * 400
PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT[:999]) + gzip.compress(TEXT[999:]),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.ZstdCompressor().compress(TEXT),
    "gzip, br": brotli.compress(gzip.compress(TEXT)),
    "identity": TEXT,
    "": TEXT,
}
BOMB = b"\0" * 60_000_000


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_comes_out_as_it_went_in(encoding: str) -> None:
    assert unpack(PACKED[encoding], encoding, 10_000) == TEXT


def test_bare_deflate_is_read_as_browsers_do() -> None:
    assert unpack(BARE.compress(TEXT) + BARE.flush(), "deflate", 10_000) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_cut_off_is_refused(encoding: str) -> None:
    with pytest.raises(Undecodable):
        unpack(PACKED[encoding][: len(PACKED[encoding]) // 2], encoding, 10_000)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_packed_is_refused(encoding: str) -> None:
    with pytest.raises(Undecodable):
        unpack(b"\x99<html>not packed at all</html>", encoding, 10_000)


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", gzip.compress(BOMB)),
        ("br", brotli.compress(BOMB, quality=5)),
        ("zstd", zstandard.ZstdCompressor().compress(BOMB)),
        ("br, zstd", zstandard.ZstdCompressor().compress(brotli.compress(BOMB, quality=5))),
    ],
)
def test_a_bomb_stops_at_the_cap_and_takes_no_memory(encoding: str, bomb: bytes) -> None:
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            unpack(bomb, encoding, 1_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_unknown_and_endless_encodings_are_refused() -> None:
    with pytest.raises(Undecodable, match="unknown"):
        unpack(b"x", "rot13", 10)
    with pytest.raises(Undecodable, match="times over"):
        unpack(b"x", "gzip, gzip, gzip, gzip", 10)


@given(st.binary(max_size=400), st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_arbitrary_bytes_never_do_anything_else(body: bytes, encoding: str) -> None:
    with contextlib.suppress(TooLarge, Undecodable):
        assert len(unpack(body, encoding, 100_000)) <= 100_000
