"""The reference of settings in ``docs/recipe.md`` is that of the code."""

from __future__ import annotations

from pathlib import Path

from schemas.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "recipe.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == reference(), "run: python -m schemas.reference > docs/recipe.md"


def test_every_setting_has_a_meaning() -> None:
    for line in reference().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), line
