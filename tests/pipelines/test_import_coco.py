"""Ground truth as layers: every shard has it, again changes nothing, and what cannot be done is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones, write
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from pipelines.import_coco import import_coco
from tests.datasets import HEIGHT, WIDTH, make_dataset
from tests.pipelines.layers import digests
from tests.pipelines.photographs import KEYPOINTS, annotated, needs_data, store_small

NAMES = {"person": "coco", "pose": "coco"}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two shards of three samples: rows 0 to 2 and 6 to 8, called <row>.jpg."""
    make_dataset(tmp_path / "people")
    return tmp_path / "people"


def truth(folder: Path, rows: list[int], size: tuple[int, int] = (WIDTH, HEIGHT), **entry: Any) -> Path:
    """Annotations of pictures <row>.jpg: one person in each but the last."""
    images = [{"id": row, "file_name": f"{row}.jpg", "width": size[0], "height": size[1]} for row in rows]
    points = [40, 50, 2] + [0, 0, 0] * 16
    person = {"category_id": 1, "bbox": [30, 40, 50, 60], "area": 900, "iscrowd": 0, "keypoints": points, **entry}
    annotations = [{"id": row, "image_id": row, **person} for row in rows[:-1]]
    path = folder / "truth.json"
    categories = [{"id": 1, "name": "person"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def statuses(place: Path, layer: str) -> list[list[str]]:
    dataset = Dataset(str(place))
    return [dataset.layer(layer, shard).column("status").to_pylist() for shard in dataset.shards()]


def test_every_sample_has_a_row(place: Path, tmp_path: Path) -> None:
    before = digests(place)
    result = import_coco(str(place), truth(tmp_path, [0, 7, 8, 99, 1]), NAMES)
    assert (result.samples, result.matched, result.people, result.pictures_unmatched) == (6, 4, 3, 1)
    for layer in ("person/coco", "pose/coco"):
        assert statuses(place, layer) == [["ok", "ok", "unavailable"], ["unavailable", "ok", "ok"]]
    dataset = Dataset(str(place))
    people = dataset.layer("person/coco", 0).to_pylist()
    assert people[0]["boxes"] == [[30, 40, 80, 100]] and people[0]["areas"] == [900]
    assert people[1]["boxes"] == [], "a picture of the file without people has none"
    assert people[2]["boxes"] is None and people[2]["reason"] == "not in the annotation file"
    assert not verify(dataset).findings
    after = digests(place)
    assert {path: after[path] for path in before} == before
    assert {path.split("/")[2] for path in after.keys() - before.keys()} == {"coco"}


def test_cards_say_what_it_is(place: Path, tmp_path: Path) -> None:
    file = truth(tmp_path, [0, 1])
    import_coco(str(place), file, {"person": "people", "pose": "points"})
    dataset = Dataset(str(place))
    person, pose = dataset.layer_card("person/people"), dataset.layer_card("pose/points")
    assert person["truth"] is pose["truth"] is True
    assert person["model"] == "ground truth imported from COCO JSON" and list(person["weights"]) == ["truth.json"]
    assert pose["reads"] == {"person": "person/people"} and pose["needs"] == {"person": person["fingerprint"]}
    assert (pose["layer"], pose["name"]) == ("pose/points", "coco")


def test_again_does_only_what_is_lacking(place: Path, tmp_path: Path) -> None:
    file = truth(tmp_path, [0, 7, 1])
    import_coco(str(place), file, NAMES)
    done = digests(place)
    assert import_coco(str(place), file, NAMES).before == 2
    (place / "layers/pose/coco/000001.parquet").unlink()
    (place / "layers/person/coco/000001.parquet").unlink()
    (place / "layers/pose/coco/000000.parquet").unlink()
    again = import_coco(str(place), file, NAMES)
    assert (again.before, again.samples) == (0, 6)
    assert digests(place) == done


def test_another_file_needs_another_name(place: Path, tmp_path: Path) -> None:
    import_coco(str(place), truth(tmp_path, [0, 1]), NAMES)
    with pytest.raises(DatasetError, match="was made otherwise"):
        import_coco(str(place), truth(tmp_path, [0, 1], area=901), NAMES)


def test_what_is_forgotten_is_not_looked_at(place: Path, tmp_path: Path) -> None:
    dataset = Dataset(str(place))
    gone = dataset.images(0).column("uid")[0].as_py()
    write(dataset.store, Tombstones(uids=frozenset({gone})), "asked for")
    result = import_coco(str(place), truth(tmp_path, [0, 1, 2]), NAMES)
    assert (result.samples, result.matched) == (6, 2)
    table = pq.read_table(place / "layers/person/coco/000000.parquet")
    assert table.num_rows == 3, "as many rows as the images table has"
    assert table.select(["status", "reason"]).to_pylist()[0] == {"status": "unavailable", "reason": "forgotten"}


def test_pictures_of_another_size_are_refused_one_by_one(place: Path, tmp_path: Path) -> None:
    result = import_coco(str(place), truth(tmp_path, [0, 1], size=(WIDTH + 1, HEIGHT)), NAMES)
    assert list(result.refused.values()) == [2]
    assert statuses(place, "person/coco")[0] == ["unavailable"] * 3


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"depth": "coco"}, "--from-coco cannot make 'depth': ask for person and pose"),
        ({"pose": "coco"}, "ask for person=coco pose=coco"),
        ({"person": "../x"}, "a layer's name has"),
    ],
)
def test_what_cannot_be_asked_for(place: Path, tmp_path: Path, names: dict[str, str], why: str) -> None:
    before = digests(place)
    with pytest.raises(UserError, match=why.replace("(", r"\(")):
        import_coco(str(place), truth(tmp_path, [0, 1]), names)
    assert digests(place) == before


def test_boxes_alone_give_no_poses(place: Path, tmp_path: Path) -> None:
    file = truth(tmp_path, [0, 1])
    entries = json.loads(file.read_text())
    for entry in entries["annotations"]:
        del entry["keypoints"]
    file.write_text(json.dumps(entries))
    with pytest.raises(UserError, match="has no keypoints: import person alone"):
        import_coco(str(place), file, NAMES)
    assert import_coco(str(place), file, {"person": "coco"}).people == 1


@pytest.mark.parametrize(
    ("match", "how"), [(None, "file name in url, such as 0.jpg"), ("uid", "column uid, such as [0-9a-f]{32}")]
)
def test_where_no_sample_is_in_the_file_nothing_is_written(
    place: Path, tmp_path: Path, match: str | None, how: str
) -> None:
    before = digests(place)
    file = truth(tmp_path, [77, 99])
    line = f"no sample is in {file}: looked for by {how}; its pictures are such as 77.jpg, id 77; --match COLUMN"
    with pytest.raises(UserError, match=line):
        import_coco(str(place), file, NAMES, match)
    assert digests(place) == before and not (place / "layers/person/coco").exists()


@needs_data
def test_real_annotations_come_back_in_the_original_s_pixels(tmp_path: Path) -> None:
    """Through a smaller stored picture and back, every labelled point and box is where the file has it."""
    file = annotated()
    names = [entry["file_name"] for entry in file["images"]][:12]
    dataset = Dataset(store_small(tmp_path / "people", names, shard_size=5))
    result = import_coco(dataset.store.url, KEYPOINTS, NAMES)
    assert (result.samples, result.matched, result.refused) == (12, 12, {})
    of = {entry["id"]: entry["file_name"] for entry in file["images"]}
    expected: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for entry in file["annotations"]:
        if of[entry["image_id"]] in expected:
            expected[of[entry["image_id"]]].append(entry)
    for sample in dataset.samples(["person/coco", "pose/coco"]):
        wanted = expected[Path(sample.columns["url"]).name]
        scale = sample.columns["original_width"] / sample.columns["width"]
        assert scale > 1
        boxes = np.array(sample.layers["person"]["boxes"]).reshape(-1, 4) * scale
        theirs = np.array([entry["bbox"] for entry in wanted], float).reshape(-1, 4)
        np.testing.assert_allclose(boxes[:, 2:] - boxes[:, :2], theirs[:, 2:], rtol=0.01, atol=1.5)
        assert sample.layers["person"]["crowd"] == [bool(entry["iscrowd"]) for entry in wanted]
        for points, entry in zip(sample.layers["pose"]["keypoints"], wanted, strict=True):
            xyv = np.array(entry["keypoints"], float).reshape(17, 3)
            ours = np.array(points).reshape(133, 3)[:17]
            labelled = xyv[:, 2] > 0
            np.testing.assert_array_equal(ours[:, 2], np.select([xyv[:, 2] == 2, labelled], [1.0, 0.5]))
            np.testing.assert_allclose(ours[labelled, :2] * scale, xyv[labelled, :2], rtol=0.01, atol=1e-3)
