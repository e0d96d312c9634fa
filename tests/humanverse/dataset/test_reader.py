"""What goes out of a dataset: whole, aligned, one shard in memory, and never a tombstoned sample."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import humanverse
from humanverse.codec import encode_jpeg
from humanverse.dataset.commit import commit
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.stats import collect
from humanverse.errors import DatasetError
from humanverse.report import holdings, samples
from tests.datasets import HEIGHT, LAYERS, WIDTH, make_dataset, make_shard, picture
from tests.humanverse.dataset import damage
from tests.humanverse.dataset.stores import RecordingStore


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    make_dataset(tmp_path / "d", shards=2, per_shard=3)
    return humanverse.open(str(tmp_path / "d"))


def folder(dataset: Dataset) -> Path:
    return Path(dataset.store.url)


def reopened(dataset: Dataset) -> Dataset:
    return humanverse.open(dataset.store.url)


def test_every_sample_comes_once_in_order_with_its_rows(dataset: Dataset) -> None:
    found = list(dataset.samples(["person", "pose/test", "caption"]))
    assert [sample.columns["row"] for sample in found] == [0, 1, 2, 6, 7, 8]
    assert [sample.shard for sample in found] == [0, 0, 0, 1, 1, 1]
    assert len(dataset) == len(found) == 6
    for sample in found:
        assert sample.layers.keys() == {"person", "pose", "caption"}
        assert {row["uid"] for row in sample.layers.values()} == {sample.uid}
        assert sample.layers["caption"]["text"] == f"one person, row {sample.columns['row']}"
        assert sample.jpeg == encode_jpeg(picture(sample.columns["row"]), 90)
        assert sample.image.shape == (HEIGHT, WIDTH, 3)


def test_chosen_shards(dataset: Dataset) -> None:
    assert [sample.columns["row"] for sample in dataset.samples(shards=[1])] == [6, 7, 8]


def test_what_is_read_by_range_is_what_is_read_whole(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("humanverse.dataset.reader.Store", RecordingStore)
    dataset = Dataset(dataset.store.url)
    assert isinstance(dataset.store, RecordingStore)
    for sample in dataset.samples(["depth"]):
        assert dataset.jpeg(sample.shard, sample.columns) == sample.jpeg
        png = dataset.map_png("depth", sample.shard, sample.layers["depth"])
        assert png is not None and png.startswith(b"\x89PNG")
    assert len(dataset.store.ranges) == 2 * 6
    for path, _, size in dataset.store.ranges:
        assert size < dataset.store.size(path) / 3


def test_a_row_without_a_map_has_none(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, unavailable={"depth": "no estimator"})
    dataset = humanverse.open(str(tmp_path / "d"))
    assert dataset.map_png("depth", 0, dataset.layer("depth", 0).to_pylist()[0]) is None


def bury(dataset: Dataset, *uids: str) -> Dataset:
    dataset.store.write("tombstones/0.parquet", parquet_bytes(pa.table({"uid": list(uids)})))
    return reopened(dataset)


def _in_samples(dataset: Dataset) -> set[str]:
    return {sample.uid for sample in dataset.samples(LAYERS)}


def _in_tables(read: Callable[[Dataset, int], pa.Table]) -> Callable[[Dataset], set[str]]:
    return lambda dataset: {uid for shard in dataset.shards() for uid in read(dataset, shard).column("uid").to_pylist()}


def _in_layer(layer: str) -> Callable[[Dataset], set[str]]:
    return _in_tables(lambda dataset, shard: dataset.layer(layer, shard))


READERS: dict[str, Callable[[Dataset], set[str]]] = {
    "samples": _in_samples,
    "iteration": lambda dataset: {sample.uid for sample in dataset},
    "images": _in_tables(lambda dataset, shard: dataset.images(shard)),
    **{layer: _in_layer(layer) for layer in LAYERS},
    "report": lambda dataset: {
        card.uid
        for card in samples.read(dataset, samples.shown_layers(dataset), holdings.read(dataset).samples, wanted=100)
    },
}


@pytest.mark.parametrize("name", READERS)
def test_no_reader_returns_a_tombstoned_sample(dataset: Dataset, name: str) -> None:
    uids = sorted(_in_samples(dataset))
    assert READERS[name](dataset) == set(uids)
    assert READERS[name](bury(dataset, uids[0], uids[3])) == set(uids) - {uids[0], uids[3]}


def test_nothing_counts_a_tombstoned_sample(dataset: Dataset) -> None:
    after = bury(dataset, *[sample.uid for sample in dataset.samples(shards=[0])][:2])
    assert len(after) == 4
    series, counts = collect(after)
    assert series["image.width"].count == 4
    assert {sum(counter.values()) for counter in counts.values()} == {4}
    assert holdings.read(after).total == 4


def test_a_row_that_was_read_before_the_burial_opens_nothing(dataset: Dataset) -> None:
    sample = next(dataset.samples(["depth"]))
    after = bury(dataset, sample.uid)
    for read in (
        lambda: after.jpeg(sample.shard, sample.columns),
        lambda: after.map_png("depth", sample.shard, sample.layers["depth"]),
    ):
        with pytest.raises(DatasetError, match="is not served"):
            read()


def test_damaged_tombstones_stop_every_reader(dataset: Dataset) -> None:
    dataset.store.write("tombstones/0.parquet", b"damaged")
    with pytest.raises(DatasetError, match=r"tombstones/0.parquet is damaged"):
        list(dataset.samples())
    dataset.store.write("tombstones/0.parquet", parquet_bytes(pa.table({"name": ["a"]})))
    with pytest.raises(DatasetError, match="no column uid"):
        reopened(dataset).images(0)


@pytest.mark.parametrize("rows", [[1, 0, 2], [0, 1], [0, 1, 2, 2]], ids=["swapped", "missing", "twice"])
def test_a_layer_that_does_not_match_is_an_error(dataset: Dataset, rows: list[int]) -> None:
    damage.take(folder(dataset) / "layers/pose/test/000000.parquet", rows)
    for read in (lambda: dataset.layer("pose", 0), lambda: list(dataset.samples(["pose"]))):
        with pytest.raises(DatasetError, match="layer pose/test does not match the images of shard 0"):
            read()
    assert dataset.layer("pose", 1).num_rows == 3


@pytest.mark.parametrize(
    ("path", "damage_it", "says"),
    [
        ("images/000000.parquet", Path.unlink, "is missing"),
        ("images/000000.parquet", lambda path: damage.flip(path, 60), "is damaged"),
        ("layers/pose/test/000000.parquet", lambda path: damage.cut(path, 9), "is damaged"),
        ("images/000000.tar", Path.unlink, "is missing"),
        ("images/000000.tar", lambda path: damage.cut(path, 20_000), "ends early"),
    ],
)
def test_damage_is_one_line_that_names_the_file(
    dataset: Dataset, path: str, damage_it: Callable[[Path], None], says: str
) -> None:
    rows = dataset.images(0).to_pylist()
    damage_it(folder(dataset) / path)
    with pytest.raises(DatasetError) as error:
        list(dataset.samples(["pose"]))
    assert path in str(error.value) and says in str(error.value) and "\n" not in str(error.value)
    if path.endswith(".tar"):
        with pytest.raises(DatasetError, match=says):
            dataset.jpeg(0, rows[-1])


def test_resolve_takes_a_kind_or_a_full_name(dataset: Dataset) -> None:
    assert dataset.resolve("pose") == dataset.resolve("pose/test") == "pose/test"
    for missing in ("normal", "pose/other", "pos", ""):
        with pytest.raises(DatasetError, match="there are caption/test, depth/test, person/test, pose/test"):
            dataset.resolve(missing)
    dataset.store.write("layers/pose/other/layer.json", b"{}")
    with pytest.raises(DatasetError, match="name one of pose/other, pose/test"):
        dataset.resolve("pose")
    assert dataset.resolve("pose/other") == "pose/other"
    with pytest.raises(DatasetError, match="only one layer of a kind"):
        next(dataset.samples(["pose/test", "pose/other"]))


def test_a_layer_that_is_being_added_has_fewer_shards(dataset: Dataset) -> None:
    (folder(dataset) / "layers/pose/test/000001.parquet").unlink()
    assert dataset.layer_shards("pose/test") == {0}
    with pytest.raises(DatasetError, match=r"layers/pose/test/000001.parquet is missing"):
        dataset.layer("pose", 1)


def test_a_dataset_goes_to_other_processes(dataset: Dataset) -> None:
    assert [s.uid for s in pickle.loads(pickle.dumps(dataset))] == [s.uid for s in dataset]


def test_pictures_are_in_memory_one_by_one(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=0, per_shard=6, planned_shards=1)
    shard = make_shard(0, 0, 6, {}, {})
    noise = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), np.uint8)
    jpegs = pa.array([encode_jpeg(noise, 95)] * 6, pa.large_binary())
    shard.images = shard.images.set_column(shard.images.num_columns - 1, "jpeg", jpegs)
    commit(store, shard)
    dataset = humanverse.open(str(tmp_path / "d"))
    tracemalloc.start()
    assert sum(len(sample.jpeg) for sample in dataset) == 6 * len(jpegs[0].as_py())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * store.size("images/000000.tar")
