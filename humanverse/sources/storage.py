"""Files of a source on any fsspec filesystem: finding, listing and opening them, with errors of one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from fsspec import AbstractFileSystem
from fsspec.core import has_magic, url_to_fs
from fsspec.implementations.local import LocalFileSystem

from humanverse.errors import UserError, one_line
from humanverse.storage_errors import explain

REMOTE_THREADS = 16

_STORAGE_MODULES = ("botocore", "aiobotocore", "aiohttp", "google", "gcsfs", "s3fs")

Item = TypeVar("Item")
Result = TypeVar("Result")


def _is_storage_error(error: Exception) -> bool:
    return isinstance(error, OSError | ImportError) or type(error).__module__.split(".")[0] in _STORAGE_MODULES


@contextmanager
def storage_errors(where: str) -> Iterator[None]:
    """Turn what filesystems raise into a ``UserError`` that names ``where``; let all else pass."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) or not _is_storage_error(error):
            raise
        raise UserError(f"source {where}: {explain(error)}") from error


@dataclass(frozen=True)
class SourceFile:
    """One file. Pickles with its filesystem's options.

    Attributes:
        fs: the filesystem.
        path: on ``fs``, without protocol.
        size: bytes; None where the server does not tell.
    """

    fs: AbstractFileSystem
    path: str
    size: int | None

    @property
    def local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    @property
    def url(self) -> str:
        """The path of a local file, the whole URL of another."""
        return self.path if self.local else str(self.fs.unstrip_protocol(self.path))

    @property
    def name(self) -> str:
        """Last part of the path, without an HTTP query."""
        return self.path.split("?")[0].rstrip("/").rpartition("/")[2]

    @property
    def stem(self) -> str:
        """``path`` without its last suffix."""
        return self.path[: -len(Path(self.name).suffix)] if "." in self.name else self.path

    def sibling(self, suffix: str) -> SourceFile:
        """The file of the same name with another suffix; its size is not looked up."""
        return SourceFile(self.fs, self.stem + suffix, None)

    @contextmanager
    def open(self, cache_type: str = "readahead") -> Iterator[IO[bytes]]:
        """The file, for reading. ``cache_type`` is fsspec's (``none`` for large random ranges).

        Raises:
            UserError: if it cannot be opened; a storage error inside the block becomes one too.
        """
        with storage_errors(self.url), self.fs.open(self.path, "rb", cache_type=cache_type) as stream:
            yield stream


@dataclass(frozen=True)
class Listed:
    """What a folder holds directly, sorted by name; hidden names (``.``, ``_``) are left out."""

    files: list[SourceFile]
    folders: list[str]


def _local_entries(path: str) -> Iterator[tuple[str, int | None, bool]]:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir():
                if not entry.is_symlink():
                    yield entry.path, None, True
            elif entry.is_file():
                yield entry.path, entry.stat().st_size, False


def _remote_entries(fs: AbstractFileSystem, path: str) -> Iterator[tuple[str, int | None, bool]]:
    for info in fs.ls(path, detail=True):
        if info["name"].rstrip("/") != path.rstrip("/"):
            yield info["name"].rstrip("/"), info.get("size"), info["type"] == "directory"


def list_folder(fs: AbstractFileSystem, path: str) -> Listed:
    """The entries of one folder. Links to folders are not followed, so that a walk always ends."""
    with storage_errors(path):
        local = isinstance(fs, LocalFileSystem)
        found = sorted(_local_entries(path) if local else _remote_entries(fs, path))
    shown = [entry for entry in found if entry[0].rpartition("/")[2][:1] not in (".", "_")]
    return Listed(
        [SourceFile(fs, name, size) for name, size, folder in shown if not folder],
        [name for name, _, folder in shown if folder],
    )


def walk(fs: AbstractFileSystem, path: str) -> Iterator[Listed]:
    """Each folder under ``path``, itself first, depth first in sorted order; holds one folder's names at a time."""
    pending = [path]
    while pending:
        listed = list_folder(fs, pending.pop())
        pending.extend(reversed(listed.folders))
        yield listed


@dataclass(frozen=True)
class Place:
    """One resolved entry of the user's specification: a file, or a folder to walk."""

    fs: AbstractFileSystem
    path: str
    file: SourceFile | None

    def listings(self) -> Iterator[Listed]:
        if self.file is not None:
            yield Listed([self.file], [])
        else:
            yield from walk(self.fs, self.path)


def _place(fs: AbstractFileSystem, path: str) -> Place:
    info = fs.info(path)
    if info["type"] == "directory":
        return Place(fs, path, None)
    return Place(fs, path, SourceFile(fs, path, info.get("size")))


def _expand(spec: str, storage_options: dict[str, Any]) -> list[Place]:
    with storage_errors(spec):
        try:
            fs, path = url_to_fs(spec, **storage_options)
        except ValueError as error:
            raise UserError(f"source {spec}: {one_line(error)}") from error
        if spec.startswith(("http://", "https://")):
            return [Place(fs, path, SourceFile(fs, path, fs.info(path).get("size")))]
        if has_magic(path) and not fs.exists(path):
            return [_place(fs, match) for match in sorted(fs.glob(path))]
        return [_place(fs, path)]


def find(specs: Iterable[str], storage_options: dict[str, Any] | None = None) -> list[Place]:
    """The files and folders that the paths, globs and fsspec URLs in ``specs`` name: sorted, each once.

    Raises:
        UserError: if one of them matches nothing, or its storage cannot be read.
    """
    places: dict[tuple[str, str], Place] = {}
    for spec in specs:
        found = _expand(spec, storage_options or {})
        if not found:
            raise UserError(f"source {spec}: nothing matches it: check the path")
        places.update({(place.fs.unstrip_protocol(place.path), place.path): place for place in found})
    if not places:
        raise UserError("the source is an empty list: name at least one file or folder")
    return [places[key] for key in sorted(places)]


def in_order(task: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``task`` of each item, in order, with at most ``threads`` begun and not yet taken."""
    if threads <= 1:
        yield from map(task, items)
        return
    rest = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(task, item) for item in islice(rest, threads)]
        try:
            while running:
                yield running.pop(0).result()
                running.extend(pool.submit(task, item) for item in islice(rest, 1))
        finally:
            for future in running:
                future.cancel()


def threads_for(files: Iterable[SourceFile]) -> int:
    """One thread for local files, several where each read waits for a network."""
    return 1 if all(file.local for file in files) else REMOTE_THREADS
