"""A layer's rows for given samples, also if what is forgotten was removed from the layer after the samples were read."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.layers import UNAVAILABLE
from schemas.ledger import FORGOTTEN


def aligned(table: pa.Table, uids: pa.ChunkedArray, forgotten: Callable[[], Set[str]]) -> pa.Table | None:
    """The rows of ``table`` for ``uids``, in their order; None if it has not these samples in this order.

    A sample that ``compact`` has removed meanwhile has a row that says so.

    Args:
        table: a layer's, with ``uid``; it may have further samples.
        uids: of the samples.
        forgotten: gives the uids that are; only asked if one is missing.
    """
    if table.column("uid").equals(uids):
        return table
    table = table.filter(pc.is_in(table.column("uid"), value_set=uids.combine_chunks()))
    there = pc.is_in(uids, value_set=table.column("uid").combine_chunks())
    if not table.column("uid").equals(uids.filter(there)):
        return None
    missing = uids.filter(pc.invert(there)).to_pylist()
    if not missing:
        return table
    return _filled(table, missing, there.to_numpy()) if forgotten() >= set(missing) else None


def _filled(table: pa.Table, missing: list[str], there: np.ndarray) -> pa.Table:
    """``table``, with rows of the samples ``missing`` where ``there`` (bool, of every sample) is False."""
    rows = [{"uid": uid, "status": UNAVAILABLE, "reason": FORGOTTEN} for uid in missing]
    places = np.concatenate([np.flatnonzero(there), np.flatnonzero(~there)])
    whole = pa.concat_tables([table, pa.Table.from_pylist(rows, schema=table.schema)])
    return whole.take(pa.array(np.argsort(places)))
