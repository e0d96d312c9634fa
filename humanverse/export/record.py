"""What a dataset knows of its exports: ``exports/<n>.json``, one per place. There one finds where a sample may still be."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError

import humanverse
from humanverse.dataset import cards, layout
from humanverse.dataset.cards import Strict
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError, UserError
from humanverse.export import state
from humanverse.storage import Store

FORMAT = 1


class Record(Strict):
    """``exports/<n>.json``.

    Attributes:
        out: where the export is.
        export: the format's name.
        view: whose samples these are; None for all.
        layers: kind -> ``<kind>/<name>``.
        settings: as they were asked for.
    """

    format: int = FORMAT
    out: str
    export: str
    view: str | None
    layers: dict[str, str]
    settings: dict[str, Any]
    code: str = f"humanverse {humanverse.__version__}"
    time: str = Field(default_factory=state.now)


def read(store: Store, number: int) -> Record | None:
    """``exports/<number>.json``; None if it is not there.

    Raises:
        DatasetError: if it is damaged.
    """
    path = layout.export_record(number)
    value = read_json(store, path)
    if value is None:
        return None
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        why = cards.why_damaged(error)
        raise DatasetError(f"{store.url}/{path} is damaged ({why}): delete it, and export again") from error


def numbers(store: Store) -> list[int]:
    """Numbers of the records that are there, ascending."""
    return cards.numbers(store, layout.EXPORTS)


def exports(dataset: Dataset) -> list[Record]:
    """Every export that was begun, in the order of the first runs.

    Raises:
        DatasetError: if a record is damaged.
    """
    found = (read(dataset.store, number) for number in numbers(dataset.store))
    return [record for record in found if record is not None]


def note(dataset: Dataset, record: Record) -> None:
    """Keep ``record``, in place of an earlier one of the same place."""
    there = numbers(dataset.store)
    for number in there:
        try:
            known = read(dataset.store, number)
        except DatasetError:
            continue
        if known is not None and known.out == record.out:
            break
    else:
        number = there[-1] + 1 if there else 0
    dataset.store.write(layout.export_record(number), json_bytes(record.model_dump(mode="json")))


def holding(record: Record, uids: set[str]) -> set[str] | None:
    """Those of ``uids`` that an export has.

    None if that cannot be known: the place cannot be read, something else is there now, or the last run was not completed.
    """
    try:
        out = Store(record.out)
        there = state.read(out)
        if there is None or not there.complete:
            return None
        return state.listed_uids(out, uids)
    except (UserError, ValueError):
        return None


def holders(dataset: Dataset, uids: set[str]) -> tuple[list[str], list[str]]:
    """Where exports are that have one of ``uids``; and where those are of which it cannot be known.

    Of a record that is damaged, the second has its path in the dataset.
    """
    holding_some: list[str] = []
    unknown: list[str] = []
    for number in numbers(dataset.store):
        try:
            record = read(dataset.store, number)
        except DatasetError:
            unknown.append(layout.export_record(number))
            continue
        found = holding(record, uids) if record is not None else set()
        if record is not None and (found or found is None):
            (unknown if found is None else holding_some).append(record.out)
    return holding_some, unknown
