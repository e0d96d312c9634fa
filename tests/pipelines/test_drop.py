"""Layers are deleted whole, and not from under what is made with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.drop import drop
from tests.pipelines.layers import asked, digests, place

__all__ = ["place"]


def test_the_dataset_is_as_before_the_layer(place: Path) -> None:
    before = digests(place)
    annotate(str(place), asked("caption", "Says"), local=True)
    files = digests(place).keys() - before.keys()
    found = drop(str(place), "caption=says")
    assert (found.layer, found.files, found.notes) == ("caption/says", len(files), ())
    assert digests(place) == before
    assert not (place / "layers/caption/says").exists()


def test_a_layer_that_another_is_made_from_stays(place: Path) -> None:
    before = digests(place)
    with pytest.raises(UserError, match=r"^person=test is used by layer pose=test: drop or change these first"):
        drop(str(place), "person=test")
    assert digests(place) == before
    found = drop(str(place), "person=test", force=True)
    assert found.notes[1] == "made with it, and not complete without: layer pose=test"


def test_a_layer_that_a_view_pins_stays(place: Path) -> None:
    pin = {"layer": "caption/test", "fingerprint": Dataset(str(place)).layer_card("caption/test")["fingerprint"]}
    card = {"format": 1, "name": "mine", "exclude": [], "layers": {"caption": pin}}
    (place / "views").mkdir()
    (place / "views/mine.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match=r"^caption=test is used by view mine"):
        drop(str(place), "caption=test")
    (place / "views/mine.json").write_text("{")
    assert drop(str(place), "caption=test").layer == "caption/test"


def test_a_layer_of_the_recipe_is_missed(place: Path) -> None:
    found = drop(str(place), "caption=test")
    assert found.notes == (
        f"the recipe has it: the dataset is not complete until humanverse annotate {place} caption=test",
    )
    assert [item.level for item in verify(Dataset(str(place))).findings] == ["note"]
    now = status(Dataset(str(place)))
    assert (now.complete, now.layers["caption/test"], now.completed_by) == (False, 0, {"caption/test": "caption=test"})


@pytest.mark.parametrize("name", ["caption=other", "caption", "=test", "nothing=test", "caption=../person/test", ""])
def test_what_is_not_there_is_refused_and_what_is_there_named(place: Path, name: str) -> None:
    before = digests(place)
    with pytest.raises(UserError, match=r"there are caption=test, depth=test, person=test, pose=test$"):
        drop(str(place), name)
    assert digests(place) == before


def test_a_drop_that_was_stopped_goes_on_and_nothing_is_added_meanwhile(place: Path) -> None:
    before = digests(place)
    annotate(str(place), asked("caption", "Says"), local=True)
    (place / "layers/caption/says/layer.json").unlink()
    with pytest.raises(UserError, match=r"has shards and no layer.json.*humanverse drop .* caption=says first$"):
        annotate(str(place), asked("caption", "Says", word="other"), local=True)
    drop(str(place), "caption=says")
    assert digests(place) == before
