"""One process at a time trains into a folder: a lock that the system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from humanverse.errors import UserError
from humanverse.scratch import lock

FILE = ".lock"
"""In a run's folder; it stays there, and says who held it last."""
WAIT_S = 20.0
"""A launcher starts processes again while those before them are still dying."""
TOLD_S = 1.0
"""After this long it is said that it waits, and for whom."""
_AGAIN_S = 0.1


@contextmanager
def only_one(out: Path, say: Callable[[str], None] = lambda line: None) -> Iterator[None]:
    """Inside, no other process trains into ``out``, which is there; where the file system knows no locks, nothing is known.

    Args:
        say: is told a line if another one does so at first.

    Raises:
        UserError: if another one does so, and does not end in ``WAIT_S``.
    """
    with (out / FILE).open("a+b") as file:
        began, told = time.monotonic(), False
        while not _is_free(file):
            waited = time.monotonic() - began
            if waited >= WAIT_S:
                raise _refusal(out)
            if waited >= TOLD_S and not told:
                say(f"{_held(out)}: waiting at most {WAIT_S:g} s for its end")
                told = True
            time.sleep(_AGAIN_S)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {socket.gethostname()}".encode())
        file.flush()
        yield


def refuse_held(out: Path) -> None:
    """Refuse a folder into which another process trains at the moment.

    Raises:
        UserError: if one does.
    """
    path = out / FILE
    if not path.exists():
        return
    with path.open("a+b") as file:
        if not _is_free(file):
            raise _refusal(out)


def _is_free(file: BinaryIO) -> bool:
    try:
        lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refusal(out: Path) -> UserError:
    return UserError(f"{_held(out)}: wait for its end, or give another folder")


def _held(out: Path) -> str:
    holder = (out / FILE).read_text(encoding="utf-8") or "another process"
    return f"--out {out}: {holder} is training there"
