"""Records of exports: each is there as it was written. Where they lead to is not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from humanverse.dataset import create, layout
from humanverse.dataset.checks.finding import Finding, note, problem
from humanverse.dataset.checks.held import Held
from humanverse.errors import DatasetError


def check(held: Held) -> Iterator[Finding]:
    """Every file below ``exports/``."""
    for name in held.store.names(layout.EXPORTS):
        path = f"{layout.EXPORTS}/{name}"
        if layout.card_number(name) is None:
            yield note(path, "does not belong to the dataset")
            continue
        try:
            record = create.read_json(held.store, path) or {}
        except DatasetError:
            record = {}
        if not isinstance(record.get("out"), str):
            yield problem(path, "does not say where the export is; forget cannot name it: export there again")
