"""Finding skeletons for prompts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import humanverse
from humanverse.dataset import tombstones
from humanverse.errors import UserError
from humanverse.retrieval import FoundPose, People, find_poses
from tests.humanverse.retrieval.toy import Row, Words, make, somebody
from tests.views import selected

if TYPE_CHECKING:
    from humanverse.generation.skeletons import Skeleton

TWO = [somebody(20), somebody(200)]


def found(path: Path, *prompts: str, **options: Any) -> list[list[FoundPose]]:
    return find_poses(str(path), prompts, embedder=Words(), **options)


def told(poses: list[FoundPose]) -> list[str | None]:
    return [pose.shown for pose in poses]


def test_the_nearest_caption_wins_and_says_where_it_is_from(tmp_path: Path) -> None:
    rows = [Row("a woman dancing"), Row("a man riding", [somebody(50, confidence=0.75)])]
    store = make(tmp_path, [Row("a child")], rows)
    [[one]] = found(tmp_path, "a man riding home", among=1)
    samples = list(humanverse.open(str(tmp_path)).samples())
    assert one.uid == samples[2].uid
    assert one.score == pytest.approx(3 / 12**0.5, abs=1e-3)
    assert one.source["score"] == pytest.approx(0.866, abs=1e-3)
    assert {**one.source, "score": 0} == {
        "kind": "pose from text",
        "dataset": store.url,
        "uid": one.uid,
        "url": samples[2].columns["url"],
        "caption": "a man riding",
        "caption_layer": "caption/test",
        "pose_layer": "pose/test",
        "score": 0,
        "size": [320, 240],
        "people": 1,
    }
    assert one.people[0].dtype == np.float32
    assert np.array_equal(one.people[0], somebody(50, confidence=0.75))


def test_what_is_found_can_be_drawn_in_any_frame(tmp_path: Path) -> None:
    make(tmp_path, [Row("a woman")])
    [[one]] = found(tmp_path, "a woman")
    skeleton: Skeleton = one
    drawn = skeleton.drawn((256, 128))
    assert drawn.shape == (128, 256, 3)
    assert drawn.any(axis=2).sum() > 100
    assert skeleton.caption == "a woman" and skeleton.drawn_by_us


@pytest.mark.parametrize(
    ("prompt", "people", "expected"),
    [
        ("a woman dancing", None, "one dancing"),
        ("two women dancing", None, "two dancing"),
        ("a crowd dancing", None, "dancing"),
        ("three people dancing", None, "three dancing"),
        ("dancing", None, "dancing"),
        ("a woman dancing", 2, "two dancing"),
        ("two women dancing", People(3, at_least=True), "dancing"),
    ],
)
def test_the_number_of_people_is_respected(
    tmp_path: Path, prompt: str, people: int | People | None, expected: str
) -> None:
    rows = [
        Row("one dancing"),
        Row("two dancing", TWO),
        Row("three dancing", [*TWO, somebody(250)]),
        Row("dancing", [*TWO, somebody(250), somebody(150)]),
        Row("dancing", []),
    ]
    make(tmp_path, rows[:2], rows[2:])
    [[one]] = found(tmp_path, prompt, people=people, among=1)
    assert one.shown == expected


def test_whoever_is_hardly_seen_is_not_counted_and_left_out(tmp_path: Path) -> None:
    hidden = somebody(200, confidence=0.1)
    make(tmp_path, [Row("two women", [somebody(), hidden, somebody(300, body=5), somebody(330)])])
    [[one]] = found(tmp_path, "a woman")
    assert [points[0, 0] for points in one.people] == [100]
    with pytest.raises(UserError, match=r"of 1 sample of .*, none shows exactly 2 people in pose/test, 1 wanted: say"):
        found(tmp_path, "two women")


def test_of_equal_captions_the_whole_and_sure_skeleton_comes_first(tmp_path: Path) -> None:
    people = [somebody(body=12), somebody(confidence=0.8), somebody(x=300), somebody(confidence=0.7)]
    make(tmp_path, [Row("a woman", [one]) for one in people])
    [ranked] = found(tmp_path, "a woman", n=4)
    assert {len(pose.people) for pose in ranked} == {1}
    best: list[float] = []
    for count in (1, 2, 3):
        [poses] = found(tmp_path, "a woman", n=count, among=count)
        best += [float(pose.people[0][0, 2]) for pose in poses if float(pose.people[0][0, 2]) not in best]
    assert best == pytest.approx([0.8, 0.7, 0.9])


def test_the_seed_chooses_among_the_best(tmp_path: Path) -> None:
    near = [Row(f"a woman dancing well {number}") for number in range(6)]
    make(tmp_path, near, [Row("a woman at home"), *[Row("a car")] * 2])
    drawn = {seed: told(found(tmp_path, "a woman dancing well", n=2, seed=seed, among=6)[0]) for seed in range(20)}
    assert all(len(set(pair)) == 2 for pair in drawn.values())
    assert {text for pair in drawn.values() for text in pair} == {row.text for row in near}
    both = found(tmp_path, "a woman at home", "a woman dancing well", n=2, seed=7, among=6)
    assert told(both[1]) == drawn[7], "another prompt beside it changes nothing"


def test_as_many_as_there_are_can_be_enough(tmp_path: Path) -> None:
    make(tmp_path, [Row("a woman"), Row("a woman who sits")], [Row("a man")])
    [some] = found(tmp_path, "a woman", n=12, least=1)
    assert set(told(some)) == {"a man", "a woman", "a woman who sits"}
    with pytest.raises(UserError, match=r"of 3 samples of .*, only 3 show exactly 1 person in pose/test, 4 wanted"):
        found(tmp_path, "someone who sits", n=12, least=4)


def test_a_sample_is_given_once(tmp_path: Path) -> None:
    make(tmp_path, [Row("a woman", seed=5)], [Row("a woman", seed=5), Row("a woman", seed=6)])
    [poses] = found(tmp_path, "a woman", n=2)
    assert len({pose.uid for pose in poses}) == 2
    with pytest.raises(UserError, match=r"of 3 samples of .*, only 2 show "):
        found(tmp_path, "a woman", n=3)


def test_all_that_is_said_counts_and_the_nearest_is_told(tmp_path: Path) -> None:
    rows = [Row("a woman", alt="sale of the year"), Row(None, alt="lady dancing"), Row("x", alt=" ")]
    make(tmp_path, rows)
    [[one], [other]] = found(tmp_path, "a woman", "lady dancing", among=1)
    assert (one.shown, one.layer) == ("a woman", "caption/test")
    assert (other.shown, other.layer) == ("lady dancing", "source")
    [[other]] = found(tmp_path, "lady dancing", captions=["caption"], among=1)
    assert other.layer == "caption/test"


def test_an_embedding_layer_is_compared_instead(tmp_path: Path) -> None:
    class Plane(Words):
        def __call__(self, texts: Any) -> np.ndarray:
            return np.array([[0.6, 0.8]] * len(texts), np.float32)

    make(tmp_path, [Row("a", vector=[1.0, 0.0]), Row("b", vector=[0.0, 1.0], alt="told"), Row("c")])
    [[one]] = find_poses(str(tmp_path), ["anyone"], embedder=Plane(), captions=["embedding"], among=1)
    assert (one.shown, one.layer, one.score) == ("told", "embedding/toy", pytest.approx(0.8))
    with pytest.raises(UserError, match="have 2 numbers, those of the prompts 64: they are of different models"):
        found(tmp_path, "anyone", captions=["embedding"])
    with pytest.raises(UserError, match="captions, or with one embedding layer"):
        found(tmp_path, "anyone", captions=["embedding", "source"])


def test_forgotten_samples_are_never_found(tmp_path: Path) -> None:
    store = make(tmp_path, [Row("a woman"), Row("a woman walking")])
    dataset = humanverse.open(str(tmp_path))
    [[one]] = find_poses(dataset, ["a woman"], embedder=Words(), among=1)
    tombstones.write(store, tombstones.Tombstones(uids=frozenset([one.uid])), "asked for")
    [[other]] = find_poses(dataset, ["a woman"], embedder=Words(), among=1)
    assert other.shown == "a woman walking"
    with pytest.raises(UserError, match=r"of 1 sample of .*, only 1 shows"):
        found(tmp_path, "a woman", n=2)


def test_forgotten_while_searching_is_not_found(tmp_path: Path) -> None:
    store = make(tmp_path, [Row("a woman"), Row("a woman walking")])
    dataset = humanverse.open(str(tmp_path))
    uid = next(dataset.samples()).uid

    def forget(samples: int) -> None:
        tombstones.write(store, tombstones.Tombstones(uids=frozenset([uid])), "asked for")

    [[one]] = find_poses(dataset, ["a woman"], embedder=Words(), done=forget)
    assert one.uid != uid


def test_what_a_view_leaves_out_is_not_found(tmp_path: Path) -> None:
    make(tmp_path, [Row("a woman"), Row("a woman walking", alt="this one")])
    view = selected(humanverse.open(str(tmp_path)), ["caption = 'this one'"])
    [[one]] = found(tmp_path, "a woman", view=view)
    assert one.shown == "a woman walking"


@pytest.mark.parametrize(
    ("prompt", "options", "line"),
    [
        ("a woman", {"n": 0}, "ask for 1 or more"),
        (" ", {}, "an empty prompt finds no skeleton"),
        ("nobody", {}, "shows nobody: ask for people"),
        ("a woman", {"pose": "pose/other"}, "no layer pose/other in"),
        (
            "a woman",
            {"captions": ["quality"]},
            "cannot be compared with quality: give source, a caption or an embedding",
        ),
        ("a woman", {"captions": []}, "give one or more of one kind"),
        ("a woman", {"captions": ["caption/other"]}, "no layer caption/other in"),
        ("a woman", {"view": "other"}, "no view other in"),
        (
            "a woman",
            {"captions": ["source"]},
            "has anything to compare a prompt with \\(source\\): name other captions",
        ),
    ],
)
def test_what_cannot_be_is_told_in_one_line(tmp_path: Path, prompt: str, options: dict[str, Any], line: str) -> None:
    make(tmp_path, [Row("a woman"), Row("a man")])
    with pytest.raises(UserError, match=line) as error:
        found(tmp_path, prompt, **options)
    assert "\n" not in str(error.value)
