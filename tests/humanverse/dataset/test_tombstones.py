"""What is forgotten, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from humanverse.blocklists.keys import of_source
from humanverse.dataset import tombstones
from humanverse.dataset.tombstones import Tombstones, Watch, redact, redact_live, spread, write
from humanverse.storage import Store
from schemas import ledger

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def rows(*pairs: tuple[str | None, str | None]) -> pa.Table:
    said = [{"row": i, "uid": uid, "url": url, "status": "kept", "ms": 3} for i, (uid, url) in enumerate(pairs)]
    return pa.Table.from_pylist(said, schema=ledger.SCHEMA)


def test_files_add_up_and_are_read_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", -1.0)
    store = Store(tmp_path)
    watch = Watch(store)
    assert not watch.now()
    first = write(store, Tombstones(frozenset({A})), "one")
    assert watch.now() == Tombstones(frozenset({A}))
    write(store, Tombstones(frozenset({B}), frozenset({7})), "two")
    assert watch.now() == Tombstones(frozenset({A, B}), frozenset({7}))
    (tmp_path / first).unlink()
    assert watch.now() == Tombstones(frozenset({B}), frozenset({7}))


def test_between_two_looks_nothing_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", 3600.0)
    store = Store(tmp_path)
    watch = Watch(store)
    assert not watch.now()
    write(store, Tombstones(frozenset({A})), "")
    assert not watch.now()
    assert Watch(store).now()


def test_two_at_the_same_moment_do_not_overwrite_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)
    paths = {write(store, Tombstones(frozenset({uid})), "") for uid in (A, B, C)}
    assert len(paths) == 3
    assert Watch(store).now().uids == {A, B, C}


def test_rows_are_named_by_uid_or_by_url_however_it_is_written() -> None:
    dead = Tombstones(frozenset({A}), frozenset({of_source("https://x.example/1.jpg"), of_source("folder/2.jpg")}))
    table = rows(
        (A, "u"),
        (B, "HTTPS://X.example:443/1.jpg#a"),
        (C, "https://x.example/1.JPG"),
        (None, "folder/2.jpg"),
        (None, None),
    )
    assert dead.names(table).tolist() == [True, True, False, True, False]
    assert spread(dead, table).uids == {A, B}


def test_a_redacted_row_says_only_that(tmp_path: Path) -> None:
    table = rows((A, "u"), (B, "v"))
    found = redact(table, np.array([True, False])).to_pylist()
    assert found[0] == {**dict.fromkeys(ledger.SCHEMA.names), "row": 0, "status": "rejected", "reason": "forgotten"}
    assert found[1] == table.to_pylist()[1]
    assert redact(table, np.array([False, False])) is table
    assert redact_live(table, Tombstones(frozenset({B})), ["uid"]).column("uid").to_pylist() == [A, None]
