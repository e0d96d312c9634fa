"""The report card: a row for each layer beside ground truth."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from humanverse.compare import depth
from humanverse.compare.card import card
from humanverse.compare.run import compare
from humanverse.dataset import layout
from humanverse.dataset.adding import Target
from humanverse.dataset.create import declare_layer, json_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import write_filter, write_view
from humanverse.errors import DatasetError, UserError
from schemas.filters import SCHEMA
from schemas.layers import KINDS
from schemas.provenance import fingerprint
from tests.datasets import make_dataset
from tests.humanverse.compare.test_run import add_layer, longer
from tests.humanverse.compare.test_truth import mark


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two shards of three; truth of persons, poses and captions, and an estimator's persons and poses as they are."""
    make_dataset(tmp_path / "people")
    dataset = Dataset(str(tmp_path / "people"))
    for kind in ("person", "pose"):
        add_layer(dataset, f"{kind}/truth", f"{kind}/test", lambda row, said: said)
        mark(dataset, f"{kind}/truth")
    add_layer(dataset, "caption/truth", "caption/test", longer)
    return dataset


def test_every_layer_with_what_compare_says_of_it(dataset: Dataset) -> None:
    samples: list[int] = []
    found = card(dataset, done=samples.append)
    assert [row.layer for row in found.rows] == ["person/test", "pose/test", "caption/test"]
    assert samples == [3] * 6
    for row in found.rows:
        alone = compare(dataset, row.kind, row.name, "truth")
        assert row.comparison.findings.figures == alone.findings.figures
        assert row.comparison.worst == ()
        assert (row.compared, row.failed, row.unavailable) == (6, 0, 0)
    person, pose, caption = found.rows
    assert (person.headlines[0].name, person.headlines[0].value) == ("AP", pytest.approx(1))
    assert pose.covered == pytest.approx(1 / 2), "the second person of each picture is below the gate's score"
    assert caption.covered is None and len(caption.headlines) == 2


def test_rows_that_are_not_ok(dataset: Dataset) -> None:
    nothing = dict.fromkeys(field.name for field in KINDS["caption"].columns)
    statuses = {0: "failed", 1: "unavailable", 6: "failed"}

    def silent(row: int, said: dict[str, Any]) -> dict[str, Any]:
        return {**said, **nothing, "status": statuses[row], "reason": "x"} if row in statuses else said

    add_layer(dataset, "caption/silent", "caption/test", silent)
    row = next(row for row in card(dataset).rows if row.layer == "caption/silent")
    assert (row.compared, row.failed, row.unavailable) == (3, 2, 1)
    add_layer(dataset, "caption/mute", "caption/test", lambda row, said: silent(row % 2, said))
    row = next(row for row in card(dataset).rows if row.layer == "caption/mute")
    assert row.compared == 0 and {item.value for item in row.headlines} == {None}


def test_one_that_was_made_from_truth_is_told(dataset: Dataset) -> None:
    assert [row.given for row in card(dataset).rows] == [(), (), ()]
    for layer, reads in (("pose/test", {"person": "person/truth"}), ("caption/test", {"pose": "pose/test"})):
        written = {**dataset.layer_card(layer), "reads": reads}
        dataset.store.write(layout.layer_card(layer), json_bytes(written))
    assert [row.given for row in card(dataset).rows] == [(), ("person/truth",), ("person/truth",)]


def test_what_cannot_be_compared_is_left_out_and_told(dataset: Dataset) -> None:
    add_layer(dataset, "caption/none", "caption/test", longer, shards=[])
    found = card(dataset)
    assert [row.layer for row in found.rows] == ["person/test", "pose/test", "caption/test"]
    assert list(found.left_out) == ["caption/none"] and "no shard has both" in found.left_out["caption/none"]
    with pytest.raises(UserError, match="no shard has both"):
        card(dataset, "none")


def test_a_choice_of_pictures(dataset: Dataset) -> None:
    asked: list[list[int]] = []

    def choose(shards: Sequence[int]) -> dict[int, list[int]]:
        asked.append([*shards])
        return {1: [0, 2]}

    found = card(dataset, choose=choose)
    assert asked == [[0, 1]] * 3
    assert [row.compared for row in found.rows] == [2, 2, 2]
    chosen = compare(dataset, "caption", "test", "truth", only={0: [1], 1: [0, 2]})
    assert chosen.samples == 3
    assert {(item.shard, item.position) for item in chosen.worst} == {(0, 1), (1, 0), (1, 2)}


def test_only_the_samples_of_a_view(dataset: Dataset) -> None:
    """The view leaves out the first sample of shard 1; a choice is then of those that are left."""
    row = {"row": 6, "uid": dataset.images(1).column("uid")[0].as_py(), "of_shard": 1, "of_row": 7, "of_uid": "a" * 32}
    gone = pa.Table.from_pylist([{**row, "distance": 0}], schema=SCHEMA)
    left_out = write_filter(dataset.store, "few", iter([(1, gone)]), [0, 1], {"command": "dedup"}, {})
    write_view(dataset.store, "few", [left_out])
    assert [row.compared for row in card(dataset, view="few").rows] == [5, 5, 5]
    first = compare(dataset, "caption", "test", "truth", view="few", only={1: [0]}).worst
    assert [(item.shard, item.position) for item in first] == [(1, 1)]


def test_a_view_that_is_not_there(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="no view many"):
        card(dataset, view="many")


def test_a_map_that_is_damaged_is_one_line_and_one_layer(dataset: Dataset) -> None:
    truth = {**dataset.layer_card("depth/test"), "settings": {"truth": True}}
    declare_layer(dataset.store, "depth/truth", {**truth, "fingerprint": fingerprint(truth)})
    for shard in dataset.shards():
        target = Target.open(dataset, shard)
        made = [{**row, "map": b"no map"} for row in target.layer("depth/test").to_pylist()]
        schema = KINDS["depth"].schema.append(pa.field("map", pa.large_binary()))
        target.publish("depth/truth", pa.Table.from_pylist(made, schema=schema))
    with pytest.raises(
        DatasetError, match=r"what depth/test or depth/truth says of [0-9a-f]{32} \(shard 0\) cannot be read"
    ):
        compare(dataset, "depth", "test", "truth")
    found = card(dataset)
    assert list(found.left_out) == ["depth/test"] and len(found.rows) == 3


def test_maps_are_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20 pictures there are never the maps of more than one or two."""
    make_dataset(tmp_path / "people", shards=2, per_shard=10)
    dataset = Dataset(str(tmp_path / "people"))
    decoded: list[weakref.ref[np.ndarray]] = []
    alive = []
    decode = depth.decode_depth

    def counted(*arguments: Any) -> np.ndarray:
        made = decode(*arguments)
        decoded.append(weakref.ref(made))
        alive.append(sum(one() is not None for one in decoded))
        return made

    monkeypatch.setattr(depth, "decode_depth", counted)
    assert compare(dataset, "depth", "test", "test").compared == 20
    assert len(decoded) == 40 and max(alive) <= 4
