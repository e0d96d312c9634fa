"""Snapshots: what they pin, and what is told when it has changed."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset import compact, create, layout, tombstones
from humanverse.dataset.against import Comparison
from humanverse.dataset.snapshots import read_snapshot
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.view_cards import Pin
from humanverse.dataset.views import write_view
from humanverse.errors import DatasetError, UserError
from pipelines.drop import drop
from pipelines.merge import merge
from pipelines.snapshot import snapshot, verify_against
from schemas.snapshots import SCHEMA
from tests import datasets
from tests.humanverse.dataset.findings import found, messages
from tests.merging import add, make, problems, uids


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of three shards, pictures 1 to 4, and snapshot 0 of them."""
    path = tmp_path_factory.mktemp("pinned") / "d"
    make(path, [[1, 2], [3, 4]], layers=["person/test", "depth/test"], planned_shards=3)
    snapshot(str(path), name="the first run")
    return path


@pytest.fixture
def path(pinned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pinned, tmp_path / "d"))


def told(found: Comparison) -> list[tuple[str, str, str]]:
    return [(change.level, change.what, change.message) for change in found.changes]


def forgotten(path: Path, *gone: str) -> Tombstones:
    dead = Tombstones(frozenset(gone))
    tombstones.write(humanverse.open(str(path)).store, dead, "asked to")
    return dead


def test_nothing_has_changed(path: Path) -> None:
    compared = verify_against(str(path), 0)
    assert compared.same
    assert told(compared) == []
    assert (compared.name, compared.shards) == ("the first run", 2)
    assert problems(path) == []


def test_every_file_is_pinned_with_its_hash(path: Path) -> None:
    rows = {row["path"]: row for row in pq.read_table(path / layout.snapshot_files(0)).to_pylist()}
    there = {str(item.relative_to(path)) for item in path.rglob("*") if item.is_file()}
    assert there - rows.keys() == {layout.snapshot_card(0), layout.snapshot_files(0)}
    for name, row in rows.items():
        data = (path / name).read_bytes()
        assert row["size"] == len(data)
        assert row["sha256"] == (None if name.endswith(".tar") else hashlib.sha256(data).hexdigest())


def test_uids_are_pinned_as_digests(path: Path) -> None:
    card = read_snapshot(humanverse.open(str(path)).store, 0)
    rows = pq.read_table(path / layout.snapshot_files(0)).to_pylist()
    of_shards = [row for row in rows if row["uids_sha256"]]
    assert [(row["path"], row["shard"], row["samples"]) for row in of_shards] == [
        (layout.images_table(number), number, 2) for number in (0, 1)
    ]
    here = uids(path)
    digests = [hashlib.sha256(bytes.fromhex("".join(here[at : at + 2]))).hexdigest() for at in (0, 2)]
    assert [row["uids_sha256"] for row in of_shards] == digests
    assert card.digest == hashlib.sha256(bytes.fromhex("".join(digests))).hexdigest()
    written = (path / layout.snapshot_card(0)).read_text() + json.dumps(rows)
    assert not [uid for uid in here if uid in written]


def test_tars_if_they_are_asked_for(path: Path) -> None:
    number, card = snapshot(str(path), tars=True)
    assert (number, card.tars) == (1, True)
    rows = pq.read_table(path / layout.snapshot_files(1)).to_pylist()
    tar = path / layout.images_tar(1)
    assert {row["path"]: row["sha256"] for row in rows}[layout.images_tar(1)] == hashlib.sha256(
        tar.read_bytes()
    ).hexdigest()
    data = bytearray(tar.read_bytes())
    data[700] ^= 1
    tar.write_bytes(bytes(data))
    assert verify_against(str(path), 0).same
    assert told(verify_against(str(path), 1)) == [("changed", "files", "images tar: 1 pinned file has other bytes")]


def test_additions_change_nothing(path: Path, tmp_path: Path) -> None:
    make(tmp_path / "other", [[5], [6]], layers=["person/test", "caption/test"])
    merge(str(path), [str(tmp_path / "other")])
    datasets.make_retry(path, ["timeout"])
    add(humanverse.open(str(path)), [[7, 8]], first=2, layers=["person/test", "depth/test"])
    compared = verify_against(str(path), 0)
    assert compared.same
    assert told(compared) == [
        ("added", "layers", "caption/test is new, in 3 shards"),
        ("added", "shards", "4 shards came since: 1 by build, 2 by merge, 1 by retry"),
    ]
    assert compared.added_shards == {"build": 1, "merge": 2, "retry": 1}


def test_what_is_forgotten_is_told_before_and_after_compact(path: Path) -> None:
    dead = forgotten(path, uids(path)[1])
    compared = verify_against(str(path), 0)
    assert (compared.same, compared.forgotten, compared.tombstones, compared.rewritten) == (False, 1, 1, 0)
    assert ("changed", "samples", "1 sample that was served was forgotten since") in told(compared)
    compact.rewrite(humanverse.open(str(path)), 0, dead)
    compact.sweep(humanverse.open(str(path)))
    compared = verify_against(str(path), 0)
    assert (compared.forgotten, compared.rewritten, compared.gone_files) == (1, 1, {})
    assert ("changed", "shards", "1 pinned shard was rewritten by compact") in told(compared)
    number, card = snapshot(str(path))
    assert (card.samples, card.tombstones, card.generations) == (3, 1, {"0": 1})
    assert verify_against(str(path), number).same


def test_other_samples_than_were_served(path: Path) -> None:
    forgotten(path, uids(path)[1])
    number, _ = snapshot(str(path))
    shutil.rmtree(path / "tombstones")
    compared = verify_against(str(path), number)
    assert told(compared) == [("changed", "samples", "1 pinned shard serves other samples than before")]


def test_files_that_changed_or_are_gone(path: Path) -> None:
    ledger = path / layout.ledger(0)
    ledger.write_bytes(ledger.read_bytes() + b"x")
    (path / layout.layer_tar("depth/test", 1)).unlink()
    compared = verify_against(str(path), 0)
    assert (compared.changed_files, compared.gone_files) == ({"ledger": 1}, {"layer depth/test": 1})
    assert not compared.same
    (path / layout.ledger(0)).unlink()
    assert ("changed", "shards", "1 pinned shard is gone") in told(verify_against(str(path), 0))


def test_layers_that_are_gone_or_made_anew(path: Path) -> None:
    drop(str(path), "depth=test", force=True)
    assert ("changed", "layers", "depth/test was dropped") in told(verify_against(str(path), 0))
    create.declare_layer(
        humanverse.open(str(path)).store, "depth/test", datasets.cards({"depth/test": "a newer one"})["depth/test"]
    )
    assert ("changed", "layers", "depth/test was made anew, otherwise") in told(verify_against(str(path), 0))


def view(path: Path, where: str) -> None:
    """Write the view ``chosen``, which reads the person layer."""
    dataset = humanverse.open(str(path))
    pin = Pin(layer="person/test", fingerprint=str(dataset.layer_card("person/test")["fingerprint"]))
    write_view(dataset.store, "chosen", [], "view", [where], {"person": pin}, {"person": pin})


def test_a_view_pins_only_what_it_reads(path: Path) -> None:
    view(path, "row != 1 and len(person.boxes) > 0")
    number, card = snapshot(str(path), "chosen")
    assert (number, card.samples, list(card.layers)) == (1, 3, ["person/test"])
    assert card.view is not None
    assert card.view.where == ("row != 1 and len(person.boxes) > 0",)
    names = pq.read_table(path / layout.snapshot_files(1)).column("path").to_pylist()
    assert {name.partition("/")[0] for name in names} == {
        "humanverse.json",
        "recipe.yaml",
        "source.json",
        "layers",
        "images",
    }
    assert not [name for name in names if "depth" in name]
    drop(str(path), "depth=test", force=True)
    assert verify_against(str(path), 1).same


def test_a_view_that_is_another_one_or_gone(path: Path) -> None:
    view(path, "row != 1")
    snapshot(str(path), "chosen")
    view(path, "row != 1")
    assert verify_against(str(path), 1).same
    view(path, "row != 0")
    (change,) = verify_against(str(path), 1).changes
    assert (change.level, change.what) == ("changed", "view")
    assert change.message == 'the view chosen is another one now (where: ["row != 1"] -> ["row != 0"])'
    (path / "views" / "chosen.json").unlink()
    (change,) = verify_against(str(path), 1).changes
    assert change.message.startswith("no view chosen in ")


def test_one_that_is_not_there_or_damaged_is_one_line(path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no snapshot 7 in .*: there are 0$"):
        verify_against(str(path), 7)
    files, card = path / layout.snapshot_files(0), path / layout.snapshot_card(0)
    good = files.read_bytes()
    files.write_bytes(good[:-1])
    with pytest.raises(DatasetError, match="is damaged"):
        verify_against(str(path), 0)
    assert problems(path) == ["snapshots/000000.parquet is damaged"]
    files.unlink()
    assert problems(path) == ["snapshots/000000.parquet is missing"]
    files.write_bytes(good)
    card.write_text(card.read_text().replace('"samples": 4', '"samples": -4'))
    with pytest.raises(DatasetError, match="is damaged"):
        verify_against(str(path), 0)
    assert problems(path) == ["snapshots/000000.json is damaged"]
    card.write_text("{}")
    with pytest.raises(DatasetError, match="has format None"):
        verify_against(str(path), 0)


def test_what_was_left_beside_snapshots_is_a_note(path: Path) -> None:
    shutil.copy(path / layout.snapshot_files(0), path / layout.snapshot_files(1))
    (path / "snapshots" / "x.txt").write_text("x")
    notes = found(path)
    assert {("note", "snapshots/000001.parquet"), ("note", "snapshots/x.txt")} <= set(notes)
    assert "was left by a run that was killed" in messages(path)
    assert snapshot(str(path))[0] == 1


def test_names_are_one_line_and_something_must_be_there(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one line"):
        snapshot(str(path), name="two\nlines")
    datasets.make_dataset(tmp_path / "empty", 0, planned_shards=1)
    with pytest.raises(UserError, match="has no committed shard"):
        snapshot(str(tmp_path / "empty"))
    with pytest.raises(DatasetError, match="no view x"):
        snapshot(str(path), "x")
    assert SCHEMA.names[0] == "path"
