"""One place for files: a folder or a bucket, read whole or by range, written whole or not at all.

A local file is written under ``.tmp/`` beside the data, flushed to the disk and renamed; an object in a bucket is one upload of
a finished local file. Nothing is ever streamed into its final name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from humanverse.errors import UserError, one_line

TMP = ".tmp"
_READING = ("read", "look up")
T = TypeVar("T")


class StorageError(UserError):
    """The folder or bucket cannot be used; going on would fail for every shard."""


def _is_full(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


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
            scheme = self.url.partition("://")[0]
            raise StorageError(
                f"{self.url}: needs a package for {scheme}:// ({one_line(error)}); try pip install 'humanverse[{scheme}]'"
            ) from error
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
        except OSError as error:
            if _is_full(error):
                raise StorageError(
                    f"{self.url}: no space left while writing {path}; free some and run the same command again"
                ) from error
            reason = error.strerror or one_line(error)
            raise StorageError(f"{self.url}: cannot {action} {path or 'it'}: {reason}") from error
        except Exception as error:
            raise StorageError(f"{self.url}: cannot {action} {path or 'it'}: {one_line(error)}") from error

    def exists(self, path: str) -> bool:
        return self._guard("look up", path, lambda: bool(self.fs.exists(self.full(path))))

    def size(self, path: str) -> int:
        return self._guard("look up", path, lambda: int(self.fs.size(self.full(path))))

    def read(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: if there is none.
        """
        return self._guard("read", path, lambda: self.fs.cat_file(self.full(path)))

    def read_range(self, path: str, offset: int, size: int) -> bytes:
        """``size`` bytes from ``offset``: one range request in a bucket."""
        return self._guard("read", path, lambda: self.fs.cat_file(self.full(path), start=offset, end=offset + size))

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders directly in ``folder``, sorted; none if it does not exist."""

        def call() -> list[str]:
            try:
                entries = self.fs.ls(self.full(folder), detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            return sorted(name for name in (str(entry).rstrip("/").rpartition("/")[2] for entry in entries) if name)

        return self._guard("list", folder, call)

    def walk(self) -> Iterator[tuple[str, int]]:
        """Every file below, as (path, size), sorted, temporary ones left out."""
        found = self._guard("list", "", lambda: self.fs.find(self.root, detail=True))
        prefix = len(self.root.rstrip("/")) + 1
        for name in sorted(found):
            path = name[prefix:]
            if not path.startswith(TMP + "/"):
                yield path, int(found[name]["size"])

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """A local path to write to; when the block ends well the file becomes ``path`` at once, else it is deleted."""
        scratch = self._scratch()
        try:
            yield scratch
            self._guard("write", path, lambda: self._publish(scratch, path))
        except OSError as error:
            if _is_full(error):
                raise StorageError(
                    f"{scratch.parent}: no space left while writing {path}; free some and run the same command again"
                ) from error
            raise
        finally:
            scratch.unlink(missing_ok=True)

    def write(self, path: str, data: bytes) -> None:
        """``data`` as the whole file ``path``, at once or not at all."""
        if self.local:
            with self.writing(path) as scratch:
                scratch.write_bytes(data)
        else:
            self._guard("write", path, lambda: self.fs.pipe_file(self.full(path), data))

    def _scratch(self) -> Path:
        if not self.local:
            return Path(tempfile.gettempdir()) / f"humanverse-{uuid.uuid4().hex}"
        folder = Path(self.full(TMP))
        self._guard("write in", TMP, lambda: folder.mkdir(parents=True, exist_ok=True))
        return folder / uuid.uuid4().hex

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
        """Delete what killed writers left behind. Only for when no other writer is at work."""
        if self.local:
            shutil.rmtree(self.full(TMP), ignore_errors=True)
