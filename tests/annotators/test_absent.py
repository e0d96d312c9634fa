"""A kind without an estimator gives rows that say so."""

from __future__ import annotations

import pytest

from annotators import registry
from annotators.base import Picture
from annotators.run import Runner
from schemas.layers import KINDS


@pytest.mark.parametrize("kind", ["depth", "normal"])
def test_every_row_is_unavailable_with_the_reason_and_no_values(kind: str) -> None:
    annotator = registry.get(kind, "none")()
    annotator.load()
    rows = Runner(annotator).table([Picture("0" * 32, b""), Picture("1" * 32, b"")], {}).to_pylist()
    assert [(row["status"], kind in row["reason"]) for row in rows] == [("unavailable", True)] * 2
    assert all(row[field.name] is None for row in rows for field in KINDS[kind].columns)
