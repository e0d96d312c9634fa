"""Uids that are none are named, and nothing is made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset.compact import rewrite
from humanverse.dataset.tombstones import Tombstones
from humanverse.dataset.uids import check_uids
from humanverse.errors import DatasetError
from pipelines.forget import Request, forget
from pipelines.merge import merge
from pipelines.snapshot import snapshot
from tests.merging import files, make

GOOD = "0123456789abcdef" * 2


@pytest.mark.parametrize("bad", ["", "../../x", GOOD.upper(), GOOD + "\n", GOOD + "0", None])
def test_only_hex_digits_are_uids(bad: str | None) -> None:
    assert check_uids(pa.table({"uid": [GOOD]}), "here").num_rows == 1
    with pytest.raises(DatasetError, match=r"^here: .* is no uid: run humanverse verify$"):
        check_uids(pa.table({"uid": [GOOD, bad]}), "here")


def test_numbers_are_none() -> None:
    with pytest.raises(DatasetError, match=r"^here: 5 is no uid"):
        check_uids(pa.table({"uid": [5]}), "here")


def _rename(folder: Path) -> None:
    """Call the first sample ``../x``."""
    for path in [folder / f"{name}/000000.parquet" for name in ("images", "ledger")]:
        table = pq.read_table(path)
        at = table.schema.get_field_index("uid")
        uids = ["../x", *table.column("uid").to_pylist()[1:]]
        pq.write_table(table.set_column(at, table.schema.field(at), pa.array(uids)), path)


def test_a_dataset_with_such_uids_is_refused_in_one_line(tmp_path: Path) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    make(tmp_path / "ours", [[1, 2]], name="ours")
    good = make(tmp_path / "theirs", [[3, 4]], name="theirs").images(0).column("uid")[1].as_py()
    _rename(tmp_path / "theirs")
    before = files(tmp_path / "ours")
    readers: list[Callable[[], object]] = [
        lambda: list(humanverse.open(theirs)),
        lambda: merge(ours, [theirs]),
        lambda: snapshot(theirs),
        lambda: forget(theirs, Request(uids=(good,))),
    ]
    for reader in readers:
        with pytest.raises(DatasetError, match=r"'\.\./x' is no uid"):
            reader()
    assert files(tmp_path / "ours") == before


def test_no_member_is_made_of_such_a_uid(tmp_path: Path) -> None:
    gone = make(tmp_path / "d", [[3, 4]]).images(0).column("uid")[1].as_py()
    _rename(tmp_path / "d")
    with pytest.raises(DatasetError, match=r"'\.\./x' is no uid"):
        rewrite(humanverse.open(str(tmp_path / "d")), 0, Tombstones(frozenset([gone])))
    assert not list((tmp_path / "d/images").glob("*.g1.*"))
