"""What is forgotten is served by nobody, comes in no more, and leaves the files."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import humanverse
from humanverse.blocklists.keys import of_source
from humanverse.codec import encode_jpeg
from humanverse.dataset import tombstones, views
from humanverse.dataset.commit import commit
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from humanverse.storage import Store
from pipelines.cli import app
from pipelines.compact import compact
from pipelines.dedup import dedup
from pipelines.forget import Request, forget, parse_list, read_list
from schemas.ledger import SCHEMA
from tests.datasets import LAYERS, make_dataset, make_retry, make_shard


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", -1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "d", shards=3, per_shard=4)
    return tmp_path / "d"


def uids(dataset: Dataset) -> list[str]:
    return [sample.uid for sample in dataset.samples(LAYERS)]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pieces(data: bytes, others: bytes, size: int = 24) -> list[bytes]:
    """Stretches of ``data`` that are not in ``others``."""
    found = [data[start : start + size] for start in range(0, len(data) - size, size)]
    return [piece for piece in found if piece not in others]


def _written_otherwise(url: str) -> str:
    """The same URL for a browser."""
    return url.replace("https://pictures.example/", "HTTPS://Pictures.Example:443/") + "#top"


@pytest.mark.parametrize("by", ["uid", "url", "picture"])
def test_what_is_forgotten_is_found_and_not_served(folder: Path, tmp_path: Path, by: str) -> None:
    dataset = humanverse.open(str(folder))
    sample = list(dataset)[5]
    (tmp_path / "found.jpg").write_bytes(sample.jpeg)
    request = {
        "uid": Request(uids=(sample.uid,)),
        "url": Request(urls=(_written_otherwise(sample.columns["url"]),)),
        "picture": Request(pictures=(tmp_path / "found.jpg",), distance=8),
    }[by]
    before = everything(folder)
    planned = forget(str(folder), request, dry_run=True)
    assert everything(folder) == before
    assert planned.tombstones is None and planned.samples >= 1 and (by == "picture" or planned.samples == 1)
    done = forget(str(folder), request)
    assert sample.uid in [match.uid for match in done.matches]
    assert ({match.by for match in done.matches}, done.unknown) == ({by}, [])
    assert sample.uid not in uids(dataset), "a reader that was open before goes on serving it"
    assert len(uids(humanverse.open(str(folder)))) == 12 - done.samples
    assert {path: data for path, data in everything(folder).items() if path in before} == before
    assert verify(dataset).sound
    again = forget(str(folder), request)
    assert (again.samples, again.tombstones) == (0, None)


def test_what_is_not_there_is_said_and_still_never_comes_in(folder: Path) -> None:
    done = forget(
        str(folder), Request(uids=("ab" * 16,), urls=("https://elsewhere.example/x.jpg",), reason="asked by mail")
    )
    assert (done.samples, done.unknown) == (0, ["ab" * 16, "https://elsewhere.example/x.jpg"])
    table = pq.read_table(folder / str(done.tombstones))
    assert table.column("reason").to_pylist() == ["asked by mail"] * 2
    assert b"elsewhere" not in b"".join(everything(folder).values())
    assert humanverse.open(str(folder)).forgotten.uids == {"ab" * 16}


def test_a_ledger_says_of_what_is_forgotten_only_that(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    sample = next(iter(dataset))
    forget(str(folder), Request(uids=(sample.uid,)))
    row = dataset.ledger(0).to_pylist()[0]
    assert (row.pop("row"), row.pop("status"), row.pop("reason")) == (0, "rejected", "forgotten")
    assert set(row.values()) == {None}
    assert dataset.ledger(0, ["status"]).column("status").to_pylist().count("kept") == 3
    assert dataset.ledger_as_written(0).to_pylist()[0]["uid"] == sample.uid


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


class Killed(BaseException):
    pass


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


def copies(folder: Path) -> None:
    """A dataset in which the rows 0, 1, 4 and 9 are alike to the eye of ``dedup``."""
    make_dataset(folder, shards=3, per_shard=4, columns={})
    random_bits = random.Random(3)
    for path in sorted(folder.glob("images/*.parquet")):
        table = pq.read_table(path)
        hashes = []
        for row in table.to_pylist():
            bits = np.zeros(64, bool)
            bits[random_bits.sample(range(64), 32)] = True
            hashes.append(int("".join("1" if bit else "0" for bit in bits), 2))
            if row["row"] in (0, 1, 7, 14):
                hashes[-1] = 0x5555555555555555 ^ {0: 0, 1: 3, 7: 12, 14: 48}[row["row"]]
        index = table.schema.get_field_index("phash")
        column = pa.array(hashes, table.schema.field(index).type)
        path.write_bytes(parquet_bytes(table.set_column(index, table.schema.field(index), column)))


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


def test_near_takes_the_copies_too(tmp_path: Path) -> None:
    copies(tmp_path / "d")
    first = uids(humanverse.open(str(tmp_path / "d")))[0]
    done = forget(str(tmp_path / "d"), Request(uids=(first,), near=4))
    assert sorted(match.row for match in done.matches) == [0, 1, 7, 14]
    assert done.similar_left == 0


def test_a_thousand_at_once(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=4, per_shard=300)
    dataset = humanverse.open(str(tmp_path / "d"))
    rows = [row for shard in dataset.shards() for row in dataset.images(shard, ["url"]).to_pylist()]
    names = [row["uid"] if index % 2 else row["url"] for index, row in enumerate(rows[:1000])]
    (tmp_path / "list.txt").write_text("# from the office\n\n" + "\n".join(names) + "\n")
    listed, urls = read_list(str(tmp_path / "list.txt"))
    done = forget(str(tmp_path / "d"), Request(tuple(listed), tuple(urls)))
    assert done.unknown == [] and done.samples == len({row["uid"] for row in rows[:1000]})
    assert len(dataset) == len(rows) - len(done.matches)


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (Request(), "nothing to forget"),
        (Request(uids=("xyz",)), "'xyz' is no uid"),
        (Request(uids=("ab" * 16,), near=40), "--near 40"),
        (Request(pictures=(Path("/nowhere.jpg"),)), "cannot read /nowhere.jpg"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(folder: Path, request_: Request, says: str) -> None:
    with pytest.raises(UserError, match=says):
        forget(str(folder), request_)


def test_a_picture_without_detail_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "grey.jpg").write_bytes(encode_jpeg(np.full((300, 300, 3), 128, np.uint8), 90))
    with pytest.raises(UserError, match="too little detail"):
        forget(str(folder), Request(pictures=(tmp_path / "grey.jpg",)))
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(UserError, match="not_an_image"):
        forget(str(folder), Request(pictures=(tmp_path / "text.jpg",)))


def test_lists() -> None:
    assert parse_list(["\ufeff# a", " uid:" + "AB" * 16 + "\n", "", "https://a.example/1.jpg"], "x") == (
        ["ab" * 16],
        ["https://a.example/1.jpg"],
    )
    with pytest.raises(UserError, match="x has no uid and no URL"):
        parse_list(["# nothing"], "x")


def test_the_command_line(folder: Path) -> None:
    uid = uids(humanverse.open(str(folder)))[0]
    run = CliRunner().invoke(app, ["forget", str(folder), "--uid", f"uid:{uid}", "--reason", "a request", "--json"])
    assert run.exit_code == 0
    told = json.loads(run.stdout)
    assert (told["samples"], told["matches"][0]["uid"], told["unknown"]) == (1, uid, [])
    run = CliRunner().invoke(app, ["compact", str(folder), "--dry-run"])
    assert "1 of 3 shards would be written anew" in run.stdout
    run = CliRunner().invoke(app, ["compact", str(folder)])
    assert "nothing of what was forgotten is in them" in run.stdout


def test_the_url_of_a_row_that_was_a_duplicate_finds_the_picture(folder: Path) -> None:
    dataset = humanverse.open(str(folder))
    uid = next(iter(dataset)).uid
    ledger = dataset.ledger_as_written(0).to_pylist()
    ledger[4] |= {"status": "rejected", "reason": "duplicate", "detail": "same bytes as row 0", "uid": uid}
    (folder / "ledger/000000.parquet").write_bytes(parquet_bytes(pa.Table.from_pylist(ledger, schema=SCHEMA)))
    done = forget(str(folder), Request(urls=(ledger[4]["url"],)))
    assert ([(match.uid, match.by) for match in done.matches], done.unknown) == ([(uid, "url")], [])
    assert uid not in uids(humanverse.open(str(folder)))


def test_a_shard_that_is_committed_during_the_search_is_searched_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_dataset(tmp_path / "d", shards=1, planned_shards=2)
    late, write = make_shard(1, 6, 3, {}, {}), tombstones.write

    def after_a_commit(*arguments: Any) -> str:
        if not store.exists("ledger/000001.parquet"):
            commit(store, late)
        return write(*arguments)

    monkeypatch.setattr(tombstones, "write", after_a_commit)
    forget(str(tmp_path / "d"), Request(urls=("https://pictures.example/7.jpg",)))
    assert late.uids[1] not in uids(humanverse.open(str(tmp_path / "d")))
    assert len(uids(humanverse.open(str(tmp_path / "d")))) == 5


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


def test_the_copies_can_be_forgotten_afterwards(tmp_path: Path) -> None:
    copies(tmp_path / "d")
    url = str(tmp_path / "d")
    sample = next(iter(humanverse.open(url)))
    assert forget(url, Request(uids=(sample.uid,))).similar_left == 3
    done = forget(url, Request(urls=(sample.columns["url"],), near=4))
    assert sorted(match.row for match in done.matches) == [1, 7, 14]
    assert (done.already, done.similar_left, done.unknown) == (1, 0, [])


def test_what_had_been_forgotten_is_said(folder: Path, tmp_path: Path) -> None:
    sample = list(humanverse.open(str(folder)))[5]
    (tmp_path / "found.jpg").write_bytes(sample.jpeg)
    forget(str(folder), Request(uids=(sample.uid,)))
    request = Request((sample.uid,), (sample.columns["url"],), (tmp_path / "found.jpg",), distance=8)
    forget(str(folder), request)
    again = forget(str(folder), request)
    assert (again.already, again.unknown, again.matches) == (3, [], [])


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


def test_an_empty_url_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="an empty URL"):
        forget(str(folder), Request(urls=(" ",)))
