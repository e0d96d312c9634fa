"""One picture's entries: areas, crowds, points that are not there."""

import pytest

from humanverse.errors import UserError
from humanverse.export.wholebody import Least, image_entry, keypoints, people

COLUMNS = {"uid": "ab" * 16, "row": 7, "width": 100, "height": 100, "url": None}


def person(**more):
    return {"status": "ok", "boxes": [[10.0, 20.0, 30.0, 60.0]], "scores": [0.5], **more}


def test_area_and_crowd_are_those_of_the_layer_where_it_has_them():
    (entry,) = people(COLUMNS, person(areas=[123.5], crowd=[True]), None, Least())
    assert (entry["area"], entry["iscrowd"]) == (123.5, 1)
    (entry,) = people(COLUMNS, person(areas=None, crowd=None), None, Least())
    assert (entry["area"], entry["iscrowd"]) == (800.0, 0)


def test_numbers_tell_picture_and_person_and_are_never_zero():
    (entry,) = people({**COLUMNS, "row": 0}, person(), None, Least())
    assert (entry["id"], entry["image_id"]) == (1, 0)
    (entry,) = people(COLUMNS, person(), None, Least())
    assert (entry["id"], entry["image_id"]) == (70_001, 7)


def test_nobody_and_no_answer_have_no_entries():
    assert list(people(COLUMNS, {"status": "ok", "boxes": [], "scores": []}, None, Least())) == []
    assert list(people(COLUMNS, {"status": "failed", "boxes": None, "scores": None}, None, Least())) == []


def test_a_point_without_estimator_is_not_labelled_whatever_its_confidence():
    flat = [5.0, 6.0, 0.9] * 133
    present = [index != 0 for index in range(133)]
    fields = keypoints(flat, present, 0.0)
    assert fields["keypoints"][:6] == [0, 0, 0, 5, 6, 2]
    assert fields["num_keypoints"] == 16


def test_the_threshold_is_exclusive():
    flat = [5.0, 6.0, 0.5] * 133
    assert keypoints(flat, [True] * 133, 0.5)["num_keypoints"] == 0
    assert keypoints(flat, [True] * 133, 0.49)["num_keypoints"] == 17


def test_too_many_people_are_refused():
    crowd = {"status": "ok", "boxes": [[0.0, 0.0, 1.0, 1.0]] * 10_000, "scores": [0.5] * 10_000}
    with pytest.raises(UserError, match="has 10000 people"):
        next(iter(people(COLUMNS, crowd, None, Least())))


def test_people_of_a_low_score_are_left_out_and_the_numbers_of_others_stay():
    row = person(boxes=[[0.0, 0.0, 9.0, 9.0], [10.0, 20.0, 30.0, 60.0]], scores=[0.2, 0.5])
    assert [entry["id"] for entry in people(COLUMNS, row, None, Least(score=0.5))] == [70_002]


@pytest.mark.parametrize("url", ["/home/someone/private/1.jpg", "file:///home/someone/1.jpg", None])
def test_a_place_that_is_not_of_the_web_is_no_coco_url(url):
    entry = image_entry({**COLUMNS, "url": url}, "1.jpg")
    assert "coco_url" not in entry
    assert entry["url"] == url
    assert image_entry({**COLUMNS, "url": "https://a.example/1.jpg"}, "1.jpg")["coco_url"] == "https://a.example/1.jpg"
