"""The skeletons of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.studio.samples import THUMBNAIL, Samples, thumbnail
from pipelines.forget import Request, forget
from tests.datasets import make_dataset
from tests.humanverse.retrieval import toy


def test_some_are_offered_with_what_is_said_of_them(people: str) -> None:
    samples = Samples(people, "pose")
    found = samples.some(0, 3)
    assert len({one.source["uid"] for one in found}) == 3
    rows = {row.uid: row.columns for row in Dataset(people).samples()}
    for one in found:
        assert one.caption == rows[one.source["uid"]]["caption"] and one.size == (320, 240) and len(one.people) == 2
        assert one.source["pose_layer"] == "pose/test" and one.source["url"]
    assert [one.source for one in samples.some(0, 3)] == [one.source for one in found]
    everybody = {seed: tuple(one.source["uid"] for one in samples.some(seed)) for seed in range(6)}
    assert all(len(uids) == 8 for uids in everybody.values()) and len(set(everybody.values())) > 1


def test_forgotten_samples_are_not(tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 3).url
    samples = Samples(url, "pose")
    gone = samples.some(0, 1)[0].source["uid"]
    forget(url, Request(uids=(gone,)))
    assert len(samples.some(0)) == 2 and gone not in {one.source["uid"] for one in samples.some(0)}


def test_whoever_is_hardly_seen_is_not(tmp_path: Path) -> None:
    rows = [toy.Row("two", [toy.somebody(), toy.somebody(body=4)]), toy.Row("a hand", [toy.somebody(body=2)])]
    (found,) = Samples(toy.make(tmp_path / "people", rows).url, "pose").some(0)
    assert len(found.people) == 1
    empty = toy.make(tmp_path / "empty", rows[1:]).url
    with pytest.raises(UserError, match=r"no sample of .* shows anybody in pose/test"):
        Samples(empty, "pose").some(0)


def test_wrong_datasets_are_one_line(people: str, tmp_path: Path) -> None:
    for url, pose, view in ((f"{tmp_path}/none", "pose", None), (people, "pose/none", None), (people, "pose", "none")):
        with pytest.raises(UserError) as told:
            Samples(url, pose, view)
        assert "\n" not in str(told.value)


def test_a_thumbnail_keeps_the_shape(people: str) -> None:
    drawn = thumbnail(Samples(people, "pose").some(0, 1)[0])
    assert drawn.shape == (THUMBNAIL * 3 // 4, THUMBNAIL, 3) and drawn.dtype == np.uint8 and drawn.any()
