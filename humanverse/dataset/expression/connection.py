"""A DuckDB that can do nothing but evaluate: no files, no network, no extensions, no other tables, settings locked."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SETTINGS: dict[str, str | int] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "memory_limit": "1GB",
    "threads": 1,
}
AFTERWARDS = ("SET TimeZone = 'UTC'", "SET lock_configuration = true")


class _Shared:
    """The one connection of this process, made when it is first wanted, for one thread at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.made: DuckDBPyConnection | None = None

    def after_fork(self) -> None:
        """A forked process goes on with what it inherits, which has no threads of its own, and never closes it: that, and a
        second one, crash DuckDB there when they end."""
        self.lock = threading.Lock()
        if self.made is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.made))


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.after_fork)


@contextlib.contextmanager
def connection() -> Iterator[DuckDBPyConnection]:
    """A connection to an empty database in memory."""
    with _shared.lock:
        if _shared.made is None:
            import duckdb

            _shared.made = duckdb.connect(":memory:", config=dict(SETTINGS))
            for setting in AFTERWARDS:
                _shared.made.execute(setting).fetchall()
        yield _shared.made


def ask(query: str, value: str) -> str:
    """The answer to a query with one parameter that has one text for an answer."""
    with connection() as here:
        ((answer,),) = here.execute(query, [value]).fetchall()
    return str(answer)


def message(error: BaseException) -> str:
    """The first line of what DuckDB says, without the kind of the error."""
    first = str(error).strip().partition("\n")[0]
    kind, colon, rest = first.partition(": ")
    return (rest if colon and kind.endswith("Error") else first).rstrip(" .:")
