"""What is true of a picture: who is where, their boxes and points, which part of whom each pixel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from humanverse.synth import keypoints
from humanverse.synth.camera import Camera
from humanverse.synth.materials import HAIR, LOWER, SHOES, SOCKS, SURFACES, UPPER
from humanverse.synth.people import Person
from humanverse.synth.regions import PARTS
from humanverse.synth.render import NO_BODY, Geometry, Renderer, Seen
from humanverse.synth.tessellation import tessellation

FARTHEST = 12.0
"""Metres beyond which depth and normals are not told: at 16 bits a farther horizon would cost precision near by."""
LABELS = (
    "Background", "Face_Neck", "Hair", "Torso", "Upper_Clothing", "Lower_Clothing",
    "Left_Upper_Arm", "Left_Lower_Arm", "Left_Hand", "Left_Upper_Leg", "Left_Lower_Leg", "Left_Foot", "Left_Sock",
    "Left_Shoe",
    "Right_Upper_Arm", "Right_Lower_Arm", "Right_Hand", "Right_Upper_Leg", "Right_Lower_Leg", "Right_Foot", "Right_Sock",
    "Right_Shoe",
)  # fmt: skip
"""Names of the ids in ``Sample.labels``: those of Sapiens2's parts that are told apart here."""
_SKIN = {"head": "Face_Neck", "neck": "Face_Neck", "torso": "Torso"}
_CLOTHES = {UPPER: "Upper_Clothing", LOWER: "Lower_Clothing", HAIR: "Hair"}
_SIDED = {SHOES: "Shoe", SOCKS: "Sock"}


@dataclass(frozen=True)
class SeenPerson:
    """Somebody who is seen.

    Attributes:
        number: in the scene.
        person: the body and what it wears.
        box: float64 (4,), x0, y0, x1, y1 around the pixels that are seen, x1 and y1 exclusive.
        area: pixels that are seen.
        points: float64 (133, 3): x and y in pixels, and 1 where it is seen, 0.5 where something hides it, 0 outside the picture.
        depths: float64 (133,), metres along the optical axis.
    """

    number: int
    person: Person
    box: np.ndarray
    area: int
    points: np.ndarray
    depths: np.ndarray


def owners(seen: Seen, geometry: Geometry, people: int) -> np.ndarray:
    """int16 (height, width): the number of the person that a pixel shows, -1 for nobody."""
    there = seen.faces >= 0
    found = np.where(there, geometry.owners[np.maximum(seen.faces, 0)], -1)
    return np.where(found < people, found, -1).astype(np.int16)


def renumbered(numbers: np.ndarray, new: Mapping[int, int]) -> np.ndarray:
    """Owners by their place among those who are seen; -1 for the others."""
    made = np.full(numbers.shape, -1, np.int16)
    for old, place in new.items():
        made[numbers == old] = place
    return made


def within_reach(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """Depth and normals, NaN beyond ``FARTHEST``."""
    far = seen.depth > FARTHEST
    depth, normals = seen.depth.copy(), seen.normals.copy()
    depth[far], normals[far] = np.nan, np.nan
    return depth, normals


def seen_people(
    people: Sequence[Person], numbers: np.ndarray, eye: Camera, renderer: Renderer, least: float
) -> list[SeenPerson]:
    """Those of whom at least ``least`` pixels are seen, largest first."""
    found = []
    for number, person in enumerate(people):
        rows, columns = np.nonzero(numbers == number)
        if len(rows) < least:
            continue
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float64)
        points, depths = keypoints.seen(person, number, eye, renderer, numbers.shape)
        found.append(SeenPerson(number, person, box, len(rows), points, depths))
    return sorted(found, key=lambda one: -one.area)


def _label_table() -> np.ndarray:
    """uint8 (parts, surfaces): the id of a part of the body that shows a surface."""
    table = np.zeros((len(PARTS), len(SURFACES)), np.uint8)
    for row, part in enumerate(PARTS):
        skin = _SKIN.get(part) or part.title()
        side = part.partition("_")[0].title()
        for surface in range(len(SURFACES)):
            worn = _CLOTHES.get(surface) or (f"{side}_{_SIDED[surface]}" if surface in _SIDED else skin)
            table[row, surface] = LABELS.index(worn if worn in LABELS else skin)
    return table


_TABLE = _label_table()


def labels(seen: Seen, geometry: Geometry, numbers: np.ndarray) -> np.ndarray:
    """uint8 (height, width), of ``LABELS``: the part of the face's first corner, the surface of the pixel."""
    made = np.zeros(seen.faces.shape, np.uint8)
    here = numbers >= 0
    faces, parts = seen.faces[here], tessellation().part
    body = geometry.worn[faces] != NO_BODY
    corner = geometry.faces[faces, 0] % len(parts)
    part = np.where(body, parts[np.where(body, corner, 0)], 0)
    surface = np.where(body, seen.surfaces[here], HAIR)
    made[here] = _TABLE[part, surface]
    return made
