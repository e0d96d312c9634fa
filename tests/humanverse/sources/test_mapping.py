"""Names on the left of ``source.columns``."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.errors import UserError
from humanverse.sources import open_source
from humanverse.sources.mapping import alike, check_mapping, only_renamed
from schemas.recipe import SourceSettings


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("md55", "md5"),
        ("ulr", "url"),
        ("uri", "url"),
        ("URL", "url"),
        ("capton", "caption"),
        ("text", "caption"),
        ("sha265", "sha256"),
        ("md5sum", "md5"),
        ("source_md", "source_md5"),
    ],
)
def test_what_is_almost_a_name_of_ours_is_refused_with_the_name(name: str, ours: str) -> None:
    with pytest.raises(UserError) as error:
        check_mapping(["url", name])
    assert f"source.columns: {name} means nothing here, write {ours} (there are url, caption, md5, sha256)" in str(
        error.value
    )


def test_names_of_ours_and_names_like_none_are_taken() -> None:
    names = ["url", "caption", "md5", "sha256", "source_md5", "source_sha256", "aesthetic", "width", "etag", "sha512"]
    check_mapping(names)
    assert only_renamed({name: name[::-1] for name in names}) == {
        "aesthetic": "citehtsea",
        "width": "htdiw",
        "etag": "gate",
        "sha512": "215ahs",
    }


@pytest.mark.parametrize(
    ("word", "result"),
    [("url", True), ("ur", True), ("urls", True), ("uri", True), ("rul", True), ("uris", False), ("hurls", False)],
)
def test_one_letter_more_less_other_or_moved(word: str, result: bool) -> None:
    assert alike(word, "url") is alike("url", word) is result


def test_a_source_is_not_opened_with_a_slip(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url,checksum\nhttp://a.example/1.jpg,00\n")
    with pytest.raises(UserError, match="md55 means nothing here, write md5"):
        open_source(str(tmp_path / "a.csv"), SourceSettings(columns={"md55": "checksum"}))
    assert open_source(str(tmp_path / "a.csv"), SourceSettings(columns={"md5": "checksum"})).extra_fields
