"""Temporary files that tell whether their writer lives: it holds a lock, which the system lets go of when it dies."""

from __future__ import annotations

import contextlib
import fcntl
import time
import uuid
from pathlib import Path
from typing import BinaryIO

OLD_S = 86_400.0
"""Where a file system knows no locks, a temporary file untouched for this long counts as left behind."""


def lock(file: BinaryIO, flags: int) -> bool:
    """Lock ``file``; False if the file system has no locks.

    Raises:
        BlockingIOError: with ``LOCK_NB``, if another holds the lock.
    """
    try:
        fcntl.flock(file, flags)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


class Scratch:
    """A new, empty file in ``folder``, which is made if need be; locked until ``close``.

    Attributes:
        path: of the file. It may be written to, and renamed, by its path.

    Raises:
        OSError: if the folder or the file cannot be made.
    """

    def __init__(self, folder: Path, prefix: str = "") -> None:
        self.path = folder / f"{prefix}{uuid.uuid4().hex}"
        while not self._made(folder):
            continue

    def _made(self, folder: Path) -> bool:
        """Make and lock the file; False if ``remove_abandoned`` took the folder or the file before it was locked."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._file = self.path.open("xb")
        except FileNotFoundError:
            return False
        lock(self._file, fcntl.LOCK_EX)
        if self.path.exists():
            return True
        self._file.close()
        return False

    def close(self) -> None:
        """Delete the file, unless it was renamed, and let go of the lock."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def _is_abandoned(path: Path, file: BinaryIO) -> bool:
    try:
        known = lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return known or time.time() - path.stat().st_mtime > OLD_S


def remove_abandoned(folder: Path) -> None:
    """Delete the files in ``folder`` whose writers are dead, and the folder if nothing is left. Others may write meanwhile."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        with contextlib.suppress(OSError), path.open("rb") as file:
            if _is_abandoned(path, file):
                path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
