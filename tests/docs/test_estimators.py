"""The pages of the estimators: one for each that is not of the lite preset, listed where readers look, and true to its card."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from annotators import registry
from annotators.base import Card
from schemas.recipe import load

PAGES = Path(__file__).parents[2] / "docs" / "estimators"
CARDS = [one.card for one in registry.everything() if one.card.preset != "lite"]
IDS = [f"{card.kind}-{card.name}" for card in CARDS]
ROWS = ("source", "licence", "input", "output", "speed")
"""What a page's table says of every estimator."""


@pytest.mark.parametrize("card", CARDS, ids=IDS)
def test_every_estimator_has_a_page_that_is_listed(card: Card) -> None:
    page = PAGES / f"{card.kind}-{card.name}.md"
    assert page.is_file(), f"{card.kind}={card.name} has no page"
    assert f"({page.name})" in (PAGES / "README.md").read_text()


@pytest.mark.parametrize("card", CARDS, ids=IDS)
def test_a_page_says_what_one_must_know(card: Card) -> None:
    text = (PAGES / f"{card.kind}-{card.name}.md").read_text()
    assert text.startswith(f"# {card.kind}={card.name}\n")
    rows = {line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")}
    assert rows >= set(ROWS), f"no row of {sorted(set(ROWS) - rows)}"
    assert "**Another one instead.**" in text and "**Not tried here.**" in text


def test_every_page_is_of_an_estimator_that_is_there() -> None:
    known = {f"{one.card.kind}-{one.card.name}.md" for one in registry.everything()}
    pages = {path.name for path in PAGES.glob("*-*.md")}
    assert pages - known == set()


def test_the_table_shows_which_ones_the_presets_use() -> None:
    """In bold, by kind: those of ``paper`` and ``modern``."""
    shown, kind = set(), ""
    for line in (PAGES / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[2] in ("paper", "modern"):
            shown |= {(cells[2], cells[0] or kind, name) for name in re.findall(r"\[\*\*(.+?)\*\*\]", cells[1])}
        kind = cells[0] or kind if cells else kind
    used = {
        (preset, layer.partition("/")[0], item.name)
        for preset in ("paper", "modern")
        for layer, item in load(preset).layers.items()
    }
    assert shown == used
