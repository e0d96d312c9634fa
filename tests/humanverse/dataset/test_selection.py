"""What a view gives its readers: filters, expressions and layers together, and plain words where it cannot be read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset import views
from humanverse.dataset.checks.finding import Finding
from humanverse.dataset.create import declare_layer
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.stats import stats
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.dataset.view_counts import count
from humanverse.errors import DatasetError
from humanverse.storage import Store
from pipelines.view import make
from schemas.filters import SCHEMA
from schemas.provenance import fingerprint
from tests.datasets import cards
from tests.humanverse.dataset import damage
from tests.similar import similar_dataset
from tests.views import Row, selected, varied_dataset


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    path = tmp_path_factory.mktemp("selection") / "d"
    return path, varied_dataset(path, per_shard=12)


@pytest.fixture
def folder(made: tuple[Path, list[Row]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "d"))


def second_layer(folder: Path, layer: str = "person/other", of: str = "person/test") -> None:
    """A copy of a layer under another name, with another fingerprint."""
    kind, _, name = layer.partition("/")
    card = {**cards()[of], "kind": kind, "name": name, "layer": layer, "reads": {}, "truth": False}
    declare_layer(Store(folder), layer, {**card, "fingerprint": fingerprint(card)})
    for path in (folder / "layers" / of).glob("*.parquet"):
        shutil.copy(path, folder / "layers" / layer / path.name)


def rows(dataset: Dataset, view: str, layers: Sequence[str] | None = None) -> list[tuple[int, list[str]]]:
    return [(item.columns["row"], sorted(item.layers)) for item in dataset.samples(layers, view=view)]


def problems(dataset: Dataset) -> list[Finding]:
    """What verify finds wrong with views; people and poses of the dataset do not go together."""
    return [item for item in verify(dataset).problems if item.path.startswith("views/")]


def test_samples_count_and_tables_agree(made: tuple[Path, list[Row]], folder: Path) -> None:
    wanted = [row["row"] for row in made[1] if (row["person"]["union_area_ratio"] or 0) > 0.3]
    make(str(folder), "large", ["person.union_area_ratio > 0.3"])
    opened = humanverse.open(str(folder))
    assert 0 < len(wanted) < len(made[1])
    assert rows(opened, "large") == [(row, []) for row in wanted]
    assert opened.count("large") == len(wanted)
    parts = [opened.select("large").read(shard) for shard in opened.shards()]
    assert [row for part in parts for row in part.images.column("row").to_pylist()] == wanted
    for part in parts:
        pose = part.layer("pose", ["scores"])
        assert pose.column_names == ["uid", "scores"]
        assert pose.column("uid").equals(part.images.column("uid"))
        whole = opened.images(part.shard).column("row").to_pylist()
        assert [whole[at] for at in part.positions] == part.images.column("row").to_pylist()


def test_no_view_is_all_samples(folder: Path) -> None:
    opened = humanverse.open(str(folder))
    selection = opened.select(None)
    assert count(selection, opened.shards()).steps == ()
    assert selection.read(1).images.equals(opened.images(1))
    assert opened.select(selection) is selection


def test_pins_are_what_readers_get(folder: Path) -> None:
    second_layer(folder)
    make(str(folder), "pinned", layers=["person=other", "pose=test"])
    opened = humanverse.open(str(folder))
    assert {tuple(layers) for _, layers in rows(opened, "pinned")} == {("person", "pose")}
    assert {tuple(layers) for _, layers in rows(opened, "pinned", [])} == {()}
    assert {tuple(layers) for _, layers in rows(opened, "pinned", ["depth"])} == {("depth",)}
    selection = opened.select("pinned")
    assert selection.resolve("person") == "person/other"
    assert selection.resolve("person/test") == "person/test"
    with pytest.raises(DatasetError, match="several layers of kind person"):
        next(opened.samples(["person"]))
    with pytest.raises(DatasetError, match="only one layer of a kind"):
        next(opened.samples(["person", "person/test"], view="pinned"))


def test_expressions_mean_the_pinned_layer_and_may_name_another(folder: Path) -> None:
    second_layer(folder)

    def nobody(table: pa.Table) -> pa.Table:
        told = [{**row, "status": "ok", "reason": None, "boxes": [], "scores": []} for row in table.to_pylist()]
        return pa.Table.from_pylist(told, schema=table.schema)

    for path in (folder / "layers/person/other").glob("*.parquet"):
        damage.table(path, nobody)
    opened = humanverse.open(str(folder))
    all_of_them = len(opened)
    text = 'person.scores = [] AND len("person/test".boxes) > 0'
    make(str(folder), "one", ["person.scores = []"], ["person=other"])
    make(str(folder), "two", [text], ["person=other"])
    assert opened.count("one") == all_of_them
    assert 0 < opened.count("two") < all_of_them
    assert opened.view("two").card.reads["person"].layer == "person/other"


def test_a_layer_that_came_later_does_not_change_what_a_view_means(folder: Path) -> None:
    make(str(folder), "large", ["person.union_area_ratio > 0.3"])
    before = rows(humanverse.open(str(folder)), "large")
    second_layer(folder)
    assert rows(humanverse.open(str(folder)), "large") == before


def test_a_layer_that_is_gone_or_another_one_is_told(folder: Path) -> None:
    make(str(folder), "large", ["person.union_area_ratio > 0.3"])
    make(str(folder), "posed", layers=["pose=test"])
    card = folder / "layers/person/test/layer.json"
    facts = json.loads(card.read_text())
    card.write_text(json.dumps({**facts, "fingerprint": "0" * 64}))
    opened = humanverse.open(str(folder))
    with pytest.raises(DatasetError, match=r"was made when the layer person/test was another one .* humanverse view"):
        opened.count("large")
    card.unlink()
    with pytest.raises(DatasetError, match=r"needs the layer person/test.* humanverse annotate \S+ person=test"):
        next(opened.samples(view="large"))
    assert opened.count("posed") == len(opened)
    found = status(opened)
    assert (found.views, list(found.view_problems)) == ({"large": 2, "posed": 0}, ["large"])
    notes = [item.message for item in verify(opened).findings if item.path == "views/large.json"]
    assert len(notes) == 1 and "person/test, which is not there" in notes[0]


def test_a_shard_without_the_layer_is_told(folder: Path) -> None:
    second_layer(folder)
    make(str(folder), "large", ['"person/other".union_area_ratio > 0.3'])
    (folder / "layers/person/other/000001.parquet").unlink()
    opened = humanverse.open(str(folder))
    told = r"1 shard of \S+ has no layer person/other yet \(the first is 1\): run humanverse annotate \S+ person=other"
    with pytest.raises(DatasetError, match=told):
        next(opened.samples(view="large"))
    with pytest.raises(DatasetError, match=told):
        next(opened.samples(["person/other"]))
    assert list(opened.samples(view="large", shards=[0]))
    assert status(opened).views == {"large": 1}
    assert "names a layer that 1 of the shards has not" in str(verify(opened).findings)


def test_filters_come_first_and_are_counted(made: tuple[Path, list[Row]], folder: Path) -> None:
    opened = humanverse.open(str(folder))
    first = opened.images(0).to_pylist()[:5]
    gone = [{"row": r["row"], "uid": r["uid"], "of_shard": 0, "of_row": 9, "of_uid": "x", "distance": 0} for r in first]
    table = pa.Table.from_pylist(gone, schema=SCHEMA)
    name = views.write_filter(opened.store, "alike", iter([(0, table)]), [0, 1], {"command": "dedup"}, {})
    chosen = [views.read_filter(opened.store, name)]
    counts = count(selected(opened, ["caption ILIKE '%dance%'", "width > 1"], filters=chosen), [0, 1])
    left = [row for row in made[1] if row["row"] not in {item["row"] for item in gone}]
    unknown = sum(row["caption"] is None for row in left)
    kept = sum("dance" in (row["caption"] or "").lower() for row in left)
    assert [step.step for step in counts.steps] == [name, "caption ILIKE '%dance%'", "width > 1"]
    assert [(s.left_out, s.said_nothing, s.after) for s in counts.steps] == [
        (5, 0, len(left)),
        (len(left) - unknown - kept, unknown, kept),
        (0, 0, kept),
    ]


def test_samples_of_one_uid_are_told_apart(tmp_path: Path) -> None:
    store = similar_dataset(tmp_path / "d", [[{"picture": 1}, {"picture": 1, "caption": "second"}, {"picture": 2}]])
    opened = humanverse.open(store.url)
    part = selected(opened, ["caption = 'second'"]).read(0)
    assert part.images.column("row").to_pylist() == [1]
    assert part.layer("person").num_rows == 1
    assert [item.columns["row"] for item in opened.samples(["pose"], view=part.selection.view)] == [1]


def test_tombstoned_samples_are_in_no_view(folder: Path) -> None:
    gone = humanverse.open(str(folder)).images(0).column("uid")[0].as_py()
    Store(folder).write("tombstones/0.parquet", parquet_bytes(pa.table({"uid": [gone]})))
    make(str(folder), "all", ["true"])
    opened = humanverse.open(str(folder))
    assert gone not in [item.uid for item in opened.samples(view="all")]
    counts = opened.view("all").card.counts
    assert counts is not None and counts.samples == counts.kept == len(opened) == 23


def test_only_layers_and_columns_that_are_named_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = humanverse.open(str(folder))
    asked: list[tuple[str, Sequence[str] | None]] = []
    layer = Dataset.layer

    def watched(self: Dataset, name: str, shard: int, images: pa.Table, columns: Sequence[str] | None) -> pa.Table:
        asked.append((name, columns and tuple(columns)))
        return layer(self, name, shard, images, columns)

    monkeypatch.setattr(Dataset, "layer", watched)
    part = selected(opened, ["list_max(person.scores) > 0.1", "person.boxes <> []", "width > 1"]).read(0, ["height"])
    assert asked == [("person/test", ("boxes", "scores"))]
    assert part.images.column_names == ["uid", "height"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("widht > 3", "no column of the images table and no kind of layer is called widht; near: width"),
        ("persons.boxes = []", "is called persons; near: person"),
        ("zzzzzz > 3", r"is called zzzzzz; near: none; there are (\w+, ){4}\w+ and \d+ more$"),
        ("person.box = []", "the layer person/test has no column box; near: boxes"),
        ("person IS NULL", "person is a kind of layer: name one of its columns, such as person"),
        ("caption > 3", "shard 0: the expression caption > 3: Cannot compare"),
    ],
)
def test_columns_that_are_not_there(folder: Path, text: str, why: str) -> None:
    opened = humanverse.open(str(folder))
    for attempt in (lambda s: s.check_expressions(0), lambda s: s.read(0), lambda s: s.read(0, ["row"])):
        with pytest.raises(DatasetError, match=why) as caught:
            attempt(selected(opened, [text]))
        assert "\n" not in str(caught.value)


def test_a_view_of_somebody_else_is_checked_when_it_is_read(folder: Path) -> None:
    make(str(folder), "fine", ["width > 1"])
    for text, why in (
        ("EXISTS (FROM read_csv('/etc/passwd'))", "a subquery is not allowed"),
        ("widht > 1", "is called widht"),
        ("pose.scores = []", "does not say which layer pose is"),
    ):
        damage.card(folder / "views/fine.json", where=[text])
        opened = humanverse.open(str(folder))
        with pytest.raises(DatasetError, match=why):
            next(opened.samples(view="fine"))
        (problem,) = problems(opened)
        assert problem.path == "views/fine.json" and why in problem.message


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": {"pose": {"layer": "../../x/y", "fingerprint": ""}}},
        {"layers": {"pose": {"layer": "person/test", "fingerprint": ""}}},
        {"reads": {"pose/other": {"layer": "pose/test", "fingerprint": ""}}},
        {"where": "width > 1"},
        {"counts": {"shards": 1, "samples": 2, "steps": [
            {"step": "x", "before": 2, "left_out": 1, "said_nothing": 1, "after": 1}]}},
    ],
)  # fmt: skip
def test_a_damaged_card_is_refused(folder: Path, changes: dict[str, object]) -> None:
    make(str(folder), "fine", ["width > 1"])
    damage.card(folder / "views/fine.json", **changes)
    opened = humanverse.open(str(folder))
    with pytest.raises(DatasetError, match="is damaged"):
        opened.view("fine")
    assert [finding.path for finding in problems(opened)] == ["views/fine.json"]


def test_figures_of_a_view_are_of_its_samples(made: tuple[Path, list[Row]], folder: Path) -> None:
    make(str(folder), "one", ["len(person.boxes) = 1"])
    wanted = sum(len(row["person"]["boxes"] or ()) == 1 for row in made[1])
    found = stats(humanverse.open(str(folder)), "one")
    assert found["numbers"]["person/test.boxes"] == {
        "count": wanted,
        **dict.fromkeys(("mean", "min", "p5", "p50", "p95", "max"), 1.0),
    }
    assert found["counts"]["person/test.status"] == {"ok": wanted}
    assert found["numbers"]["image.width"]["count"] == wanted


def test_a_view_that_keeps_nothing_can_be_read(folder: Path) -> None:
    make(str(folder), "none", ["false"])
    opened = humanverse.open(str(folder))
    assert rows(opened, "none", ["pose"]) == []
    assert opened.select("none").read(0).positions.dtype == np.int64
