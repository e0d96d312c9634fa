"""Where the stored picture lies in the upright original, for each way of resizing.

The ways and their names are img2dataset's: ``keep_ratio`` brings the shorter side to the size, ``keep_ratio_largest`` the
longer one; ``center_crop`` and ``border`` make a square of these by cutting and by filling up. With ``only_shrink`` a
picture whose deciding side is not longer than the size is left as it is, neither cut nor filled up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.recipe import ImageSettings

Size = tuple[int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Plan:
    """How to get from the upright original to the stored picture.

    Attributes:
        box: (x0, y0, x1, y1), the part of the upright original that is resampled, in its pixels.
        inner: (width, height) that ``box`` is resampled to.
        canvas: (width, height) of the stored picture.
        offset: (x, y) of the resampled part's top left corner on the canvas; the rest is border.
        original_box: the part of the upright original that the whole canvas shows; beyond the original at a border.
    """

    box: Box
    inner: Size
    canvas: Size
    offset: tuple[int, int]
    original_box: Box

    @property
    def changes_nothing(self) -> bool:
        return self.canvas == self.inner and self.box == (0.0, 0.0, float(self.inner[0]), float(self.inner[1]))


def plan(width: int, height: int, settings: ImageSettings) -> Plan:
    """The plan for an upright original of ``width`` by ``height`` pixels."""
    return _WAYS[settings.resize](width, height, settings)


def _whole(width: int, height: int, inner: Size) -> Plan:
    box = (0.0, 0.0, float(width), float(height))
    return Plan(box=box, inner=inner, canvas=inner, offset=(0, 0), original_box=box)


def _unchanged(width: int, height: int, settings: ImageSettings) -> Plan:
    return _whole(width, height, (width, height))


def _stays(side: int, settings: ImageSettings) -> bool:
    return side == settings.size or (settings.only_shrink and side < settings.size)


def _scaled(width: int, height: int, side: int, size: int) -> Size:
    return max(1, round(width * size / side)), max(1, round(height * size / side))


def _shorter_side(width: int, height: int, settings: ImageSettings) -> Plan:
    side = min(width, height)
    if _stays(side, settings):
        return _unchanged(width, height, settings)
    return _whole(width, height, _scaled(width, height, side, settings.size))


def _longer_side(width: int, height: int, settings: ImageSettings) -> Plan:
    side = max(width, height)
    if _stays(side, settings):
        return _unchanged(width, height, settings)
    return _whole(width, height, _scaled(width, height, side, settings.size))


def _cut_square(width: int, height: int, settings: ImageSettings) -> Plan:
    size = settings.size
    if settings.only_shrink and min(width, height) <= size:
        return _unchanged(width, height, settings)
    scaled_width, scaled_height = _scaled(width, height, min(width, height), size)
    x, y = (scaled_width - size) // 2, (scaled_height - size) // 2
    box = (
        x * width / scaled_width,
        y * height / scaled_height,
        (x + size) * width / scaled_width,
        (y + size) * height / scaled_height,
    )
    return Plan(box=box, inner=(size, size), canvas=(size, size), offset=(0, 0), original_box=box)


def _fill_square(width: int, height: int, settings: ImageSettings) -> Plan:
    size = settings.size
    if settings.only_shrink and max(width, height) <= size:
        return _unchanged(width, height, settings)
    inner = _scaled(width, height, max(width, height), size)
    x, y = (size - inner[0]) // 2, (size - inner[1]) // 2
    across, down = width / inner[0], height / inner[1]
    return Plan(
        box=(0.0, 0.0, float(width), float(height)),
        inner=inner,
        canvas=(size, size),
        offset=(x, y),
        original_box=(-x * across, -y * down, (size - x) * across, (size - y) * down),
    )


_WAYS: dict[str, Callable[[int, int, ImageSettings], Plan]] = {
    "no": _unchanged,
    "keep_ratio": _shorter_side,
    "keep_ratio_largest": _longer_side,
    "center_crop": _cut_square,
    "border": _fill_square,
}
