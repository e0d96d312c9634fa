"""Run an annotator over the pictures of a shard: batches, halving on out-of-memory, and one row lost at most
per bad picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from annotators.base import Annotator, Picture, Row, Unavailable
from annotators.wrong_rows import NOT_A_ROW, WrongRow, broken_rules, check_columns, check_people, misfit
from humanverse.codec.maps import ENCODERS
from humanverse.errors import one_line
from schemas.layers import OK, ROW_FAILED, UNAVAILABLE

MOST_PICTURES = 64
MOST_PIXELS = 64_000_000
"""Of a part: decoded, they take three bytes each."""

_OUT_OF_MEMORY = (
    *("out of memory", "failed to allocate memory", "bad_alloc", "not enough memory"),
    *("can't allocate memory", "alloc_failed"),
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` is some library's way to say that the batch did not fit."""
    text = f"{type(error).__name__}: {error}".lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in (*_OUT_OF_MEMORY, "outofmemoryerror"))


def parts(areas: Iterable[int]) -> Iterator[range]:
    """Cut pictures into runs that may be decoded at the same time, for all annotators that see them.

    Args:
        areas: of each picture, in pixels.

    Yields:
        Positions, in order: at most ``MOST_PICTURES`` with ``MOST_PIXELS`` together, or a single larger picture.
    """
    start, stop, pixels = 0, 0, 0
    for area in areas:
        if stop > start and (stop - start == MOST_PICTURES or pixels + area > MOST_PIXELS):
            yield range(start, stop)
            start, pixels = stop, 0
        stop, pixels = stop + 1, pixels + area
    if stop > start:
        yield range(start, stop)


class Runner:
    """One loaded annotator, and the batch size that has worked so far.

    Args:
        annotator: already loaded.
    """

    def __init__(self, annotator: Annotator) -> None:
        self.annotator = annotator
        self.batch_size = max(1, annotator.batch_size)

    def table(
        self,
        pictures: Sequence[Picture],
        needs: Mapping[str, Sequence[Row]],
        done: Callable[[int], None] = lambda count: None,
    ) -> pa.Table:
        """The layer's rows for ``pictures``, in order; for a dense kind with the PNGs in a further column
        ``map``.

        Args:
            pictures: of a part of a shard, see ``parts``.
            needs: for each kind in the card's ``needs``, that layer's row of each picture.
            done: told how many pictures were finished, after each batch.
        """
        rows: list[Row] = []
        while len(rows) < len(pictures):
            start, stop = len(rows), len(rows) + self.batch_size
            batch = pictures[start:stop]
            answers = self._batch(batch, {kind: said[start:stop] for kind, said in needs.items()})
            for index, (picture, answer) in enumerate(zip(batch, answers, strict=True), start):
                rows.append(self._row(picture, answer, {kind: said[index] for kind, said in needs.items()}))
            done(len(batch))
        return self._held_to_rules(rows, pictures)

    def failed(self, uid: str, reason: str) -> pa.Table:
        """The row of a picture that was not looked at."""
        return self._as_table([{"uid": uid, "status": ROW_FAILED, "reason": reason}])

    def unavailable(self, uid: str, reason: str) -> pa.Table:
        """The row of a picture that is not there."""
        return self._as_table([{"uid": uid, "status": UNAVAILABLE, "reason": reason}])

    def _held_to_rules(self, rows: Sequence[Row], pictures: Sequence[Picture]) -> pa.Table:
        """``rows`` as a table, those that are not as a row of the kind must be as failed ones."""
        table = self._as_table(rows)
        wrong = broken_rules(self.annotator.kind, table, pictures, self.annotator.score_range)
        if not wrong:
            return table
        failed = {
            index: {"uid": rows[index]["uid"], "status": ROW_FAILED, "reason": why} for index, why in wrong.items()
        }
        return self._as_table([failed.get(index, row) for index, row in enumerate(rows)])

    def _as_table(self, rows: Sequence[Row]) -> pa.Table:
        schema = self.annotator.kind.schema
        if self.annotator.kind.dense:
            schema = schema.append(pa.field("map", pa.large_binary()))
        try:
            return pa.Table.from_pylist(list(rows), schema=schema)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            if len(rows) > 1:
                return pa.concat_tables([self._as_table([row]) for row in rows])
            why = misfit(schema, rows[0]) or one_line(error)
            row = {"uid": rows[0]["uid"], "status": ROW_FAILED, "reason": f"{NOT_A_ROW}: {why}"}
            return pa.Table.from_pylist([row], schema=schema)

    def _batch(self, batch: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> list[Row | Unavailable | str]:
        """One answer per picture; a string is the reason why there is none."""
        try:
            answers = list(self.annotator.annotate(batch, needs))
            if len(answers) != len(batch):
                raise ValueError(f"{self.annotator.card.layer} gave {len(answers)} rows for {len(batch)} pictures")
            return answers  # type: ignore[return-value]
        except Exception as error:
            if len(batch) == 1:
                return [one_line(error)]
            size = 1
            if is_out_of_memory(error):
                size = self.batch_size = len(batch) // 2
        return [
            answer
            for start in range(0, len(batch), size)
            for answer in self._batch(
                batch[start : start + size],
                {kind: said[start : start + size] for kind, said in needs.items()},
            )
        ]

    def _row(self, picture: Picture, answer: Row | Unavailable | str, needs: Mapping[str, Row]) -> dict[str, Any]:
        if isinstance(answer, str):
            return {"uid": picture.uid, "status": ROW_FAILED, "reason": answer}
        if isinstance(answer, Unavailable):
            return {"uid": picture.uid, "status": UNAVAILABLE, "reason": answer.reason or "it gave no reason"}
        try:
            check_columns(self.annotator.kind, answer)
            check_people(self.annotator.kind, answer, needs)
            return self._said(picture, answer)
        except WrongRow as error:
            return {"uid": picture.uid, "status": ROW_FAILED, "reason": f"{NOT_A_ROW}: {error}"}
        except Exception as error:
            return {"uid": picture.uid, "status": ROW_FAILED, "reason": one_line(error)}

    def _said(self, picture: Picture, answer: Row) -> dict[str, Any]:
        row = {"uid": picture.uid, "status": OK, **answer}
        if self.annotator.kind.dense:
            height, width = answer["map"].shape[:2]
            row["map"], columns = ENCODERS[self.annotator.card.kind](answer["map"])
            row |= {"map_width": width, "map_height": height, **columns}
            row.setdefault("map_box", [0.0, 0.0, float(picture.rgb.shape[1]), float(picture.rgb.shape[0])])
        return row
