"""Tar shards that anybody's WebDataset reads, byte-identical for identical members, with every member's place known."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SAFE_NAME = re.compile(r"[0-9a-f]{32}(\.[a-z0-9]+)+")
_END = 2 * tarfile.BLOCKSIZE


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


def _end(position: int) -> bytes:
    """The end mark of a tar whose members end at ``position``."""
    return b"\0" * (_END + -(position + _END) % tarfile.RECORDSIZE)


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
    file.write(_end(position))
    return written


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise tarfile.ReadError("it ends early")
    return data


def _named(header: bytes) -> tuple[str, int]:
    """Name and size in a member's header."""
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise tarfile.ReadError(f"a member's header is damaged: {error}") from error
    if not info.isfile() or not _SAFE_NAME.fullmatch(info.name):
        raise ValueError(f"not a member of a dataset: {info.name!r}")
    if header != _header(info.name, info.size):
        raise tarfile.ReadError(f"the header of {info.name} is not as it was written")
    return info.name, info.size


def read(file: BinaryIO) -> Iterator[tuple[Member, bytes]]:
    """The members of a tar that ``write`` made, with their content, in order; one member is in memory at a time.

    Every byte that is not content is compared with what ``write`` writes.

    Args:
        file: open at the start of the tar; only read from, front to back.

    Raises:
        ValueError: at a name that is not a dataset's member, or a member that is not a plain file.
        tarfile.TarError: if it is not such a tar or ends early.
    """
    position = 0
    while (header := _exactly(file, tarfile.BLOCKSIZE)).strip(b"\0"):
        name, size = _named(header)
        content = _exactly(file, size)
        if _exactly(file, -size % tarfile.BLOCKSIZE).strip(b"\0"):
            raise tarfile.ReadError(f"there is something between {name} and the next member")
        yield Member(name, position + len(header), size), content
        position += len(header) + size + -size % tarfile.BLOCKSIZE
    if header + file.read(2 * tarfile.RECORDSIZE) != _end(position):
        raise tarfile.ReadError("its end mark is not as it was written")


def read_bytes(data: bytes) -> Iterator[tuple[Member, bytes]]:
    """``read`` on a tar in memory."""
    yield from read(io.BytesIO(data))
