"""A top-down estimator of MMPose: built from its config, given weights, shown crops."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from annotators.mmpose import backbone
from annotators.mmpose.configs import Config, facts_file
from annotators.mmpose.stand_ins import standing_in
from annotators.networks.vitpose import as_published
from annotators.registry import BESIDE
from annotators.torch.weights import Tensors, load_strictly
from humanverse.errors import UserError, one_line
from humanverse.torchvision_operators import prepare_torchvision
from schemas.skeletons import BODY, WHOLEBODY

SCOPE = "mmpose"
VERSION = "1.3."
"""How the version begins whose registry, configs and imports this is made for."""
SKELETONS: Mapping[tuple[str, ...], str] = {BODY: "COCO", WHOLEBODY: "COCO-WholeBody"}
"""Names of points -> of whose they are; the others have no place in the layer."""
_PARTS = ("backbone", "head")
"""What every top-down model has."""
_WHOLE = 1000
"""Characters of what MMEngine says that are told: its lines are long, and what is wrong may stand at their end."""
SMALLEST = 1.0
"""Pixels: the width and height that a smaller box is given. MMPose cuts with numbers of 32 bits, and divides by both."""


class Estimator(nn.Module):
    """An MMPose model, with the pipeline of its config that makes its inputs.

    Args:
        model: a ``TopdownPoseEstimator``.
        pipeline: takes a picture with a box to the model's input.
        points: the names of what it looks for.
        facts: of the dataset that it was trained on (MMPose's ``metainfo``).
    """

    def __init__(self, model: Any, pipeline: Any, points: tuple[str, ...], facts: Mapping[str, Any]) -> None:
        super().__init__()
        self.model = model
        self.points = points
        self._pipeline, self._facts = pipeline, dict(facts)

    @property
    def _seeing(self) -> list[Any]:
        """The parts that see pixels, in order: the backbone, and the neck if there is one."""
        return [self.model.backbone, *([self.model.neck] if self.model.with_neck else [])]

    def to(self, device: Any = None, dtype: Any = None, **more: Any) -> Estimator:  # type: ignore[override]
        """As of all modules; but only what sees pixels takes another precision. The input's mean and deviation and the head stay
        at float32, for in 16 bits neighbouring pixels of a heatmap become equal."""
        self.model.to(device, **more)
        if dtype not in (None, torch.float32):
            for part in self._seeing:
                part.to(dtype)
            self._seeing[0].register_forward_pre_hook(lambda _, inputs: (inputs[0].to(dtype),))
            self._seeing[-1].register_forward_hook(lambda *given: tuple(one.float() for one in given[2]))
        return self

    def compiled(self) -> Estimator:
        """With torch.compile for what sees pixels, which is nearly all of the work; codecs are numpy, and stay as they are."""
        for part in self._seeing:
            part.compile()
        return self

    def prepared(self, bgr: np.ndarray, box: np.ndarray) -> tuple[torch.Tensor, Any]:
        """What the model is shown of a person: (uint8 tensor (3, height, width), MMPose's data sample).

        Args:
            bgr: uint8 (height, width, 3).
            box: float (4,): x0, y0, x1, y1 in pixels of the picture.
        """
        person = {"img": bgr, "bbox": grown(box)[None], "bbox_score": np.ones(1, np.float32), **self._facts}
        packed = self._pipeline(person)
        return packed["inputs"], packed["data_samples"]

    def forward(self, batch: torch.Tensor, samples: Sequence[Any]) -> list[np.ndarray]:
        """float64 (points, 3) of each crop: x, y in pixels of its picture, pixel centres counted, and the visibility, which
        is the codec's score where it does not say one.

        Args:
            batch: (n, 3, height, width), the values of ``prepared``.
            samples: of each, from ``prepared``.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            found = self.model.test_step({"inputs": batch, "data_samples": samples})
        return [_said(one.pred_instances, len(self.points)) for one in found]


def grown(box: np.ndarray) -> np.ndarray:
    """float64 (4,): ``box`` about its middle, at least ``SMALLEST`` wide and high."""
    corners = np.asarray(box, np.float64).reshape(2, 2)
    middle, half = corners.mean(axis=0), np.maximum(corners[1] - corners[0], SMALLEST) / 2
    return np.concatenate([middle - half, middle + half])


def build(config: Config, flip_test: bool | None = None) -> Estimator:
    """The estimator of a config, which is run for it, without weights.

    Args:
        config: that may be run, see ``configs.find``.
        flip_test: whether the crop's mirror image is looked at too; None as the config says.

    Raises:
        UserError: if the config cannot be run or built here, or is of no top-down estimator of COCO's or COCO-WholeBody's points;
            or if another MMPose is installed.
    """
    _check_version()
    with _quietly():
        prepare_torchvision()
        with standing_in():
            said = _run(config)
            for module in ("codecs", "datasets", "models"):
                importlib.import_module(f"{SCOPE}.{module}")
        backbone.register()
        try:
            return _built(config, said, flip_test)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"config {config.path} cannot be built here: {one_line(error, _WHOLE)}") from error


def _check_version() -> None:
    installed = version(SCOPE)
    if not installed.startswith(VERSION):
        raise UserError(f"mmpose {installed} is installed, and {VERSION}x is needed: {BESIDE[SCOPE]}")


def _run(config: Config) -> Any:
    """MMEngine's ``Config`` of a file."""
    from mmengine.config import Config as Settings

    try:
        return Settings.fromfile(config.path)
    except Exception as error:
        raise UserError(f"config {config.path} cannot be run: {one_line(error, _WHOLE)}") from error


def _built(config: Config, said: Any, flip_test: bool | None) -> Estimator:
    from mmengine.dataset import Compose
    from mmengine.model.utils import revert_sync_batchnorm
    from mmengine.registry import DefaultScope
    from mmpose.models.pose_estimators import TopdownPoseEstimator
    from mmpose.registry import MODELS

    with DefaultScope.overwrite_default_scope(SCOPE):
        wanted: Any = said.get("model") or {}
        if not wanted.get("type"):
            raise UserError(f"config {config.path} has no model.type: TopdownPoseEstimator is needed")
        kind = MODELS.get(wanted.type)
        if not (isinstance(kind, type) and issubclass(kind, TopdownPoseEstimator)):
            raise UserError(f"config {config.path} is of {wanted.get('type')}: only TopdownPoseEstimator can be used")
        if lacking := [f"model.{part}" for part in _PARTS if not (wanted.get(part) or {}).get("type")]:
            raise UserError(f"config {config.path} lacks {' and '.join(lacking)}: give each with its type")
        facts, pipeline = _facts(said, config.path), _pipeline(said, config.path)
        points = _points(facts, config.path)
        wanted.backbone = backbone.instead_of_theirs(wanted.backbone)
        wanted.test_cfg = {**(wanted.get("test_cfg") or {}), "output_heatmaps": False}
        if flip_test is not None:
            wanted.test_cfg["flip_test"] = flip_test
        model = revert_sync_batchnorm(MODELS.build({**wanted, "train_cfg": None}))
        return Estimator(model, Compose(pipeline), points, facts)


def _pipeline(said: Any, path: Path) -> Any:
    """What the config does to a picture before the model sees it."""
    pipeline = said.get("test_dataloader", {}).get("dataset", {}).get("pipeline")
    if not pipeline:
        raise UserError(f"config {path} has no test_dataloader.dataset.pipeline: that is what makes the model's input")
    return pipeline


def _facts(said: Any, path: Path) -> dict[str, Any]:
    """What MMPose knows about the test dataset's points."""
    from mmpose.datasets.datasets.utils import parse_pose_metainfo
    from mmpose.registry import DATASETS

    dataset = said.get("test_dataloader", {}).get("dataset", {})
    kind = DATASETS.get(dataset.type) if dataset.get("type") else None
    raw = dataset.get("metainfo") or getattr(kind, "METAINFO", None)
    if not raw:
        raise UserError(
            f"config {path} does not say of which dataset its points are: give test_dataloader.dataset.type"
        )
    if "from_file" in raw:
        raw = {"from_file": str(facts_file(raw["from_file"], path))}
    found: dict[str, Any] = parse_pose_metainfo(raw)
    return found


def _points(facts: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """The names of the points, as the layer has them."""
    named = facts["keypoint_id2name"]
    points = tuple(named[place].replace("-", "_") for place in range(len(named)))
    if points not in SKELETONS:
        known = " and ".join(f"{name}'s {len(points)}" for points, name in SKELETONS.items())
        raise UserError(
            f"config {path} is for the {len(points)} points of {facts['dataset_name']}: only {known} can be used"
        )
    return points


def load(estimator: Estimator, tensors: Tensors, path: Path) -> Estimator:
    """``estimator`` with weights under their names in MMPose 1.x or, as ViTPose's authors', in 0.x: all, and no others.

    Args:
        tensors: by name.
        path: where they come from, for the error.

    Raises:
        WeightError: names the first tensors that are missing, left over, or of another shape.
    """
    known = as_published(tensors) if isinstance(estimator.model.backbone, backbone.HumanverseViT) else tensors
    named = {re.sub(r"^keypoint_head\.", "head.", name): tensor for name, tensor in known.items()}
    wanted = {name: tensor for name, tensor in named.items() if not name.startswith("data_preprocessor.")}
    load_strictly(estimator.model, wanted, path)
    return estimator


def _said(instances: Any, points: int) -> np.ndarray:
    """As ``Estimator.forward``; what a codec has no score for is nowhere, and has no visibility either."""
    keypoints = np.asarray(instances.keypoints, np.float64)[0, :, :2]
    if len(keypoints) != points:
        raise ValueError(f"the model says {len(keypoints)} points, and its config's dataset has {points}")
    scores, visible = (
        np.asarray(given, np.float64)[0] for given in (instances.keypoint_scores, instances.keypoints_visible)
    )
    return np.column_stack([keypoints, np.where(scores > 0, visible, 0)])


@contextmanager
def _quietly() -> Iterator[None]:
    """Without advice to install MMEngine's siblings, and without warnings of what no top-down model uses."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
