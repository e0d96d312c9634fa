"""Tar shards that anybody's WebDataset reads, byte-identical for identical members, with every member's place known."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SAFE_NAME = re.compile(r"[0-9a-f]{32}(\.[a-z0-9]+)+")


@dataclass(frozen=True)
class Member:
    """One file in a tar: its name, and the place of its content in bytes."""

    name: str
    offset: int
    size: int


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info.tobuf(format=tarfile.USTAR_FORMAT)


def write(file: BinaryIO, members: Iterable[tuple[str, bytes]]) -> list[Member]:
    """Write ``members`` in order, with time 0 and owner 0, and the end mark; the places are returned in the same order.

    Raises:
        ValueError: if a name is not ``<32 hex digits>.<suffix>``.
    """
    written = []
    position = 0
    for name, data in members:
        if not _SAFE_NAME.fullmatch(name):
            raise ValueError(f"not a member name of a dataset: {name!r}")
        header = _header(name, len(data))
        written.append(Member(name, position + len(header), len(data)))
        file.write(header)
        file.write(data)
        padding = -len(data) % tarfile.BLOCKSIZE
        file.write(b"\0" * padding)
        position += len(header) + len(data) + padding
    end = 2 * tarfile.BLOCKSIZE
    file.write(b"\0" * (end + -(position + end) % tarfile.RECORDSIZE))
    return written


def read(file: BinaryIO) -> Iterator[tuple[Member, bytes]]:
    """The members of a tar with their content, in order.

    Raises:
        ValueError: at a name that is not a dataset's member, or a member that is not a plain file.
        tarfile.TarError: if it is not a tar or ends early.
    """
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for info in archive:
            if not info.isfile() or not _SAFE_NAME.fullmatch(info.name):
                raise ValueError(f"not a member of a dataset: {info.name!r}")
            content = archive.extractfile(info)
            assert content is not None
            yield Member(info.name, info.offset_data, info.size), content.read()


def read_bytes(data: bytes) -> Iterator[tuple[Member, bytes]]:
    """``read`` on a tar in memory."""
    yield from read(io.BytesIO(data))
