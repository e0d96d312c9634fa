"""What is wrong with the rows that an annotator gave, by the rules that ``humanverse verify`` has; each costs that row alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from annotators.base import Picture, Row
from humanverse.errors import one_line
from schemas.layer_rules import PEOPLE, Rows, broken
from schemas.layers import BOX, OK, Kind

MAP = "map"
"""What a dense kind's row has instead of its ``map_*`` columns."""
WRITTEN_LATER = frozenset({"map_offset", "map_size"})
"""Columns that are known when the shard's tar is written."""
NOT_A_ROW = "not a row of its kind"


class WrongRow(ValueError):
    """A row that is not of its kind; the text names the column."""


def check_columns(kind: Kind, row: Row) -> None:
    """Raise WrongRow if ``row`` says something for which ``kind`` has no column."""
    known = [field.name for field in kind.columns if field.name not in WRITTEN_LATER] + [MAP] * kind.dense
    stray = [name for name in row if name not in known]
    if stray:
        raise WrongRow(f"it has {stray[0]!r}, and a {kind.name} row has {', '.join(known)}")


def check_people(kind: Kind, row: Row, needs: Mapping[str, Row]) -> None:
    """Raise WrongRow if ``row`` is about people, and has others than the person row that it was made from."""
    boxes = needs.get("person", {}).get(PEOPLE["person"])
    own = row.get(PEOPLE.get(kind.name, ""))
    if boxes is not None and own is not None and len(own) != len(boxes):
        raise WrongRow(f"it has {len(own)} {PEOPLE[kind.name]} for the {len(boxes)} people of its person layer")


def misfit(schema: pa.Schema, row: Row) -> str | None:
    """The first column of ``row`` that cannot be stored in ``schema``; None if all can."""
    for field in schema:
        try:
            pa.array([row.get(field.name)], field.type)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            return f"its {field.name} cannot be stored as {field.type} ({one_line(error)})"
    return None


def broken_rules(
    kind: Kind, table: pa.Table, pictures: Sequence[Picture], score_range: tuple[float, float]
) -> dict[int, str]:
    """Positions of rows in ``table`` that must not be stored as they are -> why.

    Args:
        table: rows of a layer, of any status, one for each of ``pictures``.
        score_range: [low, high] of the annotator's scores.
    """
    said: list[int] = np.flatnonzero(pc.equal(table.column("status"), OK).to_numpy()).tolist()
    if not said:
        return {}
    sizes = _sizes(pictures[index] for index in said) if _has_boxes(kind) else None
    found: dict[int, str] = {}
    for bad, message in broken(Rows(kind, table.take(said), sizes, score_range, WRITTEN_LATER)):
        for index in bad.tolist():
            found.setdefault(said[index], f"{NOT_A_ROW}: it {message}")
    return found


def _has_boxes(kind: Kind) -> bool:
    return any(field.type in (BOX, pa.list_(BOX)) for field in kind.columns)


def _sizes(pictures: Iterable[Picture]) -> np.ndarray:
    """float (n, 2), width and height of each picture; infinite where that cannot be known."""
    return np.array([picture.size or (np.inf, np.inf) for picture in pictures], float)
