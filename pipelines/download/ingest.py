"""From what img2dataset downloaded back to the rows of the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem
from pyarrow import feather

from humanverse.errors import UserError, one_line
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, ShardRows
from humanverse.sources.img2dataset import SAID_COLUMNS, Said, TarPictures, payloads_of
from humanverse.sources.pictures import missing
from humanverse.sources.storage import SourceFile
from pipelines.download.folder import Downloads
from pipelines.download.lists import judge
from pipelines.download.options import ROW
from pipelines.stages.faults import check_not_all_failed_alike
from pipelines.stages.outcome import Outcome
from schemas.ledger import Failure


def read_said(path: Path) -> dict[int, tuple[str, Said]]:
    """What img2dataset's table at ``path`` says of each row: the URL that it was given, and how it went.

    Raises:
        UserError: if it cannot be read.
    """
    try:
        rows = pq.read_table(path, columns=[ROW, "url", *SAID_COLUMNS]).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"img2dataset's table {path} cannot be read ({one_line(error, 200)}): remove it") from error
    return {
        row[ROW]: (row["url"], Said(row[ROW], at, row["key"], row["status"], row["error_message"], untouched=True))
        for at, row in enumerate(rows)
    }


def failed_alike(path: Path, least: int | None) -> bool:
    """Whether so many downloads failed in one way, and all, that the fault is likely on this side: they are to be repeated."""
    said = [one for _, one in read_said(path).values()]
    try:
        _check_failures([Payload(one.row, b"") if one.status == "success" else one.failed for one in said], least)
    except UserError:
        return True
    return False


def _check_failures(payloads: Sequence[Payload], least: int | None) -> None:
    check_not_all_failed_alike([Outcome(at, payload.failure) for at, payload in enumerate(payloads)], least)


@dataclass(frozen=True)
class DownloadedShard(ShardRows):
    """A shard whose pictures img2dataset has downloaded.

    Attributes:
        folder: of the ``Downloads``.
        allow_private: as when its list was made.
        all_failed_from: the recipe's.
    """

    folder: str
    allow_private: bool
    all_failed_from: int | None

    def load(self) -> pa.Table:
        path = Downloads(Path(self.folder)).rows(self.number)
        try:
            return feather.read_table(str(path), memory_map=False)
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{path} cannot be read here: all workers must see fetch.img2dataset.folder") from error

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        """As ``ShardRows.payloads``.

        Raises:
            UserError: if img2dataset did not finish the shard, or all its downloads failed for a reason that is likely here.
        """
        rows, urls = table.column("row").to_pylist(), table.column("url").to_pylist()
        judged = {row: judge(url, self.allow_private) for row, url in zip(rows, urls, strict=True)}
        failures = {
            row: Payload(row, failure=failure) for row, failure in judged.items() if isinstance(failure, Failure)
        }
        asked = {row: url for row, url in judged.items() if isinstance(url, str)}
        path = Downloads(Path(self.folder)).table(self.number)
        said = self._said(path, asked) if asked else []
        answered = {one.row for one in said}
        failures |= {row: _lost(row) for row in asked if row not in answered}
        failures |= {one.row: one.failed for one in said if one.status != "success"}
        _check_failures([failures.get(row, Payload(row, b"")) for row in rows], self.all_failed_from)
        there = payloads_of(
            [one for one in said if one.row not in failures],
            SourceFile(LocalFileSystem(), str(path), None),
            TarPictures(),
            max_bytes,
        )
        for row in rows:
            yield failures[row] if row in failures else next(there)

    def _said(self, path: Path, asked: dict[int, str]) -> list[Said]:
        """What img2dataset says of the rows in ``asked``, in their order."""
        if not path.exists():
            log = Downloads(Path(self.folder)).log
            raise UserError(f"img2dataset did not finish shard {self.number} (see {log}): run the same command again")
        found = read_said(path)
        if any(row in found and found[row][0] != url for row, url in asked.items()):
            raise UserError(f"{self.folder} holds downloads of another list: remove it and run the same command again")
        return [found[row][1] for row in asked if row in found]


def _lost(row: int) -> Payload:
    return Payload(row, failure=missing("img2dataset's table has no such row"))
