"""Nobody is undressed, whatever is drawn."""

import numpy as np
import pytest

from humanverse.synth import garments, outfits
from humanverse.synth.face import face_fields
from humanverse.synth.people import looks, pose
from humanverse.synth.randomness import stream
from humanverse.synth.regions import PARTS, regions

FIELDS = {name: column for column, name in enumerate(garments.FIELDS)}


def drawn(index: int):
    return looks(stream(5, index, "looks"))


def worn(index: int):
    one = drawn(index)
    return garments.worn(regions(), one.outfit, one.hair, face_fields()).fields


@pytest.mark.parametrize("index", range(40))
def test_trunk_hips_and_feet_are_covered(index):
    fields, where = worn(index), regions()
    covered = (fields[:, FIELDS["upper"]] > 0) | (fields[:, FIELDS["lower"]] > 0)
    trunk = (where.part == PARTS.index("torso")) & (where.neck_height < -0.09) & (where.limb < 0.3)
    assert covered[trunk].all()
    thighs = np.isin(where.part, [PARTS.index("left_upper_leg"), PARTS.index("right_upper_leg")]) & (where.leg < 0.4)
    assert (fields[thighs, FIELDS["lower"]] > 0).all()
    feet = np.isin(where.part, [PARTS.index("left_foot"), PARTS.index("right_foot")])
    assert (fields[feet, FIELDS["shoes"]] > 0).all()


@pytest.mark.parametrize("index", range(40))
def test_garments_do_not_have_the_colour_of_the_skin(index):
    one = drawn(index)
    skin = one.materials[0].colour
    for garment in (one.outfit.top, one.outfit.bottom, one.outfit.shoes):
        assert np.abs(garment.material.colour - skin).max() > 0.15


def test_hands_and_faces_are_bare():
    where = regions()
    for index in range(10):
        fields = worn(index)
        hands = np.isin(where.part, [PARTS.index("left_hand"), PARTS.index("right_hand")]) & (where.arm > 2.1)
        assert (fields[hands, :4] <= 0).all()
        assert (fields[where.head > 0.95, :4] <= 0).all()


def test_clothes_are_outside_of_the_body_on_the_whole():
    one = drawn(2)
    person = pose([one], [stream(5, 2, "pose")])[0]
    here = person.worn.fields[:, FIELDS["upper"]] > 0.02
    from humanverse.synth.body import load
    from humanverse.synth.meshes import vertex_normals

    outward = ((person.dressed - person.body) * vertex_normals(person.body, load().faces)).sum(axis=1)
    assert np.median(outward[here]) > 0.5 * one.outfit.top.ease
    bare = (person.worn.fields[:, :5] <= 0).all(axis=1)
    assert np.allclose(person.dressed[bare], person.body[bare])


def test_every_kind_of_garment_is_drawn():
    seen = {garment.name for index in range(150) for garment in _garments(drawn(index).outfit)}
    assert seen == {*outfits.TOPS, *outfits.BOTTOMS, *outfits.FOOTWEAR}


def _garments(outfit: outfits.Outfit):
    return outfit.top, outfit.bottom, outfit.shoes


def test_lips_and_brows_are_small_and_in_the_face():
    where, fields = regions(), face_fields()
    lips, brows = fields[:, 0] > 0, fields[:, 1] > 0
    assert 20 < lips.sum() < 600 and 8 < brows.sum() < 600
    assert (where.rest[lips | brows, 1] < where.skull[1]).all()
    assert where.rest[brows, 2].min() > where.rest[lips, 2].max()
