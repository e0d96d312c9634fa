"""What a loader is asked for, checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from humanverse.errors import UserError
from humanverse.loading.buckets import Size, check_buckets
from humanverse.loading.dense import DENSE
from humanverse.loading.order import Mixing

POSE = "pose"
CAPTION = "caption"
SOURCE = "source"
"""The name of the source's alt text among captions."""
RANDOM, CENTRE = CROPS = ("random", "centre")
USUAL = ("depth", "normal", POSE)


def kind_of(layer: str) -> str:
    """The kind of ``pose`` or ``pose/movenet``."""
    return layer.partition("/")[0]


@dataclass(frozen=True)
class Settings:
    """What a training sample is, and in which order samples come.

    Attributes:
        layers: that it has beside the picture: of dense kinds the maps, of a pose layer the drawn skeleton.
        captions: ``source`` or a caption layer -> its weight.
        buckets: sizes (width, height).
        batch_size: samples in a batch.
        seed: of order, crops, mirroring and captions.
        flip: whether every second sample is mirrored.
        mixing: how samples are mixed.
        crop: where in the picture the bucket lies, of ``CROPS``: at random, or always in the middle.
        latents: name of a picture -> the layer of latents that stands for it; with ``rgb`` the picture itself is not read.
        prompts: ``source`` or a caption layer -> the layer with the states of these texts.

    Raises:
        UserError: if something cannot be.
    """

    layers: tuple[str, ...]
    captions: Mapping[str, float]
    buckets: tuple[Size, ...]
    batch_size: int
    seed: int
    flip: bool
    mixing: Mixing
    crop: str = RANDOM
    latents: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_layers(self.layers)
        _check_captions(self.captions)
        if self.crop not in CROPS:
            raise UserError(f"crops of {self.crop!r} cannot be: choose from {', '.join(CROPS)}")
        if self.latents and (self.crop != CENTRE or self.flip):
            raise UserError(
                f"latents are of the middle of a picture that is not mirrored: ask for crop={CENTRE!r} without flip"
            )
        if self.prompts and self.prompts.keys() != self.captions.keys():
            raise UserError(f"prompts are needed for all captions or for none: there are {', '.join(self.captions)}")
        if not isinstance(self.batch_size, int) or self.batch_size < 1:
            raise UserError(f"batches of {self.batch_size} samples cannot be: give a whole number from 1 on")

    @property
    def caption_layers(self) -> tuple[str, ...]:
        """The layers among ``captions``."""
        return tuple(layer for layer in self.captions if layer != SOURCE)


def _check_layers(layers: Iterable[str]) -> None:
    kinds = [kind_of(layer) for layer in layers]
    known = (*DENSE, POSE)
    for layer, kind in zip(layers, kinds, strict=True):
        if kind not in known:
            raise UserError(f"a loader cannot give {layer} with a picture: it gives {', '.join(known)}")
        if kinds.count(kind) > 1:
            raise UserError(f"only one layer of a kind can be read at a time, not {', '.join(layers)}")


def _check_captions(captions: Mapping[str, float]) -> None:
    for name, weight in captions.items():
        if name != SOURCE and kind_of(name) != CAPTION:
            raise UserError(f"{name} is no caption: give {SOURCE}, or a layer such as {CAPTION}/blip-2")
        if not weight >= 0:
            raise UserError(f"the weight of the caption {name} cannot be {weight}: give a number that is not negative")
    if captions and not sum(captions.values()) > 0:
        raise UserError("all captions have weight 0: give one of them more")


def settings_of(
    layers: Iterable[str] = USUAL,
    captions: Mapping[str, float] | None = None,
    buckets: Iterable[Size | int] | int = (512,),
    batch_size: int = 8,
    seed: int = 0,
    flip: bool = False,
    mixing: Mixing | None = None,
    crop: str = RANDOM,
    latents: Mapping[str, str] | None = None,
    prompts: Mapping[str, str] | None = None,
) -> Settings:
    """Settings as a user gives them.

    Args:
        captions: the source's alone if not given.
        buckets: (width, height) or a number for a square, of each; a number alone for one square.

    The others are those of ``Settings``.
    """
    weights = {SOURCE: 1.0} if captions is None else dict(captions)
    return Settings(
        tuple(layers),
        weights,
        check_buckets((buckets,) if isinstance(buckets, int) else buckets),
        batch_size,
        seed,
        flip,
        mixing or Mixing(),
        crop,
        dict(latents or {}),
        dict(prompts or {}),
    )
