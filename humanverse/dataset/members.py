"""Members of a shard's tars by the places that its tables give, also while the shard is being rewritten.

Before a member's content stands its header with its name: both are read, so that a place that is out of date is noticed.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa

from humanverse.dataset.generations import Generations, Gone
from humanverse.storage import Store

PathOf = Callable[[int, int], str]
"""The path of a tar, by shard and generation."""
_NAME = 100
"""Bytes of the name in a header."""


@dataclass(frozen=True)
class Place:
    """Where a member's content is, in bytes."""

    offset: int
    size: int


def places(table: pa.Table, what: str) -> list[Place]:
    """The places in ``<what>_offset`` and ``<what>_size``, which are not null, in order."""
    columns = (table.column(f"{what}_{name}").to_pylist() for name in ("offset", "size"))
    return [Place(offset, size) for offset, size in zip(*columns, strict=True)]


def _content(path: str, data: bytes, name: str, size: int) -> bytes:
    if len(data) != tarfile.BLOCKSIZE + size:
        raise Gone(f"{path} is damaged: it ends early; run humanverse verify")
    if data[:_NAME].rstrip(b"\0") != name.encode():
        raise Gone(f"{path} is damaged: {name} is not where its table says; run humanverse verify")
    return data[tarfile.BLOCKSIZE :]


def between(store: Store, path: str, members: Sequence[tuple[str, Place]]) -> Iterator[bytes]:
    """The content of members of one tar by one range request, what lies between them read too.

    Args:
        members: name and place of each, ascending.

    Raises:
        Gone: if one is damaged.
        FileNotFoundError: if there is no tar.
    """
    start = members[0][1].offset - tarfile.BLOCKSIZE
    data = memoryview(store.read_range(path, start, members[-1][1].offset + members[-1][1].size - start))
    for name, place in members:
        first = place.offset - tarfile.BLOCKSIZE - start
        member = bytes(data[first : first + tarfile.BLOCKSIZE + place.size])
        yield _content(f"{store.url}/{path}", member, name, place.size)


class Tars:
    """The tars of a dataset.

    Args:
        store: of the dataset.
        generations: of its shards.
    """

    def __init__(self, store: Store, generations: Generations) -> None:
        self._store, self._generations = store, generations

    def member(self, shard: int, path_of: PathOf, name: str, place: Place, anew: Callable[[int], Place]) -> bytes:
        """One member's content, by one range request.

        Args:
            place: as of a table that was read before.
            anew: its place in a generation of the shard.

        Raises:
            Gone: if it is missing or damaged.
        """
        try:
            return self._range(path_of(shard, self._generations.of(shard)), name, place)
        except Gone:
            return self._generations.current(
                shard, lambda generation: self._range(path_of(shard, generation), name, anew(generation))
            )

    def _range(self, path: str, name: str, place: Place) -> bytes:
        start = place.offset - tarfile.BLOCKSIZE
        try:
            data = self._store.read_range(path, start, tarfile.BLOCKSIZE + place.size)
        except FileNotFoundError as error:
            raise self._missing(path) from error
        return _content(f"{self._store.url}/{path}", data, name, place.size)

    def _missing(self, path: str) -> Gone:
        return Gone(f"{self._store.url}/{path} is missing: run humanverse verify")

    def members(
        self,
        shard: int,
        path_of: PathOf,
        names: Sequence[str],
        places: Sequence[Place | None],
        anew: Callable[[int], Sequence[Place | None]],
    ) -> Iterator[bytes | None]:
        """The content of many members in one passage over the tar, None where there is no place.

        Args:
            places: ascending, as of a table that was read before.
            anew: all places in a generation of the shard.

        Raises:
            Gone: if one is missing or damaged.
        """
        done, looked = 0, -1
        while done < len(names):
            generation = self._generations.of(shard)
            try:
                for content in self.passage(path_of(shard, generation), names[done:], places[done:]):
                    yield content
                    done += 1
            except Gone:
                self._generations.listed()
                if looked == (looked := self._generations.of(shard)):
                    raise
                places = self._generations.current(shard, anew)

    def passage(self, path: str, names: Sequence[str], places: Sequence[Place | None]) -> Iterator[bytes | None]:
        """The content of many members of one tar, as it is now; otherwise as ``members``."""
        try:
            with self._store.reading(path) as tar:
                for name, place in zip(names, places, strict=True):
                    yield None if place is None else self._next(path, tar, name, place)
        except FileNotFoundError as error:
            raise self._missing(path) from error

    def _next(self, path: str, tar: BinaryIO, name: str, place: Place) -> bytes:
        tar.seek(place.offset - tarfile.BLOCKSIZE)
        data = tar.read(tarfile.BLOCKSIZE + place.size)
        return _content(f"{self._store.url}/{path}", data, name, place.size)
