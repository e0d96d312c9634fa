"""What is forgotten leaves the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import humanverse
from humanverse.blocklists.keys import of_source
from humanverse.dataset import tombstones, views
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError
from humanverse.storage import Store
from pipelines.cli import app
from pipelines.compact import compact
from pipelines.dedup import dedup
from pipelines.forget import Request, forget
from tests.datasets import LAYERS, make_dataset, make_retry
from tests.pipelines.forgetting.datasets import Killed, copies, everything, pieces, uids


def test_compact_leaves_no_byte_of_it(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    samples = list(dataset.samples(["depth"]))
    gone, stays = [samples[1], samples[2], samples[9]], [samples[i] for i in (0, 3, 4, 5, 6, 7, 8, 10, 11)]
    maps = [dataset.map_png("depth", item.shard, item.layers["depth"]) or b"" for item in gone]
    living = b"".join(item.jpeg + (dataset.map_png("depth", item.shard, item.layers["depth"]) or b"") for item in stays)
    before = everything(folder)
    forget(str(folder), Request(uids=tuple(item.uid for item in gone)))
    done = compact(str(folder))
    assert (done.rewritten, done.samples, done.rows, done.maps, done.checked) == ([0, 2], 3, 3, 3, 2)
    after = everything(folder)
    assert {path for path in before if "000001" in path} <= {path for path in after if after[path] == before.get(path)}
    content = b"".join(after.values())
    assert all(pieces(item.jpeg, living) for item in gone)
    for item, png in zip(gone, maps, strict=True):
        for piece in [*pieces(item.jpeg, living), *pieces(png, living), item.columns["url"].encode()]:
            assert piece not in content
    for path in after:
        if path.startswith(("ledger", "images", "layers")) and path.endswith(".parquet"):
            named = {
                value
                for column in pq.read_table(folder / path).columns
                for value in column.to_pylist()
                if isinstance(value, str)
            }
            assert named.isdisjoint(
                {text for item in gone for text in (item.uid, item.columns["url"], item.columns["sha256"])}
            )
    for reader in (dataset, humanverse.open(str(folder))):
        left = list(reader.samples(LAYERS))
        assert [(item.uid, item.jpeg) for item in left] == [(item.uid, item.jpeg) for item in stays]
        for item in left:
            assert reader.jpeg(item.shard, item.columns) == item.jpeg
            png = reader.map_png("depth", item.shard, item.layers["depth"])
            assert png == next(dataset.map_png("depth", o.shard, o.layers["depth"]) for o in left if o.uid == item.uid)
    report = verify(humanverse.open(str(folder)))
    assert report.sound and (report.rows, report.samples) == (21, 9)
    nothing = compact(str(folder))
    assert (nothing.rewritten, nothing.stale) == ([], 0)
    assert everything(folder) == after


def test_rows_that_were_read_before_open_the_same_pictures_afterwards(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    rows = {shard: dataset.images(shard).to_pylist() for shard in dataset.shards()}
    maps = {shard: dataset.layer("depth", shard).to_pylist() for shard in rows}
    before = {row["uid"]: dataset.jpeg(shard, row) for shard in rows for row in rows[shard]}
    pngs = {row["uid"]: dataset.map_png("depth", shard, row) for shard in maps for row in maps[shard]}
    first = rows[0][0]["uid"]
    forget(str(folder), Request(uids=(first,)))
    compact(str(folder))
    for shard in rows:
        for row, said in zip(rows[shard], maps[shard], strict=True):
            if row["uid"] == first:
                with pytest.raises(DatasetError, match="not served"):
                    dataset.jpeg(shard, row)
            else:
                assert dataset.jpeg(shard, row) == before[row["uid"]]
                assert dataset.map_png("depth", shard, said) == pngs[row["uid"]]


def test_a_reader_in_the_middle_goes_on(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    expected = uids(dataset)
    reading = dataset.samples(["depth"])
    seen = [next(reading).uid]
    forget(str(folder), Request(uids=(expected[2], expected[10])))
    compact(str(folder))
    seen += [sample.uid for sample in reading]
    assert seen == [uid for uid in expected if uid not in (expected[2], expected[10])]


def test_a_reader_that_was_open_before_reads_the_same_shards_again(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    shards, first = dataset.shards(), uids(dataset)[0]
    forget(str(folder), Request(uids=(first,)))
    compact(str(folder))
    assert dataset.layer_shards("pose/test") == frozenset(shards)
    assert len(list(dataset.samples(["pose"], shards=shards))) == 11


@pytest.mark.parametrize("writes", range(14))
def test_killed_after_any_write_nothing_is_lost_and_it_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    expected = uids(humanverse.open(str(folder)))
    forget(str(folder), Request(uids=(expected[1], expected[5])))
    alive = [uid for uid in expected if uid not in (expected[1], expected[5])]
    left = [writes]
    publish, remove = Store._publish, Store.remove

    def counted(call: Callable[..., None]) -> Callable[..., None]:
        def wrapper(self: Store, *args: object) -> None:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            call(self, *args)

        return wrapper

    with monkeypatch.context() as patch:
        patch.setattr(Store, "_publish", counted(publish))
        patch.setattr(Store, "remove", counted(remove))
        with pytest.raises(Killed):
            compact(str(folder))
    assert uids(humanverse.open(str(folder))) == alive
    assert verify(humanverse.open(str(folder))).sound
    compact(str(folder))
    assert uids(humanverse.open(str(folder))) == alive
    assert [finding for finding in verify(humanverse.open(str(folder))).findings if ".g" in finding.path] == []
    assert not list(folder.glob("images/000000.tar"))


def test_twice_compacted_is_a_further_generation(folder: Path) -> None:
    for number in (1, 2):
        forget(str(folder), Request(uids=(uids(humanverse.open(str(folder)))[0],)))
        assert compact(str(folder)).rewritten == [0]
        assert [path.name for path in sorted(folder.glob("images/000000*"))] == [
            f"000000.g{number}.parquet",
            f"000000.g{number}.tar",
        ]
    assert verify(humanverse.open(str(folder))).sound


def test_rows_that_were_retried_are_redacted_in_both_ledgers(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3)
    made = make_retry(tmp_path / "d", ["timeout"], kept=(3, 9))
    assert made is not None
    dataset = humanverse.open(str(tmp_path / "d"))
    sample = next(item for item in dataset if item.columns["row"] == 3)
    forget(str(tmp_path / "d"), Request(urls=(sample.columns["url"],)))
    done = compact(str(tmp_path / "d"))
    assert done.rewritten == [0, made.numbers.start]
    assert sample.columns["url"].encode() not in b"".join(everything(tmp_path / "d").values())
    report = verify(humanverse.open(str(tmp_path / "d")))
    assert report.sound, report.problems


def test_a_group_that_loses_its_head_gets_another(tmp_path: Path) -> None:
    copies(tmp_path / "d")
    url = str(tmp_path / "d")
    assert dedup(url).left_out == 3
    dataset = humanverse.open(url)
    head = next(iter(dataset.samples(view="dedup")))
    assert head.columns["row"] == 0
    found = forget(url, Request(uids=(head.uid,)))
    assert found.similar_left == 3
    done = compact(url)
    assert done.filters == ["dedup/000001"]
    rows = [sample.columns["row"] for sample in humanverse.open(url).samples(view="dedup")]
    assert 1 in rows and not {0, 7, 14} & set(rows)
    assert views.generations(dataset.store, "dedup") == ["dedup/000001"]
    report = verify(humanverse.open(url))
    assert report.sound, report.problems


def test_a_reader_of_a_view_goes_on_when_its_filter_is_replaced(tmp_path: Path) -> None:
    url = str(tmp_path / "d")
    copies(tmp_path / "d")
    dedup(url)
    dataset = humanverse.open(url)
    reading = dataset.samples(view="dedup")
    head = next(reading)
    forget(url, Request(uids=(head.uid,)))
    compact(url)
    rest = [sample.columns["row"] for sample in reading]
    assert rest == [s.columns["row"] for s in humanverse.open(url).samples(view="dedup") if s.columns["row"] > 1]


def test_what_only_its_url_names_leaves_filters_too(tmp_path: Path) -> None:
    url = str(tmp_path / "d")
    copies(tmp_path / "d")
    dataset = humanverse.open(url)
    dedup(url)
    head = next(iter(dataset))
    key = of_source(str(head.columns["url"]))
    tombstones.write(Store(url), Tombstones(url_keys=frozenset([key])), "asked to")
    done = compact(url)
    assert (done.rewritten, done.samples, done.filters) == ([0], 1, ["dedup/000001"])
    assert dataset.forgotten.uids == {head.uid}
    assert verify(humanverse.open(url)).sound


def test_a_shard_without_samples_is_compacted_too(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=1)
    dataset = humanverse.open(str(tmp_path / "d"))
    sample = next(iter(dataset))
    lost = dataset.ledger_as_written(0).to_pylist()[2]["url"]
    forget(str(tmp_path / "d"), Request(uids=(sample.uid,)))
    assert compact(str(tmp_path / "d")).samples == 1
    forget(str(tmp_path / "d"), Request(urls=(lost,)))
    done = compact(str(tmp_path / "d"))
    assert (done.rewritten, done.samples, done.rows, done.maps, done.failed) == ([0], 0, 1, 0, {})
    assert lost.encode() not in b"".join(everything(tmp_path / "d").values())
    assert verify(humanverse.open(str(tmp_path / "d"))).sound


def test_a_damaged_shard_keeps_the_others_from_nothing(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    gone = [next(item for item in dataset if item.shard == shard) for shard in (0, 1, 2)]
    forget(str(folder), Request(uids=tuple(item.uid for item in gone)))
    tar = folder / "images/000001.tar"
    tar.write_bytes(tar.read_bytes()[:1000])
    done = compact(str(folder))
    assert (done.rewritten, list(done.failed), done.checked) == ([0, 2], [1], 2)
    assert "images/000001.tar is damaged" in done.failed[1]
    assert sorted(path.name for path in folder.glob("images/*.tar")) == ["000000.g1.tar", "000001.tar", "000002.g1.tar"]
    run = CliRunner().invoke(app, ["compact", str(folder)])
    assert run.exit_code == 1 and "shard 1 still holds what is forgotten" in run.stdout


def test_what_a_killed_run_had_written_is_read_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = list(humanverse.open(str(folder)))
    forget(str(folder), Request(uids=(samples[0].uid, samples[11].uid)))

    def killed(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.compact.sweep", killed)
        with pytest.raises(Killed):
            compact(str(folder))
    done = compact(str(folder))
    assert (done.rewritten, done.checked) == ([], 2)
