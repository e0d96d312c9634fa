"""The person detector on photographs."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from annotators.base import Picture, Unavailable
from annotators.person.boxes import overlap
from annotators.person.ssd import SsdMobileNetV2, SsdSettings, anchors, decode
from humanverse.codec import encode_jpeg
from tests.annotators.photographs import CROWD, DATA, NOBODY, PERSON, SEVERAL, photograph, row, shifted, table

NAME = ("person", "ssd-mobilenet-v2")


def test_people_are_found_and_a_cow_is_not() -> None:
    assert row(*NAME, photograph(PERSON))["scores"][0] > 0.8
    assert sum(score > 0.5 for score in row(*NAME, photograph(SEVERAL))["scores"]) == 2
    assert row(*NAME, photograph(NOBODY))["boxes"] == []


def test_the_layer_has_its_schema_and_rows_do_not_depend_on_the_batch() -> None:
    pictures = [photograph(name) for name in (PERSON, NOBODY, SEVERAL)]
    together = table(*NAME, pictures)
    alone = [table(*NAME, [picture]).to_pylist()[0] for picture in pictures]
    assert together.to_pylist() == alone == table(*NAME, pictures).to_pylist()


def test_boxes_are_inside_the_picture_and_ratios_belong_to_them() -> None:
    picture = photograph(SEVERAL)
    height, width = picture.rgb.shape[:2]
    found = row(*NAME, picture)
    boxes = np.array(found["boxes"])
    assert (boxes >= 0).all() and (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()
    ratios = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / (width * height)
    np.testing.assert_allclose(found["area_ratios"], ratios, rtol=1e-6)
    assert max(ratios) <= found["union_area_ratio"] <= sum(ratios) + 1e-9
    assert found["scores"] == sorted(found["scores"], reverse=True)


def test_a_picture_that_is_shifted_has_its_boxes_shifted() -> None:
    picture = photograph(SEVERAL)
    before = np.array(row(*NAME, picture)["boxes"][:2])
    after = np.array(row(*NAME, shifted(picture, 60, 40))["boxes"][:2])
    assert overlap(before + np.array([60, 40, 60, 40]), after).max(axis=1).min() > 0.8


def test_the_floor_is_a_setting() -> None:
    strict = SsdMobileNetV2(SsdSettings(min_score=0.999))
    strict.load()
    answer = strict.annotate([photograph(SEVERAL)], {})[0]
    assert not isinstance(answer, Unavailable)
    assert len(answer["boxes"]) < len(row(*NAME, photograph(SEVERAL))["boxes"])


def test_tiles_find_more_people_and_only_where_there_are_some() -> None:
    plain = SsdMobileNetV2(SsdSettings(tiles=False))
    plain.load()
    counts = {}
    for name in (CROWD, NOBODY):
        answer = plain.annotate([photograph(name)], {})[0]
        assert not isinstance(answer, Unavailable)
        counts[name] = len(answer["boxes"]), len(row(*NAME, photograph(name))["boxes"])
    assert counts[CROWD][1] > counts[CROWD][0] and counts[NOBODY] == (0, 0)


def test_the_anchors_are_those_of_the_published_graph() -> None:
    """Their number, and the first and last as the graph's own generator makes them."""
    places = anchors()
    assert places.shape == (1917, 4)
    np.testing.assert_allclose(places[0], [0.5 / 19, 0.5 / 19, 0.1, 0.1])
    np.testing.assert_allclose(places[1], [0.5 / 19, 0.5 / 19, 0.2 / 2**0.5, 0.2 * 2**0.5])
    np.testing.assert_allclose(places[-1], [0.5, 0.5, 0.97467943, 0.97467943])


def test_offsets_are_decoded() -> None:
    place = np.array([[0.5, 0.4, 0.2, 0.1]])
    np.testing.assert_allclose(decode(np.zeros((1, 4)), place), [[0.35, 0.4, 0.45, 0.6]])
    moved = decode(np.array([[10.0, -10, 5 * np.log(2), 0]]), place)
    np.testing.assert_allclose(moved, [[0.25, 0.5, 0.35, 0.9]])


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (400, 3)])
def test_odd_shapes_are_answered(shape: tuple[int, int]) -> None:
    picture = Picture("odd", encode_jpeg(np.full((*shape, 3), 77, np.uint8), 90))
    assert row(*NAME, picture)["boxes"] == []


def test_hardly_a_person_is_missed_and_hardly_one_made_up() -> None:
    photograph(PERSON)
    with (DATA / "manifest.csv").open(encoding="utf-8") as stream:
        entries = [entry for entry in csv.DictReader(stream) if entry["file"].endswith(".jpg")]
    easy = [entry for entry in entries if entry["class"] == "people" and "small" not in entry["tags"].split()][:25]
    empty = [entry for entry in entries if entry["class"] == "no_people"][:25]
    best = {
        entry["file"]: max(row(*NAME, photograph(entry["file"].removeprefix("images/")))["scores"], default=0)
        for entry in easy + empty
    }
    assert sum(best[entry["file"]] >= 0.35 for entry in easy) >= 24
    assert sum(best[entry["file"]] >= 0.35 for entry in empty) == 0
