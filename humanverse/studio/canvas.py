"""What the canvas of the page shows, and the skeleton that it gives back."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from humanverse.drawing.skeleton import FACE, FINGER, LIMB, LIMB_COLOURS, POINT_COLOURS, SEEN
from humanverse.errors import UserError
from humanverse.generation.skeletons import People, Size, Skeleton
from humanverse.studio.figure import FOLLOWERS, HANDLES, STANDING_HEIGHT, standing
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_FLIP

_SIDE, _PEOPLE = 8192, 64
"""Pixels of a frame's sides, and people in it, at most."""
_SHOWN_SIDE = 768
"""Of a drawing on the canvas, in pixels, at most."""
_FOLDER = Path(__file__).parent
NOBODY = "there is no skeleton yet: add a person, choose a sample or upload a file"

_Point = Annotated[list[float], Field(min_length=3, max_length=3)]
_Person = Annotated[list[_Point], Field(min_length=len(WHOLEBODY), max_length=len(WHOLEBODY))]


class Shown(BaseModel):
    """What is on the canvas.

    Attributes:
        width: of the frame, in pixels.
        height: likewise.
        people: 133 points each: x, y in pixels of the frame, confidence.
        picture: of a drawing, as a data URL; with one there are no people.
        edited: whether anything was changed by hand.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    width: int = Field(ge=1, le=_SIDE)
    height: int = Field(ge=1, le=_SIDE)
    people: Annotated[list[_Person], Field(max_length=_PEOPLE)] = []
    picture: str | None = None
    edited: bool = False


def empty(size: Size) -> str:
    """A canvas with nobody on it."""
    return Shown(width=size[0], height=size[1]).model_dump_json()


def standing_in(size: Size) -> str:
    """A canvas with somebody who stands in the middle."""
    width, height = size
    scale = STANDING_HEIGHT * height
    points = standing()
    points[:, 0] = points[:, 0] * scale + width / 2
    points[:, 1] = points[:, 1] * scale + (height - scale) / 2
    points[points[:, 2] == 0] = 0
    return Shown(width=width, height=height, people=[_rounded(points)], edited=True).model_dump_json()


def showing(skeleton: Skeleton) -> str:
    """A canvas with ``skeleton`` in the frame that it was made for."""
    width, height = skeleton.size
    people = [_rounded(_finite(person)) for person in skeleton.placed(skeleton.size)]
    picture = None if skeleton.drawn_by_us else _data_url(skeleton)
    return Shown(width=width, height=height, people=people, picture=picture).model_dump_json()


def skeleton_on(canvas: str | None, chosen: Skeleton | None) -> Skeleton:
    """The skeleton that the canvas shows.

    Args:
        canvas: JSON of ``Shown``, as the browser sends it.
        chosen: what was put on it last; given back as it is if it was not changed by hand.

    Raises:
        UserError: if nobody is on it, or it cannot be read.
    """
    try:
        shown = Shown.model_validate_json(canvas or "")
    except ValidationError as error:
        raise UserError("the canvas sent something that is no skeleton: reload the page") from error
    if chosen is not None and not shown.edited:
        return chosen
    if not shown.people:
        raise UserError(NOBODY)
    before = None if chosen is None else dict(chosen.source)
    return People.of(shown.people, (shown.width, shown.height), source={"kind": "drawn by hand", "begun_with": before})


def props() -> dict[str, Any]:
    """What the script of the canvas is told: how skeletons are drawn, and how they are moved."""
    limbs = [[*edge, _css(colour), _width(edge[1])] for edge, colour in LIMB_COLOURS.items()]
    dots = [[_css(POINT_COLOURS[slot]), _radius(slot)] for slot in range(len(WHOLEBODY))]
    return {
        "limbs": limbs,
        "dots": dots,
        "handles": list(HANDLES),
        "names": [WHOLEBODY[slot].replace("_", " ") for slot in HANDLES],
        "followers": {str(slot): list(others) for slot, others in FOLLOWERS.items()},
        "flip": list(WHOLEBODY_FLIP),
        "figure": standing().round(4).tolist(),
        "tall": STANDING_HEIGHT,
        "seen": SEEN,
        "most": _PEOPLE,
    }


def part(suffix: str) -> str:
    """The canvas's own ``html``, ``css`` or ``js``."""
    return (_FOLDER / f"canvas.{suffix}").read_text(encoding="utf-8")


def _rounded(person: np.ndarray) -> list[list[float]]:
    return np.round(person.astype(np.float64), 2).tolist()


def _finite(person: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(person).all(axis=1, keepdims=True), person, 0)


def _data_url(skeleton: Skeleton) -> str:
    """The drawing, made smaller if it is large."""
    factor = min(1, _SHOWN_SIDE / max(skeleton.size))
    width, height = (max(round(side * factor), 1) for side in skeleton.size)
    data = io.BytesIO()
    Image.fromarray(skeleton.drawn((width, height))).save(data, "PNG")
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _css(colour: tuple[int, int, int]) -> str:
    return "rgb({}, {}, {})".format(*colour)


def _in_hand(slot: int) -> bool:
    return slot in PARTS["left_hand"] or slot in PARTS["right_hand"]


def _width(slot: int) -> float:
    return FINGER if _in_hand(slot) else LIMB


def _radius(slot: int) -> float:
    return FACE if slot in PARTS["face"] else _width(slot)
