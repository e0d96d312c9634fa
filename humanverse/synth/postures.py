"""Postures: how a body stands, walks, sits, reaches; plausible mixtures, drawn at random and checked for limbs in the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from humanverse.synth.limbs import LEFT, RIGHT, SIDES, SIGN, Figure
from humanverse.synth.randomness import Rng, between, chance, normal, pick
from humanverse.synth.rotations import about

SITTING = "sitting"


@dataclass
class Posture:
    """What a posed figure does.

    Attributes:
        name: of the posture, a present participle.
        gesture: what the arms do, as a caption says it; empty for nothing.
        supported: whether something must be under the seat.
    """

    name: str
    gesture: str = ""
    supported: bool = False
    free_hands: list[str] = field(default_factory=lambda: [LEFT, RIGHT])


def _direction(side: str, outward: float, forward: float) -> np.ndarray:
    """Of an arm that hangs, lifted outward and forward by so many degrees."""
    return np.asarray(about([1, 0, 0], -forward) @ about([0, 1, 0], -outward * SIGN[side]) @ [0.0, 0.0, -1.0])


def _hang(figure: Figure, side: str, rng: Rng) -> None:
    figure.aim_arm(
        side, _direction(side, between(rng, 4, 15), between(rng, -10, 14)), between(rng, 5, 40), between(rng, -25, 15)
    )


def _arms_hang(figure: Figure, rng: Rng, posture: Posture) -> str:
    for side in posture.free_hands:
        _hang(figure, side, rng)
    return ""


def _hand_on_hip(figure: Figure, rng: Rng, posture: Posture) -> str:
    both = len(posture.free_hands) == 2 and chance(rng, 0.4)
    sides = posture.free_hands if both else [posture.free_hands[int(rng.integers(len(posture.free_hands)))]]
    for side in posture.free_hands:
        if side not in sides:
            _hang(figure, side, rng)
            continue
        hip = figure.at(f"upperleg01.{side}")
        wrist = hip + np.array(
            [SIGN[side] * between(rng, 0.09, 0.13), between(rng, -0.02, 0.05), between(rng, 0.10, 0.16)]
        )
        figure.reach(side, wrist, np.array([SIGN[side], 0.5, 0.0]))
    return "with both hands on the hips" if both else "with a hand on the hip"


def _hands_together(figure: Figure, rng: Rng, posture: Posture) -> str:
    height, ahead = between(rng, -0.02, 0.18), between(rng, 0.24, 0.30)
    for side in posture.free_hands:
        middle = 0.5 * (figure.at("upperleg01.L") + figure.at("upperleg01.R"))
        wrist = middle + np.array([SIGN[side] * between(rng, 0.05, 0.08), -ahead, height])
        figure.reach(side, wrist, np.array([SIGN[side], 0.3, -0.4]))
    return "with the hands in front of the body"


def _raised(figure: Figure, rng: Rng, posture: Posture) -> str:
    both = chance(rng, 0.3)
    chosen = posture.free_hands if both else [posture.free_hands[int(rng.integers(len(posture.free_hands)))]]
    for side in posture.free_hands:
        if side in chosen:
            lifted = _direction(side, between(rng, 85, 150), between(rng, 0, 35))
            figure.aim_arm(side, lifted, between(rng, 15, 95), between(rng, -40, 20))
        else:
            _hang(figure, side, rng)
    return "with both arms raised" if both else "with an arm raised"


def _stretched(figure: Figure, rng: Rng, posture: Posture) -> str:
    side = posture.free_hands[int(rng.integers(len(posture.free_hands)))]
    for other in posture.free_hands:
        if other != side:
            _hang(figure, other, rng)
    ways = {
        "forward": (between(rng, -5, 20), between(rng, 65, 125)),
        "to the side": (between(rng, 65, 110), between(rng, -5, 25)),
    }
    way = pick(rng, {"forward": 2.0, "to the side": 1.0})
    figure.aim_arm(side, _direction(side, *ways[way]), between(rng, 3, 35), between(rng, -40, 40))
    return f"reaching {way} with an arm"


def _at_the_face(figure: Figure, rng: Rng, posture: Posture) -> str:
    side = posture.free_hands[int(rng.integers(len(posture.free_hands)))]
    for other in posture.free_hands:
        if other != side:
            _hang(figure, other, rng)
    head, turn = figure.at("head"), figure.turn("head")
    wrist = head + turn @ np.array(
        [SIGN[side] * between(rng, 0.10, 0.14), between(rng, -0.17, -0.10), between(rng, -0.10, 0.0)]
    )
    figure.reach(side, wrist, np.array([SIGN[side] * 0.6, -0.2, -1.0]))
    return "with a hand near the face"


def _crossed(figure: Figure, rng: Rng, posture: Posture) -> str:
    chest = figure.at("spine01")
    turn = figure.turn("spine01")
    for depth, side in zip((0.27, 0.31), posture.free_hands, strict=False):
        wrist = chest + turn @ np.array([-SIGN[side] * between(rng, 0.06, 0.10), -depth, between(rng, -0.08, -0.03)])
        figure.reach(side, wrist, np.array([SIGN[side], 0.0, -0.5]))
    return "with the arms crossed"


_GESTURES: Mapping[str, Callable[[Figure, Rng, Posture], str]] = {
    "hang": _arms_hang,
    "hip": _hand_on_hip,
    "together": _hands_together,
    "raised": _raised,
    "stretched": _stretched,
    "face": _at_the_face,
    "crossed": _crossed,
}


def _gesture(figure: Figure, rng: Rng, posture: Posture, often: dict[str, float]) -> Posture:
    posture.gesture = _GESTURES[pick(rng, often)](figure, rng, posture)
    return posture


def _upright(figure: Figure, rng: Rng, bend: float = 5.0) -> None:
    figure.bend_spine(normal(rng, 3, bend, -10, 25), normal(rng, 0, 3, -10, 10), normal(rng, 0, 6, -25, 25))


def _standing(figure: Figure, rng: Rng) -> Posture:
    _upright(figure, rng)
    weight = 0 if chance(rng, 0.5) else between(rng, 8, 28)
    relaxed = SIDES[int(rng.integers(2))]
    for side in SIDES:
        knee = weight if side == relaxed else between(rng, 0, 4)
        figure.place_leg(side, knee * 0.55, between(rng, 1, 9), knee, between(rng, 0, 16))
    often = {"hang": 4.0, "hip": 2.0, "together": 1.5, "raised": 1.0, "stretched": 1.0, "face": 1.0, "crossed": 1.2}
    return _gesture(figure, rng, Posture("standing"), often)


def _walking(figure: Figure, rng: Rng) -> Posture:
    ahead = SIDES[int(rng.integers(2))]
    behind = RIGHT if ahead == LEFT else LEFT
    swing, lift = between(rng, 14, 30), between(rng, 0, 45)
    figure.bend_spine(between(rng, 0, 9), normal(rng, 0, 2, -5, 5), -SIGN[ahead] * between(rng, 0, 10))
    figure.place_leg(ahead, swing, between(rng, 0, 3), between(rng, 2, 20), between(rng, 0, 8))
    figure.place_leg(behind, -between(rng, 8, 20), between(rng, 0, 3), lift, between(rng, 0, 8))
    for side, forward in ((ahead, -between(rng, 12, 30)), (behind, between(rng, 12, 38))):
        figure.aim_arm(
            side, _direction(side, between(rng, 6, 14), forward), between(rng, 10, 60), between(rng, -15, 10)
        )
    return Posture("walking")


def _reaching(figure: Figure, rng: Rng) -> Posture:
    _upright(figure, rng, 10)
    for side in SIDES:
        figure.place_leg(side, between(rng, -8, 15), between(rng, 2, 10), between(rng, 0, 15), between(rng, 0, 12))
    return _gesture(figure, rng, Posture("standing"), {"raised": 1.0, "stretched": 2.0})


def _sitting(figure: Figure, rng: Rng) -> Posture:
    lean = normal(rng, 0, 9, -16, 22)
    figure.set("root", about([1, 0, 0], -abs(lean) * 0.3))
    figure.bend_spine(lean + 6, normal(rng, 0, 3, -8, 8), normal(rng, 0, 6, -20, 20))
    knees = between(rng, 70, 100)
    for side in SIDES:
        figure.place_leg(
            side, between(rng, 80, 92), between(rng, 2, 16), knees + normal(rng, 0, 5, -10, 10), between(rng, 0, 8)
        )
    posture = Posture(SITTING, supported=True)
    if chance(rng, 0.55):
        return _hands_on_thighs(figure, rng, posture)
    return _gesture(figure, rng, posture, {"raised": 1.0, "stretched": 1.0, "face": 1.5, "crossed": 1.5})


def _hands_on_thighs(figure: Figure, rng: Rng, posture: Posture) -> Posture:
    for side in SIDES:
        hip, knee = figure.at(f"upperleg01.{side}"), figure.at(f"lowerleg01.{side}")
        above = np.array([0.0, 0.0, between(rng, 0.10, 0.12)])
        figure.reach(
            side, hip + between(rng, 0.55, 0.85) * (knee - hip) + above, np.array([SIGN[side] * 0.8, 0.6, 0.0])
        )
    posture.gesture = "with the hands on the thighs"
    return posture


def _crouching(figure: Figure, rng: Rng) -> Posture:
    figure.set("root", about([1, 0, 0], between(rng, 10, 25)))
    figure.bend_spine(between(rng, 15, 35), normal(rng, 0, 3, -8, 8), normal(rng, 0, 6, -20, 20))
    figure.turn_head(between(rng, -35, -10), 0, 0)
    bend = between(rng, 85, 105)
    for side in SIDES:
        figure.place_leg(side, bend, between(rng, 8, 24), bend + between(rng, 15, 35), between(rng, 4, 12))
    posture = Posture("crouching")
    if chance(rng, 0.6):
        return _hands_on_thighs(figure, rng, posture)
    return _gesture(figure, rng, posture, {"stretched": 1.0, "raised": 0.4, "face": 0.5})


def _bending(figure: Figure, rng: Rng) -> Posture:
    lean = between(rng, 15, 35)
    figure.set("root", about([1, 0, 0], lean))
    figure.bend_spine(between(rng, 15, 40), normal(rng, 0, 4, -10, 10), normal(rng, 0, 8, -20, 20))
    for side in SIDES:
        knee = between(rng, 5, 35)
        figure.place_leg(side, knee * 0.6, between(rng, 2, 9), knee, between(rng, 0, 10))
    for side in SIDES:
        figure.aim_arm(side, _direction(side, between(rng, 5, 25), between(rng, 30, 75)), between(rng, 5, 45), 0.0)
    return Posture("bending forward")


def _lunging(figure: Figure, rng: Rng) -> Posture:
    ahead = SIDES[int(rng.integers(2))]
    behind = RIGHT if ahead == LEFT else LEFT
    _upright(figure, rng, 8)
    lift, knee = between(rng, 30, 52), between(rng, 45, 80)
    height = 0.5 * (np.cos(np.radians(lift)) + np.cos(np.radians(knee - lift)))
    figure.place_leg(ahead, lift, between(rng, 2, 8), knee, between(rng, 0, 6))
    figure.place_leg(
        behind, -float(np.degrees(np.arccos(height))), between(rng, 2, 8), between(rng, 2, 10), between(rng, 0, 8)
    )
    often = {"hang": 1.0, "raised": 1.0, "stretched": 1.0, "hip": 1.0}
    return _gesture(figure, rng, Posture("lunging"), often)


_POSTURES: Mapping[str, Callable[[Figure, Rng], Posture]] = {
    "standing": _standing,
    "walking": _walking,
    "reaching": _reaching,
    SITTING: _sitting,
    "crouching": _crouching,
    "bending": _bending,
    "lunging": _lunging,
}
OFTEN = {
    "standing": 4.5,
    "walking": 2.0,
    "reaching": 1.2,
    SITTING: 2.0,
    "crouching": 0.6,
    "bending": 0.5,
    "lunging": 0.5,
}
"""How often each posture is drawn."""


def draw(figure: Figure, rng: Rng, tries: int = 12) -> Posture:
    """Pose ``figure`` in a posture drawn at random, with head and hands; drawn anew while arms are inside the body.

    Where ``tries`` are not enough, it stands with its arms down.
    """
    start = figure.rotations.copy()
    name = pick(rng, OFTEN)
    for _ in range(tries):
        figure.rotations = start.copy()
        figure.turn_head(normal(rng, 2, 9, -25, 30), normal(rng, 0, 20, -60, 60), normal(rng, 0, 4, -15, 15))
        posture = _POSTURES[name](figure, rng)
        _hands(figure, rng)
        if not collides(figure):
            return posture
    figure.rotations = start.copy()
    posture = Posture("standing")
    for side in SIDES:
        figure.place_leg(side, 0, 4, 0, 6)
        figure.aim_arm(side, _direction(side, 20, 5), 15)
    return posture


def _hands(figure: Figure, rng: Rng) -> None:
    for side in SIDES:
        figure.turn_wrist(side, normal(rng, 5, 14, -40, 50), normal(rng, 0, 7, -15, 20), normal(rng, 0, 18, -45, 45))
        curl = abs(normal(rng, 18, 22, 0, 75))
        figure.curl(side, [0.5 * curl, *(float(np.clip(curl + rng.normal(0, 6), 0, 80)) for _ in range(4))])


def _clearance(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """The distance between two segments, to about a centimetre for limbs."""
    steps = np.linspace(0, 1, 9)[:, None]
    one, other = (start + steps * (end - start) for start, end in (a, b))
    return float(np.linalg.norm(one[:, None] - other[None], axis=-1).min())


def collides(figure: Figure) -> bool:
    """Whether a forearm or a hand is inside the trunk, the head, a thigh or the other forearm."""
    at = figure.at
    breadth = float(np.linalg.norm(figure.rest("upperarm01.L") - figure.rest("upperarm01.R")))
    trunk = [(at(low), at(high)) for low, high in (("root", "spine03"), ("spine03", "spine01"), ("spine01", "neck01"))]
    head = (
        at("head") + figure.turn("head") @ np.array([0, 0.0, 0.03]),
        at("head") + figure.turn("head") @ np.array([0, 0.02, 0.13]),
    )
    arms = {}
    for side in SIDES:
        wrist = at(f"wrist.{side}")
        hand = wrist + figure.turn(f"wrist.{side}") @ (figure.rest(f"finger3-2.{side}") - figure.rest(f"wrist.{side}"))
        arms[side] = [(0.7 * at(f"lowerarm01.{side}") + 0.3 * wrist, wrist), (wrist, hand)]
    for side, parts in arms.items():
        thighs = [(at(f"upperleg01.{one}"), at(f"lowerleg01.{one}")) for one in SIDES]
        for part in parts:
            if any(_clearance(part, one) < 0.36 * breadth for one in trunk):
                return True
            if _clearance(part, head) < 0.115 or any(_clearance(part, one) < 0.085 for one in thighs):
                return True
            if side == LEFT and any(_clearance(part, other) < 0.05 for other in arms[RIGHT]):
                return True
    return False
