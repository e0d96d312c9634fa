"""``compare`` from end to end: COCO's figures on real annotations, the page, the terminal, JSON."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from humanverse.codec.maps import decode_depth, encode_depth
from humanverse.dataset.adding import Target
from humanverse.dataset.create import declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.cli import app
from pipelines.compare import compare
from pipelines.import_coco import import_coco
from schemas.layers import KINDS
from schemas.provenance import fingerprint
from schemas.skeletons import WHOLEBODY_SIGMAS
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer, longer
from tests.pipelines.photographs import KEYPOINTS, WHOLEBODY, annotated, needs_data, store_small

PICTURES = 30
RUNNER = CliRunner()


def moved(person: dict[str, Any], pose: dict[str, Any], seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Person and pose rows of an estimator that sees most people a little beside where the truth has them, and one more."""
    random = np.random.default_rng(seed)
    seen = []
    for box, flat in zip(person["boxes"], pose["keypoints"], strict=True):
        if random.random() < 0.8:
            points = np.reshape(flat, (133, 3)) + random.normal(0, 2, (133, 3))
            seen.append((float(random.uniform(0.2, 1)), np.add(box, np.tile(random.normal(0, 2, 2), 2)), points))
    seen.append((float(random.uniform(0.2, 1)), np.array([0.0, 0.0, 40.0, 80.0]), random.uniform(0, 80, (133, 3))))
    seen.sort(key=lambda one: -one[0])
    scores, boxes, people = zip(*seen, strict=True)
    for points in people:
        points[:, 2] = 0.8
    head = {"uid": person["uid"], "status": "ok"}
    ratios = {"area_ratios": [0.1] * len(seen), "union_area_ratio": 0.5}
    points_of = {"keypoints": [points.ravel() for points in people], "present": [[True] * 133] * len(seen)}
    return {**head, "boxes": boxes, "scores": scores, **ratios}, {**head, **points_of, "scores": [0.9] * len(seen)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Photographs at most 300 pixels wide and high, with imported truth and an estimator's person and pose layers."""
    names = [entry["file_name"] for entry in annotated()["images"]][:PICTURES]
    place = store_small(tmp_path_factory.mktemp("compare") / "people", names, shard_size=11)
    import_coco(place, KEYPOINTS, {"person": "coco", "pose": "coco"})
    dataset = Dataset(place)
    marks: dict[str, str] = {}
    for kind in ("person", "pose"):
        facts: dict[str, Any] = {
            "kind": kind,
            "name": "moved",
            "version": 1,
            "model": "truth, moved",
            "weights": {},
            "settings": {},
        }
        facts["needs"] = {need: marks[need] for need in marks}
        marks[kind] = fingerprint(facts)
        declare_layer(dataset.store, f"{kind}/moved", {**facts, "licence": "CC0-1.0", "fingerprint": marks[kind]})
    for shard in dataset.shards():
        target = Target.open(dataset, shard)
        truth = (target.layer(f"{kind}/coco").to_pylist() for kind in ("person", "pose"))
        numbers = target.images.column("row").to_pylist()
        made = [moved(*rows) for rows in zip(*truth, numbers, strict=True)]
        for number, kind in enumerate(("person", "pose")):
            table = pa.Table.from_pylist([rows[number] for rows in made], schema=KINDS[kind].schema)
            target.publish(f"{kind}/moved", table)
    return place


def directly(place: str, kind: str) -> list[float]:
    """pycocotools on the annotations as published, and on the estimator's rows brought to the originals' pixels."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    number = {entry["file_name"]: entry["id"] for entry in annotated()["images"]}
    results, images = [], []
    for sample in Dataset(place).samples(["person/moved", "pose/moved"]):
        across = sample.columns["original_width"] / sample.columns["width"]
        down = sample.columns["original_height"] / sample.columns["height"]
        image = number[sample.columns["url"].rpartition("/")[2]]
        images.append(image)
        person, pose = sample.layers["person"], sample.layers["pose"]
        for index, (x0, y0, x1, y1) in enumerate(person["boxes"]):
            entry: dict[str, Any] = {"image_id": image, "category_id": 1, "score": person["scores"][index]}
            if kind == "bbox":
                entry["bbox"] = [x0 * across, y0 * down, (x1 - x0) * across, (y1 - y0) * down]
            else:
                points = np.reshape(pose["keypoints"][index], (133, 3))[:17] * [across, down, 1]
                entry |= {"keypoints": points.ravel().tolist(), "score": entry["score"] * pose["scores"][index]}
            results.append(entry)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(KEYPOINTS))
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.params.imgIds = images
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(value) for value in evaluation.stats]


@needs_data
@pytest.mark.parametrize(
    ("kind", "part", "evaluated", "places"),
    [("pose", "body", "keypoints", [0, 1, 2, 3, 4, 5]), ("person", "person", "bbox", [0, 1, 2, 3, 4, 5, 8])],
)
def test_figures_are_those_of_pycocotools_on_the_published_file(
    place: str, kind: str, part: str, evaluated: str, places: list[int]
) -> None:
    found = compare(place, kind, "moved", "coco").comparison
    assert (found.compared, len(found.shards), found.b.truth) == (PICTURES, 3, True)
    expected = directly(place, evaluated)
    assert 0.05 < expected[0] < 0.95
    np.testing.assert_allclose(
        list(found.findings.figures["coco"][part].values()), [expected[at] for at in places], atol=1e-9
    )


@needs_data
def test_parts_of_the_whole_body(tmp_path: Path) -> None:
    name = annotated(WHOLEBODY)["images"][0]["file_name"]
    place = store_small(tmp_path / "people", [name])
    import_coco(place, WHOLEBODY, {"person": "coco", "pose": "coco"})
    figures = compare(place, "pose", "coco", "coco").comparison.findings.figures
    assert list(figures["coco"]) == ["body", "feet", "face", "right_hand", "hands", "whole body"], (
        "nobody labelled the left hand"
    )
    assert all(values["AP"] == pytest.approx(1) for values in figures["coco"].values())
    assert figures["parts"]["whole body"]["points_in_both"] == len(WHOLEBODY_SIGMAS) - 21


@needs_data
@pytest.mark.parametrize("kind", ["person", "pose"])
def test_the_page_shows_both_sides_and_needs_nothing_else(place: str, tmp_path: Path, kind: str) -> None:
    result = compare(place, kind, "moved", "coco", tmp_path / "page.html", worst=3)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<article") == 3 and page.count("data:image/jpeg") == 6
    assert len(re.findall(r'alt="A: [a-z]+/moved"', page)) == len(re.findall(r'alt="B: [a-z]+/coco"', page)) == 3
    worst = result.comparison.worst
    places = [page.index(item.uid) for item in worst]
    assert places == sorted(places) and all(item.url and item.url in page for item in worst)
    assert (
        "ground truth" in page and "COCO&#39;s figures" in page and "OKS" in page if kind == "pose" else "IoU" in page
    )
    assert not re.search(r'(?:src|href)="(?!data:|https://images\.example/)', page)
    assert "<script" not in page and "&lt;" not in page
    assert "--worst 3" in page
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_captions_stand_side_by_side_and_are_escaped(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    dataset = Dataset(str(tmp_path / "people"))
    add_layer(dataset, "caption/tags", "caption/test", lambda row, said: {**said, "text": f"<b>row {row}</b>"})
    compare(str(tmp_path / "people"), "caption", "tags", "test", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;row 2&lt;/b&gt;" in page and "<b>row" not in page
    assert "one person, row 2" in page and page.count("data:image/jpeg") == 3


def test_depth_maps_and_the_picture(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=1)
    result = compare(str(tmp_path / "people"), "depth", "test", "test", tmp_path / "page.html")
    assert result.comparison.findings.figures["as_it_is"]["delta1"] == 1
    assert "There are no samples on which they differ." in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_dense_maps_stand_beside_the_picture(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=2)
    dataset = Dataset(str(tmp_path / "people"))
    card = {**dataset.layer_card("depth/test"), "settings": {"turned": True}}
    declare_layer(dataset.store, "depth/turned", {**card, "fingerprint": fingerprint(card)})
    target = Target.open(dataset, 0)
    rows = target.layer("depth/test").to_pylist()
    for row in rows:
        png = dataset.map_png("depth/test", 0, row)
        assert png is not None
        turned, columns = encode_depth(decode_depth(png, row["scale"], row["offset"])[::-1])
        row |= {**columns, "map": turned}
    schema = KINDS["depth"].schema.append(pa.field("map", pa.large_binary()))
    target.publish("depth/turned", pa.Table.from_pylist(rows, schema=schema))
    result = compare(dataset.store.url, "depth", "turned", "test", tmp_path / "page.html")
    assert [item.value > 0.1 for item in result.comparison.worst] == [True, True]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 6, "of each the picture and both maps"
    assert "1 to 4 m" in page


def test_command_line(tmp_path: Path) -> None:
    place = make_dataset(tmp_path / "people").url
    add_layer(Dataset(place), "caption/longer", "caption/test", longer, shards=[1])
    arguments = ["compare", place, "caption", "longer", "test"]
    shown = RUNNER.invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "A is caption/longer, B is caption/test; 3 of 3 samples compared, 1 shard, " in shown.stdout
    assert "caption/longer: 1 committed shard does not have it and was left out" in shown.stdout
    assert "samples that differ most: 1 − similarity" in shown.stdout
    told = json.loads(RUNNER.invoke(app, [*arguments, "--json", "--worst", "1"]).stdout)
    assert (told["a"], told["b"], told["compared"], told["shards_lacking"]) == (
        "caption/longer", "caption/test", 3, {"caption/longer": 1},
    )  # fmt: skip
    assert told["statuses"] == {"ok/ok": 3} and len(told["worst"]) == 1
    assert told["figures"]["ratio"]["count"] == 3 and told["page"] is None


def test_a_page_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    with pytest.raises(UserError, match="there is no folder"):
        compare(str(tmp_path / "people"), "caption", "test", "test", tmp_path / "absent" / "page.html")


def test_the_dataset_is_called_what_the_user_calls_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people").url)
    add_layer(dataset, "caption/truth", "caption/test", longer)
    monkeypatch.chdir(tmp_path)
    for words in (["compare", "people", "caption", "test", "truth"], ["compare", "people"], ["status", "people"]):
        shown = RUNNER.invoke(app, words)
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.startswith("people: ") and str(tmp_path) not in shown.stdout


def test_import_from_the_command_line(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1)
    place, file = str(tmp_path / "people"), tmp_path / "truth.json"
    image = {"id": 1, "file_name": "0.jpg", "width": 320, "height": 240}
    file.write_text(json.dumps({"images": [image], "annotations": [], "categories": [{"id": 1, "name": "person"}]}))
    done = RUNNER.invoke(app, ["annotate", place, "person", "--from-coco", str(file)])
    assert done.exit_code == 0, done.output
    assert "person/coco: 1 of 3 samples is in the file, with 0 people" in done.stdout
    told = json.loads(RUNNER.invoke(app, ["annotate", place, "person=coco", "--from-coco", str(file), "--json"]).stdout)
    assert (told["layers"], told["before"], told["shards"]) == (["person/coco"], 1, 1)
    for wrong, why in ((["--set", "a.b=1"], "runs no annotator"), (["person=x"], "two layers of kind person")):
        refused = RUNNER.invoke(app, ["annotate", place, "person", "--from-coco", str(file), *wrong])
        assert refused.exit_code != 0 and why in str(refused.exception)
