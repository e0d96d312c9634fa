"""export --blur-faces: no face leaves the dataset as it was, and what is not known stays at home."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.codec import decode_rgb
from humanverse.codec.phash import phash
from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.errors import UserError
from humanverse.export.base import Settings
from humanverse.faces import faces
from pipelines.export import Result, export
from schemas.layers import KINDS
from tests.datasets import make_dataset

FORMATS = ("webdataset", "coco", "hf")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=1)
    return tmp_path / "people"


def run(people: Path, out: Path, format: str, **settings: Any) -> Result:
    return export(str(people), str(out), format, Settings(blur_faces=True, **settings))


def pictures(out: Path, format: str) -> dict[str, bytes]:
    """uid -> the exported bytes."""
    return _PICTURES[format](out)


def _of_tars(out: Path) -> dict[str, bytes]:
    found = {}
    for path in out.glob("*.tar"):
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if member.name.endswith(".jpg") and content:
                    found[member.name.removesuffix(".jpg")] = content.read()
    return found


def _of_parquet(out: Path) -> dict[str, bytes]:
    rows = [
        row for path in out.glob("data/*.parquet") for row in pq.read_table(path, columns=["uid", "image"]).to_pylist()
    ]
    return {row["uid"]: row["image"]["bytes"] for row in rows}


_PICTURES = {
    "webdataset": _of_tars,
    "coco": lambda out: {path.stem: path.read_bytes() for path in out.glob("images/*.jpg")},
    "hf": _of_parquet,
}


def fail(people: Path, kind: str, rows: Mapping[int, str]) -> None:
    """Let some rows of a layer's first shard be failed ones; by place, with their reasons."""
    path = people / "layers" / kind / "test" / "000000.parquet"
    said = pq.read_table(path).to_pylist()
    for at, reason in rows.items():
        said[at] = {"uid": said[at]["uid"], "status": "failed", "reason": reason}
    pq.write_table(pa.Table.from_pylist(said, schema=KINDS[kind].schema), path)


@pytest.mark.parametrize("format", FORMATS)
def test_faces_are_blurred_and_the_rest_is_not(people: Path, tmp_path: Path, format: str) -> None:
    run(people, tmp_path / "out", format)
    found = pictures(tmp_path / "out", format)
    samples = list(Dataset(str(people)).samples(["person", "pose"]))
    assert list(found) == [sample.uid for sample in samples] or set(found) == {sample.uid for sample in samples}
    for sample in samples:
        before, after = sample.image.astype(int), decode_rgb(found[sample.uid]).astype(int)
        assert before.shape == after.shape
        regions = faces(sample.layers["person"], sample.layers["pose"])
        assert regions
        y, x = np.mgrid[0 : before.shape[0], 0 : before.shape[1]]
        inside = np.logical_or.reduce([region.contains(np.stack([x, y], axis=2)) for region in regions])
        assert 0 < inside.mean() < 0.5
        assert np.abs(before - after)[inside].mean() > 3 * np.abs(before - after)[~inside].mean()


def test_columns_are_those_of_the_blurred_picture(people: Path, tmp_path: Path) -> None:
    run(people, tmp_path / "out", "hf")
    for row in pq.read_table(tmp_path / "out" / "data" / "train-000000.parquet").to_pylist():
        jpeg = row["image"]["bytes"]
        assert row["jpg_sha256"] == hashlib.sha256(jpeg).hexdigest() != row["sha256"]
        assert row["phash"] == phash(decode_rgb(jpeg))
        assert row["reencoded"] is True
        assert row["uid"] == row["sha256"][:32]
    assert "found are blurred" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("format", FORMATS)
def test_without_poses_boxes_tell_and_without_both_a_sample_stays_at_home(
    people: Path, tmp_path: Path, format: str
) -> None:
    fail(people, "pose", {0: "no", 1: "no"})
    fail(people, "person", {1: "no", 2: "no"})
    told = run(people, tmp_path / "out", format)
    uids = [sample.uid for sample in Dataset(str(people)).samples()]
    assert (told.samples, told.left_out) == (2, 1)
    assert set(pictures(tmp_path / "out", format)) == {uids[0], uids[2]}
    listed = pq.read_table(tmp_path / "out" / "humanverse-export.parquet").column("uid").to_pylist()
    assert listed == [uids[0], uids[2]]
    assert run(people, tmp_path / "out", format).left_out == 1


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_of_which_all_stays_at_home_has_no_file(tmp_path: Path, format: str) -> None:
    people, out = tmp_path / "people", tmp_path / "out"
    store = make_dataset(people, shards=2)
    fail(people, "pose", dict.fromkeys(range(3), "no"))
    fail(people, "person", dict.fromkeys(range(3), "no"))
    uids = [sample.uid for sample in Dataset(str(people)).samples()]
    assert (run(people, out, format).left_out, set(pictures(out, format))) == (3, set(uids[3:]))
    tombstones.write(store, Tombstones(frozenset({uids[5]})), "asked")
    told = run(people, out, format)
    assert (told.samples, told.left_out, told.written) == (2, 3, 1)
    assert set(pictures(out, format)) == set(uids[3:5])


def test_it_needs_to_know_where_people_are(people: Path, tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="--blur-faces needs a person or pose layer in the export: name one with --layers"
    ):
        run(people, tmp_path / "out", "webdataset", layers=("caption",))
    assert not (tmp_path / "out").exists()


def test_a_picture_without_people_keeps_its_bytes(people: Path, tmp_path: Path) -> None:
    path = people / "layers" / "person" / "test" / "000000.parquet"
    nobody = {"boxes": [], "scores": [], "area_ratios": [], "union_area_ratio": 0.0}
    rows = [{**row, **nobody} for row in pq.read_table(path).to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=KINDS["person"].schema), path)
    run(people, tmp_path / "out", "webdataset", layers=("person",))
    found = pictures(tmp_path / "out", "webdataset")
    assert found == {sample.uid: sample.jpeg for sample in Dataset(str(people)).samples()}


def test_a_picture_that_is_damaged_is_named(people: Path, tmp_path: Path) -> None:
    tar = people / "images" / "000000.tar"
    row = pq.read_table(people / "images" / "000000.parquet").to_pylist()[0]
    data = bytearray(tar.read_bytes())
    data[row["jpg_offset"] : row["jpg_offset"] + 100] = bytes(100)
    tar.write_bytes(data)
    with pytest.raises(UserError, match=f"{row['uid']} cannot be decoded: run humanverse verify"):
        run(people, tmp_path / "out", "webdataset")


def test_annotations_are_there_for_what_is_exported_alone(people: Path, tmp_path: Path) -> None:
    fail(people, "pose", {1: "no"})
    fail(people, "person", {1: "no"})
    run(people, tmp_path / "out", "coco")
    told = json.loads((tmp_path / "out" / "annotations" / "humanverse.json").read_text())
    uids = [sample.uid for sample in Dataset(str(people)).samples()]
    assert [image["uid"] for image in told["images"]] == [uids[0], uids[2]]
    assert {entry["image_id"] for entry in told["annotations"]} == {image["id"] for image in told["images"]}
