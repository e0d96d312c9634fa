"""Text files as streams of lines, whatever their compression, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import IO

import pyarrow as pa

from humanverse.errors import UserError, one_line
from humanverse.sources.storage import SourceFile

MAX_LINE = 4 << 20
"""Bytes; a longer line is one broken row."""
_BLOCK = 1 << 20

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}

Line = bytes | None
"""A line without its end; None for one longer than ``MAX_LINE``."""


def split_lines(stream: IO[bytes]) -> Iterator[Line]:
    """The lines of ``stream``, which end with LF or CR LF. A byte order mark at the beginning is taken off."""
    rest, too_long, first = b"", False, True
    for block in iter(partial(stream.read, _BLOCK), b""):
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield None if too_long or len(line) > MAX_LINE else line.removesuffix(b"\r")
            too_long = False
        if len(rest) > MAX_LINE:
            rest, too_long = b"", True
    if rest or too_long:
        yield None if too_long else rest.removesuffix(b"\r")


def not_blank(lines: Iterable[Line]) -> Iterator[Line]:
    """A blank line is no row of any format."""
    return (line for line in lines if line is None or line.strip())


def compression_of(file: SourceFile) -> str | None:
    return next((name for suffix, name in COMPRESSIONS.items() if file.name.lower().endswith(suffix)), None)


@contextmanager
def open_lines(file: SourceFile) -> Iterator[Iterator[Line]]:
    """The lines of a text file, decompressed by its suffix.

    Raises:
        UserError: if it cannot be read, or its compressed data is damaged or ends early.
    """
    with file.open() as raw:
        compression = compression_of(file)
        try:
            stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), compression) if compression else raw
            yield split_lines(stream)
        except (pa.ArrowException, OSError) as error:
            if compression is None:
                raise
            reason = f"its {compression} data is damaged or ends early ({one_line(error, 200)})"
            raise UserError(f"source {file.url}: {reason}: download it again") from error


def head(file: SourceFile, count: int) -> list[Line]:
    """The first ``count`` lines that are not blank."""
    with open_lines(file) as lines:
        return list(islice(not_blank(lines), count))


def decode(line: bytes) -> str:
    """``line`` as UTF-8, with U+FFFD where it is not."""
    return line.decode("utf-8", errors="replace")
