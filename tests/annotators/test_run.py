"""The runner: rows for every picture whatever the estimator does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from annotators.base import Annotator, Card, Picture, Row, Unavailable
from annotators.run import MOST_PIXELS, Runner, is_out_of_memory, parts
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import decode_depth


def pictures(count: int) -> list[Picture]:
    jpeg = encode_jpeg(np.full((8, 12, 3), 90, np.uint8), 90)
    return [Picture(f"{index:032x}", jpeg) for index in range(count)]


class Stub(Annotator):
    """Says its picture's number; ``bad`` pictures raise, and batches over ``fits`` do not fit."""

    card = Card("aesthetic", "stub", 1, "", "", "", "", "", needs=())
    bad: frozenset[int] = frozenset()
    fits = 1000

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    @property
    def batch_size(self) -> int:
        return 8

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        if len(pictures) > self.fits:
            raise MemoryError
        self.sizes.append(len(pictures))
        numbers = [int(picture.uid, 16) for picture in pictures]
        for number in numbers:
            if number in self.bad:
                raise ValueError(f"picture {number}\nis odd")
        return [{"score": float(number)} if number != 5 else Unavailable("five") for number in numbers]


def test_rows_are_in_order_with_their_uids() -> None:
    table = Runner(Stub()).table(pictures(20), {})
    assert table.column("uid").to_pylist() == [picture.uid for picture in pictures(20)]
    assert [row["score"] for row in table.to_pylist()] == [float(i) if i != 5 else None for i in range(20)]
    assert table.to_pylist()[5] | {"uid": ""} == {"uid": "", "status": "unavailable", "reason": "five", "score": None}


def test_one_bad_picture_costs_one_row() -> None:
    stub = Stub()
    stub.bad = frozenset({3, 11})
    rows = Runner(stub).table(pictures(20), {}).to_pylist()
    assert [index for index, row in enumerate(rows) if row["status"] == "failed"] == [3, 11]
    assert rows[3]["reason"] == "ValueError: picture 3 is odd"
    assert rows[4]["score"] == 4.0


def test_a_batch_that_does_not_fit_is_halved_and_stays_halved() -> None:
    stub = Stub()
    stub.fits = 3
    runner = Runner(stub)
    rows = runner.table(pictures(20), {}).to_pylist()
    assert all(row["status"] != "failed" for row in rows)
    assert runner.batch_size == 2
    assert max(stub.sizes) == 2


def test_a_picture_that_does_not_fit_alone_is_a_failed_row() -> None:
    stub = Stub()
    stub.fits = 0
    rows = Runner(stub).table(pictures(3), {}).to_pylist()
    assert [(row["status"], row["reason"]) for row in rows] == [("failed", "MemoryError")] * 3


def test_needs_stay_with_their_pictures() -> None:
    class Needy(Stub):
        def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
            return [{"score": float(row["value"])} for row in needs["person"]]

    needs = {"person": [{"value": index * 2} for index in range(19)]}
    rows = Runner(Needy()).table(pictures(19), needs).to_pylist()
    assert [row["score"] for row in rows] == [index * 2 for index in range(19)]


def test_a_wrong_number_of_answers_costs_no_neighbours() -> None:
    class Short(Stub):
        def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
            return [{"score": 1.0}] if len(pictures) == 1 else []

    rows = Runner(Short()).table(pictures(4), {}).to_pylist()
    assert [row["score"] for row in rows] == [1.0] * 4


def test_dense_maps_become_pngs_with_their_geometry() -> None:
    class Depth(Annotator):
        card = Card("depth", "stub", 1, "", "", "", "", "")

        def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
            plane = np.linspace(1, 3, 24, dtype=np.float32).reshape(4, 6)
            plane[0, 0] = np.nan
            return [{"map": plane, "depth_kind": "metric", "unit": "m"} for _ in pictures]

    row: dict[str, Any] = Runner(Depth()).table(pictures(1), {}).to_pylist()[0]
    assert (row["map_width"], row["map_height"], row["map_box"]) == (6, 4, [0.0, 0.0, 12.0, 8.0])
    depth = decode_depth(row["map"], row["scale"], row["offset"])
    assert np.isnan(depth[0, 0])
    np.testing.assert_allclose(depth.ravel()[1:], np.linspace(1, 3, 24)[1:], atol=row["scale"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate"), True),
        (RuntimeError("Failed to allocate memory for requested buffer"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4398046511104 bytes"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("shape mismatch"), False),
    ],
)
def test_out_of_memory_is_recognised_in_every_dialect(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_parts_are_bounded_in_pictures_and_in_pixels():
    assert list(parts([])) == []
    assert list(parts([5] * 130)) == [range(64), range(64, 128), range(128, 130)]
    third = MOST_PIXELS // 3
    assert list(parts([third] * 7)) == [range(3), range(3, 6), range(6, 7)]
    assert list(parts([1, 2 * MOST_PIXELS, 1, 1])) == [range(1), range(1, 2), range(2, 4)]


class Odd(Stub):
    """Gives for one picture what is not a row of its kind."""

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"score": "high" if int(picture.uid, 16) == 6 else 1.0} for picture in pictures]


def test_a_row_that_is_not_of_its_kind_costs_one_row() -> None:
    rows = Runner(Odd()).table(pictures(20), {}).to_pylist()
    assert [index for index, row in enumerate(rows) if row["status"] != "ok"] == [6]
    assert rows[6]["status"] == "failed" and rows[6]["reason"].startswith("not a row of its kind: its score cannot be")
    assert rows[6]["uid"] == pictures(20)[6].uid and rows[6]["score"] is None


def test_rows_of_what_is_not_looked_at() -> None:
    runner = Runner(Stub())
    (failed,), (missing,) = (made.to_pylist() for made in (runner.failed("a", "died"), runner.unavailable("b", "gone")))
    assert failed == {"uid": "a", "status": "failed", "reason": "died", "score": None}
    assert missing == {"uid": "b", "status": "unavailable", "reason": "gone", "score": None}
