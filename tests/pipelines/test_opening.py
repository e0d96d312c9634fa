"""What is checked before a build writes anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from annotators.base import Annotator
from annotators.depth.omnidata import OmnidataDepth
from annotators.weights import standing_in
from humanverse.errors import UserError
from pipelines.opening import Opened, open_build, tell_sets
from schemas.recipe import load
from tests.pipelines.web import write_recipe


def opened(folder: Path, header: str, **sections: Any) -> Opened:
    """A build of a list of one row with this header line, up to where it could begin."""
    row = ",".join(["http://a.example/1.jpg", *["00"] * header.count(",")])
    (folder / "urls.csv").write_text(f"{header}\n{row}\n")
    recipe = load(path=write_recipe(folder), overrides=sections)
    target = str(folder / "d")
    return open_build([str(folder / "urls.csv")], target, recipe, (), workers=None, local=True, allow_private=False)


def test_drift_cannot_be_rejected_without_hashes(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"^fetch.drift: reject needs a column md5 or sha256 \(source.columns names it\)"
    ):
        opened(tmp_path, "url,checksum", fetch={"drift": "reject"})
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("header", "columns"), [("url,md5", {}), ("url,SHA256", {}), ("url,checksum", {"md5": "checksum"})]
)
def test_drift_can_be_rejected_with_hashes(tmp_path: Path, header: str, columns: dict[str, str]) -> None:
    found = opened(tmp_path, header, fetch={"drift": "reject"}, source={"columns": columns})
    assert found.job.recipe.fetch.drift == "reject"


@pytest.mark.parametrize("drift", ["record", "ignore"])
def test_lists_without_hashes_are_usual(tmp_path: Path, drift: str) -> None:
    assert opened(tmp_path, "url,checksum", fetch={"drift": drift}).dataset is None


def test_a_gpu_that_no_annotator_of_the_recipe_uses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path, "url", resources={"device": "cuda"})
    told = capsys.readouterr().err
    assert "device cuda: not used by" in told and "quality=pixels" in told


def test_a_column_that_is_only_renamed_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened(tmp_path, "url,score,checksum", source={"columns": {"aesthetic": "score", "md5": "checksum"}})
    said = [line for line in capsys.readouterr().err.splitlines() if "source.columns" in line]
    assert len(said) == 1
    assert "score is only carried along as aesthetic (what means something: url, caption, md5, sha256)" in said[0]


def test_it_is_said_of_ones_own_weights_before_they_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    path, one = tmp_path / "nested.pt", {"a": torch.ones(2)}
    torch.save({"ema": {"module": one}, "model": one}, path)
    annotators: list[Annotator] = [
        OmnidataDepth(weights=standing_in(OmnidataDepth.card.weights, path)),
        OmnidataDepth(),
    ]
    tell_sets(annotators)
    assert capsys.readouterr().err.count("are taken") == 1
