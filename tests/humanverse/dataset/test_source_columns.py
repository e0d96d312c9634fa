"""Source columns of one dataset in the tables of another."""

from __future__ import annotations

import pyarrow as pa
import pytest

from humanverse.dataset.source_columns import dropped, empty, fit


def schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema(list(types.items()))


@pytest.mark.parametrize(
    ("theirs", "ours", "fits"),
    [
        (pa.float32(), pa.float64(), True),
        (pa.float64(), pa.float32(), False),
        (pa.int16(), pa.int64(), True),
        (pa.int64(), pa.int16(), False),
        (pa.null(), pa.string(), True),
        (pa.string(), pa.int64(), False),
        (pa.bool_(), pa.bool_(), True),
    ],
)
def test_values_of_a_narrower_type_fit(theirs: pa.DataType, ours: pa.DataType, fits: bool) -> None:
    assert empty(schema(x=theirs), schema(x=ours)) == (() if fits else ("x",))


def test_tables_get_the_columns_in_order() -> None:
    ours = schema(uid=pa.string(), score=pa.float64(), note=pa.string())
    table = pa.table({"other": [1, 2], "note": [3, 4], "score": pa.array([0.5, None], pa.float32()), "uid": ["a", "b"]})
    assert empty(table.schema, ours) == ("note",)
    assert dropped(table.schema, ours) == ("other",)
    made = fit(table, ours)
    assert made.schema.equals(ours)
    assert made.to_pylist() == [{"uid": "a", "score": 0.5, "note": None}, {"uid": "b", "score": None, "note": None}]
