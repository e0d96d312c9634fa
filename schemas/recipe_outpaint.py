"""What a recipe says about growing pictures before structure is estimated."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.given_places import absolute

OUTPAINT = "outpaint"
"""How settings and weights of what grows pictures are named beside those of kinds."""


class OutpaintSettings(BaseModel):
    """Pictures are grown at their borders before structure is estimated, and of what is said only what lies in the picture is
    kept (HyperHuman section 4; see [layers](layers.md#looking-at-a-larger-canvas)). Off unless `outpaint` is given; `outpaint:
    sd2-inpainting` is short for its name alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="of what paints the margins: sd2-inpainting, edge, or module:Class of your own")
    kinds: tuple[str, ...] = Field(
        default=("pose", "depth", "normal"),
        description="of layers that are made so: of person, pose, depth, normal, segmentation",
    )
    settings: dict[str, Any] = Field(default={}, description="its own, such as {steps: 4, bottom: 0.5}")
    weights: tuple[str, ...] = Field(default=(), description="that stand in for its own")
    cache: str | None = Field(
        default=None,
        description="folder or bucket where what was painted is kept, for layers that are added later; null: nowhere",
    )

    @field_validator("weights", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("weights")
    @classmethod
    def _wherever_they_are_named(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(absolute, value))

    @field_validator("cache")
    @classmethod
    def _the_same_from_anywhere(cls, value: str | None) -> str | None:
        return absolute(value) if value else value

    def deciding(self) -> dict[str, Any]:
        """What decides the rows, as JSON values: weights do so by their SHA-256, in the layers' fingerprints."""
        return self.model_dump(mode="json", include={"name", "kinds", "settings"})


def spelled_out(value: Any) -> Any:
    """``sd2-inpainting`` is short for ``{name: sd2-inpainting}``."""
    return {"name": value} if isinstance(value, str) else value
