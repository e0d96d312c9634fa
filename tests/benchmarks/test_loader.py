"""The benchmark of training batches, on a dataset of the tests' own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import loader
from tests.datasets import make_dataset


@pytest.fixture
def load(tmp_path: Path) -> loader.Load:
    return loader.Load(make_dataset(tmp_path / "people", 2, 4).url, workers=0, batch=2, samples=4)


def test_both_make_the_same_samples_of_the_same_tars(load: loader.Load) -> None:
    layers = ("depth", "pose")
    own, other = loader.ours(load, layers), loader.theirs(load, layers)
    mine = {uid: (batch, place) for batch in (next(own) for _ in range(4)) for place, uid in enumerate(batch["uids"])}
    by_caption = {batch["captions"][place]: (batch, place) for batch, place in mine.values()}
    found = [next(other) for _ in range(4)]
    for batch in found:
        for place, caption in enumerate(batch["caption"]):
            ours, at = by_caption.pop(caption)
            for name in ("image", "depth", "skeleton"):
                np.testing.assert_array_equal(np.asarray(batch[name][place]), ours[name][at].numpy())
    assert not by_caption


def test_figures_are_rates_and_their_ratios(load: loader.Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "TASKS", {"image": (), "all": ("depth", "pose")})
    found = loader.measure(load, 1)
    assert set(found) >= {"loader_vs_webdataset", "image_samples_per_s", "all_webdataset_samples_per_s"}
    assert found["loader_vs_webdataset"] == min(found["image_vs_webdataset"], found["all_vs_webdataset"]) > 0
