"""A build that goes on after something was forgotten does not take it in again, under whatever URL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset import layout, tombstones
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.verify import verify
from humanverse.storage import Store
from pipelines.build import build
from pipelines.compact import compact
from pipelines.forget import Request, forget
from pipelines.stages.gate import Gate
from pipelines.stages.outcome import Outcome
from schemas.recipe import load
from tests.compare import assert_identical
from tests.pipelines.web import SHARD_SIZE, serve_web

COUNT = 2 * SHARD_SIZE


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve_web(tmp_path_factory.mktemp("web"), COUNT) as folder:
        yield folder


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", -1.0)


def run(web: Path, target: Path) -> None:
    build([str(web / "urls.parquet")], str(target), load(path=web / "recipe.yaml"), allow_private=True, local=True)


def uncommit(target: Path, shard: int) -> None:
    """As if the build had been stopped before ``shard`` was written."""
    for path in [
        *target.glob(f"*/{layout.shard_name(shard)}.*"),
        *target.glob(f"layers/*/*/{layout.shard_name(shard)}.*"),
    ]:
        path.unlink()


@pytest.mark.parametrize("by", ["uid", "url"])
def test_what_was_forgotten_is_not_taken_in_later(web: Path, tmp_path: Path, by: str) -> None:
    run(web, tmp_path / "d")
    dataset = humanverse.open(str(tmp_path / "d"))
    sample = next(item for item in dataset if item.shard == 1)
    uncommit(tmp_path / "d", 1)
    request = Request(uids=(sample.uid,)) if by == "uid" else Request(urls=(sample.columns["url"],))
    assert forget(str(tmp_path / "d"), request).samples == 0
    run(web, tmp_path / "d")
    ledger = {row["row"]: row for row in dataset.ledger_as_written(1).to_pylist()}
    row = ledger.pop(sample.columns["row"])
    assert (row["status"], row["reason"]) == ("rejected", "forgotten")
    assert {value for name, value in row.items() if name not in ("row", "status", "reason")} == {None}
    column = "uid" if by == "uid" else "url"
    assert sample.columns[column] not in {item.columns[column] for item in dataset}
    name = sample.columns["url"].rpartition("/")[2].encode()
    if by == "url":
        assert name not in b"".join(path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file())
    report = verify(dataset)
    assert report.sound, report.problems


def test_forgotten_while_a_shard_is_being_made(web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(web, tmp_path / "d")
    dataset = humanverse.open(str(tmp_path / "d"))
    sample = next(item for item in dataset if item.shard == 1)
    uncommit(tmp_path / "d", 1)
    judge = Gate._judge

    def and_meanwhile(self: Gate, group: list[Outcome]) -> None:
        if not dataset.forgotten:
            tombstones.write(Store(dataset.store.url), Tombstones(frozenset({sample.uid})), "meanwhile")
        judge(self, group)

    monkeypatch.setattr("pipelines.stages.gate.Gate._judge", and_meanwhile)
    run(web, tmp_path / "d")
    assert sample.uid not in {row["uid"] for row in dataset.ledger_as_written(1).to_pylist()}
    assert verify(dataset).sound


def test_a_build_on_a_compacted_dataset_has_nothing_to_do(web: Path, tmp_path: Path) -> None:
    run(web, tmp_path / "d")
    uids = [sample.uid for sample in humanverse.open(str(tmp_path / "d"))]
    forget(str(tmp_path / "d"), Request(uids=(uids[0],)))
    compact(str(tmp_path / "d"))
    before = {path: path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()}
    run(web, tmp_path / "d")
    assert {path: path.read_bytes() for path in (tmp_path / "d").rglob("*") if path.is_file()} == before


def test_two_builds_with_the_same_tombstones_are_identical(web: Path, tmp_path: Path) -> None:
    run(web, tmp_path / "a")
    uid = next(iter(humanverse.open(str(tmp_path / "a")))).uid
    forget(str(tmp_path / "a"), Request(uids=(uid,)))
    for number in (0, 1):
        uncommit(tmp_path / "a", number)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for name in ("a", "b"):
        run(web, tmp_path / name)
    assert_identical(tmp_path / "a", tmp_path / "b")
