"""People: a body, what it does and what it wears, drawn at random and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from humanverse.synth import body, colours, garments, hair, outfits, postures
from humanverse.synth.face import face_fields
from humanverse.synth.limbs import Figure
from humanverse.synth.materials import SURFACES, Material
from humanverse.synth.randomness import Rng, between, chance, normal
from humanverse.synth.regions import regions

_NATURAL = {"black": 3.0, "dark brown": 3.0, "brown": 2.0, "blond": 1.5, "red": 0.4}
_DARK = {"black": 6.0, "dark brown": 1.5}


@dataclass(frozen=True)
class Looks:
    """What somebody looks like.

    Attributes:
        woman: or else a man.
        shape: the body model's phenotypes.
        old: 0 for a young adult, 1 for an old one.
        materials: one for each of ``materials.SURFACES``.
    """

    woman: bool
    old: float
    shape: dict[str, float]
    hair: hair.Hair
    outfit: outfits.Outfit
    materials: list[Material]

    @property
    def word(self) -> str:
        """``woman`` or ``man``, older ones as such."""
        return ("older " if self.old > 0.6 else "") + ("woman" if self.woman else "man")


@dataclass(frozen=True)
class Person:
    """Somebody in a scene. World frame: z up, the floor at 0, metres; yaw 0 looks along negative y.

    Attributes:
        body: float64 (VERTICES, 3), the skin.
        dressed: float64 (VERTICES, 3), with clothes and hair.
        rest: float64 (VERTICES, 3), the body in the reference pose.
        rest_joints: float64 (bones, 3), likewise.
        joints: float64 (bones, 3).
        turns: float64 (bones, 3, 3), against the reference pose.
        points: float64 (23, 3), the body's landmarks, ``BodyModel.points``.
        worn: what is where.
        yaw: degrees.
    """

    looks: Looks
    posture: postures.Posture
    worn: garments.Worn
    body: np.ndarray
    dressed: np.ndarray
    rest: np.ndarray
    rest_joints: np.ndarray
    joints: np.ndarray
    turns: np.ndarray
    points: np.ndarray
    yaw: float = 0.0

    @cached_property
    def low(self) -> np.ndarray:
        """float64 (3,), the lowest corner of a box around the person."""
        return np.asarray(self.dressed.min(axis=0))

    @cached_property
    def high(self) -> np.ndarray:
        return np.asarray(self.dressed.max(axis=0))

    def moved(self, yaw: float, to: np.ndarray) -> Person:
        """The person turned about the upright axis by ``yaw`` degrees, and shifted ``to``; turned once at the most."""
        from humanverse.synth.rotations import about

        turn = about([0, 0, 1], yaw)
        placed = {name: getattr(self, name) @ turn.T + to for name in ("body", "dressed", "joints", "points")}
        kept = {name: getattr(self, name) for name in ("looks", "posture", "worn", "rest", "rest_joints")}
        return Person(**kept, **placed, turns=turn @ self.turns, yaw=yaw)


def looks(rng: Rng) -> Looks:
    """Somebody: an adult, dressed."""
    woman = chance(rng, 0.5)
    old = float(rng.beta(1.1, 2.2))
    origins = rng.dirichlet([0.5, 0.5, 0.5])
    shape = {
        "gender": between(rng, 0.88, 1.0) if woman else between(rng, 0.0, 0.12),
        "age": body.ADULT + (1 - body.ADULT) * old,
        "muscle": normal(rng, 0.5, 0.15, 0.15, 0.9),
        "weight": normal(rng, 0.52, 0.16, 0.15, 0.95),
        "height": normal(rng, 0.40, 0.065, 0.22, 0.60),
        "proportions": normal(rng, 0.6, 0.15, 0.2, 1.0),
        "cupsize": normal(rng, 0.5, 0.15, 0.1, 0.9),
        **dict(zip(("african", "asian", "caucasian"), origins.tolist(), strict=True)),
    }
    dark = origins[0] > 0.5 or origins[1] > 0.6
    head = hair.draw(rng, woman, old, _DARK if dark else _NATURAL)
    tone = float(np.clip(origins @ np.array([0.82, 0.36, 0.20]) + rng.normal(0, 0.10), 0, 1))
    skin = colours.skin(rng, tone)
    outfit = outfits.draw(rng, skin)
    return Looks(woman, old, shape, head, outfit, _materials(rng, tone, skin, head, outfit))


def _materials(rng: Rng, tone: float, skin: np.ndarray, head: hair.Hair, outfit: outfits.Outfit) -> list[Material]:
    _, iris = colours.named(rng, colours.EYES) if tone < 0.4 else ("brown", colours.shade(rng, colours.EYES["brown"]))
    lips = np.clip(skin * np.array([0.92, 0.66, 0.64]), 0, 1)
    brows = np.clip(0.75 * head.material.colour + 0.1 * skin, 0, 1)
    found = {
        "skin": Material(skin, np.clip(skin * np.array([0.96, 0.88, 0.86]), 0, 1), 5, 0.01, 0.10),
        "upper": outfit.top.material,
        "lower": outfit.bottom.material,
        "shoes": outfit.shoes.material,
        "socks": outfit.sock_material,
        "hair": head.material,
        "lips": Material.plain(lips, 0.2),
        "brows": Material.plain(brows, 0.0),
        "sclera": Material.plain(np.array([0.88, 0.86, 0.84]), 0.4),
        "iris": Material.plain(iris, 0.5),
        "pupil": Material.plain(np.array([0.02, 0.02, 0.02]), 0.6),
    }
    return [found[name] for name in SURFACES]


def pose(all_looks: Sequence[Looks], rngs: Sequence[Rng]) -> list[Person]:
    """The people of a scene, each in a posture of its own, standing on the floor where the origin is."""
    model, where = body.load(), regions()
    shapes = [one.shape for one in all_looks]
    shaped = model.shaped(shapes)
    reference = shaped.reference
    figures = [Figure(model.bones, model.parents, joints) for joints in reference.joints]
    drawn = [postures.draw(figure, rng) for figure, rng in zip(figures, rngs, strict=True)]
    posed = shaped.posed(np.stack([figure.rotations for figure in figures]))
    points = model.regress(posed.vertices)
    found = []
    for index, one in enumerate(all_looks):
        worn = garments.worn(where, one.outfit, one.hair, face_fields())
        dressed = garments.dressed(posed.vertices[index], where, one.outfit, one.hair, worn)
        up = np.array([0.0, 0.0, -dressed[:, 2].min()])
        found.append(
            Person(
                one,
                drawn[index],
                worn,
                posed.vertices[index] + up,
                dressed + up,
                reference.vertices[index],
                reference.joints[index],
                posed.joints[index] + up,
                posed.turns[index],
                points[index] + up,
            )
        )
    return found
