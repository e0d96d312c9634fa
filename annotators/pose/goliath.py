"""The 308 points that Sapiens was trained on, and which of them are COCO-WholeBody's.

Order and names are those of ``keypoints308.py`` in facebookresearch/sapiens2 (Goliath, also called Sociopticon). Its authors
match body, feet and finger joints by name; a finger's ``third_joint`` is COCO-WholeBody's first point of it, the wrist its root
of the hand. They publish no match for the face, where COCO-WholeBody has the 68 points of iBUG: here each of these is the named
point that lies nearest. Corners and middles are the same; what lies between is off by up to an eighth of its line. There is no
point for the jaw but the chin's tip, and none in the middle under a nostril.

Lines are halved again and again: ``midpoint_1`` and ``2`` lie at their quarters, ``3`` to ``6`` at their eighths, on eyes and
lips counted from the person's right; on a brow ``1`` in the middle, ``2`` and ``3`` at the quarters, counted from the nose. For
the lids the published order and mirror pairs say so; for lips, brows and the bridge of the nose it is taken to be alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.skeletons import BODY, FEET, WHOLEBODY

COUNT = 308

_FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")


def _hand(side: str, first: int) -> dict[str, int]:
    """Published numbers of a hand's points by COCO-WholeBody's names: each finger from its tip, then the wrist."""
    fingers = (f"{side}_{finger}{joint}" for finger in _FINGERS for joint in (4, 3, 2, 1))
    joints = {name: first + number for number, name in enumerate(fingers)}
    return {**joints, f"{side}_wrist": first + len(joints), f"{side}_hand_root": first + len(joints)}


_WITHOUT_WRISTS = tuple(name for name in BODY if not name.endswith("wrist"))

FACE: Mapping[int, tuple[int, str]] = {
    8: (77, "tip_of_chin"),
    17: (80, "end_of_r_eyebrow"),
    18: (84, "upper_midpoint_3_of_r_eyebrow"),
    19: (81, "upper_midpoint_1_of_r_eyebrow"),
    20: (83, "upper_midpoint_2_of_r_eyebrow"),
    21: (78, "upper_startpoint_of_r_eyebrow"),
    22: (87, "upper_startpoint_of_l_eyebrow"),
    23: (92, "upper_midpoint_2_of_l_eyebrow"),
    24: (90, "upper_midpoint_1_of_l_eyebrow"),
    25: (93, "upper_midpoint_3_of_l_eyebrow"),
    26: (89, "end_of_l_eyebrow"),
    27: (71, "center_of_nose_root"),
    28: (74, "midpoint_2_of_nose_bridge"),
    29: (75, "midpoint_3_of_nose_bridge"),
    30: (178, "tip_of_nose"),
    31: (180, "r_outer_corner_of_nose"),
    33: (179, "bottom_center_of_nose"),
    35: (181, "l_outer_corner_of_nose"),
    36: (121, "r_outer_end_of_upper_lash_line"),
    37: (126, "r_midpoint_4_of_upper_lash_line"),
    38: (127, "r_midpoint_5_of_upper_lash_line"),
    39: (120, "r_inner_end_of_upper_lash_line"),
    40: (168, "r_midpoint_5_of_lower_lash_line"),
    41: (167, "r_midpoint_4_of_lower_lash_line"),
    42: (96, "l_inner_end_of_upper_lash_line"),
    43: (103, "l_midpoint_4_of_upper_lash_line"),
    44: (102, "l_midpoint_5_of_upper_lash_line"),
    45: (97, "l_outer_end_of_upper_lash_line"),
    46: (150, "l_midpoint_5_of_lower_lash_line"),
    47: (151, "l_midpoint_4_of_lower_lash_line"),
    48: (188, "r_outer_corner_of_mouth"),
    49: (196, "midpoint_3_of_upper_outer_lip"),
    50: (197, "midpoint_4_of_upper_outer_lip"),
    51: (190, "center_of_cupid_bow"),
    52: (198, "midpoint_5_of_upper_outer_lip"),
    53: (199, "midpoint_6_of_upper_outer_lip"),
    54: (189, "l_outer_corner_of_mouth"),
    55: (203, "midpoint_6_of_lower_outer_lip"),
    56: (202, "midpoint_5_of_lower_outer_lip"),
    57: (191, "center_of_lower_outer_lip"),
    58: (201, "midpoint_4_of_lower_outer_lip"),
    59: (200, "midpoint_3_of_lower_outer_lip"),
    60: (204, "r_inner_corner_of_mouth"),
    61: (208, "midpoint_1_of_upper_inner_lip"),
    62: (206, "center_of_upper_inner_lip"),
    63: (209, "midpoint_2_of_upper_inner_lip"),
    64: (205, "l_inner_corner_of_mouth"),
    65: (211, "midpoint_2_of_lower_inner_lip"),
    66: (207, "center_of_lower_inner_lip"),
    67: (210, "midpoint_1_of_lower_inner_lip"),
}
"""Point of the 68 -> number and name of Goliath's."""

_NUMBERS: Mapping[str, int] = {
    **{name: number for number, name in enumerate((*_WITHOUT_WRISTS, *FEET))},
    **_hand("right", 21),
    **_hand("left", 42),
    **{f"face_{point}": number for point, (number, _) in FACE.items()},
}

COUNTERPARTS: Mapping[int, int] = {slot: _NUMBERS[name] for slot, name in enumerate(WHOLEBODY) if name in _NUMBERS}
"""Slot of the 133 -> number of the 308, for those slots that have one, in the order of the slots."""
