"""A DuckDB that can do nothing but evaluate: no files, no network, no extensions, no other tables, settings locked."""

from __future__ import annotations

import os
import threading
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

_local = threading.local()


def connection() -> DuckDBPyConnection:
    """This thread's connection to an empty database in memory; a process that was forked gets one of its own."""
    if getattr(_local, "process", None) != os.getpid():
        import duckdb

        made = duckdb.connect(":memory:", config=dict(SETTINGS))
        for setting in AFTERWARDS:
            made.execute(setting).fetchall()
        _local.connection, _local.process = made, os.getpid()
    here: DuckDBPyConnection = _local.connection
    return here


def ask(query: str, value: str) -> str:
    """The answer to a query with one parameter that has one text for an answer."""
    ((answer,),) = connection().execute(query, [value]).fetchall()
    return str(answer)


def message(error: BaseException) -> str:
    """The first line of what DuckDB says, without the kind of the error."""
    first = str(error).strip().partition("\n")[0]
    kind, colon, rest = first.partition(": ")
    return (rest if colon and kind.endswith("Error") else first).rstrip(" .:")
