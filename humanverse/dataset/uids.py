"""What a uid looks like. A dataset may come from anybody, and its uids become the names of files."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.errors import DatasetError

PATTERN = "^[0-9a-f]{32}$"


def check_uids(table: pa.Table, where: str) -> pa.Table:
    """``table``, if its column ``uid`` has 32 hex digits in each row.

    Raises:
        DatasetError: otherwise, with the first that has not.
    """
    uids = table.column("uid")
    if pa.types.is_string(uids.type):
        uids = uids.filter(pc.invert(pc.fill_null(pc.match_substring_regex(uids, PATTERN), False)))
    if len(uids):
        raise DatasetError(f"{where}: {uids[0].as_py()!r} is no uid: run humanverse verify")
    return table
