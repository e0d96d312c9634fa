"""The images tables of one dataset with the source columns of another: every images table of a dataset has the same columns."""

from __future__ import annotations

import pyarrow as pa

from schemas import images


def _fits(theirs: pa.DataType, ours: pa.DataType) -> bool:
    """Whether every value of one type is one of the other: the same type, or a wider one."""
    try:
        both = pa.unify_schemas(
            [pa.schema([("value", ours)]), pa.schema([("value", theirs)])], promote_options="permissive"
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return False
    return bool(both.field("value").type.equals(ours))


def empty(theirs: pa.Schema, ours: pa.Schema) -> tuple[str, ...]:
    """Columns of ``ours`` that ``theirs`` does not have, or of a type whose values do not fit."""
    return tuple(
        field.name
        for field in ours
        if field.name not in theirs.names or not _fits(theirs.field(field.name).type, field.type)
    )


def dropped(theirs: pa.Schema, ours: pa.Schema) -> tuple[str, ...]:
    """Columns that only ``theirs`` has."""
    return tuple(name for name in theirs.names if name not in ours.names)


def fit(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """An images table with the columns of ``schema``: null where it does not have them, its further ones left out."""
    missing = frozenset(empty(table.schema, schema)) - frozenset(images.SCHEMA.names)
    columns = [
        pa.nulls(table.num_rows, field.type)
        if field.name in missing
        else table.column(field.name).cast(field.type, safe=False)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
