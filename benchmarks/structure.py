"""How good the lite structure estimator is on synthetic pictures that it was not trained on, beside inflated silhouettes.

    python -m benchmarks.structure CACHE [--n 200] [--seed 9000] [--backgrounds DIR] [--json]

Pictures are rendered into CACHE unless they are there (``python -m pipelines.lite_structure render``). The estimator is the two
annotators as they run in a build: they are given the picture as JPEG, and boxes and points with the faults that the lite
estimators' have. What is inflated is the mask of people that the network is given too, and beside it the true silhouette, which
nobody has. Depth is measured after the best scale and shift. A pixel of a person that a method leaves out counts as wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotators import registry
from annotators.base import Annotator, Picture, Row, Unavailable
from benchmarks.inflation import inflated
from humanverse.codec import encode_jpeg
from pipelines.lite_structure import said
from pipelines.lite_structure.examples import Example, load, paths
from pipelines.lite_structure.render import render
from pipelines.lite_structure.scores import Maps, Scores, mean, measured
from pipelines.lite_structure.views import Truth
from schemas.layers import OK

NAME = "lite-structure"
JPEG_QUALITY = 95
MASKED_FROM = 127
"""Of 255: where the mask says that a person is."""


def truth_of(example: Example) -> Truth:
    """What is true of the whole picture."""
    normal = example.normal.transpose(2, 0, 1).astype(np.float32)
    normal /= np.maximum(np.linalg.norm(normal, axis=0), 1e-6)
    return Truth(example.depth.astype(np.float32), normal, example.owners >= 0)


def rows_said(example: Example, rng: np.random.Generator) -> dict[str, Row]:
    """Rows of person and pose as the lite estimators might make them."""
    boxes = said.boxes_said(example.boxes, rng)
    points = said.points_said(example.points, example.boxes, rng)
    ok = {"status": OK, "reason": None}
    people = {"boxes": boxes.tolist(), "scores": [1.0] * len(boxes)}
    return {"person": {**ok, **people}, "pose": {**ok, "keypoints": points.reshape(len(points), -1).tolist()}}


def over_picture(values: np.ndarray, box: Sequence[float], size: tuple[int, int]) -> np.ndarray:
    """A map (height, width, ...) read at the centres of the picture's pixels; NaN outside its box.

    Args:
        values: float.
        box: the part of the picture that the map covers, (x0, y0, x1, y1) in pixels.
        size: of the picture, (width, height).
    """
    places = []
    for extent, low, high, cells in zip(size, box[:2], box[2:], values.shape[1::-1], strict=True):
        at = np.floor((np.arange(extent) + 0.5 - low) / (high - low) * cells).astype(int)
        places.append(np.where((at >= 0) & (at < cells), at, -1))
    across, down = places
    read = values[np.ix_(down, across)].astype(np.float32)
    read[down < 0], read[:, across < 0] = np.nan, np.nan
    return read


class Bench:
    """The two annotators, loaded, and the time that they took."""

    def __init__(self) -> None:
        self._annotators: dict[str, Annotator] = {kind: registry.get(kind, NAME)() for kind in ("depth", "normal")}
        for annotator in self._annotators.values():
            annotator.load()
        self.seconds: list[float] = []

    def maps(self, example: Example, uid: str, rng: np.random.Generator) -> Maps:
        """What the annotators say of a picture, over all of it."""
        picture = Picture(uid, encode_jpeg(example.rgb, JPEG_QUALITY))
        size = picture.rgb.shape[1::-1]
        needs = {kind: [row] for kind, row in rows_said(example, rng).items()}
        began = time.perf_counter()
        depth, normal = (self._annotators[kind].annotate([picture], needs)[0] for kind in ("depth", "normal"))
        self.seconds.append(time.perf_counter() - began)
        if isinstance(depth, Unavailable) or isinstance(normal, Unavailable):
            raise TypeError("the rows that were given say that there are people")
        over = over_picture(depth["map"], depth["map_box"], size)
        facing = over_picture(normal["map"], normal["map_box"], size)
        return over, facing.transpose(2, 0, 1), np.isfinite(over) & np.isfinite(facing).all(axis=2)


@dataclass(frozen=True)
class Found:
    """Scores over all pictures.

    Attributes:
        network: of the annotators.
        inflation: of the inflated mask that the network is given too.
        inflated_truth: of the inflated true silhouette.
        seconds: that the annotators took for each picture.
    """

    network: Scores
    inflation: Scores
    inflated_truth: Scores
    seconds: Sequence[float]


def figures(found: Found) -> dict[str, float]:
    """The benchmark's figures by name."""
    network, inflation, truth = found.network, found.inflation, found.inflated_truth
    return {
        "normal_median_deg": network.normal_median_deg,
        "depth_delta1": network.depth_delta1,
        "inflation_normal_median_deg": inflation.normal_median_deg,
        "inflation_depth_delta1": inflation.depth_delta1,
        "ms_per_image": 1000 * float(np.median(found.seconds)),
        "inflated_truth_normal_median_deg": truth.normal_median_deg,
        "inflated_truth_depth_delta1": truth.depth_delta1,
        "normal_mean_deg": network.normal_mean_deg,
        "depth_abs_rel": network.depth_abs_rel,
        "mask_iou": network.mask_iou,
        "covered": network.covered,
    }


def run(cache: Path, number: int) -> Found:
    """Scores over the first ``number`` examples."""
    bench = Bench()
    network, inflation, inflated_truth = [], [], []
    for path in paths(cache)[:number]:
        example = load(path)
        truth, mask = truth_of(example), example.mask > MASKED_FROM
        network.append(measured(truth, bench.maps(example, path.stem, np.random.default_rng(int(path.stem)))))
        inflation.append(measured(truth, (*inflated(mask), mask)))
        inflated_truth.append(measured(truth, (*inflated(truth.people), truth.people)))
    return Found(mean(network), mean(inflation), mean(inflated_truth), bench.seconds)


def table(found: dict[str, float]) -> str:
    """The figures for people."""
    lines = [
        "                        normal median, deg    depth delta1",
        f"lite-structure          {found['normal_median_deg']:18.1f} {found['depth_delta1']:15.3f}",
        f"inflated mask           {found['inflation_normal_median_deg']:18.1f} {found['inflation_depth_delta1']:15.3f}",
        f"inflated true silhouette{found['inflated_truth_normal_median_deg']:18.1f} {found['inflated_truth_depth_delta1']:15.3f}",
        "",
        f"{found['ms_per_image']:.0f} ms a picture for both layers, on one thread; {found['covered']:.1%} of the people covered.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the benchmark, print what was found, and return it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, help="folder of the rendered pictures")
    parser.add_argument("--n", type=int, default=200, help="pictures")
    parser.add_argument("--seed", type=int, default=9000, help="of the pictures that are rendered")
    parser.add_argument("--backgrounds", type=Path, help="folder of photographs without people, for some of them")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    asked = parser.parse_args(arguments)
    backgrounds = str(asked.backgrounds) if asked.backgrounds else None
    for _ in render(asked.cache, asked.seed, asked.n, backgrounds):
        pass
    found = {name: round(value, 4) for name, value in figures(run(asked.cache, asked.n)).items()}
    print(table(found))
    if asked.json:
        print(json.dumps(found))
    return found


if __name__ == "__main__":
    main()
