"""What the source says of a picture reaches the annotators, in a build and afterwards, and makes the same layer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from annotators import registry
from annotators.base import Annotator, Card, Picture, Row
from humanverse.dataset.reader import Dataset
from pipelines.annotate import annotate
from pipelines.build import build
from pipelines.plan_layers import Asked
from pipelines.preview import preview
from schemas.recipe import load
from tests.pipelines.layers import rows, tables
from tests.pipelines.web import serve_web


class Quotes(Annotator):
    """Says the source's caption."""

    card = Card("caption", "quotes", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row]:
        return [{"text": f"it says {picture.caption}"} for picture in pictures]


class Counts(Annotator):
    """The longer the caption, the less safe."""

    card = Card("safety", "counts", 1, "for tests", "none", "none", "none", "none")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row]:
        return [{"unsafe": len(picture.caption or "") / 100} for picture in pictures]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset whose gate drops captions of more than nine letters, with a layer that quotes them."""
    for annotator in (Quotes, Counts):
        path = f"{__name__}:{annotator.__name__}"
        monkeypatch.setitem(registry.ANNOTATORS, (annotator.card.kind, annotator.card.name), path)
    (tmp_path / "web").mkdir()
    over = {"annotators": {"caption": {"name": "quotes"}, "safety": {"name": "counts"}}, "gate": {"max_unsafe": 0.095}}
    with serve_web(tmp_path / "web", 14) as web:
        recipe = load(path=web / "recipe.yaml", overrides=over)
        build([str(web / "urls.parquet")], str(tmp_path / "people"), recipe, local=True, allow_private=True)
    return tmp_path / "people"


def test_a_layer_of_the_build_knows_each_pictures_caption(built: Path) -> None:
    dataset = Dataset(str(built))
    captions = {row["uid"]: row["caption"] for shard in dataset.shards() for row in dataset.images(shard).to_pylist()}
    said = {uid: row["text"] for uid, row in rows(built, "caption/quotes").items()}
    assert len(said) > 3 and said == {uid: f"it says {caption}" for uid, caption in captions.items()}


def test_so_does_the_gate(built: Path) -> None:
    dataset = Dataset(str(built))
    ledger = [row for shard in dataset.shards() for row in dataset.ledger_as_written(shard).to_pylist()]
    assert [row["row"] for row in ledger if row["reason"] == "unsafe"] == [11, 12]
    assert max(row["row"] for row in ledger if row["status"] == "kept") < 10


def test_a_layer_that_is_made_later_is_the_same(built: Path) -> None:
    again = Asked({"caption": f"{__name__}:Quotes"}, {"caption": "later"})
    assert annotate(str(built), again, local=True).lost == {}
    assert tables(built, "caption/later") == tables(built, "caption/quotes")


def test_so_does_a_preview(built: Path, tmp_path: Path) -> None:
    preview(str(built), Asked({"caption": f"{__name__}:Quotes"}, {"caption": "seen"}), 2, out=tmp_path / "page.html")
    shown = re.findall(r"it says picture \d+", (tmp_path / "page.html").read_text())
    assert len(set(shown)) == 2
