"""What the trainer would show its VAE of a picture or of one of its maps, made by the trainer's own code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Picture, Row, Unavailable
from humanverse.loading.buckets import Size, assign
from humanverse.loading.crop import Crop, choose
from humanverse.loading.fetching import PICTURE, Contents
from humanverse.loading.sample import MIDDLE, RGB, Layers, Maker, Slots, Unusable
from humanverse.loading.settings import CENTRE, settings_of
from humanverse.loading.tables import Facts
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY


class Shown:
    """Training pictures in the middle crop.

    Args:
        picture: of ``humanverse.training.pictures.PICTURES``.
        buckets: of the training.
    """

    def __init__(self, picture: str, buckets: Sequence[Size]) -> None:
        from humanverse.training.pictures import PICTURES

        self._picture, self._buckets = picture, buckets
        self.kind = PICTURES[picture].kind
        dense = {} if self.kind in ("", "pose") else {self.kind: self.kind}
        poses = "pose" if self.kind == "pose" else None
        self._layers = Layers(dense, poses, {}, picture=picture == RGB)
        self._maker = Maker(settings_of((), {}, buckets, crop=CENTRE), self._layers)

    def crop(self, size: Size) -> Crop:
        """The crop of a stored picture of ``size``, for the bucket that it gets."""
        (bucket,) = assign(np.array([size[0]]), np.array([size[1]]), self._buckets)
        return choose(size, self._buckets[bucket], MIDDLE, MIDDLE)

    def pixels(self, picture: Picture, said: Mapping[str, Row], crop: Crop) -> Any | Unavailable:
        """float32 tensor (3, height, width) in [-1, 1]; or why there is none.

        Args:
            said: its rows of the layer that is shown, by kind.
        """
        import torch

        from humanverse.training.pictures import filled

        row = said.get(self.kind, {})
        if row and row["status"] != OK:
            return Unavailable(f"its {self.kind} row is {row['status']}")
        slots = Slots.empty(1, crop.size, self._layers)
        try:
            self._maker.show(slots, 0, self._facts(picture, row, crop), self._contents(picture, row), crop)
        except Unusable as error:
            raise ValueError(str(error)) from error
        return filled(self._picture, {name: torch.from_numpy(array) for name, array in slots.arrays.items()})[0]

    def _facts(self, picture: Picture, row: Row, crop: Crop) -> Facts:
        points = None
        if self.kind == "pose":
            points = np.array(row["keypoints"], np.float32).reshape(-1, len(WHOLEBODY), 3)
        image = {"width": crop.stored[0], "height": crop.stored[1]}
        return Facts(picture.uid, 0, image, {self.kind: row}, points)

    def _contents(self, picture: Picture, row: Row) -> Contents:
        if not self.kind:
            return Contents({PICTURE: picture.jpeg})
        return Contents({self.kind: row["map"]} if row.get("map") is not None else {})
