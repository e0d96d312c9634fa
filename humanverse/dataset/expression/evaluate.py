"""The value of a checked expression in each row."""

from __future__ import annotations

import pyarrow as pa

from humanverse.dataset.expression.connection import connection, message
from humanverse.dataset.expression.parse import TABLE, Expression, refusal
from humanverse.plurals import plural


def evaluate(expression: Expression, rows: pa.Table) -> pa.ChunkedArray:
    """The value of ``expression`` in each of ``rows``: bool, null where what it names says nothing.

    Args:
        rows: one column at least; those that the expression names are called ``str(name)``.

    Raises:
        UserError: if it is no condition, or cannot be evaluated on what the columns hold.
    """
    import duckdb

    with connection() as here:
        here.register(TABLE, rows)
        try:
            found = here.sql(expression.sql).to_arrow_table().column(0)
        except duckdb.Error as error:
            raise refusal(expression.text, message(error)) from error
        finally:
            here.unregister(TABLE)
    if pa.types.is_null(found.type):
        raise refusal(expression.text, "it is always NULL, which keeps nothing")
    if not pa.types.is_boolean(found.type):
        raise refusal(expression.text, f"it is of type {found.type} and not a condition: compare it with something")
    if len(found) != rows.num_rows:
        raise refusal(expression.text, f"it has {plural(len(found), 'value')} for {plural(rows.num_rows, 'sample')}")
    return found
