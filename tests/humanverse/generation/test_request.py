"""What is asked for, in words."""

from __future__ import annotations

import pytest

from humanverse.errors import UserError
from humanverse.generation.request import size_of


@pytest.mark.parametrize("words", ["512x768", " 512 x 768 ", "512X768", "512×768"])
def test_a_size(words: str) -> None:
    assert size_of("--size", words) == (512, 768)


def test_no_size() -> None:
    assert size_of("--size", None) is None


@pytest.mark.parametrize("words", ["", "512", "0x64", "-1x64", "512x768x3", "1.5x2", "²x3"])
def test_what_is_no_size_is_one_line(words: str) -> None:
    with pytest.raises(UserError, match=r"^--size .*: write WIDTHxHEIGHT in pixels, such as 512x768$"):
        size_of("--size", words)
