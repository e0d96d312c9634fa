"""Pictures are read and decoded ahead, two parts at the most, and errors come where a picture is used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from annotators.base import Picture
from humanverse.codec import decode_rgb, encode_jpeg
from pipelines.stages.ahead import Ahead, Part, Reader
from tests.datasets import picture

JPEGS = [encode_jpeg(picture(seed, 32, 24), 90) for seed in range(7)]
UIDS = [f"{number:032x}" for number in range(7)]
SAID = list(zip(UIDS, [None, "one", "two", "", "four", None, "six"], strict=True))
CUT = [range(3), range(3, 5), range(5, 7)]


def parts(jpegs: list[bytes | None], careful: tuple[int, ...] = (), decode: bool = True) -> Iterator[Part]:
    return Reader().parts(iter(CUT), SAID, iter(jpegs), lambda at: at.start in careful, decode)


def test_every_picture_comes_in_its_place() -> None:
    found = list(parts([*JPEGS]))
    assert [part.at for part in found] == CUT
    pictures = [item for part in found for item in part.pictures if item]
    found_rows = [(item.uid, item.caption, item.jpeg) for item in pictures]
    assert found_rows == [(*said, jpeg) for said, jpeg in zip(SAID, JPEGS, strict=True)]
    assert all(np.array_equal(item.rgb, decode_rgb(item.jpeg)) for item in pictures)
    assert all(isinstance(item, Ahead) for item in pictures)


def test_what_is_not_to_be_looked_at_is_left_out() -> None:
    found = list(parts([JPEGS[0], None, *JPEGS[2:]]))
    assert [item is None for item in found[0].pictures] == [False, True, False]
    assert [item.uid for item in found[1].pictures if item] == UIDS[3:5]


def test_a_part_that_is_looked_at_one_by_one_is_not_decoded_ahead() -> None:
    kinds = [[type(item) for item in part.pictures] for part in parts([*JPEGS], careful=(3,))]
    assert kinds == [[Ahead] * 3, [Picture] * 2, [Ahead] * 2]
    assert {type(item) for part in parts([*JPEGS], decode=False) for item in part.pictures} == {Picture}


def test_a_picture_that_does_not_decode_says_so_when_it_is_looked_at() -> None:
    first = next(parts([b"not a picture", *JPEGS[1:]])).pictures
    for _ in range(2):
        with pytest.raises(ValueError, match="not a JPEG that can be decoded"):
            _ = first[0].rgb  # type: ignore[union-attr]
    assert first[1] is not None and first[1].rgb.shape == (24, 32, 3)


def test_an_error_of_reading_comes_with_its_part() -> None:
    def broken() -> Iterator[bytes | None]:
        yield from JPEGS[:4]
        raise OSError("the tar ends early")

    found = Reader().parts(iter(CUT), SAID, broken(), lambda at: False, True)
    assert len(next(found).pictures) == 3
    with pytest.raises(OSError, match="the tar ends early"):
        _ = next(found).pictures


def test_no_more_is_read_than_the_next_part() -> None:
    read: list[int] = []

    def noted() -> Iterator[bytes | None]:
        for number, jpeg in enumerate(JPEGS):
            read.append(number)
            yield jpeg

    asked: list[range] = []
    found = Reader().parts(iter(CUT), SAID, noted(), lambda at: bool(asked.append(at)), True)
    first = next(found)
    assert len(first.pictures) == 3 and asked == CUT[:2]
    assert len(read) <= 5
    assert [len(part.pictures) for part in found] == [2, 2]
    assert read == list(range(7))
