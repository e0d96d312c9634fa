"""Crops and heatmaps by unbiased data processing: Huang et al., "The Devil Is in the Details: Delving Into Unbiased Data
Processing for Human Pose Estimation" (CVPR 2020), with DARK's step between pixels, as MMPose and transformers have it.

Lengths are counted between the centres of the first and the last pixel, so that a crop of ``width`` pixels is ``width - 1`` long,
and the pixel i of ``width`` of a mirror image is exactly the pixel ``width - 1 - i``. As in ``annotators.pose.topdown``, the
network's frame counts pixel centres, and the picture's pixels are those of edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PADDING = 1.25
"""Of the box, along both sides."""
_SMALLEST = 1e-3
"""Pixels: the width and height that an empty box is given, so that every person has a crop."""
_RADIUS = 5
"""Of the Gaussian that heatmaps are smoothed with, in their pixels."""
_LOWEST, _HIGHEST = 1e-3, 50.0
"""What smoothed heatmaps are clipped to before their logarithm is taken."""
_FARTHEST = 2.0
"""Pixels of the heatmap: a step that is longer tells of no Gaussian, and is not taken."""


@dataclass(frozen=True)
class UdpCrop:
    """An upright part of the picture.

    Attributes:
        x, y: its middle.
        length: (width, height) in pixels of the picture, from the first pixel's centre to the last one's.
        size: (width, height) in its own pixels.
        smooth: whether it is cubic, and not linear, between pixels where it is an enlargement.
    """

    x: float
    y: float
    length: tuple[float, float]
    size: tuple[int, int]
    smooth: bool = False

    @property
    def _origin(self) -> np.ndarray:
        """float64 (2,): where the crop's pixel (0, 0) lies in the picture, pixel centres counted."""
        return np.array([self.x, self.y]) - np.array(self.length) / 2

    @property
    def _scale(self) -> np.ndarray:
        """float64 (2,): pixels of the picture for one of the crop."""
        return np.array(self.length) / (np.array(self.size) - 1)

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points of the crop (…, 2), pixel centres counted, as pixels of the picture."""
        return self._origin + self._scale * points + 0.5

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the picture (…, 2) as points of the crop, pixel centres counted."""
        return (points - 0.5 - self._origin) / self._scale

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        """What the crop shows, uint8 (height, width, 3); black where it reaches outside the picture.

        Args:
            rgb: uint8 (height, width, 3).
        """
        import cv2

        matrix = np.column_stack([np.diag(self._scale), self._origin])
        enlarged = bool(self._scale.max() <= 1)
        between = cv2.INTER_CUBIC if self.smooth and enlarged else cv2.INTER_LINEAR
        return np.asarray(cv2.warpAffine(rgb, matrix, self.size, flags=between | cv2.WARP_INVERSE_MAP))


def around(box: np.ndarray, size: tuple[int, int], smooth: bool = False) -> UdpCrop:
    """The crop of a box: its shorter side is lengthened to the crop's aspect, then both are padded.

    Args:
        box: (x0, y0, x1, y1) in pixels of the picture.
        size: (width, height) of the crop.
        smooth: as of ``UdpCrop``.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    scale = PADDING * max((x1 - x0) / size[0], (y1 - y0) / size[1], _SMALLEST / min(size))
    return UdpCrop((x0 + x1) / 2, (y0 + y1) / 2, (scale * size[0], scale * size[1]), size, smooth)


def mirrored_back(heatmaps: Any, swap: Sequence[int]) -> Any:
    """The maps of mirrored crops, a tensor (n, points, height, width), as those of the crops; ``swap`` is the slot of each
    point's mirror image."""
    return heatmaps[:, list(swap)].flip(3)


def points_of(heatmaps: Any, size: tuple[int, int], smoothed: Callable[[Any], Any]) -> np.ndarray:
    """float64 (n, points, 3): x, y in pixels of the crop, and the peak clipped to [0, 1]; zeros where no peak is above zero.

    The step from the highest pixel is DARK's, -H⁻¹ ∇ of the logarithm of the smoothed map, with differences over one pixel and
    the border's pixels repeated beyond it. One that is longer than ``_FARTHEST`` is not taken; published code takes any.

    Args:
        heatmaps: float32 tensor (n, points, height, width).
        size: (width, height) of the crop.
        smoothed: maps (m, height, width) smoothed, as ``smoothed_as_cv2`` or ``smoothed_as_scipy``.
    """
    import torch

    count, slots, height, width = heatmaps.shape
    maps = heatmaps.reshape(count * slots, height, width)
    peak, at = maps.flatten(1).max(dim=1) if len(maps) else (maps.new_zeros(0), maps.new_zeros(0, dtype=torch.long))
    x, y = at % width, at // width
    place = torch.stack([x, y], dim=1).double() + _step(smoothed(maps), x, y)
    place *= place.new_tensor([(size[0] - 1) / (width - 1), (size[1] - 1) / (height - 1)])
    said = torch.cat([place, peak.double().clamp(0, 1)[:, None]], dim=1) * (peak > 0)[:, None]
    return np.asarray(said.reshape(count, slots, 3).cpu().numpy())


def _step(maps: Any, x: Any, y: Any) -> Any:
    """float64 (m, 2): from each map's highest pixel to the top of its Gaussian."""
    import torch

    logarithms = maps.clamp(_LOWEST, _HIGHEST).log().double()
    height, width = maps.shape[1:]
    rows = torch.arange(len(maps), device=maps.device)

    def value(right: int, down: int) -> Any:
        return logarithms[rows, (y + down).clamp(0, height - 1), (x + right).clamp(0, width - 1)]

    middle = value(0, 0)
    dx, dy = (value(1, 0) - value(-1, 0)) / 2, (value(0, 1) - value(0, -1)) / 2
    dxx = value(1, 0) - 2 * middle + value(-1, 0)
    dyy = value(0, 1) - 2 * middle + value(0, -1)
    corners = value(1, 1) + value(-1, -1)
    dxy = (corners - value(1, 0) - value(0, 1) + 2 * middle - value(-1, 0) - value(0, -1)) / 2
    determinant = dxx * dyy - dxy**2
    step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], dim=1) / determinant[:, None]
    taken = (determinant != 0) & (step.abs().amax(dim=1) <= _FARTHEST)
    return torch.where(taken[:, None], step, torch.zeros_like(step))


def smoothed_as_cv2(maps: Any) -> Any:
    """With the deviation that OpenCV gives a kernel of 11 pixels, which is 2, and zeros beyond the border; as high as before."""
    import torch

    blurred = _blurred(torch.nn.functional.pad(maps, (_RADIUS,) * 4), 0.3 * (_RADIUS - 1) + 0.8)
    if not len(maps):
        return blurred
    before, after = (one.amax(dim=(1, 2), keepdim=True) for one in (maps, blurred))
    return blurred * torch.where(after > 0, before / after, torch.ones_like(after))


def smoothed_as_scipy(maps: Any) -> Any:
    """With a deviation of 0.8, as transformers smooths ViTPose's, and the map reflected at its edges (scipy's ``reflect``)."""
    import torch

    height, width = maps.shape[1:]
    rows, columns = (_reflected(length, maps.device) for length in (height, width))
    return _blurred(torch.index_select(torch.index_select(maps, 1, rows), 2, columns), 0.8)


def _reflected(length: int, device: Any) -> Any:
    """Indices of a line and of ``_RADIUS`` pixels beyond both of its ends: d c b a | a b c d | d c b a."""
    import torch

    around_it = torch.arange(-_RADIUS, length + _RADIUS, device=device) % (2 * length)
    return torch.minimum(around_it, 2 * length - 1 - around_it)


def _blurred(padded: Any, deviation: float) -> Any:
    """Maps (m, height, width) out of ones with ``_RADIUS`` pixels more on all sides."""
    import torch

    steps = torch.arange(-_RADIUS, _RADIUS + 1, device=padded.device, dtype=torch.float64)
    kernel = torch.exp(-(steps**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).to(padded.dtype)
    maps = torch.nn.functional.conv2d(padded[:, None], kernel[None, None, :, None])
    return torch.nn.functional.conv2d(maps, kernel[None, None, None, :])[:, 0]
