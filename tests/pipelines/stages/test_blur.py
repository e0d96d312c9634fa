"""Faces are blurred before a shard is written; ledger, images and layers stay of one mind."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from humanverse.codec import decode_rgb
from humanverse.codec.phash import phash
from humanverse.dataset.commit import commit
from humanverse.dataset.reader import Dataset
from humanverse.dataset.shard import Shard
from humanverse.dataset.verify import verify
from humanverse.storage import Store
from pipelines.stages.blur import BlurFaces
from schemas.images import JPEG
from schemas.layers import KINDS
from tests.datasets import make_dataset, make_shard

PER_SHARD = 4


class Given:
    """A stage that gives its shard as it is."""

    name = "annotate"

    def setup(self, count: Any) -> None:
        pass

    def process(self, item: Any) -> Any:
        return item


def failed(shard: Shard, layer: str, places: set[int]) -> None:
    """Let some rows of a layer be failed ones."""
    rows = shard.layers[layer].to_pylist()
    for at in places:
        rows[at] = {"uid": rows[at]["uid"], "status": "failed", "reason": f"no {layer}"}
    shard.layers[layer] = pa.Table.from_pylist(rows, schema=KINDS[layer.partition("/")[0]].schema)


def blurred(shard: Shard) -> tuple[Shard, dict[str, int]]:
    counts: dict[str, int] = {}

    def count(**more: int) -> None:
        for name, number in more.items():
            counts[name] = counts.get(name, 0) + number

    stage = BlurFaces(Given(), 90)
    stage.setup(count)
    return stage.process(shard), counts


def images(shard: Shard) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = shard.images.to_pylist()
    return rows


def test_pictures_are_others_and_their_rows_say_so() -> None:
    shard = make_shard(0, 0, PER_SHARD, {}, {})
    before = images(shard)
    after = images(blurred(shard)[0])
    for old, new in zip(before, after, strict=True):
        changed = {name for name in old if old[name] != new[name]}
        assert changed >= {"jpeg", "jpg_sha256", "reencoded"}
        assert changed <= {"jpeg", "jpg_sha256", "reencoded", "phash"}
        assert new["reencoded"] is True
        assert new["jpg_sha256"] == hashlib.sha256(new["jpeg"]).hexdigest()
        assert new["phash"] == phash(decode_rgb(new["jpeg"]))
        assert new["uid"] == old["sha256"][:32]


def test_the_stage_goes_by_the_name_of_the_one_in_it() -> None:
    assert BlurFaces(Given(), 90).name == "annotate"


def test_where_nothing_is_known_a_row_is_rejected_everywhere() -> None:
    shard = make_shard(0, 0, PER_SHARD, {}, {})
    gone = shard.uids[1]
    failed(shard, "pose/test", {0, 1})
    failed(shard, "person/test", {1, 2})
    after, counts = blurred(shard)
    assert gone not in after.uids
    assert len(after.uids) == PER_SHARD - 1
    assert all(table.column("uid").to_pylist() == after.uids for table in after.layers.values())
    row = after.ledger.to_pylist()[1]
    assert (row["status"], row["reason"], row["uid"]) == ("rejected", "blur_failed", gone)
    assert row["detail"] == "where faces are is not known: person: no person/test; pose: no pose/test"
    assert after.ledger.schema == shard.ledger.schema
    assert counts == {"kept": -1}


def test_a_picture_that_cannot_be_decoded_is_rejected() -> None:
    shard = make_shard(0, 0, PER_SHARD, {}, {})
    jpegs = shard.images.column(JPEG.name).to_pylist()
    jpegs[2] = b"not a jpeg"
    at = shard.images.schema.get_field_index(JPEG.name)
    shard.images = shard.images.set_column(at, JPEG, pa.array(jpegs, JPEG.type))
    after, _ = blurred(shard)
    row = after.ledger.to_pylist()[2]
    assert row["reason"] == "blur_failed"
    assert "not a JPEG" in row["detail"]


def test_without_people_the_picture_stays_as_it_is() -> None:
    shard = make_shard(0, 0, PER_SHARD, {}, {})
    rows = [
        {**row, "boxes": [], "scores": [], "area_ratios": [], "union_area_ratio": 0.0}
        for row in shard.layers["person/test"].to_pylist()
    ]
    shard.layers["person/test"] = pa.Table.from_pylist(rows, schema=KINDS["person"].schema)
    poses = [{**row, "keypoints": [], "present": [], "scores": []} for row in shard.layers["pose/test"].to_pylist()]
    shard.layers["pose/test"] = pa.Table.from_pylist(poses, schema=KINDS["pose"].schema)
    before = images(shard)
    assert images(blurred(shard)[0]) == before


def test_a_dataset_of_such_shards_is_sound(tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=0, per_shard=PER_SHARD, planned_shards=1)
    shard = make_shard(0, 0, PER_SHARD, {}, {})
    plain = [decode_rgb(row["jpeg"]) for row in images(shard)]
    failed(shard, "pose/test", {3})
    failed(shard, "person/test", {3})
    commit(Store(tmp_path / "people"), blurred(shard)[0])
    dataset = Dataset(str(tmp_path / "people"))
    assert verify(dataset).findings == ()
    samples = list(dataset.samples(["pose"]))
    assert len(samples) == PER_SHARD - 1
    for sample, before in zip(samples, plain, strict=False):
        assert np.abs(sample.image.astype(int) - before).max() > 30


@pytest.mark.parametrize("kind", ["pose", "person"])
def test_the_recipe_must_have_both_annotators(kind: str) -> None:
    from schemas.recipe import load

    with pytest.raises(ValueError, match=f"needs? an? (annotator of kind )?{kind}"):
        load(overrides={"image": {"blur_faces": True}, "annotators": {kind: None, "caption": None}})
