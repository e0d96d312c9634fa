"""What a synthetic data set is made with: everything but its length that decides a picture."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MIN_SIDE, MAX_SIDE = 64, 2048


class SynthSettings(BaseModel):
    """Settings of ``humanverse.synth.sample``; with a seed and an index they decide every pixel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=512, ge=MIN_SIDE, le=MAX_SIDE, description="sides of the square pictures, in pixels")
    min_people: int = Field(default=1, ge=1, le=3, description="people in a picture, at least")
    max_people: int = Field(default=3, ge=1, le=3, description="people in a picture, at most")
    backgrounds: str | None = Field(default=None, description="a folder of photographs; null: made up ones")
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="where rays are cast")

    @model_validator(mode="after")
    def _some_number(self) -> SynthSettings:
        if self.min_people > self.max_people:
            raise ValueError(f"min_people {self.min_people} is more than max_people {self.max_people}")
        return self
