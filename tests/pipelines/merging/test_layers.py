"""Which layers and source columns a merge brings, and what is said of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from pipelines.merge import merge
from pipelines.show import merge as show
from pipelines.snapshot import snapshot, verify_against
from tests.bucket import bucket_here
from tests.merging import make, problems, uids

PEOPLE = ("person/test", "pose/test")


def test_a_layer_that_only_we_have_is_left_to_annotate(tmp_path: Path) -> None:
    make(tmp_path / "a", [[1]])
    make(tmp_path / "b", [[2]], layers=["person/test"])
    merge(str(tmp_path / "a"), [str(tmp_path / "b")])
    assert problems(tmp_path / "a") == []
    notes = {finding.path: finding.message for finding in verify(humanverse.open(str(tmp_path / "a"))).findings}
    assert notes == {
        f"layers/{layer}": f"is not made yet for 1 of 2 shards: humanverse annotate {tmp_path / 'a'} {asked} makes it"
        for layer, asked in (
            ("caption/test", "caption=test"),
            ("depth/test", "depth=test"),
            ("pose/test", "pose=test"),
        )
    }
    found = status(humanverse.open(str(tmp_path / "a")))
    assert found.complete
    assert found.layers == {"caption/test": 1, "depth/test": 1, "person/test": 2, "pose/test": 1}
    assert found.completed_by == {"caption/test": "caption=test", "depth/test": "depth=test", "pose/test": "pose=test"}


def test_a_recipes_layer_missing_in_an_own_shard_stays_a_problem(tmp_path: Path) -> None:
    make(tmp_path / "a", [[1]])
    make(tmp_path / "b", [[2]], layers=["person/test"])
    merge(str(tmp_path / "a"), [str(tmp_path / "b")])
    (tmp_path / "a" / "layers" / "caption" / "test" / "000000.parquet").unlink()
    assert problems(tmp_path / "a") == ["layers/caption/test/000000.parquet is missing"]
    assert not status(humanverse.open(str(tmp_path / "a"))).complete


@pytest.mark.parametrize("only_both", [False, True])
def test_a_layer_that_only_the_other_has_comes_if_it_is_wanted(tmp_path: Path, only_both: bool) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    make(tmp_path / "b", [[2], [3]], layers=[*PEOPLE, "depth/test"])
    part = merge(str(tmp_path / "a"), [str(tmp_path / "b")], only_both).others[0]
    dataset = humanverse.open(str(tmp_path / "a"))
    assert problems(tmp_path / "a") == []
    assert status(dataset).complete
    if only_both:
        assert dataset.layers() == ["person/test"]
        assert part.left_layers == dict.fromkeys(("depth/test", "pose/test"), "only the other dataset has it")
        return
    assert dataset.layer_shards("pose/test") == {1, 2}
    assert dataset.layer_card("depth/test") == humanverse.open(str(tmp_path / "b")).layer_card("depth/test")
    row = dataset.layer("depth", 2).to_pylist()[0]
    assert dataset.map_png("depth", 2, row)


def test_a_layer_that_was_made_otherwise_stays_where_it_is(tmp_path: Path) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    make(tmp_path / "b", [[2]], layers=[*PEOPLE, "caption/test"], changed={"person/test": "a newer one"})
    part = merge(str(tmp_path / "a"), [str(tmp_path / "b")]).others[0]
    assert part.layers == {"caption/test": "caption/test"}
    assert part.left_layers["pose/test"] == "it was made from a person layer that is not copied"
    assert part.left_layers["person/test"].startswith("the one here was made otherwise (")
    assert problems(tmp_path / "a") == []
    assert humanverse.open(str(tmp_path / "a")).layer_shards("person/test") == {0}


def test_the_same_layer_under_another_name_is_the_same(tmp_path: Path) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    make(tmp_path / "b", [[2]], layers=PEOPLE)
    folder = tmp_path / "b" / "layers" / "person" / "test"
    folder = folder.rename(folder.with_name("renamed"))
    card = json.loads((folder / "layer.json").read_text())
    (folder / "layer.json").write_text(json.dumps({**card, "layer": "person/renamed"}))
    pose = tmp_path / "b" / "layers" / "pose" / "test" / "layer.json"
    pose.write_text(json.dumps({**json.loads(pose.read_text()), "reads": {"person": "person/renamed"}}))
    part = merge(str(tmp_path / "a"), [str(tmp_path / "b")]).others[0]
    assert part.layers == {"person/renamed": "person/test", "pose/test": "pose/test"}
    dataset = humanverse.open(str(tmp_path / "a"))
    assert dataset.layers() == ["person/test", "pose/test"]
    assert dataset.layer_card("pose/test")["reads"] == {"person": "person/test"}
    assert problems(tmp_path / "a") == []


def test_tables_have_our_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a", [[1]], columns={"mark": "x", "score": "1"}, layers=["person/test"])
    make(tmp_path / "b", [[2]], columns={"score": "2", "other": "y"}, layers=["person/test"])
    result = merge(str(tmp_path / "a"), [str(tmp_path / "b")])
    assert (result.others[0].empty_columns, result.others[0].dropped_columns) == (["mark"], ["other"])
    rows = [row for n in (0, 1) for row in pq.read_table(tmp_path / "a" / "images" / f"{n:06d}.parquet").to_pylist()]
    assert [(row["mark"], row["score"], "other" in row) for row in rows] == [("x", "1", False), (None, "2", False)]
    assert problems(tmp_path / "a") == []
    show.merged(result)
    told = capsys.readouterr().out
    assert "columns that it does not have, null for its samples: mark" in told
    assert "columns that are not here, left out: other" in told


def test_another_recipe_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    make(tmp_path / "b", [[2]], layers=["person/test"])
    recipe = tmp_path / "b" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("min_people: 1", "min_people: 2"))
    result = merge(str(tmp_path / "a"), [str(tmp_path / "b")])
    assert result.others[0].recipe == ["gate.min_people: 1 -> 2"]
    show.merged(result)
    assert "built with another recipe: gate.min_people: 1 -> 2" in capsys.readouterr().out


def test_in_buckets(tmp_path: Path) -> None:
    import fsspec

    make(tmp_path / "a", [[1], [2]], layers=["person/test", "depth/test"])
    make(tmp_path / "b", [[2, 3], [4, 1]], layers=["person/test", "depth/test"])
    with bucket_here():
        fs = fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True)
        for name in "ab":
            fs.put(f"{tmp_path / name}/", f"bucket/{name}/", recursive=True)
        part = merge("s3://bucket/a", ["s3://bucket/b"]).others[0]
        assert (part.kept, part.duplicates) == (2, 2)
        assert verify(humanverse.open("s3://bucket/a")).sound
        assert snapshot("s3://bucket/a", tars=True)[1].samples == 4
        assert verify_against("s3://bucket/a", 0).same
        fs.get("bucket/a/", f"{tmp_path / 'merged'}/", recursive=True)
    assert problems(tmp_path / "merged") == []
    assert len(set(uids(tmp_path / "merged"))) == 4
