"""What pycocotools reads is what the dataset has, and evaluates as perfect against itself."""

import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from schemas.skeletons import BODY, PARTS
from tests.datasets import make_dataset
from tests.humanverse.export.exported import held, run

WHOLEBODY_FIELDS = {
    "foot_kpts": 18, "face_kpts": 204, "lefthand_kpts": 63, "righthand_kpts": 63,
    "face_box": 4, "lefthand_box": 4, "righthand_box": 4,
}  # fmt: skip
"""Fields of COCO-WholeBody's annotations and their lengths."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    make_dataset(root / "people")
    run(root / "people", root / "out", "coco", min_score=0)
    return root


@pytest.fixture
def coco(folder, capsys):
    loaded = COCO(str(folder / "out" / "annotations" / "humanverse.json"))
    capsys.readouterr()
    return loaded


def test_pictures_are_the_datasets(folder, coco):
    expected = held(folder / "people")
    images = coco.loadImgs(coco.getImgIds())
    assert {image["uid"] for image in images} == set(expected)
    for image in images:
        one = expected[image["uid"]].sample
        assert (folder / "out" / "images" / image["file_name"]).read_bytes() == one.jpeg
        assert (image["width"], image["height"]) == (one.columns["width"], one.columns["height"])
        assert image["id"] == one.columns["row"]
        assert image["url"] == image["coco_url"] == one.columns["url"]


def test_people_and_points_are_the_datasets(folder, coco):
    for image in coco.loadImgs(coco.getImgIds()):
        layers = held(folder / "people")[image["uid"]].sample.layers
        entries = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert len(entries) == len(layers["person"]["boxes"]) == 2
        for at, entry in enumerate(entries):
            x0, y0, x1, y1 = layers["person"]["boxes"][at]
            assert entry["bbox"] == pytest.approx([x0, y0, x1 - x0, y1 - y0])
            assert entry["area"] == pytest.approx((x1 - x0) * (y1 - y0))
            assert entry["score"] == pytest.approx(layers["person"]["scores"][at], abs=1e-3)
            assert entry["iscrowd"] == 0
            points = np.array(layers["pose"]["keypoints"][at]).reshape(133, 3)
            body = np.array(entry["keypoints"]).reshape(17, 3)
            assert body[:, :2] == pytest.approx(points[:17, :2], abs=5e-4)
            assert (body[:, 2] == 2).all()
            assert entry["num_keypoints"] == 17
            others = ("foot_kpts", "face_kpts", "lefthand_kpts", "righthand_kpts")
            whole = np.concatenate([np.array(entry[name]).reshape(-1, 3) for name in others])
            assert whole == pytest.approx(points[17:], abs=5e-4)


def test_the_fields_are_those_of_coco_wholebody(coco):
    for entry in coco.loadAnns(coco.getAnnIds()):
        for name, length in WHOLEBODY_FIELDS.items():
            assert len(entry[name]) == length
        assert all(entry[f"{part}_valid"] is True for part in ("foot", "face", "lefthand", "righthand"))
    (category,) = coco.loadCats(coco.getCatIds())
    assert category["keypoints"] == list(BODY)
    assert [16, 14] in category["skeleton"]


def test_a_part_has_the_box_of_its_points(coco, folder):
    entry = coco.loadAnns(coco.getAnnIds())[0]
    points = np.array(entry["face_kpts"]).reshape(-1, 3)[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    assert entry["face_box"] == pytest.approx([*low, *(high - low)], abs=2e-3)


@pytest.mark.parametrize("kind", ["bbox", "keypoints"])
def test_evaluated_against_itself_it_is_perfect(coco, folder, kind, capsys):
    entries = json.loads((folder / "out" / "annotations" / "humanverse.json").read_text())["annotations"]
    results = coco.loadRes(entries)
    evaluation = COCOeval(coco, results, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()
    assert evaluation.stats[0] == pytest.approx(1.0)


def test_points_of_low_confidence_are_not_labelled(tmp_path):
    make_dataset(tmp_path / "people", shards=1)
    run(tmp_path / "people", tmp_path / "out", "coco", min_confidence=0.2)
    for entry in json.loads((tmp_path / "out" / "annotations" / "humanverse.json").read_text())["annotations"]:
        assert entry["righthand_valid"] is False
        assert entry["righthand_kpts"] == [0.0] * 3 * len(PARTS["right_hand"])
        assert entry["righthand_box"] == [0.0] * 4
        assert entry["lefthand_valid"] is True


def test_without_poses_there_are_boxes_alone(tmp_path):
    make_dataset(tmp_path / "people", shards=1, unavailable={"pose": "no estimator"})
    run(tmp_path / "people", tmp_path / "out", "coco", min_score=0.1)
    told = json.loads((tmp_path / "out" / "annotations" / "humanverse.json").read_text())
    assert len(told["annotations"]) == 6
    assert all("keypoints" not in entry and entry["bbox"][2] > 0 for entry in told["annotations"])


def test_a_dataset_without_people_is_whole_json(tmp_path):
    make_dataset(tmp_path / "people", shards=1, unavailable={"person": "none", "pose": "none"})
    run(tmp_path / "people", tmp_path / "out", "coco")
    told = json.loads((tmp_path / "out" / "annotations" / "humanverse.json").read_text())
    assert told["annotations"] == []
    assert len(told["images"]) == 3


def test_people_count_from_the_gates_score_on_unless_they_are_ground_truth(tmp_path):
    people = tmp_path / "people"
    make_dataset(people, shards=1)
    run(people, tmp_path / "out", "coco")
    told = json.loads((tmp_path / "out" / "annotations" / "humanverse.json").read_text())
    assert [entry["score"] for entry in told["annotations"]] == [0.95] * 3
    card = people / "layers" / "person" / "test" / "layer.json"
    card.write_text(json.dumps({**json.loads(card.read_text()), "truth": True}))
    run(people, tmp_path / "truth", "coco")
    told = json.loads((tmp_path / "truth" / "annotations" / "humanverse.json").read_text())
    assert [entry["score"] for entry in told["annotations"]] == [0.95, 0.25] * 3
