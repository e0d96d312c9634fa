"""Two layers of a dataset: shards, views, the worst, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

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

Change = Callable[[int, dict[str, Any]], dict[str, Any]]


def add_layer(dataset: Dataset, layer: str, like: str, change: Change, shards: list[int] | None = None) -> None:
    """A layer whose rows are ``change`` (of the source row and the row) of those of ``like``."""
    kind, _, name = layer.partition("/")
    card = dataset.layer_card(like)
    facts = {
        **{key: card[key] for key in ("kind", "version", "model", "weights", "needs")},
        "name": name,
        "settings": {},
    }
    declare_layer(dataset.store, layer, {**facts, "licence": "CC0-1.0", "fingerprint": fingerprint(facts)})
    for shard in dataset.shards() if shards is None else shards:
        target = Target.open(dataset, shard)
        numbers = target.images.column("row").to_pylist()
        rows = [change(number, row) for number, row in zip(numbers, target.layer(like).to_pylist(), strict=True)]
        target.publish(layer, pa.Table.from_pylist(rows, schema=KINDS[kind].schema))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Source rows 0 to 2 and 6 to 8."""
    make_dataset(tmp_path / "people")
    return Dataset(str(tmp_path / "people"))


def longer(row: int, said: dict[str, Any]) -> dict[str, Any]:
    """The caption of row n, n words longer."""
    return {**said, "text": said["text"] + " and" * row}


@pytest.mark.parametrize("kind", ["person", "pose", "caption", "depth"])
def test_a_layer_agrees_with_itself(tmp_path: Path, kind: str) -> None:
    store = make_dataset(tmp_path / "people", shards=1, per_shard=2)
    found = compare(Dataset(store.url), kind, "test", "test")
    assert found.compared == 2
    assert [item for item in found.worst if item.value > 1e-6] == []
    assert found.findings.tables


def test_the_worst_come_first_over_all_shards(dataset: Dataset) -> None:
    add_layer(dataset, "caption/longer", "caption/test", longer)
    found = compare(dataset, "caption", "longer", "test", worst=3)
    assert [item.url for item in found.worst] == [f"https://pictures.example/{row}.jpg" for row in (8, 7, 6)]
    values = [item.value for item in found.worst]
    assert values == sorted(values, reverse=True)
    assert (found.worst[0].shard, found.worst[0].position) == (1, 2)
    assert len(compare(dataset, "caption", "longer", "test").worst) == 5, "the one that is equal is not among them"
    assert compare(dataset, "caption", "longer", "test", worst=0).worst == ()


def test_rows_that_say_nothing_are_counted_and_not_compared(dataset: Dataset) -> None:
    nothing = dict.fromkeys(field.name for field in KINDS["caption"].columns)

    def silent(row: int, said: dict[str, Any]) -> dict[str, Any]:
        return said if row < 6 else {**said, **nothing, "status": "failed", "reason": "broken"}

    add_layer(dataset, "caption/silent", "caption/test", silent)
    found = compare(dataset, "caption", "silent", "test")
    assert dict(found.statuses) == {("ok", "ok"): 3, ("failed", "ok"): 3}
    assert (found.compared, found.samples, found.findings.figures["pictures"]) == (3, 6, 3)
    assert [item.url for item in found.only_one] == [f"https://pictures.example/{row}.jpg" for row in (6, 7, 8)]
    assert {(item.layer, item.status, item.reason) for item in found.only_one} == {
        ("caption/silent", "failed", "broken")
    }


def test_no_row_is_ok_in_both(dataset: Dataset) -> None:
    nothing = dict.fromkeys(field.name for field in KINDS["caption"].columns)
    add_layer(
        dataset,
        "caption/none",
        "caption/test",
        lambda row, said: {**said, **nothing, "status": "failed", "reason": "x"},
    )
    found = compare(dataset, "caption", "none", "test")
    assert found.compared == 0 and found.worst == () and found.findings.tables == ()


def test_shards_without_one_of_them_are_left_out_and_told(dataset: Dataset) -> None:
    add_layer(dataset, "caption/half", "caption/test", longer, shards=[1])
    found = compare(dataset, "caption", "half", "test")
    assert (found.shards, dict(found.lacking), found.samples) == ((1,), {"caption/half": 1}, 3)


def test_no_shard_with_both(dataset: Dataset) -> None:
    add_layer(dataset, "caption/empty", "caption/test", longer, shards=[])
    with pytest.raises(
        UserError, match=r"complete caption/empty with humanverse annotate .*people caption=empty"
    ) as caught:
        compare(dataset, "caption", "empty", "test")
    assert "\n" not in str(caught.value)


def test_only_the_samples_of_a_view(dataset: Dataset) -> None:
    add_layer(dataset, "caption/longer", "caption/test", longer)
    uid = dataset.images(1).column("uid")[2].as_py()
    row = {"row": 8, "uid": uid, "of_shard": 1, "of_row": 7, "of_uid": "a" * 32, "distance": 0}
    gone = pa.Table.from_pylist([row], schema=SCHEMA)
    write_view(
        dataset.store, "few", [write_filter(dataset.store, "few", iter([(1, gone)]), [0, 1], {"command": "dedup"}, {})]
    )
    found = compare(dataset, "caption", "longer", "test", view="few")
    assert (found.view, found.samples) == ("few", 5)
    assert (found.worst[0].shard, found.worst[0].position) == (1, 1)
    with pytest.raises(DatasetError, match="no view many"):
        compare(dataset, "caption", "longer", "test", view="many")


def test_poses_are_weighed_with_the_layer_that_they_were_made_from(dataset: Dataset) -> None:
    """The second person's box has score 0.25, below the recipe's 0.4."""
    found = compare(dataset, "pose", "test", "test")
    assert dict(found.a.reads) == {"person": "person/test"}
    assert found.findings.figures["people"]["people_a"] == 6


def test_a_card_that_names_what_it_read(dataset: Dataset) -> None:
    add_layer(dataset, "person/other", "person/test", lambda row, said: said)
    path = layout.layer_card("pose/test")
    card = {**dataset.layer_card("pose/test"), "reads": {"person": "person/other"}}
    dataset.store.write(path, json_bytes(card))
    assert dict(compare(dataset, "pose", "test", "test").a.reads) == {"person": "person/other"}


@pytest.mark.parametrize(
    ("kind", "a", "b", "why"),
    [
        ("gaze", "test", "test", "cannot compare 'gaze': choose a kind from person, pose"),
        ("pose", "other", "test", "no pose layer 'other' in .*: there are test"),
        ("normal", "a", "b", "no normal layer 'a' in .*: there are none"),
    ],
)
def test_what_is_not_there(dataset: Dataset, kind: str, a: str, b: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        compare(dataset, kind, a, b)


def test_a_dataset_without_shards(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "people", shards=0, planned_shards=2)
    with pytest.raises(UserError, match="no committed shard"):
        compare(Dataset(store.url), "pose", "test", "test")


def test_truth_belongs_on_the_other_side(dataset: Dataset) -> None:
    path = layout.layer_card("caption/test")
    dataset.store.write(path, json_bytes({**dataset.layer_card("caption/test"), "truth": True}))
    add_layer(dataset, "caption/other", "caption/test", longer)
    assert "give it as NAME_B" in compare(dataset, "caption", "test", "other").notes[-1]
    assert not any("NAME_B" in note for note in compare(dataset, "caption", "other", "test").notes)
