"""Keypoints by any top-down estimator of MMPose, run by MMPose itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card, Picture, Row, Unavailable
from annotators.mmpose.configs import DEFAULT, Config, find
from annotators.pose.assembly import Skeleton, people_of, pose_row
from annotators.pose.vitpose_wholebody import WEIGHTS
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.batching import flattened, regrouped
from annotators.torch.weights import tensors_of
from annotators.weights import obtain
from humanverse.errors import UserError
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY


class MMPoseSettings(TorchSettings):
    """Attributes:
    config: which MMPose config: the path of a .py file, which is run, or the name of one that ships with MMPose.
    min_person_score: people whose box scores less get a row without points, for nobody looks for them.
    flip_test: whether the crop's mirror image is looked at too, which takes twice as long; null is as the config says.
    """

    config: str = DEFAULT
    min_person_score: float = Field(default=0.3, ge=0, le=1)
    flip_test: bool | None = None


class MMPoseTopdown(TorchAnnotator):
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
            "pixels of the stored picture; confidence is what the codec calls the score, clipped to [0, 1], and no probability; "
            "with 17 points the other slots are not present"
        ),
        weights=(WEIGHTS,),
        needs=("person",),
        packages={
            **dict.fromkeys(("torch", "huggingface_hub"), "torch"),
            **dict.fromkeys(
                ("mmpose", "mmengine", "mmcv", "munkres", "addict", "yapf", "termcolor", "matplotlib"), "mmpose"
            ),
        },
        speed="slow",
        preset="paper",
    )
    Settings = MMPoseSettings
    settings: MMPoseSettings
    halves = True
    gpu_batch = 64
    _planned: Config | None = None

    def deciding(self) -> dict[str, Any]:
        """The config by its name and the SHA-256 of its text instead of its path."""
        self._planned = found = find(self.settings.config)
        return {**super().deciding(), "config": found.name, "config_sha256": found.sha256}

    def build(self) -> Any:
        from annotators.mmpose.estimator import build, load

        path = obtain(self.weights[0])
        return load(build(self._config(), self.settings.flip_test), tensors_of(path), path)

    def _config(self) -> Config:
        """The config, which must still be what it was when the layer was planned."""
        found = find(self.settings.config)
        if self._planned is not None and self._planned.sha256 != found.sha256:
            raise UserError(
                f"config {found.path} is not what it was when the layer was begun: it, and what it builds on, "
                "must be the same on every machine and stay so"
            )
        return found

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        people = needs["person"]
        crops = [self._crops(*both) for both in zip(pictures, people, strict=True)]
        shown, lengths = flattened(crops)
        samples = [sample for _, sample in shown]
        found = regrouped(
            self.through(
                [tensor for tensor, _ in shown],
                lambda batch, positions: self.model(batch, [samples[position] for position in positions]),
            ),
            lengths,
        )
        return [self._row(*both) for both in zip(people, found, strict=True)]

    def _crops(self, picture: Picture, person: Row) -> list[tuple[Any, Any]]:
        """The model's inputs, with MMPose's data samples, of the people that are looked at, in order."""
        if person["status"] != OK:
            return []
        boxes, scores = people_of(person)
        looked_at = boxes[scores >= self.settings.min_person_score]
        if not len(looked_at):
            return []
        bgr = np.ascontiguousarray(picture.rgb[:, :, ::-1])
        return [self.model.prepared(bgr, box) for box in looked_at]

    def _row(self, person: Row, found: Sequence[np.ndarray]) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        looked_at = people_of(person)[1] >= self.settings.min_person_score
        skeletons = iter([self._skeleton(points) for points in found])
        return pose_row([next(skeletons) if looked else Skeleton() for looked in looked_at])

    def _skeleton(self, said: np.ndarray) -> Skeleton:
        """A person of MMPose, which counts pixel centres where layers count edges; a point without a score stays zeros."""
        slots = [WHOLEBODY.index(name) for name in self.model.points]
        if len(said) != len(slots):
            raise ValueError(f"the model says {len(said)} points, and its config {len(slots)}")
        placed = np.column_stack([said[:, :2] + 0.5, said[:, 2].clip(0, 1)])
        skeleton = Skeleton()
        skeleton.looked_for(slots, np.where(said[:, 2:] > 0, placed, 0))
        return skeleton
