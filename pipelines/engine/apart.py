"""Processes that a library starts, out of reach of the signals that a terminal or a launcher sends to all of our group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_ON = [False]


@contextmanager
def started_apart() -> Iterator[None]:
    """Inside, each process that is started by ``fork`` and not by ``vfork``, as ``subprocess`` does where it has a
    ``preexec_fn``, has a session of its own."""
    _register()
    _ON[0] = True
    try:
        yield
    finally:
        _ON[0] = False


@cache
def _register() -> None:
    os.register_at_fork(after_in_child=_leave)


def _leave() -> None:
    if _ON[0]:
        _ON[0] = False
        os.setsid()
