"""The two annotators: geometry with a network of which it is known what it says, and what holds for the shipped one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators import registry
from annotators.base import Annotator, Picture, Unavailable
from annotators.pose.crops import Window
from annotators.run import Runner
from annotators.structure import estimator, selfie
from annotators.structure.estimator import LiteStructure, cells_inside, masked, near
from annotators.structure.inputs import SIDE
from annotators.weights import Choice, as_pinned, from_path
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import decode_depth, decode_normal
from humanverse.compare.normal import angles
from schemas.layers import KINDS
from tests.annotators.photographs import NOBODY, PERSON, SEVERAL, person_row, photograph, row
from tests.annotators.structure import networks

WIDTH, HEIGHT = 200, 120
BOX = (40.0, 20.0, 120.0, 100.0)


class _NoSelfie:
    """A segmenter that sees nobody."""

    def __init__(self, weight: Choice = as_pinned) -> None:
        pass

    def mask(self, rgb: np.ndarray) -> np.ndarray:
        return np.zeros(rgb.shape[:2], np.float32)


def said_of(boxes: Sequence[Sequence[float]], scores: Sequence[float] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Rows of person and pose for one picture; no point was found."""
    ok = {"status": "ok", "reason": None}
    keypoints = [[0.0] * 399 for _ in boxes]
    return {
        "person": [{**ok, "boxes": boxes, "scores": scores or [0.9] * len(boxes)}],
        "pose": [
            {**ok, "keypoints": keypoints, "present": [[True] * 133 for _ in boxes], "scores": [0.0] * len(boxes)}
        ],
    }


def picture(name: str = "0" * 32) -> Picture:
    return Picture(name, encode_jpeg(np.full((HEIGHT, WIDTH, 3), 90, np.uint8), 90))


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the annotator of a kind, with a network that takes the boxes for the people."""
    monkeypatch.setattr(estimator, "Selfie", _NoSelfie)
    path = tmp_path / "stub.onnx"
    path.write_bytes(networks.of_boxes())

    def make(kind: str, **settings: Any) -> Annotator:
        wanted = registry.get(kind, "lite-structure")
        made = wanted(wanted.Settings(**settings), weights={estimator.NETWORK: from_path(path)})
        made.load()
        return made

    return make


@pytest.mark.parametrize(
    ("window", "box", "cells"),
    [
        (Window(64, 64, 64), (32, 32, 96, 96), (256, 256)),
        (Window(20, 60, 64), (0, 28, 52, 92), (208, 256)),
        (Window(100, 60, 256), (0, 0, 200, 120), (200, 120)),
        (Window(100.5, 60, 256), (0.5, 0, 199.5, 120), (199, 120)),
    ],
)
def test_a_map_covers_the_cells_that_lie_inside_the_picture(window: Window, box: Any, cells: Any) -> None:
    rows, columns, covered = cells_inside(window, (WIDTH, HEIGHT), 256)
    assert covered == pytest.approx(box)
    assert (columns.stop - columns.start, rows.stop - rows.start) == cells


def test_a_window_beside_the_picture_has_no_cells() -> None:
    rows, columns, _ = cells_inside(Window(-100, 60, 64), (WIDTH, HEIGHT), SIDE)
    assert columns.start == columns.stop and rows.stop > rows.start


def test_depth_lies_where_the_people_are_and_nowhere_else(stub: Any) -> None:
    found = stub("depth").annotate([picture()], said_of([BOX]))[0]
    x0, y0, x1, y1 = found["map_box"]
    side = 80 * 1.15
    assert (x0, x1) == pytest.approx((80 - side / 2, 80 + side / 2)) and (y0, y1) == pytest.approx((14, 106))
    rows, columns = np.nonzero(np.isfinite(found["map"]))
    pitch = side / SIDE
    low = np.array([x0 + columns.min() * pitch, y0 + rows.min() * pitch])
    high = np.array([x0 + (columns.max() + 1) * pitch, y0 + (rows.max() + 1) * pitch])
    np.testing.assert_allclose([*low, *high], BOX, atol=pitch)
    np.testing.assert_allclose(found["map"][rows, columns], rows)
    assert (found["depth_kind"], found["unit"]) == ("relative", None)


def test_normals_are_unit_vectors_where_the_people_are(stub: Any) -> None:
    found = stub("normal").annotate([picture()], said_of([BOX]))[0]
    valid = np.isfinite(found["map"]).all(axis=2)
    assert 0 < valid.sum() < valid.size
    np.testing.assert_allclose(found["map"][valid], np.tile([0, 0, 1], (valid.sum(), 1)), atol=1e-6)


def test_people_that_are_not_sure_are_not_looked_at(stub: Any) -> None:
    sure = stub("depth").annotate([picture()], said_of([BOX]))[0]
    both = stub("depth").annotate([picture()], said_of([BOX, (130, 0, 199, 119)], [0.9, 0.2]))[0]
    assert both["map_box"] == sure["map_box"]


def test_where_nobody_is_no_pixel_has_a_depth(stub: Any) -> None:
    for kind in ("depth", "normal"):
        found = stub(kind).annotate([picture()], said_of([]))[0]
        assert np.isnan(found["map"]).all() and found["map_box"] == [0, 0, WIDTH, HEIGHT]


def test_without_a_pose_there_is_a_reason_and_no_map(stub: Any) -> None:
    needs = said_of([BOX])
    needs["pose"][0] = {"status": "failed", "reason": "it broke"}
    found = stub("depth").annotate([picture()], needs)[0]
    assert isinstance(found, Unavailable) and found.reason == "no pose row: it broke"


def test_one_look_serves_both_layers(stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    first = LiteStructure._look

    def look(self: LiteStructure, *told: Any) -> Any:
        looked.append("once")
        return first(self, *told)

    monkeypatch.setattr(LiteStructure, "_look", look)
    for kind in ("depth", "normal"):
        stub(kind).annotate([picture("one look")], said_of([BOX]))
    assert looked == ["once"]
    stub("depth").annotate([picture("one look")], said_of([(50.0, 20.0, 120.0, 100.0)]))
    assert len(looked) == 2


def test_nobody_is_far_from_all_boxes() -> None:
    found = near(np.array([[0.25, 0.25, 0.5, 0.75], [0.9, 0.9, 1.0, 1.0]]), 40)
    rows, columns = np.nonzero(found[:34])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (9, 20, 8, 31)
    assert found[36:, 36:].all() and found.sum() == 12 * 24 + 16


def test_a_longer_map_is_averaged_over_people_alone() -> None:
    values = np.array([[1.0, 3, 5, 100], [1, 3, 100, 100]], np.float32)
    people = np.array([[1, 1, 1, 0], [1, 1, 0, 0]], bool)
    made = masked(values, people, 2)
    np.testing.assert_allclose(made, [[2, np.nan]])


def test_batches_of_one_and_of_eight_are_the_same(stub: Any) -> None:
    pictures = [picture(str(number)) for number in range(8)]
    needs = [said_of([(10.0 + number, 10, 60 + number, 90)]) for number in range(8)]
    together = {kind: [one[kind][0] for one in needs] for kind in ("person", "pose")}
    depth = stub("depth")
    many = depth.annotate(pictures, together)
    for one, apart in zip(pictures, needs, strict=True):
        single = depth.annotate([one], apart)[0]
        np.testing.assert_array_equal(single["map"], many[pictures.index(one)]["map"])


@pytest.mark.parametrize("kind", ["depth", "normal"])
def test_the_shipped_network_tells_people_from_what_is_behind_them(kind: str) -> None:
    for name, least, most in ((PERSON, 0.2, 0.8), (SEVERAL, 0.02, 0.6)):
        looked_at = photograph(name)
        person = person_row(looked_at)
        pose = {"status": "ok", "reason": None, **row("pose", "movenet-mediapipe", looked_at, {"person": person})}
        found = row(kind, "lite-structure", looked_at, {"person": person, "pose": pose})
        values = found["map"] if kind == "depth" else found["map"][:, :, 2]
        assert least < np.isfinite(values).mean() < most
        if kind == "normal":
            assert np.nanmean(values) > 0.5


@pytest.mark.parametrize("kind", ["depth", "normal"])
def test_rows_have_the_schema_and_survive_their_png(kind: str) -> None:
    looked_at, nobody = photograph(PERSON), photograph(NOBODY)
    person = person_row(looked_at)
    pose = {"status": "ok", "reason": None, **row("pose", "movenet-mediapipe", looked_at, {"person": person})}
    empty = {name: said[0] for name, said in said_of([]).items()}
    needs = {"person": [person, empty["person"]], "pose": [pose, empty["pose"]]}
    annotator = registry.get(kind, "lite-structure")()
    annotator.load()
    table = Runner(annotator).table([looked_at, nobody], needs)
    assert table.schema.remove("map" and table.schema.names.index("map")) == KINDS[kind].schema
    first, second = table.to_pylist()
    assert [first["status"], second["status"]] == ["ok", "ok"]
    if kind == "depth":
        assert np.isnan(decode_depth(second["map"], second["scale"], second["offset"])).all()
        return
    normal = decode_normal(first["map"])
    valid = np.isfinite(normal).all(axis=2)
    assert valid.any() and np.nanmax(angles(normal[valid], normal[valid])) < 1e-3
    assert np.isnan(decode_normal(second["map"])).all()


def test_the_shipped_file_is_the_one_that_was_measured() -> None:
    assert from_path(estimator.NETWORK.spec).sha256 == estimator.NETWORK.sha256
    assert estimator.NETWORK.size < 10_000_000 and estimator.WEIGHTS == (estimator.NETWORK, selfie.MODEL)
