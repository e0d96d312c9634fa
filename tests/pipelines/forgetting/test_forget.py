"""What is forgotten is served by nobody, and comes in no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import humanverse
from humanverse.codec import encode_jpeg
from humanverse.dataset import tombstones
from humanverse.dataset.commit import commit
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.cli import app
from pipelines.forget import Request, forget, parse_list, read_list
from schemas.ledger import SCHEMA
from tests.datasets import make_dataset, make_shard
from tests.pipelines.forgetting.datasets import copies, everything, uids, written_otherwise


@pytest.mark.parametrize("by", ["uid", "url", "picture"])
def test_what_is_forgotten_is_found_and_not_served(folder: Path, tmp_path: Path, by: str) -> None:
    dataset = humanverse.open(str(folder))
    sample = list(dataset)[5]
    (tmp_path / "found.jpg").write_bytes(sample.jpeg)
    request = {
        "uid": Request(uids=(sample.uid,)),
        "url": Request(urls=(written_otherwise(sample.columns["url"]),)),
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
    assert "nothing of what was forgotten is in it" in run.stdout


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


def test_an_empty_url_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="an empty URL"):
        forget(str(folder), Request(urls=(" ",)))
