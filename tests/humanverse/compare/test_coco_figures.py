"""COCO's figures in pieces, by pycocotools and without it, are those of pycocotools at once."""

from __future__ import annotations

import contextlib
import importlib.util
import io
from typing import Any

import numpy as np
import pytest

from humanverse.compare import coco_protocol, coco_pycocotools
from humanverse.compare.coco_figures import NAMES, Evaluation, engine, made_by
from humanverse.compare.coco_items import Found, Truth
from schemas.skeletons import BODY_SIGMAS

PLACES = {"bbox": [0, 1, 2, 3, 4, 5, 8], "keypoints": [0, 1, 2, 3, 4, 5]}


@pytest.fixture(params=["pycocotools", "without"])
def evaluated_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of evaluating, one after the other."""
    if request.param == "without":
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert engine() is {"pycocotools": coco_pycocotools, "without": coco_protocol}[request.param]
    return str(request.param)


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


def of_kind(kind: str, truth: list[Truth], found: list[Found]) -> tuple[list[Truth], list[Found]]:
    """Boxes alone, or points."""
    if kind == "keypoints":
        return truth, [Found(item.score, points=item.points) for item in found]
    return [Truth(item.box, item.area, item.crowd) for item in truth], [Found(item.score, item.box) for item in found]


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
def test_shard_by_shard_is_all_at_once(kind: str, evaluated_by: str) -> None:
    random = np.random.default_rng(8)
    pictures = [picture(random, people) for people in (3, 7, 0, 1, 12, 2, 6, 4)]
    evaluation = Evaluation(kind, np.array(BODY_SIGMAS) if kind == "keypoints" else None)
    for number, (truth, found) in enumerate(pictures):
        evaluation.add(*of_kind(kind, truth, found))
        if number in (0, 3, 4):
            evaluation.end_of_shard()
    evaluation.end_of_shard()
    figures = evaluation.figures()
    assert figures is not None and tuple(figures) == NAMES[kind]
    expected = at_once(kind, pictures)
    assert 0.1 < expected[0] < 0.9
    ours = [-1.0 if value is None else value for value in figures.values()]
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_nobody_found_and_nobody_annotated(evaluated_by: str) -> None:
    evaluation = Evaluation("bbox")
    evaluation.add([Truth(np.array([0.0, 0.0, 40.0, 90.0]), 3000.0, False)], [])
    evaluation.end_of_shard()
    figures = evaluation.figures()
    assert figures is not None and figures["AP"] == 0 and figures["AP-S"] is None
    empty = Evaluation("bbox")
    empty.add([], [Found(0.5, np.array([0.0, 0.0, 40.0, 90.0]))])
    empty.end_of_shard()
    assert empty.figures() is None


def test_who_evaluates_is_told(evaluated_by: str) -> None:
    assert ("not installed" in made_by()) == (evaluated_by == "without")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["bbox", "keypoints"])
def test_crowded_pictures_and_equal_scores(kind: str, seed: int, evaluated_by: str) -> None:
    """More detections than COCO looks at, some of them equally sure, on people of all sizes."""
    random = np.random.default_rng(seed)
    pictures = [picture(random, people) for people in (130, 2, 40)]
    rounded = [(truth, [Found(round(f.score, 1), f.box, f.points) for f in found]) for truth, found in pictures]
    evaluation = Evaluation(kind, np.array(BODY_SIGMAS) if kind == "keypoints" else None)
    for truth, found in rounded:
        evaluation.add(*of_kind(kind, truth, found))
    evaluation.end_of_shard()
    figures = evaluation.figures()
    assert figures is not None
    np.testing.assert_allclose(
        [-1.0 if value is None else value for value in figures.values()], at_once(kind, rounded), atol=1e-12
    )
