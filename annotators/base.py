"""What an annotator is.

An annotator states what it is (``Card``), loads its model once (``load``), and turns pictures into the rows
of one layer (``annotate``). It knows nothing of shards, files, Ray or retries: ``annotators.run`` does
batching, halving on out-of-memory and the isolation of a picture on which it raises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict

from annotators import own_weights
from annotators.weights import Weight, pinned
from humanverse.codec import decode_rgb, header_size
from humanverse.errors import UserError
from schemas.layer_rules import card_fault
from schemas.layers import KINDS, Kind
from schemas.provenance import fingerprint

Row = dict[str, Any]


@dataclass
class Picture:
    """One stored picture as an annotator sees it.

    Attributes:
        uid: the sample's identity.
        jpeg: the stored JPEG's bytes.
        caption: what the source says of it, its alt text; None if it says nothing.

    A layer is a function of these, so that it can be made again at any time.
    """

    uid: str
    jpeg: bytes
    caption: str | None = None

    @cached_property
    def rgb(self) -> np.ndarray:
        """uint8 (height, width, 3), sRGB, upright. Decoded on first use and shared by all annotators of a
        stage."""
        return decode_rgb(self.jpeg)

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) in pixels, of the header if it is not decoded yet; None if there is none to be read."""
        if "rgb" in self.__dict__:
            return self.rgb.shape[1], self.rgb.shape[0]
        return header_size(self.jpeg)


@dataclass(frozen=True)
class Unavailable:
    """The answer of an annotator that cannot say anything about a picture, and why."""

    reason: str


SPEEDS = {
    "instant": "under 10 ms a picture on one CPU core",
    "fast": "10 to 200 ms a picture on one CPU core",
    "medium": "0.2 to 2 s a picture on one CPU core",
    "slow": "2 to 20 s a picture on one CPU core: use a GPU",
    "gpu": "more than 20 s a picture on one CPU core, or more memory than most have: needs a GPU",
}
"""Classes of speed; for what has people as its input, with two of them in the picture."""


@dataclass(frozen=True)
class Card:
    """What one must know before using an estimator.

    Attributes:
        kind: the layer kind that it fills, a key of ``schemas.layers.KINDS``.
        name: the layer's name, lower case with dashes.
        version: of our wrapper; raised when its rows change for the same weights.
        summary: one line for listings.
        model: which published model it is, with its revision.
        licence: of the weights, as their owner states it, and of what is unknown about it.
        source: where the weights are published; where they are fetched, their specs say.
        protocol: resolution, normalisation, crop or pad, flip test.
        output: meaning and unit of what it says, and what it cannot say.
        weights: the files that it loads, pinned by SHA-256.
        needs: kinds of layers that it reads (pose needs person).
        packages: importable modules it needs, with the extra that installs each (``{"onnxruntime":
            "lite"}``).
        speed: a key of ``SPEEDS``.
        preset: for which it is meant; empty for none.
    """

    kind: str
    name: str
    version: int
    summary: str
    model: str
    licence: str
    protocol: str
    output: str
    weights: tuple[Weight, ...] = ()
    needs: tuple[str, ...] = ()
    packages: Mapping[str, str] | None = None
    source: str = ""
    speed: str = "fast"
    preset: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its weights."""
        return sum(weight.size for weight in self.weights)

    @property
    def layer(self) -> str:
        return f"{self.kind}/{self.name}"


class Settings(BaseModel):
    """An annotator's settings; subclasses add fields with defaults. Unknown names are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


AnySettings: TypeAlias = Settings


class Loadable(ABC):
    """What has a card, settings and weights, and is loaded once: an annotator, or what makes pictures ready for one."""

    card: ClassVar[Card]
    Settings: ClassVar[type[AnySettings]] = Settings

    takes_a_set: ClassVar[bool] = False
    """Whether of a checkpoint with several sets of weights it takes one, as ``annotators.torch.weights`` chooses."""

    cpu_only: ClassVar[bool] = False
    """Whether it runs on the CPU whatever device is asked for."""

    def __init__(
        self, settings: AnySettings | None = None, device: str = "cpu", weights: Mapping[Weight, Weight] | None = None
    ) -> None:
        """
        Args:
            settings: the defaults if not given.
            device: where the model runs.
            weights: of the card's weights, those that another file stands in for.
        """
        self.settings: AnySettings = settings or self.Settings()
        self.device = device
        self._instead = dict(weights or {})

    def weight(self, pinned: Weight) -> Weight:
        """The file to load where the card says ``pinned``: that one, or what the user gave instead."""
        return self._instead.get(pinned, pinned)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """All that it loads, in the card's order."""
        return tuple(self.weight(pinned) for pinned in self.card.weights)

    @property
    def used(self) -> dict[Weight, Weight]:
        """What is loaded for each of the card's weights."""
        return dict(zip(self.card.weights, self.weights, strict=True))

    @property
    def users(self) -> dict[Weight, str]:
        """All that it loads, and by what name one gives another file instead: ``KIND=NAME``."""
        return dict.fromkeys(self.weights, f"{self.card.kind}={self.card.name}")

    def pin(self) -> None:
        """Get the weights whose SHA-256 is not known beforehand, and hold to what came: here, and wherever this goes."""
        for named in self.card.weights:
            self._instead[named] = pinned(self.weight(named))

    def deciding(self) -> dict[str, Any]:
        """The settings that decide what it says, as JSON values."""
        return self.settings.model_dump(mode="json")

    def where(self) -> str | None:
        """One line about the device that it will find in this process; None if it runs on the CPU, as was asked for or always.

        Raises:
            UserError: if it cannot run in this process.
        """
        return None

    def load(self) -> None:  # noqa: B027
        """Get the weights and build the model. Called once, in the process that will annotate."""


class Annotator(Loadable):
    """Base of all annotators: subclass it, set ``card`` (and ``Settings``), write ``load`` and
    ``annotate``."""

    looks: ClassVar[bool] = True
    """Whether it looks at pixels (``Picture.rgb``), so that pictures are worth decoding before it asks for them."""

    score_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """[low, high] of its scores and confidences."""

    @property
    def kind(self) -> Kind:
        return KINDS[self.card.kind]

    @property
    def batch_size(self) -> int:
        """How many pictures ``annotate`` is given at once, at the most."""
        return 1

    def describes(self) -> dict[str, Any]:
        """Further keys of ``layer.json``, as JSON values: what readers must know and the fingerprint's facts decide.

        Raises:
            WeightError: if the weights that say so cannot be had, or do not say it.
        """
        return {}

    @abstractmethod
    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        """The rows of this layer for ``pictures``, one each, in order.

        Args:
            pictures: at most ``batch_size`` of them.
            needs: for each kind in ``card.needs``, that layer's row of each picture (with ``status``; of a dense kind with the
                map's PNG under ``"map"``, None where there is none).

        Returns:
            One mapping per picture with the kind's own columns (no ``uid``, ``status``, ``reason``; for a dense kind the map
            under ``"map"`` instead of the ``map_*`` columns: float, of a segmentation integer label ids), or ``Unavailable``
            with the reason.

        Raises:
            Exception: whatever goes wrong; the caller finds out which picture is to blame.
        """

    def provenance(self, needed: Mapping[str, str]) -> dict[str, Any]:
        """What made this layer, as it stands in ``layer.json``; ``fingerprint`` hashes all the rest.

        Args:
            needed: the fingerprint of each layer in ``card.needs``, by kind.

        Raises:
            WeightError: if weights whose SHA-256 is not known beforehand cannot be had.
            UserError: if it does not say what layers of its kind must.
        """
        self.pin()
        card = self.card
        facts: dict[str, Any] = {
            "kind": card.kind,
            "name": card.name,
            "version": card.version,
            "model": card.model,
            "weights": own_weights.digests(self.used),
            "settings": self.deciding(),
            "needs": dict(sorted(needed.items())),
        }
        more = {} if self.score_range == (0.0, 1.0) else {"score_range": list(self.score_range)}
        stated = own_weights.stated(self.used, card.licence)
        made = {**facts, **more, **self.describes(), **stated, "fingerprint": fingerprint(facts)}
        if fault := card_fault(card.kind, made):
            raise UserError(f"the layer.json of {card.layer} {fault}: its annotator must say so in describes")
        return made
