from __future__ import annotations

import pytest

from humanverse.fetch.optout import opted_out, product_name

TOKENS = ("noai", "noimageai", "noindex", "noimageindex")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["noai"], "noai"),
        (["NoAI, NoImageAI"], "noai"),
        (["nofollow", "noimageai"], "noimageai"),
        (["noarchive, noindex"], "noindex"),
        (["none"], "noindex"),
        (["humanverse: noai"], "noai"),
        (["HumanVerse:noimageindex, nofollow"], "noimageindex"),
        (["*: noindex"], "noindex"),
        (["otherbot: nofollow, humanverse: noai"], "noai"),
        (["noai noimageai"], "noai"),
        (["nofollow; noindex"], "noindex"),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST, noindex"], "noindex"),
        (["max-snippet:20, noai"], "noai"),
        ([], None),
        ([""], None),
        (["all"], None),
        (["nofollow, noarchive"], None),
        (["otherbot: noai"], None),
        (["otherbot: nofollow, noindex"], None),
        (["humanverse2: noai"], None),
        (["noaix, xnoai, noindexes"], None),
        (["unavailable_after: noai"], None),
        ([",,: ,:"], None),
    ],
)
def test_directives_that_bind_us(values: list[str], expected: str | None) -> None:
    assert opted_out(values, "humanverse", TOKENS) == expected


def test_only_the_chosen_tokens_count() -> None:
    assert opted_out(["noindex"], "humanverse", ("noai",)) is None
    assert opted_out(["none"], "humanverse", ("noai",)) is None
    assert opted_out(["noindex"], "humanverse", ("NOINDEX",)) == "noindex"


def test_product_name() -> None:
    assert product_name("HumanVerse/0.1 (+https://x)") == "humanverse"
    assert product_name("mybot (contact me)") == "mybot"
