"""The recipe's section about outpainting."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.recipe import Recipe, load


def recipe(**outpaint: object) -> Recipe:
    return load(overrides={"outpaint": {"name": "edge", **outpaint}})


def test_off_unless_it_is_given_and_its_name_is_enough() -> None:
    assert load().outpaint is None
    short = load(overrides={"outpaint": "edge"})
    assert short == recipe() and short.outpaint
    assert short.outpaint.kinds == ("pose", "depth", "normal") and short.outpaint.settings == {}


def test_what_decides_is_name_kinds_and_settings() -> None:
    assert recipe(cache="s3://bucket/painted", weights="here").deciding() == recipe().deciding()
    others = [load(), recipe(kinds=["depth"]), recipe(settings={"left": 1}), recipe(name="sd2-inpainting")]
    assert all(other.deciding() != recipe().deciding() for other in others)


def test_the_cache_is_the_same_place_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = recipe(cache="painted").outpaint
    assert found and found.cache == str(tmp_path / "painted")
    bucket = recipe(cache="s3://bucket/painted").outpaint
    assert bucket and bucket.cache == "s3://bucket/painted"


def test_weights_are_named_beside_those_of_layers() -> None:
    found = recipe().with_weights({"outpaint": ["/mine"], "person": ["/theirs"]})
    assert found.outpaint and found.outpaint.weights == ("/mine",)
    assert found.annotators["person"].weights == ("/theirs",)
    with pytest.raises(ValueError, match="--weights outpaint: the recipe has no such layer"):
        load().with_weights({"outpaint": ["mine"]})


@pytest.mark.parametrize(
    ("section", "said"),
    [({"steps": 4}, "outpaint.steps: there is no such setting"), ({"kinds": "pose"}, "outpaint.kinds: must be a list")],
)
def test_a_wrong_section_is_one_line(section: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        recipe(**section)
    assert "\n" not in str(caught.value)
