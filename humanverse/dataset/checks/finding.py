"""What a check says, and the tables that checks read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from humanverse.dataset.parquet import parquet_table
from humanverse.plurals import plural
from humanverse.storage import Store

PROBLEM = "problem"
NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        level: ``problem``: an invariant is broken; ``note``: nothing is lost (work to be done, leftovers of a kill).
        path: the file, relative to the dataset.
        message: what is wrong with it.
    """

    level: str
    path: str
    message: str


class Unreadable(Exception):
    """A file that is missing or damaged, as the problem to report."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.finding = problem(path, message)


def problem(path: str, message: str) -> Finding:
    return Finding(PROBLEM, path, message)


def note(path: str, message: str) -> Finding:
    return Finding(NOTE, path, message)


def first_of(names: list[str], bad: np.ndarray, message: str) -> str:
    """``message`` about the first of the rows ``bad``, and how many rows it is about.

    Args:
        names: of all rows.
        bad: int, the rows concerned, at least one, ascending.
        message: what is wrong with each.
    """
    rows = np.unique(bad)
    return f"{names[rows[0]]} {message}{further(len(rows))}"


def further(rows: int) -> str:
    """What a message about the first of ``rows`` rows ends with."""
    return f" (and {plural(rows - 1, 'further row')})" if rows > 1 else ""


def read_table(store: Store, path: str, schema: pa.Schema, more: bool = False) -> pa.Table:
    """The columns of ``schema`` in a Parquet file.

    Args:
        more: whether nullable columns may follow those of ``schema``; the table's schema metadata and columns then
            include them.

    Raises:
        Unreadable: if it is missing, damaged, or has other columns, types or nulls than it should.
    """
    try:
        table = parquet_table(store.read(path))
    except FileNotFoundError as error:
        raise Unreadable(path, "is missing") from error
    except ValueError as error:
        raise Unreadable(path, f"is damaged: {error}") from error
    for index, field in enumerate(schema):
        if index >= len(table.schema) or not table.schema.field(index).equals(field):
            null = "" if field.nullable else " not null"
            raise Unreadable(path, f"column {index + 1} is not {field.name} {field.type}{null}")
        if not field.nullable and table.column(index).null_count:
            raise Unreadable(path, f"column {field.name} has nulls")
    extra = [table.schema.field(index) for index in range(len(schema), len(table.schema))]
    if extra and not (more and all(field.nullable for field in extra)):
        raise Unreadable(path, f"has a column {extra[0].name} that does not belong there")
    return table
