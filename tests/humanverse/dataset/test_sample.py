"""Rows of a table as Python objects."""

from __future__ import annotations

import pyarrow as pa
import pytest

from humanverse.dataset import sample


def test_rows_come_in_order_whatever_fits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "ROWS_AT_ONCE", 3)
    table = pa.table({"a": list(range(10))})
    assert list(sample.rows(table)) == table.to_pylist()
