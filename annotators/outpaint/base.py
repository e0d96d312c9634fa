"""What grows pictures: margins of a size that the settings say, filled in some way."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from pydantic import Field

from annotators import own_weights
from annotators.base import AnySettings, Loadable, Picture, Settings
from annotators.outpaint.canvas import Canvas, Frame
from annotators.weights import Weight

KIND = "outpaint"
"""On the card of what grows pictures, which fills no layer."""


class MarginSettings(Settings):
    """Attributes:
    left, right: margins, in widths of the picture.
    top, bottom: margins, in heights of the picture.
    reach: a person whose box ends at the picture's edge is looked for in the margin too, as far as the box is long times this.
    """

    left: float = Field(default=0.25, ge=0, le=2)
    top: float = Field(default=0.125, ge=0, le=2)
    right: float = Field(default=0.25, ge=0, le=2)
    bottom: float = Field(default=0.5, ge=0, le=2)
    reach: float = Field(default=1.0, ge=0)

    def frame(self, size: tuple[int, int]) -> Frame:
        """Where a picture of ``size`` (width, height) lies: each margin is its share rounded to whole pixels."""
        width, height = size
        return Frame(
            size,
            left=round(self.left * width),
            top=round(self.top * height),
            right=round(self.right * width),
            bottom=round(self.bottom * height),
        )


class Files(Protocol):
    """A folder for files that cost much to make."""

    def read(self, path: str) -> bytes:
        """The whole file; raises FileNotFoundError if there is none."""

    def write(self, path: str, data: bytes) -> None:
        """The file is there whole or not at all."""


class Outpainter(Loadable):
    """Base: set ``card`` (of kind ``KIND``) and ``Settings``, write ``grown``."""

    Settings = MarginSettings
    settings: MarginSettings

    def __init__(
        self,
        settings: AnySettings | None = None,
        device: str = "cpu",
        weights: Mapping[Weight, Weight] | None = None,
        files: Files | None = None,
    ) -> None:
        """
        Args:
            settings, device, weights: as of ``Loadable``.
            files: where what was painted is kept for other layers; None for nowhere.
        """
        super().__init__(settings, device, weights)
        self.files = files

    @abstractmethod
    def grown(self, pictures: Sequence[Picture]) -> list[Canvas]:
        """The canvas of each picture; it depends on that picture, its uid and the settings alone."""

    def facts(self) -> dict[str, Any]:
        """What decides its canvases, as it stands in ``layer.json`` under ``outpaint``.

        Raises:
            WeightError: if weights whose SHA-256 is not known beforehand cannot be had.
        """
        self.pin()
        return {
            "name": self.card.name,
            "version": self.card.version,
            "model": self.card.model,
            "weights": own_weights.digests(self.used),
            "settings": self.deciding(),
        }
