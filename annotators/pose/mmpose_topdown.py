"""Keypoints by any top-down estimator of MMPose, run by MMPose itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import AnySettings, Card, Picture
from annotators.mmpose.configs import DEFAULT, Config, find, package_configs
from annotators.pose.topdown_pose import PoseOfPeople, PoseSettings
from annotators.pose.vitpose_wholebody import WEIGHTS
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.batching import flattened, regrouped
from annotators.torch.weights import tensors_of
from annotators.weights import Weight, obtain
from humanverse.errors import UserError
from schemas.skeletons import WHOLEBODY


class MMPoseSettings(TorchSettings, PoseSettings):
    """Attributes:
    config: which MMPose config: the path of a .py file, which is run, or the name of one that ships with MMPose.
    flip_test: whether the crop's mirror image is looked at too, which takes twice as long; null is as the config says.
    """

    config: str = DEFAULT
    flip_test: bool | None = None


class MMPoseTopdown(PoseOfPeople, TorchAnnotator):
    """The 17 or 133 points of each person in the person layer."""

    card = Card(
        kind="pose",
        name="mmpose",
        version=1,
        summary="17 or 133 keypoints by any top-down config of MMPose; ViTPose-H whole-body if none is named",
        model="MMPose 1.3.2 with the config's model; ViTAE-Transformer/ViTPose, ViTPose_huge_wholebody_256x192 if none is named",
        licence=(
            "Apache-2.0 (MMPose, ViTPose); weights as their owners say. COCO-WholeBody, which most of the 133-point weights were "
            "trained on, is for non-commercial research only"
        ),
        source="https://github.com/open-mmlab/mmpose; the default's weights are fetched from a copy on the hub that others keep",
        protocol="the config's own: its test pipeline, its model with its flip test, its codec",
        output=(
            "pixels of the stored picture; confidence is the codec's score, or its visibility where it says one, clipped to "
            "[0, 1]; with 17 points the other slots are not present"
        ),
        weights=(WEIGHTS,),
        needs=("person",),
        packages={
            "torch": "torch",
            **dict.fromkeys(("mmpose", "mmengine", "mmcv", "munkres", "addict", "yapf", "termcolor", "six"), "mmpose"),
        },
        speed="slow",
        preset="paper",
    )
    Settings = MMPoseSettings
    settings: MMPoseSettings
    halves = True
    gpu_batch = 64
    takes_a_set = True
    _planned: Config | None = None

    def __init__(
        self, settings: AnySettings | None = None, device: str = "cpu", weights: Mapping[Weight, Weight] | None = None
    ) -> None:
        """As of all; the default's weights are of its config alone.

        Raises:
            UserError: if another config is named that is not here, or without weights.
        """
        super().__init__(settings, device, weights)
        asked = self.settings.config
        if asked.endswith(".py") or package_configs():
            find(asked)
        if asked != DEFAULT and WEIGHTS not in self._instead:
            raise UserError(f"pose.config={self.settings.config} needs its weights: name them, as --weights pose=FILE")

    def deciding(self) -> dict[str, Any]:
        """The config by its name and the SHA-256 of its text instead of its path."""
        self._planned = found = self._config()
        return {**super().deciding(), "config": found.name, "config_sha256": found.sha256}

    def build(self) -> Any:
        from annotators.mmpose.estimator import build, load

        path = obtain(self.weights[0])
        return load(build(self._config(), self.settings.flip_test), tensors_of(path), path)

    def compiled(self) -> Any:
        return self.model.compiled()

    def _config(self) -> Config:
        """The config, which must still be what it was when the layer was planned, perhaps in another folder."""
        if self._planned is None:
            return find(self.settings.config)
        found = find(str(self._planned.path))
        if self._planned.sha256 != found.sha256:
            raise UserError(
                f"config {found.path} is not what it was when the layer was begun: it, and what it builds on, "
                "must be the same on every machine and stay so"
            )
        return found

    @property
    def slots(self) -> Sequence[int]:
        return [WHOLEBODY.index(name) for name in self.model.points]

    def look_at(self, pictures: Sequence[Picture], boxes: Sequence[np.ndarray]) -> Sequence[Sequence[np.ndarray]]:
        crops = [self._crops(*both) for both in zip(pictures, boxes, strict=True)]
        shown, lengths = flattened(crops)
        inputs, samples = [tensor for tensor, _ in shown], [sample for _, sample in shown]
        found = self.through(inputs, lambda batch, positions: self._points(batch, [samples[one] for one in positions]))
        return regrouped(found, lengths)

    def _crops(self, picture: Picture, boxes: np.ndarray) -> list[tuple[Any, Any]]:
        """What the model is shown of each person in a picture, with MMPose's data sample."""
        if not len(boxes):
            return []
        bgr = np.ascontiguousarray(picture.rgb[:, :, ::-1])
        return [self.model.prepared(bgr, box) for box in boxes]

    def _points(self, batch: Any, samples: Sequence[Any]) -> list[np.ndarray]:
        """As ``look_at``, of one batch: MMPose counts pixel centres, layers count edges."""
        return [np.column_stack([found[:, :2] + 0.5, found[:, 2].clip(0, 1)]) for found in self.model(batch, samples)]
