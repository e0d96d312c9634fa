"""From a sample's bytes to its place in a batch of tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from humanverse.drawing.skeleton import draw_skeleton
from humanverse.loading.buckets import Size
from humanverse.loading.cached import KNOWN, LATENT, NOTHING, PROMPT, Cached
from humanverse.loading.captions import choose_caption
from humanverse.loading.crop import SIZES, Crop, choose, cropped
from humanverse.loading.dense import DENSE
from humanverse.loading.fetching import PICTURE, Contents
from humanverse.loading.scatter import shares
from humanverse.loading.settings import CENTRE, SOURCE, Settings
from humanverse.loading.tables import Facts
from schemas.layers import OK

RGB = "rgb"
"""The picture's name among those that latents stand for."""
MIDDLE = 0.5
"""Where a crop lies between one end and the other, if it is not at random."""
IMAGE = "image"
SKELETON = "skeleton"
CORRUPT = "corrupt"


class Unusable(Exception):
    """The sample cannot be trained on; the text is the reason that is counted."""


@dataclass(frozen=True)
class Layers:
    """The layers of a run by what they are for, each as ``<kind>/<name>``.

    Attributes:
        dense: kind -> layer.
        poses: if skeletons are drawn.
        captions: name in the settings' ``captions`` -> layer.
        picture: whether the picture is read.
        cached: latents and states that stand for pictures and captions.
        sides: dense kind of labels that know left from right -> uint8 (256,), of each id that in a mirrored picture.
    """

    dense: Mapping[str, str]
    poses: str | None
    captions: Mapping[str, str]
    picture: bool = True
    cached: Cached = NOTHING
    sides: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def read(self) -> tuple[str, ...]:
        """All of them."""
        poses = () if self.poses is None else (self.poses,)
        return tuple(dict.fromkeys((*self.dense.values(), *poses, *self.captions.values(), *self.cached.layers)))

    @property
    def members(self) -> tuple[str, ...]:
        """What of a sample lies in tars: ``PICTURE``, and layers."""
        return (*((PICTURE,) if self.picture else ()), *self.dense.values(), *self.cached.layers)


@dataclass(frozen=True)
class Slots:
    """The arrays of a batch that is being made; sample i writes to place i of each.

    Attributes:
        arrays: name -> (batch, channels, height, width), of ``image``, ``skeleton``, dense kinds and ``<kind>_valid``; and
            those of ``humanverse.loading.cached``.
        sizes: int64 (batch, 4).
        captions: of each sample.
        sources: the caption's name in the settings.
        uids: of each sample.
    """

    arrays: Mapping[str, np.ndarray]
    sizes: np.ndarray
    captions: list[str]
    sources: list[str]
    uids: list[str]

    @classmethod
    def empty(cls, count: int, size: Size, layers: Layers) -> Slots:
        """For ``count`` samples of a bucket."""
        width, height = size
        kinds: dict[str, tuple[int, Any]] = {IMAGE: (3, np.float32)} if layers.picture else {}
        for kind in layers.dense:
            kinds[kind] = (DENSE[kind].channels, DENSE[kind].dtype)
            kinds[f"{kind}_valid"] = (1, np.bool_)
        if layers.poses is not None:
            kinds[SKELETON] = (3, np.float32)
        arrays = {name: np.empty((count, channels, height, width), dtype) for name, (channels, dtype) in kinds.items()}
        arrays |= layers.cached.arrays(count, size)
        return cls(arrays, np.zeros((count, len(SIZES)), np.int64), [""] * count, [""] * count, [""] * count)

    def repeat(self, place: int, instead: int) -> None:
        """Put the sample at ``instead`` at ``place``, too."""
        for array in (*self.arrays.values(), self.sizes):
            array[place] = array[instead]
        for texts in (self.captions, self.sources, self.uids):
            texts[place] = texts[instead]


class Maker:
    """Makes training samples. It may be used by several threads at once.

    Args:
        settings: of the run.
        layers: of the run.
    """

    def __init__(self, settings: Settings, layers: Layers) -> None:
        self.settings, self.layers = settings, layers

    def fill(self, slots: Slots, place: int, facts: Facts, contents: Contents, epoch: int, size: Size) -> None:
        """Write a sample to its place.

        Args:
            facts: of the sample.
            contents: its bytes.
            epoch: on which crop, mirroring and caption depend.
            size: of its bucket.

        Raises:
            Unusable: if it cannot be had.
        """
        if contents.trouble:
            raise Unusable(contents.trouble)
        across, down, flip, caption = shares(4, "sample", self.settings.seed, epoch, facts.uid)
        if self.settings.crop == CENTRE:
            across = down = MIDDLE
        stored = (facts.image["width"], facts.image["height"])
        crop = choose(stored, size, across, down, self.settings.flip and flip < 0.5)
        self.show(slots, place, facts, contents, crop)
        self._latents(slots, place, facts, contents, size)
        original = (facts.image["original_height"], facts.image["original_width"])
        slots.sizes[place] = (*original, *crop.corner)
        slots.uids[place] = facts.uid
        slots.captions[place], slots.sources[place] = choose_caption(
            self._texts(facts), self.settings.captions, caption
        )
        self._prompt(slots, place, facts, contents)

    def show(self, slots: Slots, place: int, facts: Facts, contents: Contents, crop: Crop) -> None:
        """Write what is seen of a sample in ``crop``: picture, maps and skeleton, those of them that the run has.

        Raises:
            Unusable: if something cannot be had.
        """
        if self.layers.picture:
            try:
                to_range(cropped(contents.parts[PICTURE], crop), slots.arrays[IMAGE][place])
            except ValueError as error:
                raise Unusable(f"{CORRUPT} {IMAGE}") from error
        for kind, layer in self.layers.dense.items():
            _check_said(kind, facts.layers[layer], layer in contents.parts)
            try:
                target, valid = DENSE[kind].place(contents.parts[layer], facts.layers[layer], crop)
            except ValueError as error:
                raise Unusable(f"{CORRUPT} {kind}") from error
            if crop.mirrored and kind in self.layers.sides:
                target = self.layers.sides[kind][target]
            slots.arrays[kind][place], slots.arrays[f"{kind}_valid"][place] = target, valid
        if self.layers.poses is not None:
            _check_said("pose", facts.layers[self.layers.poses], facts.keypoints is not None)
            assert facts.keypoints is not None
            width, height = crop.size
            drawn = draw_skeleton(list(crop.points(facts.keypoints)), height, width)
            to_range(drawn, slots.arrays[SKELETON][place])

    def _latents(self, slots: Slots, place: int, facts: Facts, contents: Contents, size: Size) -> None:
        for name, one in self.layers.cached.latents.items():
            _check_said(LATENT, facts.layers[one.layer], one.layer in contents.parts)
            try:
                found = one.read(contents.parts[one.layer], facts.layers[one.layer], size)
            except ValueError as error:
                raise Unusable(f"{CORRUPT} {LATENT}") from error
            slots.arrays[f"{LATENT}_{name}"][place] = found

    def _prompt(self, slots: Slots, place: int, facts: Facts, contents: Contents) -> None:
        """The states of the sample's caption; a sample without one has none."""
        one = self.layers.cached.prompts.get(slots.sources[place])
        if one is None:
            return
        _check_said(PROMPT, facts.layers[one.layer], one.layer in contents.parts)
        try:
            found = one.read(contents.parts[one.layer], facts.layers[one.layer], slots.captions[place])
        except ValueError as error:
            raise Unusable(f"{CORRUPT} {PROMPT}") from error
        slots.arrays[PROMPT][place], slots.arrays[KNOWN][place] = found, True

    def _texts(self, facts: Facts) -> dict[str, str | None]:
        texts = {name: facts.layers[layer]["text"] for name, layer in self.layers.captions.items()}
        return {SOURCE: facts.image["caption"], **texts}


def _check_said(kind: str, row: Mapping[str, Any], there: bool) -> None:
    if row["status"] != OK or not there:
        raise Unusable(f"no {kind}")


def to_range(pixels: np.ndarray, out: np.ndarray) -> None:
    """Write ``pixels``, uint8 (height, width, channels), to ``out``, float32 (channels, height, width), as v / 127.5 - 1."""
    np.multiply(pixels.transpose(2, 0, 1), np.float32(1 / 127.5), out=out)
    np.subtract(out, np.float32(1), out=out)


def stand_ins(usable: Sequence[bool]) -> dict[int, int]:
    """Place of each sample that is not usable -> that of the next one that is, around the end; empty if none is."""
    good = np.flatnonzero(usable)
    if not len(good):
        return {}
    places = np.flatnonzero(~np.asarray(usable, bool))
    return {int(place): int(good[np.searchsorted(good, place) % len(good)]) for place in places}
