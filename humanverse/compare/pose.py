"""Poses against poses: OKS of people matched one to one, point by point, and COCO's AP and AR against ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from humanverse.compare.coco_figures import NAMES, Evaluation, made_by
from humanverse.compare.coco_items import Found, Truth
from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions, ratio
from humanverse.compare.matching import lie_in, one_to_one
from humanverse.compare.measure import Measure, Pair, Said, Side
from humanverse.compare.oks import oks, point_similarity
from humanverse.compare.people import Frame, People, people_of
from humanverse.errors import DatasetError
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_SIGMAS

SEEN = 0.3
"""Confidence from which a layer has a point, on a scale from 0 to 1."""
SAME = 0.1
"""OKS from which two poses can be of one person."""
COUNTS = ("people_a", "people_b", "matched", "without_points_a", "without_points_b", "untold")
LEVELS = (0.5, 0.75, 0.95)
SIGMAS = np.array(WHOLEBODY_SIGMAS)
SLOTS = {
    **{name: np.arange(part.start, part.stop) for name, part in PARTS.items()},
    "hands": np.array([*PARTS["left_hand"], *PARTS["right_hand"]]),
    "whole body": np.arange(len(WHOLEBODY)),
}
BODY = SLOTS["body"]


@dataclass(frozen=True)
class Poses:
    """The people of one row.

    Attributes:
        points: float64 (n, 133, 2).
        covered: bool (n, 133), slots for which there is an estimator.
        said: bool (n, 133), points of them with any confidence.
        has: bool (n, 133), points of them with enough confidence.
        scores: float64 (n,), of the box where there is one, times that of the pose.
        people: their boxes and areas; those around their points where no person layer tells of them.
    """

    points: np.ndarray
    covered: np.ndarray
    said: np.ndarray
    has: np.ndarray
    scores: np.ndarray
    people: People

    def take(self, chosen: np.ndarray) -> Poses:
        arrays = {name: getattr(self, name)[chosen] for name in ("points", "covered", "said", "has", "scores")}
        return replace(self, **arrays, people=self.people.take(chosen))


def _around(points: np.ndarray, has: np.ndarray) -> People:
    """Boxes around the points of each person; of no size where there is none."""
    boxes = np.zeros((len(points), 4))
    for index in np.flatnonzero(has.any(axis=1)):
        there = points[index][has[index]]
        boxes[index] = [*there.min(axis=0), *there.max(axis=0)]
    size = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    nobody = np.zeros(len(boxes), bool)
    return People(boxes, np.ones(len(boxes)), size, nobody, False)


def poses_of(said: Said, side: Side) -> Poses:
    """The people of a row of a pose layer, all of them.

    Raises:
        DatasetError: if the person layer that it was made from has other people.
    """
    triples = np.array(said.row["keypoints"], np.float64).reshape(-1, len(WHOLEBODY), 3)
    covered = np.array(said.row["present"], bool).reshape(-1, len(WHOLEBODY))
    low, high = side.card.get("score_range") or (0.0, 1.0)
    any_said = covered & (triples[:, :, 2] > low)
    has = covered & (triples[:, :, 2] >= low + SEEN * (high - low))
    person = said.read.get("person")
    people = _around(triples[:, :, :2], has) if person is None else people_of(person)
    if len(people) != len(triples):
        raise DatasetError(f"{side.layer} has other people than {side.reads['person']}: run humanverse verify")
    scores = np.array(said.row["scores"], np.float64) * people.scores
    return Poses(triples[:, :, :2], covered, any_said, has, scores, people)


def _counting(poses: Poses, side: Side) -> np.ndarray:
    """bool (n,): no crowd, and a box of at least the score from which a box is a person."""
    enough = np.ones(len(poses.people), bool) if side.truth else poses.people.scores >= side.counted_from
    return np.asarray(enough & ~poses.people.crowd)


def _counted(poses: Poses, side: Side) -> Poses:
    return poses.take(_counting(poses, side))


def _untold(poses: Poses, side: Side) -> np.ndarray:
    """Boxes of crowds, and in ground truth of people without labels on the body: float (n, 4)."""
    unlabelled = ~poses.has[:, BODY].any(axis=1) & side.truth
    return np.asarray(poses.people.boxes[poses.people.crowd | unlabelled])


@dataclass
class _Part:
    """Sums over the matched people of one part of the skeleton."""

    pairs: int = 0
    oks: float = 0.0
    both: int = 0
    only_a: int = 0
    only_b: int = 0
    similarity: float = 0.0
    distance: float = 0.0

    def row(self) -> dict[str, float | int | None]:
        return {
            "people": self.pairs,
            "oks": ratio(self.oks, self.pairs),
            "points_in_both": self.both,
            "points_only_in_a": self.only_a,
            "points_only_in_b": self.only_b,
            "similarity_of_points_in_both": ratio(self.similarity, self.both),
            "distance_of_points_in_both": ratio(self.distance, self.both),
        }


class Pose(Measure):
    """Agreement of two pose layers."""

    disagreement = "1 − OKS, mean over the people of the one that has more"
    reads = ("person",)

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._counts = dict.fromkeys(COUNTS, 0)
        self._parts = {name: _Part() for name in SLOTS}
        self._oks = {name: Numbers() for name in ("body", "whole body")}
        self._points = 0
        self._masks = True
        self._coco = {name: Evaluation("keypoints", SIGMAS[slots]) for name, slots in SLOTS.items()} if b.truth else {}

    def add(self, pair: Pair) -> float | None:
        all_a, all_b = poses_of(pair.a, self.a), poses_of(pair.b, self.b)
        self._masks &= all_b.people.masks
        self._evaluate(Frame(pair.image), all_a, all_b)
        a, b = (_counted(*item) for item in ((all_a, self.a), (all_b, self.b)))
        seen_a, seen_b = (np.asarray(one.has[:, BODY].any(axis=1)) for one in (a, b))
        self._counts["without_points_a"] += int((~seen_a).sum())
        self._counts["without_points_b"] += int((~seen_b).sum())
        untold = [_untold(*item) for item in ((all_a, self.a), (all_b, self.b))]
        return self._match(a.take(seen_a), b.take(seen_b), untold)

    def _match(self, a: Poses, b: Poses, untold: Sequence[np.ndarray]) -> float | None:
        """Who is who.

        Args:
            untold: of A and of B, boxes that may be of anybody; who lies in one need not be in the layer.
        """
        points, reference, labelled = a.points[:, BODY], b.points[:, BODY], b.has[:, BODY]
        similar = oks(points, reference, labelled, b.people.areas, b.people.boxes, SIGMAS[BODY])
        rows, columns = one_to_one(similar, SAME)
        excused_a = lie_in(np.delete(a.people.boxes, rows, axis=0), untold[1])
        excused_b = lie_in(np.delete(b.people.boxes, columns, axis=0), untold[0])
        many_a, many_b = len(a.people) - excused_a, len(b.people) - excused_b
        for name, number in (("people_a", many_a), ("people_b", many_b), ("untold", excused_a + excused_b)):
            self._counts[name] += number
        self._counts["matched"] += len(rows)
        self._points += int(b.has.sum())
        for one, other in zip(rows, columns, strict=True):
            self._oks["body"].add(float(similar[one, other]))
            self._compare(a, int(one), b, int(other))
        more = max(many_a, many_b)
        return 1 - float(similar[rows, columns].sum()) / more if more else None

    def _compare(self, a: Poses, one: int, b: Poses, other: int) -> None:
        """The points of two who are the same."""
        area = b.people.areas[other]
        similar = point_similarity(a.points[one], b.points[other], np.asarray(area), SIGMAS)
        apart = np.linalg.norm(a.points[one] - b.points[other], axis=1) / np.sqrt(max(area, 1.0))
        has_a, has_b = a.has[one], b.has[other]
        for name, slots in SLOTS.items():
            part, in_a, in_b = self._parts[name], has_a[slots], has_b[slots]
            both = in_a & in_b
            part.both += int(both.sum())
            part.only_a += int((in_a & ~in_b).sum())
            part.only_b += int((in_b & ~in_a).sum())
            part.similarity += float(similar[slots][both].sum())
            part.distance += float(apart[slots][both].sum())
            if in_b.any() and a.covered[one][slots].any():
                value = float(similar[slots][in_b].mean())
                part.pairs += 1
                part.oks += value
                if name == "whole body":
                    self._oks[name].add(value)

    def _evaluate(self, frame: Frame, a: Poses, b: Poses) -> None:
        """Give one picture to COCO's evaluations, all detections and all annotated people, in the original's pixels.

        As in COCO-WholeBody's tools, a detection that says nothing of a part is none of that part.
        """
        points, reference = frame.points(a.points), frame.points(b.points)
        boxes = frame.points(b.people.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        areas = b.people.areas * frame.area
        for name, evaluation in self._coco.items():
            slots = SLOTS[name]
            evaluation.add(
                [
                    Truth(boxes[i], float(areas[i]), bool(b.people.crowd[i]), (reference[i][slots], b.has[i][slots]))
                    for i in range(len(boxes))
                ],
                [
                    Found(float(a.scores[i]), points=points[i][slots])
                    for i in range(len(points))
                    if name == "body" or a.said[i][slots].any()
                ],
            )

    def end_of_shard(self) -> None:
        for evaluation in self._coco.values():
            evaluation.end_of_shard()

    def findings(self) -> Findings:
        coco = self._coco_figures()
        body = self._oks["body"].values()
        figures: dict[str, Any] = {
            "people": {
                **self._counts,
                "only_a": self._counts["people_a"] - self._counts["matched"],
                "only_b": self._counts["people_b"] - self._counts["matched"],
            },
            "oks": {name: numbers.summary() for name, numbers in self._oks.items()},
            "share_of_matched_from_oks": {
                f"{level:g}": ratio(int((body >= level).sum()), len(body)) for level in LEVELS
            },
            "parts": {name: part.row() for name, part in self._parts.items()},
            "covered": ratio(self._parts["whole body"].both, self._points),
            "areas": "masks" if self._masks else "boxes",
        }
        if self._coco:
            figures["coco"] = coco
        titles = {name: f"OKS of the same person, {name}" for name in self._oks}
        return Findings(
            figures,
            tuple(self._tables(figures, coco)),
            distributions([(titles[name], numbers, "unit") for name, numbers in self._oks.items()]),
            self._notes(),
            self._headlines(coco),
            figures["covered"],
        )

    def _headlines(self, coco: dict[str, dict[str, float | None]]) -> tuple[Headline, ...]:
        """AP of the body and of all points against ground truth, else OKS of both; and OKS of the body."""
        short = {name: name.partition(" ")[0] for name in self._oks}
        ap = [Headline(f"AP {short[name]}", coco[name]["AP"]) for name in self._oks if name in coco]
        oks_of = {name: Headline(f"OKS {short[name]}", numbers.mean()) for name, numbers in self._oks.items()}
        return (*ap, oks_of["body"]) if ap else tuple(oks_of.values())

    def _coco_figures(self) -> dict[str, dict[str, float | None]]:
        """By part, of those that B has labels of; the whole body where it is more than the body alone."""
        found = {name: figures for name, item in self._coco.items() if (figures := item.figures())}
        return {name: figures for name, figures in found.items() if name != "whole body" or len(found) > 2}

    def _tables(self, figures: dict[str, Any], coco: dict[str, dict[str, float | None]]) -> Iterator[Table]:
        if coco:
            yield coco_table("COCO's figures of A against B, by part", "keypoints", coco)
        people = figures["people"]
        yield people_table(people, figures["share_of_matched_from_oks"], "OKS")
        columns = ("part", "people", "OKS", "points in both", "only in A", "only in B", "similarity", "distance")
        rows = tuple((name.replace("_", " "), *part.values()) for name, part in figures["parts"].items())
        note = (
            "OKS over the points that B has, of people of whom A covers the part; similarity (exp of COCO's fall-off) and "
            "distance (over the square root of the person's area) of points that both have."
        )
        yield Table("Points of people who are the same, by part", columns, rows, note)

    def _notes(self) -> tuple[str, ...]:
        untold = self._counts["untold"]
        excused = (
            f"{untold} more people do not count: the other layer has no pose like theirs, but a crowd or a person without "
            "labels is there.",
        )
        return (
            *(excused if untold else ()),
            f"A layer has a point from confidence {SEEN:g} on. People are matched one to one so that their body OKS is "
            f"highest in all; below {SAME:g} two are not the same.",
            "The area in OKS is that of B's masks."
            if self._masks
            else "The area in OKS is that of B's boxes: it has no masks.",
        )


def coco_table(title: str, kind: str, found: dict[str, dict[str, float | None]]) -> Table:
    """COCO's figures of each evaluation, by its name."""
    names = NAMES[kind]
    rows = tuple((name.replace("_", " "), *(values[figure] for figure in names)) for name, values in found.items())
    return Table(
        title, ("", *names), rows, f"By {made_by()}, in pixels of the originals, over pictures that both layers know."
    )


def people_table(people: dict[str, int], shares: dict[str, float | None], measured: str) -> Table:
    """How many are in each, in both, and how alike those are."""
    named = {
        "people in A": people["people_a"],
        "people in B": people["people_b"],
        "the same in both": people["matched"],
        "only in A": people["only_a"],
        "only in B": people["only_b"],
    }
    rows: list[tuple[str, Any]] = list(named.items())
    rows += [(f"of the same, {measured} ≥ {level}", share) for level, share in shares.items()]
    return Table("People", ("", "people, or share of them"), tuple(rows))
