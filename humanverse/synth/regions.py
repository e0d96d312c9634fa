"""Where on the body a vertex is: parts, and the coordinates along arms, legs, trunk and head that garments are cut by.

All of it is of the reference pose of an average adult, so that it is the same for every body and computed once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import sparse

from humanverse.synth import body
from humanverse.synth.limbs import SIDES
from humanverse.synth.meshes import Facets
from humanverse.synth.rotations import unit

PARTS = (
    "head", "neck", "torso", "left_upper_arm", "right_upper_arm", "left_lower_arm", "right_lower_arm", "left_hand",
    "right_hand", "left_upper_leg", "right_upper_leg", "left_lower_leg", "right_lower_leg", "left_foot", "right_foot",
)  # fmt: skip
"""Parts of the body; "left" is the person's left."""
_PREFIXES = {
    "head": "head", "eye": "head", "neck": "neck", "upperarm": "upper_arm", "lowerarm": "lower_arm", "wrist": "hand",
    "finger": "hand", "metacarpal": "hand", "upperleg": "upper_leg", "lowerleg": "lower_leg", "foot": "foot", "toe": "foot",
}  # fmt: skip
"""Start of a bone's name -> the part that it moves; all others move the trunk."""
_SIDE_NAMES = {"L": "left_", "R": "right_"}
_RELIEF = 30
"""Steps of smoothing that take the relief off."""
OUTSIDE = -1.0
"""A coordinate of vertices that are not on the limb."""


@dataclass(frozen=True)
class Regions:
    """Facts about each vertex of the body.

    Attributes:
        part: int8 (VERTICES,), index into ``PARTS``.
        rest: float64 (VERTICES, 3), in the reference pose.
        arm: float64 (VERTICES,): 0 at the shoulder, 1 at the elbow, 2 at the wrist; ``OUTSIDE`` elsewhere.
        leg: the same from hip over knee to ankle; the foot has more than 2.
        limb: float64 (VERTICES,), 1 on arms, 0 elsewhere, smooth between.
        thigh: the same of legs.
        head: of the head without the neck.
        neck_height: float64 (VERTICES,), metres above the base of the neck.
        ball: float64 (VERTICES, 3), direction from the middle of the skull; x to the left, y back, z up.
        skull: float64 (3,), the middle of the skull.
        eye: float64 (VERTICES,), cosine of the angle to the gaze at vertices of the eyeballs; ``OUTSIDE`` elsewhere.
        cloth: float64 (VERTICES, 3), ``rest`` without its relief: what the patterns of garments are drawn on.
        smooth: (VERTICES, VERTICES), one step of averaging over neighbours.
        facets: the faces of the body.
    """

    part: np.ndarray
    rest: np.ndarray
    arm: np.ndarray
    leg: np.ndarray
    limb: np.ndarray
    thigh: np.ndarray
    head: np.ndarray
    neck_height: np.ndarray
    ball: np.ndarray
    skull: np.ndarray
    eye: np.ndarray
    cloth: np.ndarray
    smooth: sparse.csr_matrix
    facets: Facets


def part_of_bone(bone: str) -> str:
    """The part of ``PARTS`` that a bone moves."""
    name = next((part for start, part in _PREFIXES.items() if bone.startswith(start)), "torso")
    side = _SIDE_NAMES.get(bone.rpartition(".")[2], "")
    return name if name in PARTS else f"{side}{name}"


def _along(points: np.ndarray, chain: list[np.ndarray]) -> np.ndarray:
    """How far along a chain of joints: each link counts 1; may be below 0 and above the number of links."""
    found = np.full(len(points), -np.inf)
    nearest = np.full(len(points), np.inf)
    last = len(chain) - 2
    for link, (start, end) in enumerate(pairwise(chain)):
        way = end - start
        share = (points - start) @ way / (way @ way)
        inside = np.clip(share, -np.inf if link == 0 else 0.0, np.inf if link == last else 1.0)
        distance = np.linalg.norm(points - start - np.clip(share, 0, 1)[:, None] * way, axis=1)
        closer = distance < nearest
        found[closer], nearest[closer] = link + inside[closer], distance[closer]
    return found


def _weight(model: body.BodyModel, parts: set[str]) -> np.ndarray:
    columns = [index for index, bone in enumerate(model.bones) if part_of_bone(bone) in parts]
    return np.asarray(model.weights[:, columns].sum(axis=1), np.float64)


def _limb(
    model: body.BodyModel, joints: np.ndarray, rest: np.ndarray, names: tuple[str, ...], parts: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The coordinate along a pair of limbs, and how much a vertex is on them."""
    coordinate, on = np.full(len(rest), OUTSIDE), np.zeros(len(rest))
    for side in SIDES:
        weight = _weight(model, {f"{_SIDE_NAMES[side]}{part}" for part in parts})
        chain = [joints[model.index(f"{name}.{side}")] for name in names]
        here = weight > 0
        coordinate[here] = weight[here] * _along(rest[here], chain) + (1 - weight[here]) * OUTSIDE * 0.3
        on = np.maximum(on, weight)
    return coordinate, on


def _smoothing(faces: np.ndarray, vertices: int) -> sparse.csr_matrix:
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    joined = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(vertices, vertices))
    joined.data[:] = 1.0
    average = sparse.diags_array(1 / np.maximum(np.asarray(joined.sum(axis=1)).ravel(), 1)) @ joined
    return sparse.csr_matrix(0.5 * sparse.eye_array(vertices) + 0.5 * average, dtype=np.float32)


def _eyes(model: body.BodyModel, joints: np.ndarray, rest: np.ndarray) -> np.ndarray:
    found = np.full(len(rest), OUTSIDE)
    for side in SIDES:
        bone = model.index(f"eye.{side}")
        here = model.weights[:, bone] > 0.5
        middle = 0.5 * (rest[here].min(axis=0) + rest[here].max(axis=0))
        found[here] = unit(rest[here] - middle) @ np.array([0.0, -1.0, 0.0])
    return found


@lru_cache(maxsize=1)
def regions() -> Regions:
    """The regions of the model's mesh; computed once in a process."""
    model = body.load()
    reference = model.reference([{"age": body.ADULT}])
    rest, joints = reference.vertices[0], reference.joints[0]
    part_weights = np.stack([_weight(model, {part}) for part in PARTS], axis=1)
    arm, limb = _limb(model, joints, rest, ("upperarm01", "lowerarm01", "wrist"), ("upper_arm", "lower_arm", "hand"))
    leg, thigh = _limb(model, joints, rest, ("upperleg01", "lowerleg01", "foot"), ("upper_leg", "lower_leg", "foot"))
    foot = np.isin(part_weights.argmax(axis=1), [PARTS.index("left_foot"), PARTS.index("right_foot")])
    leg[foot] = np.maximum(leg[foot], 2.0)
    head = _weight(model, {"head"})
    crown = rest[head > 0.9]
    eyes = 0.5 * (joints[model.index("eye.L")] + joints[model.index("eye.R")])
    skull = np.array([0.0, 0.5 * (crown[:, 1].min() + crown[:, 1].max()), eyes[2] + 0.015])
    smooth = _smoothing(model.faces, len(rest))
    cloth = rest
    for _ in range(_RELIEF):
        cloth = smooth @ cloth
    return Regions(
        part=part_weights.argmax(axis=1).astype(np.int8),
        rest=rest,
        arm=arm,
        leg=leg,
        limb=limb,
        thigh=thigh,
        head=head,
        neck_height=rest[:, 2] - joints[model.index("neck01")][2],
        ball=unit(rest - skull),
        skull=skull,
        eye=_eyes(model, joints, rest),
        cloth=cloth,
        smooth=smooth,
        facets=Facets(model.faces, len(rest)),
    )
