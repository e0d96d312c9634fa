"""Synthetic pictures with what the network must say of them, in a cache folder: rendered once, read many times."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from annotators.pose.crops import cut
from annotators.structure import selfie
from annotators.structure.inputs import around_people
from humanverse.errors import UserError
from humanverse.synth.samples import Sample

JPEG_QUALITY = 95


class Segmenter(Protocol):
    def mask(self, rgb: np.ndarray) -> np.ndarray:
        """float32 (256, 256) in [0, 1] of uint8 (256, 256, 3)."""


@dataclass(frozen=True)
class Example:
    """A rendered picture and what is true of its people.

    Attributes:
        rgb: uint8 (side, side, 3).
        depth: float16 (side, side), metres; 0 where no person is.
        normal: int8 (side, side, 3), 127 times the unit vector in the layers' frame; 0 where no person is.
        owners: int8 (side, side), the number of the person, -1 where nobody is.
        mask: uint8 (side, side), 255 times what ``annotators.structure.selfie`` says of the window around the people.
        boxes: float32 (n, 4), pixels.
        points: float32 (n, 133, 3): x, y in pixels, and 1 where it is seen, 0.5 where something hides it, 0 outside the picture.
    """

    rgb: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    owners: np.ndarray
    mask: np.ndarray
    boxes: np.ndarray
    points: np.ndarray


def example_of(sample: Sample, segmenter: Segmenter) -> Example:
    """What is kept of a rendered sample."""
    known = (sample.owners >= 0) & np.isfinite(sample.depth)
    boxes = np.array([one.box for one in sample.people], np.float32)
    return Example(
        rgb=sample.rgb,
        depth=np.where(known, sample.depth, 0).astype(np.float16),
        normal=np.rint(np.where(known[:, :, None], sample.normal, 0) * 127).astype(np.int8),
        owners=sample.owners.astype(np.int8),
        mask=mask_of(sample.rgb, boxes, segmenter),
        boxes=boxes,
        points=np.array([one.points for one in sample.people], np.float32),
    )


def mask_of(rgb: np.ndarray, boxes: np.ndarray, segmenter: Segmenter) -> np.ndarray:
    """uint8 (height, width): what the segmenter says of the window around the boxes, 0 outside it."""
    window = around_people(boxes)
    said = segmenter.mask(cut(rgb, window, selfie.SIDE))
    scale = window.side / selfie.SIDE
    left, top = window.x - window.side / 2, window.y - window.side / 2
    matrix = np.array([[scale, 0, left + scale / 2 - 0.5], [0, scale, top + scale / 2 - 0.5]])
    placed = cv2.warpAffine(said, matrix, rgb.shape[1::-1], flags=cv2.INTER_LINEAR)
    return np.rint(placed * 255).astype(np.uint8)


def path_of(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.npz"


def save(example: Example, path: Path) -> None:
    """Write it whole or not at all. The picture is kept as JPEG, as pictures of a dataset are."""
    done, jpeg = cv2.imencode(".jpg", example.rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ValueError(f"cannot encode a picture of shape {example.rgb.shape}")
    kept = {field.name: getattr(example, field.name) for field in fields(Example)}
    part = path.with_name(f".{os.getpid()}-{path.name}")
    np.savez_compressed(part, **{**kept, "rgb": jpeg})
    part.replace(path)


def load(path: Path) -> Example:
    with np.load(path) as kept:
        columns = {field.name: kept[field.name] for field in fields(Example)}
    rgb = np.asarray(cv2.imdecode(columns["rgb"], cv2.IMREAD_COLOR_RGB))
    return Example(**{**columns, "rgb": rgb})


def paths(folder: Path) -> list[Path]:
    """The examples in a cache folder, in order.

    Raises:
        UserError: if there are none.
    """
    found = sorted(folder.glob("[0-9]*.npz"))
    if not found:
        raise UserError(f"{folder}: no examples in it: make them with python -m pipelines.lite_structure render")
    return found
