"""How well people and their body points are found: person boxes against a manifest, body points against COCO annotations.

The manifest is a CSV file with the columns ``file``, ``class`` (people, no_people; others are not scored) and ``tags`` (words;
``small`` marks pictures in which everybody is small). The keypoints are a COCO file of persons with 17 points. Pictures are
looked up by file name in the folder of images, and go through the same codec and annotators as in a build.

    python benchmarks/people.py --images DIR --manifest CSV [--keypoints COCO.json] [--preset lite] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from annotators import registry
from annotators.base import Annotator, Picture, Row
from annotators.run import Runner
from humanverse.codec import Prepared, prepare
from humanverse.errors import UserError
from schemas.layers import OK
from schemas.recipe import ImageSettings, Recipe, load
from schemas.skeletons import BODY


class Bench:
    """The person and pose annotators of a recipe, loaded, and the pictures of one folder."""

    def __init__(self, images: Path, recipe: Recipe) -> None:
        self._images = images
        self._annotators = {kind: self._annotator(recipe, kind) for kind in ("person", "pose")}
        self.seconds = dict.fromkeys(self._annotators, 0.0)
        self.counts = dict.fromkeys(self._annotators, 0)

    @staticmethod
    def _annotator(recipe: Recipe, kind: str) -> Annotator:
        chosen = recipe.annotators[kind]
        made = registry.get(kind, chosen.name)
        registry.require_packages(made.card)
        annotator = made(made.Settings(**chosen.settings))
        annotator.load()
        return annotator

    def picture(self, file: str) -> Picture:
        """The stored picture of a file of the manifest: below the folder as it is named there, or by its name alone."""
        named = self._images / file
        path = named if named.exists() else self._images / Path(file).name
        try:
            prepared = prepare(path.read_bytes(), ImageSettings())
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}; give the folder of the manifest's images") from error
        if not isinstance(prepared, Prepared):
            raise UserError(f"{path} cannot be used: {prepared.reason} {prepared.detail}")
        return Picture(path.name, prepared.jpeg)

    def row(self, kind: str, picture: Picture, needs: Mapping[str, Row]) -> Row:
        """The row of one layer, timed without decoding."""
        _ = picture.rgb
        start = time.perf_counter()
        runner = Runner(self._annotators[kind])
        row: Row = runner.table([picture], {need: [said] for need, said in needs.items()}).to_pylist()[0]
        self.seconds[kind] += time.perf_counter() - start
        self.counts[kind] += 1
        if row["status"] != OK:
            raise UserError(f"{kind} layer of {picture.uid}: {row['reason']}")
        return row

    def milliseconds(self) -> dict[str, float]:
        """Mean time per picture of each kind."""
        return {f"{kind}_ms": 1000 * self.seconds[kind] / max(1, self.counts[kind]) for kind in self.seconds}


def people_figures(entries: Sequence[Mapping[str, str]], best: Sequence[float], threshold: float) -> dict[str, float]:
    """Recall, precision and false positives of "somebody is in the picture".

    Args:
        entries: the manifest's rows.
        best: the highest person score of each picture.
        threshold: from which score on a person counts.
    """
    scores = np.asarray(best)
    of_class = np.array([entry["class"] for entry in entries])
    small = np.array(["small" in entry.get("tags", "").split() for entry in entries])
    people, empty = of_class == "people", of_class == "no_people"
    found = scores >= threshold
    hits, false = int((found & people).sum()), int((found & empty).sum())
    return {
        "recall": _ratio(hits, int(people.sum())),
        "recall_not_small": _ratio(int((found & people & ~small).sum()), int((people & ~small).sum())),
        "precision": _ratio(hits, hits + false),
        "fp_per_40": 40 * _ratio(false, int(empty.sum())),
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


class Keypoints:
    """COCO annotations of 17 points, and the evaluation of answers to them (pycocotools)."""

    def __init__(self, path: Path) -> None:
        from pycocotools.coco import COCO

        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self._truth = COCO(str(path))
        except OSError as error:
            raise UserError(f"{path}: {error.strerror}; give a COCO file of person keypoints") from error
        self.images: dict[int, str] = {image["id"]: image["file_name"] for image in self._truth.dataset["images"]}

    def boxes(self, image: int) -> np.ndarray:
        """float (n, 4), x0, y0, x1, y1 of the annotated persons of one picture, crowds left out."""
        annotations = self._truth.loadAnns(self._truth.getAnnIds(imgIds=[image], iscrowd=False))
        boxes = np.array([item["bbox"] for item in annotations], dtype=np.float64).reshape(-1, 4)
        return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)

    def evaluate(self, answers: Iterable[tuple[int, Row, Row]]) -> tuple[float, float]:
        """COCO's AP and AR over OKS 0.5:0.95 of (image, person row, pose row); an answer's score is that of its box
        times that of its pose."""
        from pycocotools.cocoeval import COCOeval

        found = [
            {
                "image_id": image,
                "category_id": 1,
                "keypoints": np.asarray(points).reshape(-1, 3)[: len(BODY)].ravel().tolist(),
                "score": box_score * pose_score,
            }
            for image, person, pose in answers
            for points, box_score, pose_score in zip(pose["keypoints"], person["scores"], pose["scores"], strict=True)
        ]
        if not found:
            return 0.0, 0.0
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(self._truth, self._truth.loadRes(found), "keypoints")
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        return float(evaluation.stats[0]), float(evaluation.stats[5])


def pose_figures(bench: Bench, keypoints: Keypoints) -> dict[str, float]:
    """AP and AR with the annotated boxes, AP with the boxes that the person annotator finds."""
    given, detected = [], []
    for image, file in keypoints.images.items():
        picture = bench.picture(file)
        boxes = keypoints.boxes(image).tolist()
        truth = {"status": OK, "reason": None, "boxes": boxes, "scores": [1.0] * len(boxes)}
        person = bench.row("person", picture, {})
        given.append((image, truth, bench.row("pose", picture, {"person": truth})))
        detected.append((image, person, bench.row("pose", picture, {"person": person})))
    precision, recall = keypoints.evaluate(given)
    return {
        "pose_ap_gt_boxes": precision,
        "pose_ar_gt_boxes": recall,
        "pose_ap_detected": keypoints.evaluate(detected)[0],
    }


def measure(images: Path, manifest: Path, keypoints: Path | None, preset: str) -> dict[str, float]:
    """All figures, in the order in which they are printed."""
    recipe = load(preset)
    bench = Bench(images, recipe)
    try:
        with manifest.open(encoding="utf-8", newline="") as stream:
            entries = [entry for entry in csv.DictReader(stream) if entry["class"] in ("people", "no_people")]
    except (OSError, KeyError) as error:
        raise UserError(f"{manifest}: {error}; a CSV file with the columns file, class, tags is needed") from error
    best = [max(bench.row("person", bench.picture(entry["file"]), {})["scores"], default=0.0) for entry in entries]
    figures = people_figures(entries, best, recipe.gate.person_score)
    if keypoints:
        figures |= pose_figures(bench, Keypoints(keypoints))
    return {**figures, **bench.milliseconds()}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description="How well people and their body points are found.")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--manifest", type=Path, required=True, help="CSV with the columns file, class, tags")
    parser.add_argument("--keypoints", type=Path, help="COCO file of person keypoints")
    parser.add_argument("--preset", default="lite", help="whose person and pose annotators, and whose threshold")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object in the last line")
    options: Any = parser.parse_args(arguments)
    try:
        figures = measure(options.images, options.manifest, options.keypoints, options.preset)
    except (UserError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    for name, value in figures.items():
        print(f"{name:18} {value:8.3f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
