"""Parts of people against parts of people, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import encode_segmentation
from humanverse.compare.measure import Pair, Said, Side
from humanverse.compare.segmentation import Segmentation, ious
from humanverse.errors import DatasetError
from tests.humanverse.compare.rows import IMAGE

ONE = ("Background", "Hair", "Left_Shoe")
OTHER = ("background", "left-shoe", "Hair", "Bag")
WHOLE = (0.0, 0.0, 200.0, 100.0)


def measure(a: Sequence[str] = ONE, b: Sequence[str] = OTHER) -> Segmentation:
    return Segmentation(Side("segmentation/a", {"labels": list(a)}), Side("segmentation/b", {"labels": list(b)}))


def said(ids: Any, box: tuple[float, float, float, float] = WHOLE) -> Said:
    png, columns = encode_segmentation(np.array(ids))
    return Said({**columns, "map_box": list(box)}, {}, lambda: png)


def test_labels_are_matched_by_name_and_counted_by_pixel() -> None:
    made = measure()
    value = made.add(Pair(IMAGE, said([[0, 0, 1, 1], [1, 2, 2, 2]]), said([[0, 2, 2, 2], [2, 1, 3, 255]])))
    figures = made.findings().figures
    assert figures["labels"] == {
        "background": {"iou": 1 / 2, "pixels_a": 2, "pixels_b": 1},
        "Hair": {"iou": 3 / 4, "pixels_a": 3, "pixels_b": 4},
        "left-shoe": {"iou": 1 / 2, "pixels_a": 2, "pixels_b": 1},
    }
    assert figures["mean_iou"] == pytest.approx((1 / 2 + 3 / 4 + 1 / 2) / 3)
    assert value == pytest.approx(1 - figures["mean_iou"])
    assert figures["pixel_accuracy"] == 5 / 7, "the unknown pixel does not count"
    assert figures["person_iou"] == 5 / 6, "all labels but the background are people"
    assert (figures["only_a"], figures["only_b"]) == ([], ["Bag"])


def test_pictures_add_up_to_one_count() -> None:
    made = measure(ONE, ONE)
    assert made.add(Pair(IMAGE, said([[0, 1]]), said([[0, 1]]))) == 0
    assert made.add(Pair(IMAGE, said([[0, 1]] * 3), said([[0, 0]] * 3))) == pytest.approx(1 - (1 / 2 + 0) / 2)
    figures = made.findings().figures
    assert figures["pictures"] == 2 and figures["labels"]["Hair"]["iou"] == 1 / 4
    assert figures["labels"]["Left_Shoe"]["iou"] is None, "nobody gives it"
    assert figures["mean_iou"] == pytest.approx((4 / 7 + 1 / 4) / 2)


def test_maps_of_other_sizes_and_places_are_compared_where_both_are() -> None:
    fine = np.zeros((100, 200), np.uint8)
    fine[:, 100:] = 1
    made = measure(ONE, ONE)
    assert made.add(Pair(IMAGE, said(fine), said([[0, 0, 1, 1]]))) == 0
    assert made.add(Pair(IMAGE, said(fine), said([[0, 1]], (80.0, 10.0, 120.0, 30.0)))) == 0
    assert made.findings().figures["pixel_accuracy"] == 1


def test_where_nothing_is_known_nothing_is_counted() -> None:
    made = measure()
    assert made.add(Pair(IMAGE, said([[255, 1]]), said([[0, 255]]))) is None
    assert made.add(Pair(IMAGE, said([[1]], (0.0, 0.0, 50.0, 50.0)), said([[1]], (100.0, 0.0, 200.0, 50.0)))) is None
    found = made.findings()
    assert found.figures["without_common_pixels"] == 2 and found.tables == ()
    assert found.figures["mean_iou"] is found.figures["pixel_accuracy"] is None
    assert "2 pictures have no pixels" in found.notes[-1]


def test_tables_and_notes_say_what_is_compared() -> None:
    made = measure()
    made.add(Pair(IMAGE, said([[0, 1, 2]]), said([[0, 2, 3]])))
    found = made.findings()
    assert [row[0] for row in found.tables[1].rows] == ["background", "Hair", "left-shoe"]
    assert found.notes == ("Only B has Bag.", "A has 100.0% of B's pixels (mean over pictures); only these count.")
    assert [item.name for item in found.headlines] == ["mIoU", "accuracy", "IoU people"]


def test_how_much_of_b_is_covered() -> None:
    made = measure(ONE, ONE)
    made.add(Pair(IMAGE, said([[255, 1, 2, 0]]), said([[0, 1, 255, 0]])))
    assert made.findings().covered == pytest.approx(2 / 3)
    made.add(Pair(IMAGE, said([[0, 0]], (0.0, 0.0, 100.0, 100.0)), said([[0, 1, 1, 1]])))
    assert made.findings().covered == pytest.approx((2 / 3 + 1 / 2) / 2)
    made.add(Pair(IMAGE, said([[0]]), said([[255]])))
    assert made.findings().covered == pytest.approx((2 / 3 + 1 / 2) / 2), "B says nothing that could be covered"


def test_ious_of_counts() -> None:
    np.testing.assert_array_equal(ious(np.array([[2, 1, 0], [0, 3, 0], [0, 0, 0]])), [2 / 3, 3 / 4, np.nan])


def test_a_layer_without_labels_is_damaged() -> None:
    with pytest.raises(DatasetError, match="segmentation/a does not say what its labels are"):
        Segmentation(Side("segmentation/a", {}), Side("segmentation/b", {"labels": list(ONE)}))
