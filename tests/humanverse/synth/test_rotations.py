import numpy as np
import pytest

from humanverse.synth import rotations


def test_a_quarter_turn_about_z_takes_x_to_y():
    assert np.allclose(rotations.about([0, 0, 2], 90) @ [1, 0, 0], [0, 1, 0])


@pytest.mark.parametrize("end", [[0, 1, 0], [-1, 0, 0], [1, 0, 0], [0.3, -0.2, 0.9]])
def test_the_shortest_rotation_takes_a_direction_to_another(end):
    turn = rotations.shortest(np.array([1.0, 0, 0]), np.array(end, float))
    assert np.allclose(turn @ [1, 0, 0], rotations.unit(end))
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.isclose(np.linalg.det(turn), 1)


def test_part_of_a_rotation_is_about_the_same_axis():
    axis = np.array([1.0, 2, 3])
    assert np.allclose(rotations.part_of(rotations.about(axis, 80), 0.25), rotations.about(axis, 20))
    assert np.allclose(rotations.part_of(np.eye(3), 0.5), np.eye(3))


def test_a_frame_is_orthonormal_and_begins_with_its_direction():
    axes = rotations.frame(np.array([0, 0, 3.0]), np.array([1.0, 0, 5.0]))
    assert np.allclose(axes[:, 0], [0, 0, 1]) and np.allclose(axes[:, 1], [1, 0, 0])
    assert np.isclose(np.linalg.det(axes), 1)
