"""Person boxes against person boxes: who is in both, how well their boxes agree, and COCO's AP and AR against ground truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from humanverse.compare.coco_figures import Evaluation
from humanverse.compare.coco_items import Found, Truth
from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions, ratio
from humanverse.compare.matching import iou, lie_in, one_to_one
from humanverse.compare.measure import Measure, Pair, Side
from humanverse.compare.people import People, people_of
from humanverse.compare.pose import coco_table, people_table

SAME = 0.5
"""IoU from which two boxes are of one person."""
LEVELS = (0.75, 0.9)
PICTURES = {
    "compared": "compared",
    "equal_counts": "as many people in both",
    "somebody_in_both": "somebody in both",
    "only_in_a": "somebody only in A",
    "only_in_b": "somebody only in B",
}
"""What is counted of pictures, and how it is called."""


class Person(Measure):
    """Agreement of two person layers."""

    disagreement = "1 − IoU, mean over the people of the one that has more"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._counts = dict.fromkeys(("people_a", "people_b", "matched", "in_a_crowd"), 0)
        self._pictures = dict.fromkeys(PICTURES, 0)
        self._iou, self._more = Numbers(), Numbers()
        self._coco = Evaluation("bbox") if b.truth else None

    def add(self, pair: Pair) -> float | None:
        all_a, all_b = people_of(pair.a.row), people_of(pair.b.row)
        self._evaluate(all_a.in_original(pair.image), all_b.in_original(pair.image))
        a, b = _counted(all_a, self.a), _counted(all_b, self.b)
        similar = iou(a.boxes, b.boxes)
        rows, columns = one_to_one(similar, SAME)
        extra_a = lie_in(np.delete(a.boxes, rows, axis=0), all_b.boxes[all_b.crowd])
        extra_b = lie_in(np.delete(b.boxes, columns, axis=0), all_a.boxes[all_a.crowd])
        self._counts["in_a_crowd"] += extra_a + extra_b
        many_a, many_b = len(a) - extra_a, len(b) - extra_b
        self._count(many_a, many_b, similar[rows, columns])
        more = max(many_a, many_b)
        return 1 - float(similar[rows, columns].sum()) / more if more else None

    def _count(self, many_a: int, many_b: int, matched: np.ndarray) -> None:
        self._counts["people_a"] += many_a
        self._counts["people_b"] += many_b
        self._counts["matched"] += len(matched)
        self._pictures["compared"] += 1
        self._pictures["equal_counts"] += many_a == many_b
        self._pictures["somebody_in_both"] += bool(many_a and many_b)
        self._pictures["only_in_a"] += bool(many_a and not many_b)
        self._pictures["only_in_b"] += bool(many_b and not many_a)
        self._more.add(many_a - many_b)
        for value in matched:
            self._iou.add(float(value))

    def _evaluate(self, a: People, b: People) -> None:
        if self._coco:
            truth = [Truth(b.boxes[i], float(b.areas[i]), bool(b.crowd[i])) for i in range(len(b))]
            self._coco.add(truth, [Found(float(score), box=box) for score, box in zip(a.scores, a.boxes, strict=True)])

    def end_of_shard(self) -> None:
        if self._coco:
            self._coco.end_of_shard()

    def findings(self) -> Findings:
        counts, matched = self._counts, self._iou.values()
        people = {
            **counts,
            "only_a": counts["people_a"] - counts["matched"],
            "only_b": counts["people_b"] - counts["matched"],
        }
        figures: dict[str, Any] = {
            "people": people,
            "pictures": dict(self._pictures),
            "recall_at_0.5": ratio(counts["matched"], counts["people_b"]),
            "precision_at_0.5": ratio(counts["matched"], counts["people_a"]),
            "iou": self._iou.summary(),
            "share_of_matched_from_iou": {
                f"{level:g}": ratio(int((matched >= level).sum()), len(matched)) for level in LEVELS
            },
            "people_more_in_a": self._more.summary(),
        }
        found = self._coco.figures() if self._coco else None
        coco = {"person": found} if found else {}
        if self._coco:
            figures["coco"] = coco
        shown = [("IoU of the same person", self._iou, "unit"), ("people in A, less those in B", self._more, "free")]
        return Findings(
            figures,
            tuple(self._tables(figures, coco)),
            distributions(shown),
            self._notes(),
            _headlines(figures, found or {}),
            figures["recall_at_0.5"],
        )

    def _tables(self, figures: dict[str, Any], coco: dict[str, dict[str, float | None]]) -> Iterator[Table]:
        if coco:
            yield coco_table("COCO's figures of A against B", "bbox", coco)
        yield people_table(figures["people"], figures["share_of_matched_from_iou"], "IoU")
        rows = (
            ("recall: people of B that A has, IoU ≥ 0.5", figures["recall_at_0.5"]),
            ("precision: people of A that B has, IoU ≥ 0.5", figures["precision_at_0.5"]),
            ("IoU of the same person, mean", figures["iou"].get("mean")),
        )
        yield Table("Boxes", ("", "value"), rows)
        pictures = tuple((PICTURES[name], value) for name, value in figures["pictures"].items())
        yield Table("Pictures", ("", "pictures"), pictures)

    def _notes(self) -> tuple[str, ...]:
        sides = (("A", self.a), ("B", self.b))
        thresholds = [f"{name}'s from score {side.counted_from:g} on" for name, side in sides if not side.truth]
        counted = f"Boxes count as people: {', '.join(thresholds)}." if thresholds else ""
        inside = self._counts["in_a_crowd"]
        crowds = (
            f"{inside} boxes of nobody in the other layer lie in a crowd of it, and do not count." if inside else ""
        )
        return tuple(note for note in (counted, crowds) if note)


def _headlines(figures: dict[str, Any], coco: dict[str, float | None]) -> tuple[Headline, ...]:
    """COCO's against ground truth, else of the boxes that count."""
    if coco:
        return tuple(Headline(name, coco[name]) for name in ("AP", "AP50", "AR"))
    shares = (Headline("recall", figures["recall_at_0.5"]), Headline("precision", figures["precision_at_0.5"]))
    return (*shares, Headline("IoU", figures["iou"].get("mean")))


def _counted(people: People, side: Side) -> People:
    enough = np.ones(len(people), bool) if side.truth else people.scores >= side.counted_from
    return people.take(enough & ~people.crowd)
