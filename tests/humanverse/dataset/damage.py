"""Ways to change the files of a dataset on disk, one at a time."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.dataset import tar
from humanverse.dataset.parquet import parquet_bytes


def flip(path: Path, at: int) -> None:
    """Invert every bit of the byte ``at``; counted from the end if negative."""
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))


def cut(path: Path, by: int) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def table(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Write ``change`` of the table in ``path`` in its place."""
    path.write_bytes(parquet_bytes(change(pq.read_table(path))))


def cell(path: Path, row: int, /, **values: Any) -> None:
    """Set columns of one row; the schema stays."""

    def change(old: pa.Table) -> pa.Table:
        rows = old.to_pylist()
        rows[row] |= values
        return pa.Table.from_pylist(rows, schema=old.schema)

    table(path, change)


def take(path: Path, rows: list[int]) -> None:
    """Keep ``rows``, in that order."""
    table(path, lambda old: old.take(rows))


def members(path: Path, change: Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]) -> list[tar.Member]:
    """Write ``change`` of a tar's members in its place, as the project writes tars."""
    old = [(member.name, data) for member, data in tar.read_bytes(path.read_bytes())]
    with path.open("wb") as file:
        return tar.write(file, change(old))


def foreign_member(path: Path, name: str) -> None:
    """Add a member that the project's own writer would refuse."""
    members = tar.read_bytes(path.read_bytes())
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for member_name, data in [*((member.name, data) for member, data in members), (name, b"x")]:
            info = tarfile.TarInfo(member_name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(sink.getvalue())


def card(path: Path, **values: Any) -> None:
    """Set entries of a JSON file; None takes one out."""
    entries = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in entries.items() if value is not None}))
