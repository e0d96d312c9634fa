"""People for estimators of poses to look at: a person layer on photographs, person rows, and what one estimator says of one
picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotators.base import Annotator, Card, Picture, Row, Unavailable
from annotators.person.boxes import person_row
from annotators.pose.topdown_pose import TopDownPose
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from schemas.layers import KINDS
from schemas.skeletons import WHOLEBODY
from tests.annotators.added import PHOTOGRAPHS, Said, alike, place_of, said
from tests.pipelines.layers import tables

POINTS = len(WHOLEBODY)


class ThreePeople(Annotator):
    """A tall person, a wide one at the border, and one that is hardly believed; nobody in pictures higher than wide."""

    card = Card("person", "three", 1, "", "", "", "", "")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(*picture.rgb.shape[:2]) for picture in pictures]

    def _row(self, height: int, width: int) -> Row:
        shares = np.array([[0.3, 0.1, 0.5, 0.9], [0.5, 0.6, 1.0, 0.8], [0.1, 0.1, 0.2, 0.3]])
        boxes = shares * [width, height, width, height]
        scores = np.array([0.9, 0.5, 0.2]) if width >= height else np.zeros(3)
        return person_row(boxes, scores, width, height, 0.1)


def with_people(folder: Path, names: Sequence[str] = PHOTOGRAPHS) -> Path:
    """A dataset of photographs with the layer ``person/three``."""
    place = place_of(folder, names)
    assert annotate(str(place), Asked({"person": f"{__name__}:ThreePeople"}), local=True).lost == {}
    return place


def added(place: Path, annotator: str, name: str, weights: Path, **settings: Any) -> dict[str, Said]:
    """The layer ``pose``/``name`` on ``person/three``; all of its rows."""
    asked = Asked({"pose": annotator}, {"pose": name}, {"pose": settings}, weights=[("pose", str(weights))])
    assert annotate(str(place), asked, local=True).lost == {}
    return said(place, f"pose/{name}")


def rows_hold(folder: Path, annotator: str, weights: Path, slots: Sequence[int], **settings: Any) -> None:
    """Make the layer in batches of 1 and of 8, and check what holds for any: schema, ``verify``, that it goes on to the same
    bytes, that the batch changes nothing, and that exactly ``slots`` are present in people whose box is believed."""
    place = with_people(folder)
    rows = added(place, annotator, "one", weights, batch_size=1, **settings)
    before = tables(place, "pose/one")
    for path in (place / "layers" / "pose" / "one").glob("000001.*"):
        path.unlink()
    added(place, annotator, "one", weights, batch_size=1, **settings)
    assert tables(place, "pose/one") == before
    alike(rows, added(place, annotator, "eight", weights, batch_size=8, **settings))
    dataset = Dataset(str(place))
    assert dataset.layer("pose/one", 0).schema.remove_metadata() == KINDS["pose"].schema
    findings = verify(dataset).findings
    assert [one for one in findings if one.path.startswith(("layers/pose/one/", "layers/pose/eight/"))] == []
    people = said(place, "person/three")
    counts = [len(one.row["boxes"]) for one in people.values()]
    assert len(rows) == len(PHOTOGRAPHS) and 0 in counts and counts.count(3) >= 2
    looked_for = [slot in set(slots) for slot in range(POINTS)]
    for uid, one in rows.items():
        assert one.row["status"] == "ok"
        expected = [looked_for, looked_for, [False] * POINTS]
        assert one.row["present"] == expected[: len(people[uid].row["boxes"])]


def person(*boxes: Sequence[float], scores: Sequence[float] | None = None) -> Row:
    return {"status": "ok", "reason": None, "boxes": list(boxes), "scores": scores or [1.0] * len(boxes)}


def found(annotator: Annotator, rgb: np.ndarray, people: Row) -> np.ndarray:
    """float (people, 133, 3) of one picture."""
    (row,) = annotator.annotate([Picture("0", encode_jpeg(rgb, 98))], {"person": [people]})
    assert isinstance(row, dict)
    return np.array(row["keypoints"]).reshape(-1, POINTS, 3)


def waves(height: int, width: int) -> np.ndarray:
    """A picture without edges, on which all ways between pixels agree; its colours tell left from right and up from down."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    colours = (np.sin(7 * x + 3 * y), np.cos(9 * y - 2 * x), np.sin(5 * x * y + 1))
    return np.rint(127.5 + 120 * np.stack(colours, axis=2)).astype(np.uint8)


def dots_are_found(annotator: TopDownPose, within: Callable[[float], float]) -> None:
    """A bright dot in a dark picture is where it says that every point is that it looks for.

    Args:
        annotator: says of every point that it lies where the crop is brightest.
        within: how far off it may be, in pixels, for a crop that is so many pixels wide.
    """
    box = (100.0, 50.0, 350.0, 450.0)
    wide = 1.25 * max(box[2] - box[0], 0.75 * (box[3] - box[1]))
    for x, y in ((150, 200), (260, 90), (311, 407)):
        rgb = np.zeros((480, 640, 3), np.uint8)
        rgb[y - 4 : y + 4, x - 4 : x + 4] = 255
        (keypoints,) = found(annotator, rgb, person(box))
        assert np.abs(keypoints[list(annotator.slots), :2] - (x, y)).max() < within(wide), (x, y)
