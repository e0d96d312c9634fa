from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from humanverse.codec import encode_jpeg
from humanverse.dataset.commit import commit
from humanverse.dataset.create import declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.report import draw, holdings, samples
from schemas.layers import KINDS, OK
from tests.datasets import HEIGHT, WIDTH, make_dataset, make_shard, picture
from tests.humanverse.compare.test_run import add_layer


def cards(path: Path, wanted: int = 48) -> list[samples.Card]:
    dataset = Dataset(str(path))
    return samples.read(dataset, samples.shown_layers(dataset), holdings.read(dataset).samples, wanted)


def test_only_the_bytes_of_the_shown_pictures_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path / "d", shards=4, per_shard=5)
    dataset = Dataset(str(tmp_path / "d"))
    held = holdings.read(dataset).samples
    read_whole: list[str] = []
    ranges: list[str] = []
    whole, part = dataset.store.read, dataset.store.read_range

    def read(path: str) -> bytes:
        read_whole.append(path)
        return whole(path)

    def read_range(path: str, offset: int, size: int) -> bytes:
        ranges.append(path)
        return part(path, offset, size)

    monkeypatch.setattr(dataset.store, "read", read)
    monkeypatch.setattr(dataset.store, "read_range", read_range)
    found = samples.read(dataset, {"person": "person/test"}, held, 2)
    assert [card.place for card in found] == ["shard 1, sample 0", "shard 3, sample 0"]
    assert sorted(ranges) == ["images/000001.tar", "images/000003.tar"]
    assert not [path for path in read_whole if path.endswith(".tar") or "000000" in path]


def test_the_same_samples_are_shown_every_time(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=3, per_shard=4)
    assert cards(tmp_path / "d", 5) == cards(tmp_path / "d", 5)


def test_boxes_and_skeletons_follow_the_picture_when_it_shrinks(tmp_path: Path) -> None:
    row = {"width": 400, "height": 200}
    person = {"status": OK, "boxes": [[100.0, 40.0, 300.0, 160.0]], "scores": [0.9]}
    half = samples.annotated(np.zeros((100, 200, 3), np.uint8), row, {"person": person}, 0.4)
    ys, xs = np.nonzero((half == draw.BOX).all(axis=2))
    assert (xs.min(), xs.max()) == (pytest.approx(50, abs=1), pytest.approx(150, abs=1))
    assert (ys.min(), ys.max()) == (pytest.approx(20, abs=1), pytest.approx(80, abs=1))


def test_pictures_are_made_smaller_and_never_larger() -> None:
    large = encode_jpeg(picture(1, 2400, 1200), 80)
    assert samples.small(large).shape == (samples.SIDE // 2, samples.SIDE, 3)
    assert samples.small(encode_jpeg(picture(1), 80)).shape == (HEIGHT, WIDTH, 3)


def test_people_are_boxes_from_the_recipes_score_on(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1)
    assert ("people", "1") in cards(tmp_path / "d")[0].chips


def test_source_columns_about_rights_stand_out(tmp_path: Path) -> None:
    columns = {"Licence": "CC0", "credit_url": "https://a.b", "ai_generated": "no", "similarity": "0.3"}
    make_dataset(tmp_path / "d", shards=1, per_shard=1, columns=columns)
    card = cards(tmp_path / "d")[0]
    assert [name for name, _ in card.credits] == ["Licence", "credit_url", "ai_generated"]
    assert card.others == (("similarity", "0.3"),)


@pytest.mark.parametrize(("unsafe", "covered"), [(0.49, False), (0.5, True)])
def test_explicit_pictures_are_covered_at_first(tmp_path: Path, unsafe: float, covered: bool) -> None:
    store = make_dataset(tmp_path / "d", shards=0, per_shard=1, planned_shards=1)
    declare_layer(store, "safety/test", {"fingerprint": "ab"})
    shard = make_shard(0, 0, 1, {}, {})
    row: dict[str, Any] = {"uid": shard.uids[0], "status": OK, "reason": None, "unsafe": unsafe}
    shard.layers["safety/test"] = pa.Table.from_pylist([row], schema=KINDS["safety"].schema)
    commit(store, shard)
    assert cards(tmp_path / "d")[0].covered is covered


def test_a_caption_that_is_also_the_alt_text_is_shown_once(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1)
    assert [label for label, _ in cards(tmp_path / "d")[0].captions] == [
        "alt text from the source",
        "written by caption/test (template)",
    ]
    dataset = Dataset(str(tmp_path / "d"))
    alt = dataset.images(0).column("caption").to_pylist()[0]
    add_layer(dataset, "caption/same", "caption/test", lambda row, said: {**said, "text": alt})
    read = samples.read(dataset, {"caption": "caption/same"}, holdings.read(dataset).samples, 1)
    assert read[0].captions == (("written by caption/same (template), and alt text from the source", alt),)


def test_the_recipes_layer_is_shown_where_a_kind_has_several(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    for name in ("aaa", "zzz"):
        declare_layer(store, f"pose/{name}", {"fingerprint": "ab"})
    shown = samples.shown_layers(Dataset(str(tmp_path / "d")))
    assert shown["pose"] == "pose/test"
    assert shown["person"] == "person/test"
