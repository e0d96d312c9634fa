"""Rendered people that nothing was trained on: what is asked for, and what was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pictured import Pictured

import humanverse
from schemas.skeletons import WHOLEBODY


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A rendered sample.

    Attributes:
        caption: of it.
        person: float32 (133, 3) in pixels of the stored picture.
        stored: its (width, height).
        rendered: the picture in the size that is generated.
    """

    caption: str
    person: np.ndarray
    stored: tuple[int, int]
    rendered: Pictured


def read(dataset: Path, view: str, side: int) -> list[HeldOut]:
    """All samples of a view of square pictures of one person, in ``side`` x ``side`` pixels as a trainer gets them, by uid."""
    opened = humanverse.open(str(dataset))
    rows = {sample.uid: sample for sample in opened.samples(["person", "pose"], view=view)}
    loader = opened.to_torch(
        view,
        layers=("depth", "normal"),
        captions={"caption/truth": 1},
        buckets=[side],
        batch_size=len(rows),
        seed=0,
    )
    batch = next(iter(loader))
    rgb = (batch["image"].permute(0, 2, 3, 1) * 127.5 + 127.5).round().byte().numpy()
    depth = np.where(batch["depth_valid"], batch["depth"] / 2 + 0.5, np.nan)[:, 0].astype(np.float32)
    normal = np.where(batch["normal_valid"], batch["normal"], np.nan).transpose(0, 2, 3, 1).astype(np.float32)
    found = {}
    for place, uid in enumerate(batch["uids"]):
        sample = rows[uid]
        stored = int(sample.columns["width"]), int(sample.columns["height"])
        scale = side / stored[0]
        person = np.array(sample.layers["pose"]["keypoints"][0], np.float64).reshape(len(WHOLEBODY), 3)
        box, area = np.array(sample.layers["person"]["boxes"][0][:4]), float(sample.layers["person"]["areas"][0])
        points = person * [scale, scale, 1]
        shown = Pictured(uid, rgb[place], depth[place], normal[place], points, box * scale, area * scale**2)
        found[uid] = HeldOut(batch["captions"][place], person.astype(np.float32), stored, shown)
    return [found[uid] for uid in sorted(found)]
