"""What annotators would say about some samples: which samples, what is told, and that the dataset stays as it is."""

from __future__ import annotations

import hashlib
import html
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones, write
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from pipelines.preview import choose, preview
from tests.datasets import make_dataset
from tests.pipelines.layers import TOYS, asked, digests, place, rows, uid_of

__all__ = ["place"]


def chosen_uids(folder: Path, wanted: int) -> list[str]:
    dataset = Dataset(str(folder))
    _, chosen = choose(dataset, wanted)
    return [dataset.images_as_written(shard)["uid"][at].as_py() for shard, places in chosen.items() for at in places]


def test_samples_are_those_whose_uids_have_the_lowest_digests(place: Path) -> None:
    uids = [uid_of(place, shard, at) for shard in range(3) for at in range(7)]
    ordered = sorted(uids, key=lambda uid: hashlib.sha256(uid.encode()).digest())
    for wanted in (1, 5, 21, 100):
        assert set(chosen_uids(place, wanted)) == set(ordered[:wanted])


def test_what_is_forgotten_is_never_chosen(place: Path) -> None:
    gone = chosen_uids(place, 4)
    write(Dataset(str(place)).store, Tombstones(frozenset(gone)), "asked to")
    assert choose(Dataset(str(place)), 100)[0] == 17
    assert not set(gone) & set(chosen_uids(place, 100))


def test_the_dataset_is_not_touched_and_the_page_says_what_was_found(place: Path) -> None:
    before = digests(place)
    bad = chosen_uids(place, 5)[2]
    found = preview(str(place), asked("caption", "Raises", uid=bad), 5)
    assert digests(place) == before
    assert (found.samples, found.all_samples) == (5, 21)
    assert found.rows == {"caption/says": {"ok": 4, "failed": 1}}
    assert found.reasons == {"caption/says": {"ZeroDivisionError: by nought at all": 1}}
    assert found.expected_s == pytest.approx(found.seconds * 21 / 5)
    assert found.page == place.with_name("people-preview-caption-says.html")
    text = found.page.read_text()
    assert text.count("<article") == 5
    assert text.count("written by caption/says (toy)") == 4
    assert "1 × ZeroDivisionError: by nought at all" in text
    assert 'src="http' not in text and "<script" not in text


def test_it_says_what_the_layer_will_say(place: Path, tmp_path: Path) -> None:
    text = preview(str(place), asked("caption", "Says"), 6, tmp_path / "page.html").page.read_text()
    annotate(str(place), asked("caption", "Says"), local=True)
    said = rows(place, "caption/says")
    assert all(said[uid]["text"] in text for uid in chosen_uids(place, 6))


def test_settings_can_be_tried_under_the_name_of_a_layer_that_is_there(place: Path, tmp_path: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    preview(str(place), asked("caption", "Says", word="other"), 2, tmp_path / "page.html")


def test_layers_that_are_read_are_read_from_the_dataset(place: Path, tmp_path: Path) -> None:
    counts = Asked({"aesthetic": "tests.pipelines.toy_annotators:Counts"})
    text = preview(str(place), counts, 3, tmp_path / "page.html").page.read_text()
    assert text.count("aesthetic <b>2</b>") == 3
    assert text.count("people <b>1</b>") == 3


def test_maps_are_shown(place: Path, tmp_path: Path) -> None:
    text = preview(str(place), asked("depth", "Slope"), 4, tmp_path / "page.html").page.read_text()
    assert text.count('<figure class="map">') == 4
    assert text.count("depth, metric: 1 to ") == 4 * 2


def test_the_page_says_the_settings_and_both_commands(place: Path, tmp_path: Path) -> None:
    annotate(str(place), asked("caption", "Says"), local=True)
    annotators = {"caption": f"{TOYS}:Says", "aesthetic": f"{TOYS}:Counts"}
    what = Asked(annotators, {"caption": "a"}, {"caption": {"word": "x; y"}}, reads={"person": "test"})
    text = html.unescape(preview(str(place), what, 2, tmp_path / "a page.html", "cpu").page.read_text())
    adding = (
        f"humanverse annotate {place} caption={TOYS}:Says aesthetic={TOYS}:Counts --as caption=a "
        "--set 'caption.word=x; y' --reads person=test --device cpu"
    )
    assert f"to the dataset: <code>{adding}</code>" in text
    assert f"<code>{adding} --sample 2 --out '{tmp_path}/a page.html'</code>" in text
    assert 'word = "x; y"' in text and "seconds = 0.0" in text


def test_wrong_places_are_one_line(place: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*choose another place with --out"):
        preview(str(place), asked("caption", "Says"), 1, tmp_path / "no" / "page.html")
    make_dataset(tmp_path / "none", shards=1, per_shard=0)
    with pytest.raises(UserError, match=r"has no samples: build it first"):
        preview(str(tmp_path / "none"), asked("caption", "Says"), 1)
