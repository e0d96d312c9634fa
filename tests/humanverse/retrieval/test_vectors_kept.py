"""Vectors of captions that are kept between searches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import humanverse
from humanverse.dataset import tombstones
from humanverse.retrieval import find_poses
from humanverse.retrieval.vectors_kept import Keeper
from tests.humanverse.retrieval.toy import Row, Words, make
from tests.views import selected

PROMPT = "a lady"


def searched(dataset: Path, kept: Path, **options: object) -> list[str]:
    """What had to be embedded, the prompt left out."""
    words = Words()
    find_poses(str(dataset), [PROMPT], embedder=words, keep_vectors=kept, captions=["caption"], **options)  # type: ignore[arg-type]
    return sorted(words.seen[1:])


def files(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file())


def test_a_second_search_embeds_the_prompt_alone(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    make(data, [Row("a woman"), Row("a man"), Row("a man"), Row(None)], [Row("a child")])
    assert searched(data, kept) == ["a child", "a man", "a woman"]
    before = [path.read_bytes() for path in files(kept)]
    assert len(before) == 2
    assert searched(data, kept) == []
    assert [path.read_bytes() for path in files(kept)] == before
    assert not any(path.name == kept.name for path in data.iterdir()), "nothing is written to the dataset"


def test_with_kept_vectors_the_same_is_found(tmp_path: Path) -> None:
    make(tmp_path / "data", [Row(f"a woman {number}") for number in range(30)])
    kept = tmp_path / "kept"
    every = [
        [
            (pose.uid, pose.score)
            for pose in find_poses(
                str(tmp_path / "data"), ["a woman 7 9"], embedder=Words(), keep_vectors=folder, n=5, seed=1
            )[0]
        ]
        for folder in (None, kept, kept)
    ]
    assert every[0] == every[1] == every[2]


def test_a_view_takes_nothing_away(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    make(data, [Row("a woman", alt="x"), Row("a man", alt="y")])
    opened = humanverse.open(str(data))
    assert searched(data, kept, view=selected(opened, ["caption = 'x'"])) == ["a woman"]
    assert searched(data, kept) == ["a man"]
    assert searched(data, kept, view=selected(opened, ["caption = 'x'"])) == []
    assert searched(data, kept) == []


def test_what_is_forgotten_leaves_the_file(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    store = make(data, [Row("a woman"), Row("a man"), Row("a man in grey")])
    searched(data, kept)
    uids = [sample.uid for sample in humanverse.open(str(data)).samples()]
    tombstones.write(store, tombstones.Tombstones(uids=frozenset([uids[1]])), "asked for")
    assert searched(data, kept) == []
    (path,) = files(kept)
    with np.load(path) as held:
        assert sorted(uid.decode() for uid in held["uids"]) == sorted([uids[0], uids[2]])
        assert len(held["digests"]) == len(held["vectors"]) == 2
        assert sorted(held["of"].tolist()) == [0, 1]


def test_a_damaged_file_is_made_anew(tmp_path: Path) -> None:
    data, kept = tmp_path / "data", tmp_path / "kept"
    make(data, [Row("a woman")])
    searched(data, kept)
    (path,) = files(kept)
    whole = path.read_bytes()
    for damaged in (b"", b"PK\x03\x04 and nothing", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        assert searched(data, kept) == ["a woman"]
    assert searched(data, kept) == []


def test_vectors_of_another_model_are_others(tmp_path: Path) -> None:
    def vectors(name: str, value: float) -> np.ndarray:
        keeper = Keeper(tmp_path, "place", "layer", name)
        return keeper.vectors(0, [("ab", 0)], ["text"], (), lambda texts: np.full((len(texts), 2), value, np.float32))

    assert vectors("one", 0.5).tolist() == [[0.5, 0.5]]
    assert vectors("other", 0.25).tolist() == [[0.25, 0.25]]
    assert vectors("one", 0.75).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_embed(tmp_path: Path, count: int) -> None:
    keeper = Keeper(tmp_path, "a")
    texts = [f"text {number}" for number in range(count)]
    samples = [(f"{number:032x}", number) for number in range(count)]
    made = keeper.vectors(3, samples, texts, (), lambda asked: np.ones((len(asked), 4), np.float32))
    assert len(made) == count
    assert len(files(tmp_path)) == (1 if count else 0)
