import numpy as np
import pytest

from humanverse.synth import body, postures
from humanverse.synth.limbs import KNEE, SIDES, SIGN, Figure
from humanverse.synth.randomness import stream
from humanverse.synth.rotations import unit


def figure() -> Figure:
    model = body.load()
    return Figure(model.bones, model.parents, model.reference([{"age": body.ADULT}]).joints[0])


def bend(one: Figure, names: tuple[str, str, str]) -> float:
    """Degrees by which a limb of three joints is bent; 0 for a straight one."""
    a, b, c = (one.at(name) for name in names)
    return float(np.degrees(np.arccos(np.clip(unit(b - a) @ unit(c - b), -1, 1))))


@pytest.mark.parametrize("side", SIDES)
def test_an_aimed_arm_points_where_it_should_and_is_bent_as_much(side):
    one = figure()
    direction = unit([SIGN[side] * 0.5, -0.6, -0.4])
    one.aim_arm(side, direction, 70, 10)
    upper = one.at(f"lowerarm01.{side}") - one.at(f"upperarm01.{side}")
    assert np.allclose(unit(upper), direction, atol=1e-6)
    assert bend(one, (f"upperarm01.{side}", f"lowerarm01.{side}", f"wrist.{side}")) == pytest.approx(70, abs=1e-4)


@pytest.mark.parametrize("side", SIDES)
def test_a_reaching_hand_arrives(side):
    one = figure()
    one.bend_spine(15, 3, -10)
    target = one.at(f"upperarm01.{side}") + np.array([SIGN[side] * 0.1, -0.3, -0.15])
    one.reach(side, target, np.array([SIGN[side], 0.3, -0.5]))
    assert np.linalg.norm(one.at(f"wrist.{side}") - target) < 0.02


def test_what_is_too_far_is_reached_for_with_a_straight_arm():
    one = figure()
    target = one.at("upperarm01.L") + np.array([0, -3.0, 0])
    one.reach("L", target, np.array([1.0, 0, 0]))
    assert bend(one, ("upperarm01.L", "lowerarm01.L", "wrist.L")) < 6


def test_a_bent_leg_has_its_knee_in_front_and_its_foot_level():
    one = figure()
    one.place_leg("R", 60, 5, 60)
    assert one.at("lowerleg01.R")[1] < one.at("upperleg01.R")[1] - 0.2
    ahead = one.turn("foot.R") @ np.array([0, -1.0, 0])
    assert abs(np.degrees(np.arcsin(ahead[2]))) < 6


@pytest.mark.parametrize("name", sorted(postures._POSTURES))
def test_drawn_postures_keep_within_the_joints_and_out_of_the_body(name, monkeypatch):
    monkeypatch.setattr(postures, "OFTEN", {name: 1.0})
    names = set()
    for index in range(5):
        one = figure()
        posture = postures.draw(one, stream(3, index, name))
        names.add(posture.name)
        assert not postures.collides(one)
        for side in SIDES:
            knee = bend(one, (f"upperleg01.{side}", f"lowerleg01.{side}", f"foot.{side}"))
            assert knee < KNEE[1] + 10
        assert posture.supported == (posture.name == postures.SITTING)
        turns = one.rotations @ one.rotations.transpose(0, 2, 1)
        assert np.allclose(turns, np.eye(3), atol=1e-9)
    assert names


def test_a_hand_in_the_trunk_is_found():
    one = figure()
    one.reach("L", one.at("spine03"), np.array([1.0, 0, 0]))
    assert postures.collides(one)
