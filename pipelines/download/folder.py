"""The folder of a build's downloads: what was asked for, what img2dataset is writing, and what it has finished.

    rows/<shard>.arrow                             the source's rows, as they were loaded
    run-<n>/lists/<shard>.parquet, run-<n>/images/ one run of img2dataset: its input, one file a shard, and its output
    done/<shard>.parquet, .tar, _stats.json        its output for one shard, complete

img2dataset numbers its output by the order of its input files and writes in place; the statistics come last. So a shard is
finished when they are there. It is then renamed into ``done``, and every run writes into a folder of its own: what is left of an
earlier run, on this machine or another, can no longer touch it.
"""

from __future__ import annotations

import fcntl
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from humanverse.dataset.layout import shard_name
from humanverse.errors import UserError

_OUTPUTS = ("_stats.json", ".tar", ".parquet")
"""What img2dataset writes for a shard; the table is moved last, since it says that all is there."""


class Downloads:
    """Downloads at ``folder``.

    Args:
        folder: on a file system that all workers share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, number: int) -> Path:
        return self.folder / "rows" / f"{shard_name(number)}.arrow"

    def table(self, number: int) -> Path:
        """img2dataset's table of a shard; there is none until the shard is finished. Its tar lies beside it."""
        return self.folder / "done" / f"{shard_name(number)}.parquet"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def open(self) -> None:
        """Make the folder, and keep it to this process until ``close``, or for as long as it lives.

        Raises:
            UserError: if another build holds it, or it cannot be made.
        """
        try:
            for name in ("rows", "done"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._lock = (self.folder / "lock").open("w")
        except OSError as error:
            raise UserError(f"the folder for downloads cannot be made: {self.folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise UserError(f"another build is downloading into {self.folder}: wait for its end") from error
        except OSError:
            return  # a file system without locks

    def close(self) -> None:
        """Let another build in."""
        self._lock.close()

    def save_rows(self, number: int, table: pa.Table) -> None:
        """Keep the source's rows of a shard for the workers."""
        part = self.folder / "rows" / f".{uuid.uuid4().hex}"
        feather.write_feather(table, str(part), compression="zstd")
        part.replace(self.rows(number))

    def new_run(self) -> Run:
        """A folder for one run of img2dataset."""
        folder = self.folder / f"run-{uuid.uuid4().hex[:12]}"
        for name in ("lists", "images"):
            (folder / name).mkdir(parents=True)
        return Run(folder)

    def collect(self) -> None:
        """Take what the runs so far have finished, and remove the rest of them."""
        for folder in sorted(self.folder.glob("run-*")):
            for number, stem in Run(folder).finished().items():
                done = self.table(number)
                for suffix in _OUTPUTS:
                    Path(f"{stem}{suffix}").replace(done.with_name(done.stem + suffix))
            shutil.rmtree(folder, ignore_errors=True)

    def size(self) -> int:
        """Bytes that the current run has written."""
        sizes = 0
        for path in self.folder.glob("run-*/images/*"):
            try:
                sizes += path.stat().st_size
            except OSError:
                continue
        return sizes

    def forget(self, numbers: Iterable[int]) -> None:
        """Remove what there is of these shards."""
        for number in numbers:
            done = self.table(number)
            for path in (done, self.rows(number), *(done.with_name(done.stem + suffix) for suffix in _OUTPUTS)):
                path.unlink(missing_ok=True)


class Run:
    """One run of img2dataset in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.lists, self.images = folder / "lists", folder / "images"

    def add(self, number: int, urls: pa.Table) -> None:
        """Write a shard's list; it must have rows, since img2dataset makes no shard of an empty one."""
        pq.write_table(urls, self.lists / f"{shard_name(number)}.parquet")

    def finished(self) -> dict[int, str]:
        """Shard number -> the path, without suffix, of what img2dataset wrote for it."""
        found = {}
        for place, path in enumerate(sorted(self.lists.glob("*.parquet"), key=lambda path: path.name)):
            stem = f"{self.images}/{place:05d}"
            if all(Path(stem + suffix).exists() for suffix in _OUTPUTS):
                found[int(path.stem)] = stem
        return found
