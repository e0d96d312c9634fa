"""A block-list as the user keeps it: a text file, one entry per line, ``#`` comments. Read once, kept as sorted keys."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

import numpy as np

from humanverse.blocklists.keys import KINDS
from humanverse.errors import UserError
from humanverse.storage_errors import explain

MAX_LINE = 100_000
"""Bytes."""
_CHUNK = 1 << 20
_COMMENT = re.compile(r"(?:^|\s)#.*", re.DOTALL)


@dataclass(frozen=True)
class BlockList:
    """One list, compiled.

    Attributes:
        kind: ``urls``, ``domains``, ``hashes`` or ``phashes``.
        path: as the recipe names it.
        sha256: of the file, as it lies there.
        keys: uint64 (n,), ascending, each once; ``keys.KINDS`` says what of.
        fresh: whether they were compiled now, and not found as compiled before.
    """

    kind: str
    path: str
    sha256: str
    keys: np.ndarray = field(repr=False)
    fresh: bool = False

    @property
    def name(self) -> str:
        """The file's name, for the ledger."""
        return file_name(self.path)


def file_name(path: str) -> str:
    """The last part of a path or URL, without a query."""
    return path.split("?")[0].rstrip("/").rpartition("/")[2]


Known = Callable[[str, str], np.ndarray | None]
"""Given a kind and a file's SHA-256, its keys if they were compiled before."""


def read(kind: str, path: str, known: Known = lambda kind, sha256: None) -> BlockList:
    """Compile the list at ``path``, a path or fsspec URL; ``.gz``, ``.bz2``, ``.xz`` and ``.zip`` are unpacked.

    Memory: about 20 bytes per entry while it is read, 8 afterwards. The file is copied to a temporary one first.

    Raises:
        UserError: if it cannot be read, or an entry is not of ``kind``.
    """
    with _copied(kind, path) as (copy, sha256):
        keys = known(kind, sha256)
        if keys is not None:
            return BlockList(kind, path, sha256, keys)
        return BlockList(kind, path, sha256, _compiled(kind, path, copy), fresh=True)


@contextlib.contextmanager
def _copied(kind: str, path: str) -> Iterator[tuple[IO[bytes], str]]:
    """A local copy of the file and its SHA-256, so that what was hashed is what is read."""
    import fsspec

    digest = hashlib.sha256()
    with tempfile.TemporaryFile(prefix="humanverse-") as copy:
        try:
            with fsspec.open(path, "rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except Exception as error:
            raise UserError(f"block.{kind}: {path}: {explain(error)}") from error
        copy.seek(0)
        yield copy, digest.hexdigest()


def _compiled(kind: str, path: str, copy: IO[bytes]) -> np.ndarray:
    from fsspec.compression import compr
    from fsspec.utils import infer_compression

    entries = KINDS[kind]
    found = array("Q")
    compression = infer_compression(path.split("?")[0])
    try:
        with contextlib.nullcontext(copy) if compression is None else compr[compression](copy, mode="rb") as stream:
            for number, line in enumerate(iter(lambda: stream.readline(MAX_LINE), b""), 1):
                try:
                    if text := _entry(line):
                        found.append(entries.key(text))
                except UnicodeDecodeError as error:
                    raise UserError(
                        f"block.{kind}: {path}, line {number} is not UTF-8 text: save the list as UTF-8, one entry per line "
                        "(a packed one needs a name with .gz, .bz2, .xz or .zip)"
                    ) from error
                except ValueError as error:
                    why = " ".join(str(error).split())[:200]
                    what = f"block.{kind}: {path}, line {number}: not {entries.form}: {why}"
                    raise UserError(f"{what}; correct it, or put # before it") from error
    except UserError:
        raise
    except Exception as error:  # those of decompressors are of many classes
        raise UserError(f"block.{kind}: {path}: {explain(error)}") from error
    return _distinct(np.frombuffer(found, np.uint64)) if found else np.empty(0, np.uint64)


def _distinct(keys: np.ndarray) -> np.ndarray:
    """``keys``, sorted where they are, each once; ``np.unique`` would take several times the memory."""
    keys.sort()
    return keys[np.append(True, keys[1:] != keys[:-1])]


def _entry(line: bytes) -> str:
    """What stands on a line, without comment and white space. Raises ValueError."""
    if len(line) == MAX_LINE:
        raise ValueError(f"the line is longer than {MAX_LINE} bytes")
    text = line.decode("utf-8-sig")
    return (_COMMENT.sub("", text) if "#" in text else text).strip()
