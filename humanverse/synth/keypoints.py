"""The 133 points of COCO-WholeBody on a body, and which of them are seen.

Body and feet are the regressors of the package anny (fitted to COCO's annotations); hands are the heads of the bones of the
fingers, and their tips the farthest vertices; the face is a table of vertices (``face.VERTICES_68``). They are points of the
body: under clothes, inside shoes.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from humanverse.synth import body
from humanverse.synth.camera import Camera
from humanverse.synth.face import VERTICES_68
from humanverse.synth.people import Person
from humanverse.synth.regions import PARTS, regions
from humanverse.synth.render import Renderer
from humanverse.synth.tessellation import tessellation
from schemas.skeletons import PARTS as SLOTS
from schemas.skeletons import WHOLEBODY

SEEN, HIDDEN = 1.0, 0.5
"""Confidence of a point that is seen, and of one in the picture that something hides."""
_SIDES = {"left": "L", "right": "R"}
_DEEP = {
    "nose": (0.03, ("head",)), "eye": (0.03, ("head",)), "ear": (0.05, ("head",)),
    "shoulder": (0.15, ("torso", "upper_arm", "neck")), "elbow": (0.09, ("upper_arm", "lower_arm")),
    "wrist": (0.07, ("lower_arm", "hand")), "hip": (0.22, ("torso", "upper_leg")), "knee": (0.13, ("upper_leg", "lower_leg")),
    "ankle": (0.10, ("lower_leg", "foot")), "toe": (0.07, ("foot",)), "heel": (0.09, ("foot", "lower_leg")),
}  # fmt: skip
"""Last word of a body point's name -> how far, in metres, it may lie behind what is seen of it, and of which parts that is."""
_HAND_DEEP, _FACE_DEEP = 0.03, 0.02


def of_body(person: Person) -> np.ndarray:
    """float64 (133, 3): the points in the world."""
    model = body.load()
    found = np.zeros((len(WHOLEBODY), 3))
    found[: len(model.points)] = person.points[[model.points.index(name) for name in WHOLEBODY[: len(model.points)]]]
    found[list(SLOTS["face"])] = person.body[list(VERTICES_68)]
    for side, letter in _SIDES.items():
        bones, tips = _hand(letter)
        hand = np.concatenate([person.joints[list(bones)], person.body[list(tips)]])
        order = [
            0,
            *(1 + 3 * finger + joint if joint < 3 else 16 + finger for finger in range(5) for joint in range(4)),
        ]
        found[list(SLOTS[f"{side}_hand"])] = hand[order]
    return found


@lru_cache(maxsize=2)
def _hand(letter: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bones of the wrist and of three joints of each finger, thumb first; the vertices at the five tips."""
    model, rest = body.load(), regions().rest
    joints = model.reference([{"age": body.ADULT}]).joints[0]
    bones = [model.index(f"wrist.{letter}")]
    tips = []
    for finger in range(1, 6):
        chain = [model.index(f"finger{finger}-{joint}.{letter}") for joint in (1, 2, 3)]
        bones += chain
        own = np.flatnonzero(model.weights[:, chain[2]] > 0.5)
        along = joints[chain[2]] - joints[chain[1]]
        tips.append(int(own[np.argmax((rest[own] - joints[chain[2]]) @ along)]))
    return tuple(bones), tuple(tips)


@lru_cache(maxsize=1)
def _rules() -> tuple[np.ndarray, np.ndarray]:
    """Of each point: float64 (133,), how deep it may lie; bool (133, parts), on which parts it is seen."""
    deep, allowed = np.zeros(len(WHOLEBODY)), np.zeros((len(WHOLEBODY), len(PARTS)), bool)

    def allow(slot: int, depth: float, names: tuple[str, ...], side: str) -> None:
        deep[slot] = depth
        for name in names:
            allowed[slot, PARTS.index(name if name in PARTS else f"{side}_{name}")] = True

    for slot, name in enumerate(WHOLEBODY[:23]):
        depth, names = _DEEP[name.rpartition("_")[2]]
        allow(slot, depth, names, name.partition("_")[0])
    for slot in SLOTS["face"]:
        allow(slot, _FACE_DEEP, ("head", "neck"), "")
    for side in _SIDES:
        for slot in SLOTS[f"{side}_hand"]:
            allow(slot, _HAND_DEEP, ("hand", "lower_arm"), side)
    return deep, allowed


def seen(
    person: Person, number: int, eye: Camera, renderer: Renderer, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The points in the picture.

    A point is seen if the first thing on the way to it is the part of the same person that it is in, no deeper than that
    part is thick.

    Args:
        number: of the person in the scene.
        shape: height and width of the picture.

    Returns:
        float64 (133, 3), x and y in pixels, and ``SEEN``, ``HIDDEN`` or 0 outside the picture; float64 (133,), depths in metres.
    """
    points = of_body(person)
    pixels, depth = eye.project(points)
    inside = (depth > 0.05) & (pixels >= 0).all(axis=1) & (pixels[:, 0] < shape[1]) & (pixels[:, 1] < shape[0])
    shares, faces = renderer.first_hits(eye.place, points)
    deep, allowed = _rules()
    geometry, hit = renderer.geometry, np.maximum(faces, 0)
    own = (geometry.owners[hit] == number) & (geometry.worn[hit] >= 0)
    parts = tessellation().part
    part = parts[np.where(own, geometry.faces[hit, 0] % len(parts), 0)]
    before = (1 - shares) * np.linalg.norm(points - eye.place, axis=1)
    clear = (faces < 0) | (before < -0.01)
    there = own & (before <= deep) & allowed[np.arange(len(points)), part]
    confidence = np.where(inside, np.where(clear | there, SEEN, HIDDEN), 0.0)
    xy = np.where(inside[:, None], pixels, 0.0)
    return np.column_stack([xy, confidence]), depth
