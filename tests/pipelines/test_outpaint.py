"""Layers made on larger canvases: by ``annotate``, by a recipe, on Ray; resumed, told again, refused in one line."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators import registry
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.build import build
from pipelines.engine import on_ray
from pipelines.plan_layers import Asked
from schemas.recipe import load
from tests.annotators.added import PHOTOGRAPHS, alike, photographs_here, place_of, said
from tests.annotators.depth.tiny import depth_anything
from tests.annotators.outpaint.tiny import tiny
from tests.datasets import HEIGHT, WIDTH, make_dataset
from tests.pipelines.layers import digests, rows, tables
from tests.pipelines.test_cli_annotate import typed
from tests.pipelines.web import serve_web

FAKES = "tests.annotators.outpaint.fakes"
PLAIN = f"{FAKES}:Plain"
DEPTH = {"depth": f"{FAKES}:RedDepth"}
DEPTH_OF_PEOPLE = {"depth": f"{FAKES}:RedOfPeople"}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two shards with three samples each; layers ``person/test``, ``pose/test``, ``caption/test``, ``depth/test``."""
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    return tmp_path / "people"


def add(place: Path, kinds: dict[str, str], names: dict[str, str], **more: Any) -> None:
    outpaint = more.pop("outpaint", PLAIN)
    result = annotate(str(place), Asked(dict(kinds), names, outpaint=outpaint, **more), local=True)
    assert result.lost == {}
    assert all(set(statuses) == {"ok"} for statuses in result.rows.values()), result.reasons


def test_maps_are_those_of_the_picture_and_nothing_else_is_touched(place: Path) -> None:
    add(place, DEPTH, {"depth": "bare"}, outpaint=None)
    before = digests(place)
    kinds = {**DEPTH, "normal": f"{FAKES}:ColourNormal", "segmentation": f"{FAKES}:DarkParts"}
    add(place, kinds, {"depth": "grown", "normal": "grown", "segmentation": "grown"})
    assert {path: digest for path, digest in digests(place).items() if "/grown/" not in path} == before
    assert tables(place, "depth/grown") == tables(place, "depth/bare")
    for one in said(place, "segmentation/grown").values():
        assert one.row["map_box"] == [0, 0, WIDTH, HEIGHT] and set(one.row["label_names"]) <= {"dark", "light"}
    assert verify(Dataset(str(place))).findings == ()


def test_what_reads_a_map_sees_it_where_it_lies_in_the_canvas(place: Path) -> None:
    """As Sapiens2's depth and normals do."""
    bands = {"segmentation": "tests.pipelines.toy_parts:Bands"}
    add(place, {**bands, **DEPTH_OF_PEOPLE}, {"segmentation": "bands", "depth": "bare"}, outpaint=None)
    add(place, DEPTH_OF_PEOPLE, {"depth": "grown"})
    assert tables(place, "depth/grown") == tables(place, "depth/bare")
    for one in said(place, "depth/grown").values():
        assert one.map is not None and 0 < np.isnan(one.map).mean() < 1


def test_what_reads_a_map_that_is_made_with_it_sees_the_one_that_came_back(place: Path) -> None:
    parts = {"segmentation": f"{FAKES}:DarkParts"}
    add(place, {**parts, **DEPTH_OF_PEOPLE}, {"segmentation": "grown", "depth": "grown"})
    add(place, DEPTH_OF_PEOPLE, {"depth": "bare"}, outpaint=None, reads={"segmentation": "grown"})
    assert tables(place, "depth/grown") == tables(place, "depth/bare")


def test_people_keep_their_order_and_points_outside_are_not_found(place: Path) -> None:
    add(place, {"pose": f"{FAKES}:Corners"}, {"pose": "grown"})
    for row in rows(place, "pose/grown").values():
        points = np.array(row["keypoints"]).reshape(2, 133, 3)
        np.testing.assert_allclose(points[0, 1:3], [[80, 60, 0.5], [160, 60, 0.5]], atol=1e-4)
        np.testing.assert_allclose(points[1, 1:3], [[200, 40, 0.5], [260, 40, 0.5]], atol=1e-4)
    assert verify(Dataset(str(place))).findings == ()


def test_without_margins_rows_are_equal_and_yet_the_layer_is_another(place: Path) -> None:
    none = {"outpaint": {"left": 0, "top": 0, "right": 0, "bottom": 0}}
    kinds = {**DEPTH, "pose": f"{FAKES}:Corners"}
    add(place, kinds, {"depth": "same", "pose": "same"}, settings=none)
    add(place, kinds, {"depth": "bare", "pose": "bare"}, outpaint=None)
    for kind in kinds:
        assert tables(place, f"{kind}/same") == tables(place, f"{kind}/bare")
    cards = [Dataset(str(place)).layer_card(f"depth/{name}") for name in ("same", "bare")]
    assert cards[0]["fingerprint"] != cards[1]["fingerprint"] and "outpaint" not in cards[1]


def test_a_layer_goes_on_and_another_outpainting_is_another_layer(place: Path) -> None:
    add(place, DEPTH, {"depth": "grown"})
    whole = tables(place, "depth/grown")
    for path in (place / "layers/depth/grown").glob("000001.*"):
        path.unlink()
    with pytest.raises(
        UserError, match=r"depth/grown .* was made otherwise \(outpaint\.settings\.left: 0\.25 -> 0\.5\)"
    ):
        add(place, DEPTH, {"depth": "grown"}, settings={"outpaint": {"left": 0.5}})
    with pytest.raises(UserError, match=r"depth/grown .* was made otherwise \(outpaint: "):
        add(place, DEPTH, {"depth": "grown"}, outpaint=None)
    add(place, DEPTH, {"depth": "grown"})
    assert tables(place, "depth/grown") == whole


def test_the_command_that_is_told_makes_the_same(place: Path) -> None:
    grown = ("--outpaint", PLAIN, "--set", "outpaint.left=0.5", "--set", "outpaint.reach=0")
    assert typed("annotate", str(place), f"pose={FAKES}:Corners", "--as", "pose=grown", *grown, "--local")[0] == 0
    whole = tables(place, "pose/grown")
    (place / "layers/pose/grown/000001.parquet").unlink()
    (note,) = verify(Dataset(str(place))).findings
    words = shlex.split(note.message[note.message.index("humanverse annotate ") :].partition(" makes it")[0])
    assert {*grown} <= {*words}
    assert typed(*words[1 : len(words)], "--local")[0] == 0
    assert tables(place, "pose/grown") == whole


def test_looking_first_tells_the_same_command(place: Path, tmp_path: Path) -> None:
    words = (
        "annotate",
        str(place),
        f"depth={FAKES}:RedDepth",
        "--as",
        "depth=new",
        "--outpaint",
        PLAIN,
        "--sample",
        "2",
    )
    assert typed(*words, "--out", str(tmp_path / "page.html"))[0] == 0
    assert f"--outpaint {PLAIN}" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["caption=template", "--outpaint", "edge"],
            r"outpaint\.kinds: caption cannot be outpainted: only person, pose, depth",
        ),
        (["pose", "--outpaint", "nobody"], "no outpainter nobody: choose one of edge, sd2-inpainting"),
        (["pose", "--outpaint", "nowhere:Thing"], "no outpainter nowhere:Thing"),
        (["pose", "--outpaint", f"{FAKES}:RedDepth"], "is no outpainter"),
        (
            ["pose", "--outpaint", "edge", "--set", "outpaint.lefts=1"],
            "outpaint.settings.lefts: there is no such setting",
        ),
        (["pose", "--outpaint", "edge", "--set", "outpaint.left=-1"], "outpaint.settings.left"),
        (["pose", "--outpaint", "edge", "--weights", "outpaint=/nowhere"], "this annotator loads none"),
        (["pose", "--set", "outpaint.left=1"], "--set outpaint: nothing is outpainted: add --outpaint NAME"),
        (["pose", "--outpaint", "edge", "--set", "outpaint.kinds=pose"], "--set outpaint.kinds"),
        (["outpaint=edge"], "there is no kind 'outpaint'"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(place: Path, words: list[str], line: str) -> None:
    before = digests(place)
    words = [f"pose={FAKES}:Corners" if word == "pose" else word for word in words]
    with pytest.raises(UserError, match=line) as caught:
        typed("annotate", str(place), *words, "--as", f"{words[0].partition('=')[0]}=new", "--local")
    assert "\n" not in str(caught.value) and digests(place) == before


def test_paintings_are_not_kept_in_the_dataset(place: Path, tmp_path: Path) -> None:
    cache = {"outpaint": {"cache": str(place / "paintings")}}
    with pytest.raises(UserError, match=r"outpaint\.cache: .* is in the dataset: give a place outside"):
        add(place, DEPTH, {"depth": "new"}, settings=cache)
    settings = load(overrides={"outpaint": {"name": "edge", "cache": str(tmp_path / "d" / "paintings")}})
    with pytest.raises(UserError, match="is in the dataset"):
        build([str(place)], str(tmp_path / "d"), settings, local=True)
    add(place, DEPTH, {"depth": "new"}, settings={"outpaint": {"cache": f"{place}-paintings"}})


def test_only_the_kinds_that_are_named(place: Path) -> None:
    kinds = {**DEPTH, "normal": f"{FAKES}:ColourNormal"}
    add(place, kinds, {"depth": "grown", "normal": "bare"}, settings={"outpaint": {"kinds": ["depth"]}})
    dataset = Dataset(str(place))
    assert "outpaint" in dataset.layer_card("depth/grown") and "outpaint" not in dataset.layer_card("normal/bare")


def recipe(web: Path, outpaint: Any) -> Any:
    chosen = {"depth": "red", "normal": "colour"}
    return load(path=web / "recipe.yaml", overrides={"annotators": chosen, "outpaint": outpaint})


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ANNOTATORS, ("depth", "red"), f"{FAKES}:RedDepth")
    monkeypatch.setitem(registry.ANNOTATORS, ("normal", "colour"), f"{FAKES}:ColourNormal")


def built(web: Path, target: Path, outpaint: Any) -> Path:
    result = build([str(web / "urls.parquet")], str(target), recipe(web, outpaint), allow_private=True, local=True)
    assert not result.lost
    return target


def test_a_build_whose_recipe_outpaints(tmp_path: Path, fakes: None) -> None:
    (tmp_path / "web").mkdir()
    with serve_web(tmp_path / "web", 8) as web:
        bare = built(web, tmp_path / "bare", None)
        grown = built(web, tmp_path / "grown", {"name": "edge", "settings": {"left": 0.5}})
        for layer in ("depth/red", "normal/colour", "quality/pixels", "person/ssd-mobilenet-v2"):
            assert tables(grown, layer) == tables(bare, layer), layer
        card = Dataset(str(grown)).layer_card("depth/red")
        assert card["outpaint"]["settings"]["left"] == 0.5 and "outpaint" not in Dataset(str(bare)).layer_card(
            "depth/red"
        )
        with pytest.raises(UserError, match=r"built with another recipe \(outpaint"):
            built(web, grown, None)
        people = built(web, tmp_path / "people", {"name": PLAIN, "kinds": ["person", "depth"]})
        assert "outpaint" in Dataset(str(people)).layer_card("person/ssd-mobilenet-v2")
        assert tables(people, "depth/red") == tables(bare, "depth/red")
    for place in (grown, people):
        assert verify(Dataset(str(place))).findings == ()


def test_a_layer_of_such_a_recipe_is_completed_as_it_was_made(tmp_path: Path, fakes: None) -> None:
    (tmp_path / "web").mkdir()
    with serve_web(tmp_path / "web", 8) as web:
        grown = built(web, tmp_path / "grown", {"name": "edge", "kinds": ["depth"], "settings": {"left": 0.5}})
    whole = tables(grown, "depth/red")
    for path in (grown / "layers/depth/red").glob("000000.*"):
        path.unlink()
    assert typed("annotate", str(grown), "depth", "--local")[0] == 0
    assert tables(grown, "depth/red") == whole
    assert typed("annotate", str(grown), "depth", "--as", "depth=bare", "--outpaint", "none", "--local")[0] == 0
    assert "outpaint" not in Dataset(str(grown)).layer_card("depth/bare")
    (grown / "layers/depth/bare/000000.parquet").unlink()
    (note,) = verify(Dataset(str(grown))).findings
    assert "--outpaint none" in note.message


@pytest.mark.parametrize("outpaint", ["name: edge\n  kinds: [caption]", "name: edge\n  kinds: [poses]", "nobody"])
def test_a_recipe_that_cannot_be_is_one_line(tmp_path: Path, outpaint: str) -> None:
    (tmp_path / "recipe.yaml").write_text(f"outpaint:\n  {outpaint}" if ":" in outpaint else f"outpaint: {outpaint}")
    (tmp_path / "urls.txt").write_text("https://example.com/1.jpg\n")
    with pytest.raises(UserError, match=r"cannot be outpainted|no outpainter nobody") as caught:
        build([str(tmp_path / "urls.txt")], str(tmp_path / "d"), load(path=tmp_path / "recipe.yaml"), local=True)
    assert "\n" not in str(caught.value) and not (tmp_path / "d").exists()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("tiny") / "made")


def test_stable_diffusion_paints_each_picture_once_and_the_batch_changes_rounding_alone(
    place: Path, model: Path
) -> None:
    def words(name: str, *more: str) -> list[str]:
        asked = [f"depth={FAKES}:RedDepth", f"pose={FAKES}:Corners", "--as", f"depth={name}", "--as", f"pose={name}"]
        grown = ["--outpaint", "sd2-inpainting", "--weights", f"outpaint={model}"]
        small = ["--set", "outpaint.side=64", "--set", "outpaint.steps=2", "--set", "depth.columns=40"]
        return ["annotate", str(place), *asked, *grown, *small, *more, "--local", "--json"]

    cache = place.parent / "paintings"
    code, out = typed(*words("one", "--set", f"outpaint.cache={cache}"))
    assert code == 0 and json.loads(out)["layers"] == {"depth/one": {"ok": 6}, "pose/one": {"ok": 6}}
    painted = {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")}
    uids = {row["uid"] for shard in (0, 1) for row in Dataset(str(place)).images(shard).to_pylist()}
    assert {path.stem.partition("-")[0] for path in painted} == uids and len(painted) == len(uids)
    assert typed(*words("again", "--set", f"outpaint.cache={cache}"))[0] == 0
    assert {path: path.stat().st_mtime_ns for path in cache.rglob("*.png")} == painted
    assert typed(*words("eight", "--set", "outpaint.batch_size=8"))[0] == 0
    for kind in ("depth", "pose"):
        assert tables(place, f"{kind}/one") == tables(place, f"{kind}/again")
        alike(said(place, f"{kind}/one"), said(place, f"{kind}/eight"))
    cards = [Dataset(str(place)).layer_card(f"depth/{name}") for name in ("one", "again", "eight")]
    assert len({card["fingerprint"] for card in cards}) == 1
    assert [*cards[0]["outpaint"]["weights"]] == [
        f"instead of {registry.outpainter('sd2-inpainting').card.weights[0].spec}"
    ]
    assert verify(Dataset(str(place))).findings == ()


@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_on_photographs_a_real_estimator_says_the_same_of_people_who_are_not_cut_off(tmp_path: Path) -> None:
    place = place_of(tmp_path, PHOTOGRAPHS[:1])
    kinds = {"person": "ssd-mobilenet-v2", "pose": "movenet-mediapipe"}
    add(place, kinds, {}, outpaint=None)
    add(place, {"pose": kinds["pose"]}, {"pose": "grown"}, outpaint="edge", settings={"outpaint": {"fill": "reflect"}})
    (bare,), (grown,) = (rows(place, f"pose/{name}").values() for name in (kinds["pose"], "grown"))
    assert len(bare["keypoints"]) == len(grown["keypoints"]) == 2
    points, moved = (np.array(row["keypoints"]).reshape(2, 133, 3) for row in (bare, grown))
    sure = (points[:, :17, 2] > 0.3) & (moved[:, :17, 2] > 0.3)
    assert sure.sum() == 34
    assert np.abs(points[:, :17, :2] - moved[:, :17, :2])[sure].max() < 1


@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_on_photographs_a_network_of_depth_looks_at_what_was_painted(tmp_path: Path, model: Path) -> None:
    place, weights = place_of(tmp_path, PHOTOGRAPHS[:2]), depth_anything(tmp_path / "depth")
    given = [("depth", str(weights)), ("outpaint", str(model))]
    for name, size in (("one", 1), ("eight", 8)):
        settings = {"depth": {"batch_size": size}, "outpaint": {"batch_size": size, "side": 64, "steps": 2}}
        add(
            place,
            {"depth": "depth-anything-v2"},
            {"depth": name},
            outpaint="sd2-inpainting",
            settings=settings,
            weights=given,
        )
    alike(said(place, "depth/one"), said(place, "depth/eight"))
    for one in said(place, "depth/one").values():
        x0, y0, x1, y1 = one.row["map_box"]
        across, down = (x1 - x0) / one.row["map_width"], (y1 - y0) / one.row["map_height"]
        assert 0 <= x0 < across and 0 <= one.size[0] - x1 < across
        assert 0 <= y0 < down and 0 <= one.size[1] - y1 < down
    assert not [one for one in verify(Dataset(str(place))).findings if one.path.startswith("layers/depth/one/")]


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        started = on_ray.connect()
        yield
        if started:
            import ray

            ray.shutdown()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'humanverse[ray]'")
def test_two_workers_write_what_one_process_writes(place: Path, ray_here: None) -> None:
    kinds = {**DEPTH, "pose": f"{FAKES}:Corners"}
    add(place, kinds, {"depth": "here", "pose": "here"})
    result = annotate(str(place), Asked(dict(kinds), {"depth": "on-ray", "pose": "on-ray"}, outpaint=PLAIN), workers=2)
    assert (result.done, result.lost) == (2, {})
    for kind in kinds:
        assert tables(place, f"{kind}/on-ray") == tables(place, f"{kind}/here")
