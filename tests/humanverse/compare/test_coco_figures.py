"""COCO's figures in pieces are those of pycocotools at once."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from typing import Any

import numpy as np
import pytest

from humanverse.compare.coco_figures import NAMES, Evaluation, Found, Truth, require
from humanverse.errors import UserError
from schemas.skeletons import BODY_SIGMAS

PLACES = {"bbox": [0, 1, 2, 3, 4, 5, 8], "keypoints": [0, 1, 2, 3, 4, 5]}


def picture(random: np.random.Generator, people: int) -> tuple[list[Truth], list[Found]]:
    """Annotated people, and detections: most of them moved a little, some of nobody."""
    truth, found = [], []
    for index in range(people):
        start = random.uniform(0, 300, 2)
        box = np.concatenate([start, start + random.uniform(20, 200, 2)])
        xy = random.uniform(box[:2], box[2:], (17, 2))
        there = random.random(17) < 0.7
        area = float((box[2:] - box[:2]).prod() * random.uniform(0.4, 0.8))
        truth.append(Truth(box, area, index == 5, (xy, there & (index != 3))))
        if random.random() < 0.8:
            shift = random.normal(0, 6, 2)
            score = float(random.random())
            found.append(Found(score, box + np.tile(shift, 2), xy + shift + random.normal(0, 4, (17, 2))))
    found.append(Found(float(random.random()), np.array([0.0, 0.0, 30.0, 90.0]), random.uniform(0, 400, (17, 2))))
    return truth, found


def at_once(kind: str, pictures: list[tuple[list[Truth], list[Found]]]) -> list[float]:
    """pycocotools on JSON of all pictures."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def wide(box: np.ndarray) -> list[float]:
        return [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()]

    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for number, (truth, found) in enumerate(pictures, start=1):
        for item in truth:
            xy, there = item.points or (np.zeros((17, 2)), np.zeros(17, bool))
            annotations.append({"id": len(annotations) + 1, "image_id": number, "category_id": 1, "area": item.area,
                                "bbox": wide(item.box), "iscrowd": int(item.crowd), "num_keypoints": int(there.sum()),
                                "keypoints": np.column_stack([xy, 2 * there]).ravel().tolist()})  # fmt: skip
        for person in found:
            what = {"bbox": wide(person.box)} if kind == "bbox" else {
                "keypoints": np.column_stack([person.points, np.ones(17)]).ravel().tolist()}  # fmt: skip
            results.append({"image_id": number, "category_id": 1, "score": person.score, **what})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": n + 1} for n in range(len(pictures))], "categories": [{"id": 1}],
                        "annotations": annotations, "info": {}}  # fmt: skip
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [float(evaluation.stats[place]) for place in PLACES[kind]]


@pytest.mark.parametrize("kind", ["bbox", "keypoints"])
def test_shard_by_shard_is_all_at_once(kind: str) -> None:
    random = np.random.default_rng(8)
    pictures = [picture(random, people) for people in (3, 7, 0, 1, 12, 2, 6, 4)]
    evaluation = Evaluation(kind, np.array(BODY_SIGMAS))
    for number, (truth, found) in enumerate(pictures):
        evaluation.add([item if kind == "keypoints" else Truth(item.box, item.area, item.crowd) for item in truth],
                       [Found(f.score, f.box) if kind == "bbox" else Found(f.score, points=f.points) for f in found])  # fmt: skip
        if number in (0, 3, 4):
            evaluation.end_of_shard()
    evaluation.end_of_shard()
    figures = evaluation.figures()
    assert figures is not None and tuple(figures) == NAMES[kind]
    expected = at_once(kind, pictures)
    assert 0.1 < expected[0] < 0.9
    ours = [-1.0 if value is None else value for value in figures.values()]
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_nobody_found_and_nobody_annotated() -> None:
    evaluation = Evaluation("bbox")
    evaluation.add([Truth(np.array([0.0, 0.0, 40.0, 90.0]), 3000.0, False)], [])
    evaluation.end_of_shard()
    figures = evaluation.figures()
    assert figures is not None and figures["AP"] == 0 and figures["AP-S"] is None
    empty = Evaluation("bbox")
    empty.add([], [Found(0.5, np.array([0.0, 0.0, 40.0, 90.0]))])
    empty.end_of_shard()
    assert empty.figures() is None


def test_without_pycocotools_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'humanverse\[coco\]'"):
        require()
