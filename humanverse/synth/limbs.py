"""A body being posed: limbs are aimed, bent and made to reach, within limits of human joints.

Frame as of a body: x to its left, y to its back, z up. Angles are in degrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from humanverse.synth.rotations import about, cross, frame, part_of, shortest, unit

LEFT, RIGHT = "L", "R"
SIDES = (LEFT, RIGHT)
SIGN = {LEFT: 1.0, RIGHT: -1.0}
"""Of x on a side."""
ELBOW = (2.0, 145.0)
KNEE = (0.0, 140.0)
ANKLE = (-40.0, 25.0)
"""Toes down to toes up."""
SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
_SHOULDER_SHARE = 0.25
"""Of the arm's rise that the shoulder girdle takes."""


class Figure:
    """One body's skeleton while it is posed.

    Args:
        bones: names.
        parents: of each, -1 for the root.
        joints: float64 (bones, 3), in the reference pose.

    Attributes:
        rotations: float64 (bones, 3, 3), as ``BodyModel.posed`` takes them.
    """

    def __init__(self, bones: Sequence[str], parents: np.ndarray, joints: np.ndarray) -> None:
        self._names = tuple(bones)
        self._index = {name: index for index, name in enumerate(bones)}
        self._parents, self._joints = parents, joints
        self.rotations = np.tile(np.eye(3), (len(bones), 1, 1))

    def rest(self, bone: str) -> np.ndarray:
        """Where the bone's head is in the reference pose."""
        return np.asarray(self._joints[self._index[bone]])

    def set(self, bone: str, rotation: np.ndarray) -> None:
        self.rotations[self._index[bone]] = rotation

    def turn(self, bone: str) -> np.ndarray:
        """The bone's orientation against the reference pose."""
        index, found = self._index[bone], np.eye(3)
        while index >= 0:
            found = self.rotations[index] @ found
            index = int(self._parents[index])
        return found

    def at(self, bone: str) -> np.ndarray:
        """Where the bone's head is now."""
        index = self._index[bone]
        parent = int(self._parents[index])
        if parent < 0:
            return self.rest(bone)
        above = self._names[parent]
        return np.asarray(self.at(above) + self.turn(above) @ (self._joints[index] - self._joints[parent]))

    def bend_spine(self, forward: float, left: float, twist: float) -> None:
        """Bend the trunk, evenly over its joints: forward, to the left, and turned to the left."""
        share = 1 / len(SPINE)
        step = about([1, 0, 0], forward * share) @ about([0, 1, 0], left * share) @ about([0, 0, 1], twist * share)
        for bone in SPINE:
            self.set(bone, step)

    def turn_head(self, down: float, left: float, tilt: float) -> None:
        """Look down, to the left, and lay the head on the side."""
        share = 1 / len(NECK)
        step = about([0, 0, 1], left * share) @ about([1, 0, 0], down * share) @ about([0, 1, 0], tilt * share)
        for bone in NECK:
            self.set(bone, step)

    def aim_arm(self, side: str, direction: np.ndarray, elbow: float, twist: float = 0.0) -> None:
        """Point the upper arm along ``direction`` of the chest's frame, bend the elbow, turn the arm about itself.

        Args:
            elbow: 0 for a straight arm.
            twist: 0 leaves the elbow's plane where the shortest way from the reference pose takes it.
        """
        upper = self.rest(f"lowerarm01.{side}") - self.rest(f"upperarm01.{side}")
        self._set_arm(side, about(direction, twist * SIGN[side]) @ shortest(upper, direction), elbow)

    def _set_arm(self, side: str, turn: np.ndarray, elbow: float) -> None:
        girdle = part_of(turn, _SHOULDER_SHARE)
        self.set(f"shoulder01.{side}", girdle)
        self.set(f"upperarm01.{side}", girdle.T @ turn)
        upper, lower = self._arm(side)
        straight = np.degrees(np.arccos(np.clip(unit(upper) @ unit(lower), -1, 1)))
        self.set(f"lowerarm01.{side}", about(cross(upper, lower), float(np.clip(elbow, *ELBOW)) - straight))

    def _arm(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Upper arm and forearm in the reference pose."""
        shoulder, elbow, wrist = (self.rest(f"{name}.{side}") for name in ("upperarm01", "lowerarm01", "wrist"))
        return elbow - shoulder, wrist - elbow

    def reach(self, side: str, target: np.ndarray, elbow_to: np.ndarray) -> None:
        """Bring the wrist to ``target``, or as near as it gets, with the elbow on the side of ``elbow_to``.

        Two bones of known length: the elbow's angle is that of the law of cosines.

        Args:
            target: in the body's frame.
            elbow_to: a direction in the body's frame.
        """
        upper, lower = self._arm(side)
        long, short = float(np.linalg.norm(upper)), float(np.linalg.norm(lower))
        chest = self.turn(f"clavicle.{side}")
        for _ in range(2):  # the shoulder moves with its girdle, so that the second time is exact enough
            way = chest.T @ (target - self.at(f"upperarm01.{side}"))
            least = np.sqrt(long**2 + short**2 + 2 * long * short * np.cos(np.radians(ELBOW[1])))
            distance = float(np.clip(np.linalg.norm(way), least, 0.999 * (long + short)))
            bent = np.degrees(np.arccos(np.clip((distance**2 - long**2 - short**2) / (2 * long * short), -1, 1)))
            inner = np.arccos(np.clip((long**2 + distance**2 - short**2) / (2 * long * distance), -1, 1))
            axes = frame(way, chest.T @ unit(elbow_to))
            pointed = axes @ np.array([np.cos(inner), np.sin(inner), 0.0]) * long
            onward = axes[:, 0] * distance - pointed
            turn = frame(pointed, cross(pointed, onward)) @ frame(upper, cross(upper, lower)).T
            self._set_arm(side, turn, float(bent))

    def turn_wrist(self, side: str, bend: float, sideways: float, roll: float) -> None:
        """Bend the hand to the palm, to the thumb, and roll the forearm."""
        _, lower = self._arm(side)
        palm = self.palm(side)
        self.set(f"lowerarm02.{side}", about(lower, roll * SIGN[side]))
        across = cross(lower, palm)
        self.set(f"wrist.{side}", about(across, bend) @ about(palm, sideways * SIGN[side]))

    def palm(self, side: str) -> np.ndarray:
        """The direction out of the palm, in the reference pose."""
        wrist, index, little = (self.rest(f"{name}.{side}") for name in ("wrist", "finger2-1", "finger5-1"))
        return unit(cross(index - wrist, little - wrist)) * SIGN[side]

    def curl(self, side: str, degrees: Sequence[float]) -> None:
        """Bend the joints of the five fingers, thumb first, each by its angle; the joints near the tips a little less."""
        palm = self.palm(side)
        for finger, angle in enumerate(degrees, 1):
            along = self.rest(f"finger{finger}-3.{side}") - self.rest(f"finger{finger}-1.{side}")
            axis = cross(along, palm)
            for joint, share in ((1, 1.0), (2, 1.0), (3, 0.7)):
                if (finger, joint) != (1, 1):
                    self.set(f"finger{finger}-{joint}.{side}", about(axis, angle * share))

    def place_leg(self, side: str, forward: float, outward: float, knee: float, twist: float = 0.0) -> None:
        """Lift the thigh forward and outward of hanging straight down, bend the knee, turn the toes out.

        The directions are the body's, whatever the hips do; the foot is brought level as far as its joint lets it.
        """
        thigh = self.rest(f"lowerleg01.{side}") - self.rest(f"upperleg01.{side}")
        down = shortest(thigh, np.array([0.0, 0.0, -1.0]))
        lifted = (
            about([1, 0, 0], -forward) @ about([0, 1, 0], -outward * SIGN[side]) @ about([0, 0, 1], twist * SIGN[side])
        )
        self.set(f"upperleg01.{side}", self.turn("root").T @ lifted @ down)
        bent = float(np.clip(knee, *KNEE))
        self.set(f"lowerleg01.{side}", about([1, 0, 0], bent))
        pitch = bent - forward
        self.set(f"foot.{side}", about([1, 0, 0], -float(np.clip(pitch, *ANKLE))))
