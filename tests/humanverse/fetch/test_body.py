from __future__ import annotations

import gzip
import zlib

import pytest

from humanverse.fetch.body import DECODERS

PLAIN = bytes(range(256)) * 40


def bare_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


ENCODERS = [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", bare_deflate)]


@pytest.mark.parametrize(("name", "encode"), ENCODERS)
def test_a_bomb_is_never_inflated_beyond_the_limit(name: str, encode: object) -> None:
    assert callable(encode)
    bomb = encode(bytes(10_000_000))
    assert len(bomb) < 50_000
    decoder = DECODERS[name]()
    assert len(decoder.feed(bomb, 1000)) == 1000
    assert not decoder.complete()


@pytest.mark.parametrize(("name", "encode"), ENCODERS)
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_any_cut_into_pieces_gives_the_same_body(name: str, encode: object, step: int) -> None:
    assert callable(encode)
    encoded = encode(PLAIN)
    decoder = DECODERS[name]()
    pieces = []
    for start in range(0, len(encoded), step):
        assert not decoder.complete()
        pieces.append(decoder.feed(encoded[start : start + step], 1 << 20))
    assert b"".join(pieces) == PLAIN
    assert decoder.complete()


@pytest.mark.parametrize("step", [1, 2, 1000])
def test_gzip_members_follow_each_other_and_what_follows_them_is_ignored(step: int) -> None:
    encoded = gzip.compress(PLAIN) + gzip.compress(b"") + gzip.compress(b"end") + b"\0trailing"
    decoder = DECODERS["gzip"]()
    pieces = [decoder.feed(encoded[start : start + step], 1 << 20) for start in range(0, len(encoded), step)]
    assert b"".join(pieces) == PLAIN + b"end"
    assert decoder.complete()


def test_broken_streams() -> None:
    with pytest.raises(zlib.error):
        DECODERS["gzip"]().feed(b"not gzip", 100)
    with pytest.raises(zlib.error):
        DECODERS["deflate"]().feed(b"\x78\x9c\xff\xff\xff", 100)
