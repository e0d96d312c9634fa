"""One place for files: a folder or a bucket, read whole or by range, written whole or not at all.

A local file is written under ``.tmp/`` beside the data, flushed to the disk and renamed; an object in a bucket is one upload of
a finished local file. Nothing is ever streamed into its final name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from humanverse.errors import UserError, one_line
from humanverse.scratch import Scratch, remove_abandoned
from humanverse.storage_errors import explain

TMP = ".tmp"
_READING = ("read", "look up")
T = TypeVar("T")


class StorageError(UserError):
    """The folder or bucket cannot be used; going on would fail for every shard."""


def _scan_local(folder: str) -> list[tuple[str, int | None]]:
    """Names and sizes of the files in ``folder``; a folder's name ends with a slash and its size is None."""
    found: list[tuple[str, int | None]] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    found.append((f"{entry.name}/", None) if entry.is_dir() else (entry.name, entry.stat().st_size))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return found


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _no_space(place: str, path: str) -> StorageError:
    return StorageError(f"{place}: no space left while writing {path}; free some and run the same command again")


class Store:
    """A folder (``/data/people``) or a prefix in a bucket (``s3://bucket/people``), by any fsspec URL.

    Paths are relative to it, with forward slashes. A Store can be pickled; each process opens its own connection.

    Raises:
        StorageError: from any method, when the place cannot be reached, read or written, as one line.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = str(url).rstrip("/") or "/"
        self._connect()

    def _connect(self) -> None:
        import fsspec
        from fsspec.implementations.local import LocalFileSystem

        options: dict[str, Any] = {}
        if "://" in self.url and not self.url.startswith(("file://", "memory://")):
            options = {"use_listings_cache": False}
        try:
            self.fs, self.root = fsspec.core.url_to_fs(self.url, **options)
        except ImportError as error:
            raise StorageError(f"{self.url}: {explain(error)}") from error
        except ValueError as error:
            raise StorageError(f"{self.url}: {one_line(error)}") from error
        self.local = isinstance(self.fs, LocalFileSystem)
        if self.local:
            self.url = self.root

    def __getstate__(self) -> dict[str, str]:
        return {"url": self.url}

    def __setstate__(self, state: dict[str, str]) -> None:
        self.url = state["url"]
        self._connect()

    def full(self, path: str) -> str:
        """``path`` as the file system names it."""
        return f"{self.root}/{path}" if path else self.root

    def _guard(self, action: str, path: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except FileNotFoundError as error:
            if action in _READING:
                raise
            raise StorageError(f"{self.url}: cannot {action} {path or 'it'}: the place does not exist") from error
        except UserError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and _is_full(error):
                raise _no_space(self.url, path) from error
            raise StorageError(f"{self.url}: cannot {action} {path or 'it'}: {explain(error)}") from error

    def exists(self, path: str) -> bool:
        return self._guard("look up", path, lambda: bool(self.fs.exists(self.full(path))))

    def size(self, path: str) -> int:
        return self._guard("look up", path, lambda: int(self.fs.size(self.full(path))))

    def read(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: if there is none.
        """
        if self.local:
            return self._guard("read", path, Path(self.full(path)).read_bytes)
        return self._guard("read", path, lambda: self.fs.cat_file(self.full(path)))

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset``: one range request in a bucket."""
        return self._guard("read", path, lambda: self.fs.cat_file(self.full(path), start=offset, end=offset + size))

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders directly in ``folder``, sorted; none if it does not exist."""

        def call() -> list[str]:
            try:
                if self.local:
                    return sorted(path.name for path in Path(self.full(folder)).iterdir())
                entries = self.fs.ls(self.full(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            paths = (str(entry).rstrip("/") for entry in entries)
            own = self.full(folder).rstrip("/")
            return sorted(name for path in paths if path != own and (name := path.rpartition("/")[2]))

        return self._guard("list", folder, call)

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every file below, as (path, size), sorted by path, temporary ones left out; memory is bounded by one folder.

        A file that is deleted meanwhile may be left out.
        """
        return self._walk("")

    def _walk(self, folder: str) -> Iterator[tuple[str, int]]:
        listed = _scan_local if self.local else self._scan_remote
        for name, size in self._guard("list", folder, lambda: sorted(listed(self.full(folder)))):
            path = f"{folder}/{name}" if folder else name
            if size is not None:
                yield path, size
            elif path != TMP + "/":
                yield from self._walk(path.rstrip("/"))

    def _scan_remote(self, folder: str) -> list[tuple[str, int | None]]:
        """As ``_scan_local``, of a folder in a bucket."""
        try:
            entries = self.fs.ls(folder, detail=True)
        except FileNotFoundError:
            return []
        names = ((entry, str(entry["name"]).rstrip("/").rpartition("/")[2]) for entry in entries)
        return [
            (f"{name}/", None) if entry["type"] == "directory" else (name, int(entry["size"]))
            for entry, name in names
            if name and str(entry["name"]).rstrip("/") != folder.rstrip("/")
        ]

    @contextlib.contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """The file, open for reading from front to back with some skipping; never in memory as a whole.

        Raises:
            FileNotFoundError: if there is none.
        """
        full = self.full(path)
        opener = open if self.local else self.fs.open
        with self._guard("read", path, lambda: opener(full, "rb")) as file:
            yield file

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well the file becomes ``path`` at once, else it is deleted."""
        made = self._scratch()
        scratch = made.path
        try:
            yield scratch
            self._guard("write", path, lambda: self._publish(scratch, path))
        except OSError as error:
            if _is_full(error):
                raise _no_space(str(scratch.parent), path) from error
            raise
        finally:
            made.close()

    def write(self, path: str, data: bytes) -> None:
        """``data`` as the whole file ``path``, at once or not at all."""
        if self.local:
            with self.writing(path) as scratch:
                scratch.write_bytes(data)
        else:
            self._guard("write", path, lambda: self.fs.pipe_file(self.full(path), data))

    def remove(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; a bucket's is gone file by file."""
        self._guard("delete", path, lambda: self.fs.rm(self.full(path), recursive=True))

    def _scratch(self) -> Scratch:
        if not self.local:
            return Scratch(Path(tempfile.gettempdir()), "humanverse-")
        return self._guard("write in", TMP, lambda: Scratch(Path(self.full(TMP))))

    def _publish(self, scratch: Path, path: str) -> None:
        if not self.local:
            self.fs.put_file(str(scratch), self.full(path))
            return
        target = Path(self.full(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove_temporary(self) -> None:
        """Delete what killed writers left behind. Others may be writing meanwhile."""
        if self.local:
            remove_abandoned(Path(self.full(TMP)))
