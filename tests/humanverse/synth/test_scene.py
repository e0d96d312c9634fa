import numpy as np
import pytest

from humanverse.synth import body, scene
from humanverse.synth.camera import Camera, looking
from humanverse.synth.keypoints import of_body
from humanverse.synth.meshes import box, cylinder, rectangle, vertex_normals
from humanverse.synth.people import looks, pose
from humanverse.synth.picture import encoded
from humanverse.synth.randomness import stream
from humanverse.synth.regions import PARTS, regions
from humanverse.synth.tessellation import tessellation
from schemas.skeletons import PARTS as SLOTS
from schemas.skeletons import WHOLEBODY


def people(count: int, seed: int = 4):
    many = range(count)
    return pose([looks(stream(seed, one, "looks")) for one in many], [stream(seed, one, "pose") for one in many])


@pytest.mark.parametrize("seed", range(4))
def test_people_stand_on_the_floor_and_not_in_each_other(seed):
    arranged = scene.arrange(people(3, seed), stream(seed, 0, "places"))
    for number, one in enumerate(arranged.people):
        assert one.dressed[:, 2].min() == pytest.approx(0, abs=1e-9)
        for other in arranged.people[number + 1 :]:
            low, high = (
                np.maximum(one.dressed.min(0), other.dressed.min(0)),
                np.minimum(one.dressed.max(0), other.dressed.max(0)),
            )
            assert (high - low)[:2].min() < 0


def test_a_point_projects_to_where_the_ray_through_its_pixel_goes():
    place = np.array([0.3, -3.0, 1.4])
    eye = Camera(place, looking(place, np.array([0.0, 0, 1]), 4.0), 500.0, (128.0, 128.0))
    point = np.array([0.4, 0.2, 1.7])
    pixel, depth = eye.project(point)
    way = eye.axes[2] + (pixel[0] - 128) / 500 * eye.axes[0] + (pixel[1] - 128) / 500 * eye.axes[1]
    assert np.allclose(place + way * depth, point)
    assert np.allclose(eye.axes @ eye.axes.T, np.eye(3)) and np.isclose(np.linalg.det(eye.axes), 1)
    above, _ = eye.project(point + np.array([0, 0, 0.1]))
    assert above[1] < pixel[1]


@pytest.mark.parametrize("mesh", [box(np.zeros(3), np.array([1.0, 2, 3]), 20), cylinder(np.zeros(3), 0.5, 1.0)])
def test_solids_have_their_outside_outside(mesh):
    middle = 0.5 * (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0))
    outward = ((mesh.vertices - middle) * vertex_normals(mesh.vertices, mesh.faces)).sum(axis=1)
    assert (outward > 0).all()


def test_a_rectangle_faces_where_its_sides_turn_left():
    mesh = rectangle(np.zeros(3), np.array([1.0, 0, 0]), np.array([0, 1.0, 0]))
    assert np.allclose(vertex_normals(mesh.vertices, mesh.faces), [0, 0, 1])


def test_the_finer_mesh_keeps_the_body_and_shares_its_normals():
    fine, model, rest = tessellation(), body.load(), regions().rest
    normals = vertex_normals(rest, model.faces)
    vertices = fine.vertices(rest, normals)
    assert np.array_equal(vertices[: body.VERTICES], rest)
    assert len(fine.faces) > len(model.faces) and fine.faces.max() == len(vertices) - 1
    assert len(fine.part) == len(vertices)
    moved = np.linalg.norm(vertices[body.VERTICES :] - fine.values(rest)[body.VERTICES :], axis=1)
    assert moved.max() < 0.012
    own = vertex_normals(vertices, fine.faces)[: body.VERTICES]
    assert np.median((own * normals).sum(axis=1)) > 0.999


def test_points_are_named_as_they_lie():
    model = body.load()
    person = people(1)[0]
    reference = model.reference([person.looks.shape])
    still = type(person)(
        person.looks, person.posture, person.worn, reference.vertices[0], reference.vertices[0], reference.vertices[0],
        reference.joints[0], reference.joints[0], reference.turns[0], model.regress(reference.vertices)[0],
    )  # fmt: skip
    points = of_body(still)
    for slot, name in enumerate(WHOLEBODY[:23]):
        if name.startswith(("left", "right")):
            assert (points[slot, 0] > 0) == name.startswith("left")
    face = points[list(SLOTS["face"])]
    assert face[0, 0] < -0.04 < 0.04 < face[16, 0], "the face's points begin on the person's right"
    assert face[8, 2] == face[:, 2].min() and face[27:31, 2].tolist() == sorted(face[27:31, 2], reverse=True)
    assert face[36:42, 0].max() < 0 < face[42:48, 0].min()
    assert (face[48:68, 2] < face[30, 2]).all() and (face[48:68, 2] > face[8, 2]).all()
    for side, sign in (("left", 1), ("right", -1)):
        hand = points[list(SLOTS[f"{side}_hand"])]
        away = np.linalg.norm(hand - hand[0], axis=1)
        assert (hand[:, 0] * sign > 0).all()
        for finger in range(5):
            assert (np.diff(away[1 + 4 * finger : 5 + 4 * finger]) > 0).all()


def test_every_part_of_the_body_has_vertices():
    counts = np.bincount(regions().part, minlength=len(PARTS))
    assert (counts > 100).all()


def test_developing_is_monotone_and_meets_srgb():
    steps = np.linspace(0, 2, 500, dtype=np.float32)
    assert (np.diff(encoded(steps).astype(int)) >= 0).all()
    assert encoded(np.float32(0.2140)) == 127 or encoded(np.float32(0.2140)) == 128
    assert encoded(np.float32(0)) == 0 and encoded(np.float32(5)) == 255
