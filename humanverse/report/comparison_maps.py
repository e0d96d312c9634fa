"""Two dense maps of one picture, drawn so that the eye can compare them: both over the whole picture, each where it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from humanverse.compare import depth
from humanverse.compare.measure import Row, Said
from humanverse.report import maps
from humanverse.report.wording import clean, figure


@dataclass(frozen=True)
class Drawn:
    """What is shown of one of the two.

    Attributes:
        rgb: uint8 (height, width, 3) sRGB.
        facts: (name, text) about how it is drawn.
    """

    rgb: np.ndarray
    facts: tuple[tuple[str, str], ...] = ()


Pair = tuple[Said, Said]
Shape = tuple[int, ...]


def placed(rgb: np.ndarray, box: Sequence[float], image: Row, shape: Shape) -> np.ndarray:
    """A map's picture where the map lies, grey beside it.

    Args:
        rgb: uint8 (height, width, 3).
        box: ``map_box``, in pixels of the stored picture.
        image: the stored picture's row of the images table.
        shape: (height, width, ...) at which the stored picture is drawn.

    Returns:
        uint8 (height, width, 3).
    """
    canvas = np.full((*shape[:2], 3), maps.NOTHING, np.uint8)
    scale = np.array([shape[1] / image["width"], shape[0] / image["height"]] * 2)
    x0, y0, x1, y1 = (int(place) for place in np.rint(np.asarray(box, np.float64) * scale))
    sized = cv2.resize(rgb, (max(x1 - x0, 1), max(y1 - y0, 1)), interpolation=cv2.INTER_AREA)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, shape[1]), min(y1, shape[0])
    if right > left and bottom > top:
        canvas[top:bottom, left:right] = sized[top - y0 : bottom - y0, left - x0 : right - x0]
    return canvas


def each(kind: str, pair: Pair, image: Row, shape: Shape) -> list[Drawn | None]:
    """Both as the report draws maps of their kind; None where there is no map.

    Args:
        kind: a key of ``humanverse.report.maps.VIEWS``.
        image, shape: as of ``placed``.
    """
    pngs = ((said.png(), said.row) for said in pair)
    return [
        Drawn(placed(maps.VIEWS[kind](png, row)[0], row["map_box"], image, shape)) if png else None for png, row in pngs
    ]


def depths(pair: Pair, image: Row, shape: Shape) -> list[Drawn | None]:
    """Depths in the same colours, A aligned to B by scale and shift; each in its own colours if they cannot be aligned.

    The colours span what both say of the pixels that both know. Arguments and result are those of ``each``.
    """
    a, b = (depth.placed(said) for said in pair)
    cells = depth.common(*pair, (a, b))
    if a is None or b is None or not cells.enough:
        return each("depth", pair, image, shape)
    alignment = cells.alignment()
    aligned = alignment(cells.a)
    span = maps.span_of(np.concatenate([aligned, cells.b]))
    unit = clean(pair[1].row["unit"] or "")
    colours = ("colours", " ".join(filter(None, (f"{figure(span[0])} to {figure(span[1])}", unit, "in both"))))
    inverse = "inverse depth" if alignment.a_inverse or alignment.b_inverse else "depth"
    fitted = ("aligned to B", f"{figure(alignment.scale)} × {inverse} {alignment.shift:+.3g}")
    values, facts = (alignment(a.values), b.values), ((fitted, colours), (colours,))
    return [
        Drawn(placed(maps.depth_colours(one, span), where.box, image, shape), told)
        for one, where, told in zip(values, (a, b), facts, strict=True)
    ]


DRAWN: dict[str, Callable[[Pair, Row, Shape], list[Drawn | None]]] = {"depth": depths}
"""Dense kinds of which one side is drawn by what the other says too."""
NOTES = {
    "depth": "Both depths are drawn over the whole picture in the same colours, A after scale and shift have brought it to B; "
    "brighter is larger. The colours span what the two say of pixels that both know, and what is beyond has the colour of its "
    "end. Grey: nothing is said.",
}
"""Per dense kind, how it is drawn; see ``note``."""


def note(kind: str) -> str:
    """How the maps of ``kind`` are drawn; empty if they are no maps."""
    everywhere = "Both maps are drawn over the whole picture. Grey: nothing is said." if kind in maps.VIEWS else ""
    return NOTES.get(kind, everywhere)


def draw(kind: str, pair: Pair, image: Row, shape: Shape) -> list[Drawn | None]:
    """The two maps, side A first. Arguments and result are those of ``each``."""
    return DRAWN[kind](pair, image, shape) if kind in DRAWN else each(kind, pair, image, shape)
