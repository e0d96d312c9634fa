from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.sources import open_source
from humanverse.storage import Store
from pipelines.download.base import Job
from pipelines.download.engines import ENGINES, Direct, engine_for
from pipelines.download.img2dataset import Img2dataset
from schemas.recipe import FetchSettings, load


def job(source: Path, store: Path, engine: str) -> Job:
    recipe = load(overrides={"source": {"shard_size": 2}, "fetch": {"engine": engine}})
    return Job(open_source([str(source)], recipe.source), recipe, Store(store), {}, frozenset([1]), False, None, True)


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    (tmp_path / "urls.txt").write_text("".join(f"http://a.example/{n}\n" for n in range(5)))
    return tmp_path / "urls.txt"


def test_the_recipe_chooses(urls: Path, tmp_path: Path) -> None:
    assert set(ENGINES) == set(FetchSettings.model_fields["engine"].annotation.__args__)  # type: ignore[union-attr]
    assert isinstance(engine_for(job(urls, tmp_path / "x", "humanverse")), Direct)
    assert isinstance(engine_for(job(urls, tmp_path / "x", "img2dataset")), Img2dataset)


def test_pictures_that_are_there_are_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"x")
    chosen = engine_for(job(tmp_path / "pictures", tmp_path / "x", "img2dataset"))
    assert isinstance(chosen, Direct)
    assert not chosen.remote


def test_direct_hands_on_what_is_not_committed(urls: Path, tmp_path: Path) -> None:
    chosen = engine_for(job(urls, tmp_path / "x", "humanverse"))
    (feed,) = chosen.feeds()
    assert [shard.number for shard in feed()] == [shard.number for shard in feed()] == [0, 2]
    assert (chosen.remote, chosen.counts()) == (True, {})
