from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from humanverse.errors import UserError
from humanverse.synth import SynthSettings, sample
from humanverse.synth.backdrops import photograph
from humanverse.synth.captions import caption, view
from humanverse.synth.randomness import stream
from humanverse.synth.samples import LEAST_AREA
from humanverse.synth.truth import LABELS
from tests.humanverse.synth.made import SEED, one, some
from tests.humanverse.synth.pictures import photographs

ARRAYS = ("rgb", "depth", "normal", "owners", "labels")


def test_a_sample_depends_on_nothing_but_seed_index_and_settings():
    first = one(3)
    sample(SEED, 7, SynthSettings(size=96, device="cpu"))
    again = sample(SEED, 3, SynthSettings(size=256, device="cpu"))
    for name in ARRAYS:
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes(), name
    for before, after in zip(first.people, again.people, strict=True):
        assert before.points.tobytes() == after.points.tobytes()
    assert caption(first) == caption(again)


def test_other_seeds_and_indices_give_other_samples():
    pictures = {one(index).rgb.tobytes() for index in range(4)} | {
        sample(SEED + 1, 0, SynthSettings(size=256)).rgb.tobytes()
    }
    assert len(pictures) == 5


def test_shapes_and_types():
    made = one(0)
    assert made.rgb.shape == (256, 256, 3) and made.rgb.dtype == np.uint8
    assert made.depth.shape == made.owners.shape == made.labels.shape == (256, 256)
    assert made.normal.shape == (256, 256, 3) and made.depth.dtype == made.normal.dtype == np.float32
    assert all(person.points.shape == (133, 3) for person in made.people)


def test_somebody_fills_a_part_of_each_picture_and_the_picture_is_not_flat():
    for made in some(8):
        assert made.people[0].area >= LEAST_AREA * made.owners.size
        assert 20 < made.rgb.mean() < 235 and made.rgb.std() > 10
        assert (made.rgb == 255).all(axis=2).mean() < 0.4


def test_the_number_of_people_can_be_fixed():
    settings = SynthSettings(size=96, min_people=3, max_people=3, device="cpu")
    assert max(len(sample(1, index, settings).people) for index in range(3)) == 3
    alone = SynthSettings(size=96, max_people=1, device="cpu")
    assert [len(sample(1, index, alone).people) for index in range(3)] == [1, 1, 1]


def test_photographs_come_behind_and_have_no_depth(tmp_path):
    settings = SynthSettings(size=96, backgrounds=str(photographs(tmp_path)), device="cpu")
    made = [sample(2, index, settings) for index in range(6)]
    behind = [one for one in made if one.surroundings == "photograph"]
    assert behind
    for one_made in behind:
        reddish = (one_made.rgb[:, :, 0] > one_made.rgb[:, :, 2].astype(int) + 40) & (one_made.owners < 0)
        assert reddish.mean() > 0.1
        assert np.isnan(one_made.depth[0]).mean() > 0.5


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(UserError, match="no pictures"):
        sample(2, 0, SynthSettings(size=96, backgrounds=str(tmp_path)))


def test_photographs_that_cannot_be_read_are_passed_over(tmp_path):
    folder = photographs(tmp_path)
    before = photograph(str(folder), stream(0, 0, "backdrop"), 64)
    (folder / "1.jpg").write_bytes(b"not a picture")
    after = [photograph(str(folder), stream(0, index, "backdrop"), 64) for index in range(8)]
    assert all(one.shape == before.shape and one[:, :, 0].mean() > one[:, :, 2].mean() for one in after)
    (folder / "0.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be read"):
        photograph(str(folder), stream(0, 0, "backdrop"), 64)


@pytest.mark.parametrize("wrong", [{"size": 10}, {"min_people": 3, "max_people": 2}, {"sides": 2}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        SynthSettings(**wrong)


def test_captions_say_who_does_what_and_wears_what_is_seen():
    told = 0
    for made in some(8):
        text = caption(made)
        assert text.endswith(".") and "  " not in text and ", ," not in text
        for number, person in enumerate(made.people):
            shown = {LABELS[label] for label in np.unique(made.labels[made.owners == number])}
            outfit = person.person.looks.outfit
            assert person.person.posture.name in text
            for garment, labels in (
                (outfit.top, {"Upper_Clothing"}),
                (outfit.bottom, {"Lower_Clothing"}),
                (outfit.shoes, {"Left_Shoe", "Right_Shoe"}),
            ):
                told += garment.words in text
                if len(made.people) == 1 and not shown & labels:
                    assert garment.words not in text
    assert told > 20


@pytest.mark.parametrize(
    ("yaw", "words"), [(0, "facing the camera"), (90, "seen from the side"), (180, "seen from behind")]
)
def test_the_side_of_view_is_that_of_the_turn(yaw, words):
    made = one(0)
    person = made.people[0]
    joints = person.person.joints - person.person.joints[0]
    turned = replace(person, person=replace(person.person, yaw=yaw, joints=joints))
    ahead = replace(made, camera=replace(made.camera, place=np.array([0.0, -4, 1])))
    assert view(turned, ahead) == words
