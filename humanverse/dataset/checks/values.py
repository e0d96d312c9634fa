"""What the rows of a layer say: statuses with their reasons, and values that ``schemas.layer_rules`` allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset.checks.finding import Finding, first_of, problem
from humanverse.dataset.checks.held import Layer
from schemas.layer_rules import Rows, broken
from schemas.layers import HEAD, OK, ROW_STATUSES

LABELS = "labels"
VECTOR = "vector"


def check(path: str, layer: Layer, table: pa.Table, images: pa.Table | None) -> Iterator[Finding]:
    """The rows of one shard of a layer: at most one finding per rule and column.

    Args:
        path: of the table.
        table: its rows, aligned with ``images``.
        images: the shard's images table; None if it cannot be read.
    """
    yield from _statuses(path, layer, table)
    chosen = np.flatnonzero(pc.equal(table.column("status"), OK).to_numpy())
    said = table.take(chosen)
    uids = said.column("uid").to_pylist()
    sizes = None
    if images is not None and images.num_rows == table.num_rows:
        sizes = np.stack([images.column(name).to_numpy() for name in ("width", "height")], axis=1)[chosen].astype(float)
    for bad, message in broken(Rows(layer.kind, said, sizes, layer.score_range)):
        yield problem(path, first_of(uids, bad, message))
    if layer.labels is not None and LABELS in said.column_names:
        yield from _named(path, layer.labels, said)
    if layer.width is not None and VECTOR in said.column_names:
        yield from _as_wide(path, layer.width, said)


def _named(path: str, names: Sequence[str], said: pa.Table) -> Iterator[Finding]:
    """Ids have the names that the card gives them."""
    rows = said.select(["uid", LABELS, "label_names"]).to_pylist()
    meant = [[names[label] if 0 <= label < len(names) else None for label in row[LABELS] or []] for row in rows]
    wrong = [index for index, row in enumerate(rows) if meant[index] != (row["label_names"] or [])]
    if wrong:
        uids = [row["uid"] for row in rows]
        yield problem(path, first_of(uids, np.array(wrong), "has labels of other names than layer.json says"))


def _as_wide(path: str, width: int, said: pa.Table) -> Iterator[Finding]:
    """Vectors have as many numbers as the card says."""
    wrong = np.flatnonzero(pc.list_value_length(said.column(VECTOR)).fill_null(width).to_numpy() != width)
    if len(wrong):
        uids = said.column("uid").to_pylist()
        yield problem(path, first_of(uids, wrong, f"has a vector of another width than {width}, as layer.json says"))


def _statuses(path: str, layer: Layer, table: pa.Table) -> Iterator[Finding]:
    uids = table.column("uid").to_pylist()
    status = np.array(table.column("status").to_pylist(), dtype=object)
    unknown = np.flatnonzero(~np.isin(status, np.array(ROW_STATUSES, dtype=object)))
    if len(unknown):
        yield problem(path, first_of(uids, unknown, f"has the unknown status {status[unknown[0]]}"))
    silent = np.isin(status, np.array([name for name in ROW_STATUSES if name != OK], dtype=object))
    unexplained = np.array([not reason for reason in table.column("reason").to_pylist()], dtype=bool)
    if (silent & unexplained).any():
        yield problem(path, first_of(uids, np.flatnonzero(silent & unexplained), "says nothing, without a reason"))
    speaking = np.zeros(table.num_rows, dtype=bool)
    for name in table.column_names[len(HEAD) :]:
        speaking |= table.column(name).is_valid().to_numpy()
    if (silent & speaking).any():
        yield problem(path, first_of(uids, np.flatnonzero(silent & speaking), "is not ok, and has values"))
