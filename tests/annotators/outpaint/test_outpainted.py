"""An annotator on canvases: what it is shown, what of its answers is kept, and what the layer's card says."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.base import Annotator, Row
from annotators.outpaint.outpainted import Outpainted
from annotators.run import Runner
from annotators.weights import Weight, from_path
from humanverse.codec import decode_rgb
from humanverse.codec.maps import decode_depth, decode_normal, decode_segmentation
from humanverse.errors import UserError
from schemas.provenance import fingerprint
from tests.annotators.outpaint import fakes
from tests.annotators.outpaint.fakes import GridSettings, Plain, margins, picture

SIZES = [(64, 48), (33, 47), (7, 5), (2, 2), (1, 1)]
MARGINS = margins(0.25, 0.125, 0.5, 0.75)


def rows(annotator: Annotator, size: tuple[int, int], person: Row | None = None) -> list[dict[str, Any]]:
    needs = {"person": [person]} if person else {}
    return list(Runner(annotator).table([picture(*size)], needs).to_pylist())


def outpainted(annotator: Annotator, settings: Any = MARGINS) -> Outpainted:
    return Outpainted(annotator, Plain(settings))


@pytest.mark.parametrize("size", SIZES)
def test_boxes(size: tuple[int, int]) -> None:
    (row,) = rows(outpainted(fakes.WholeBox()), size)
    assert row["status"] == "ok", row["reason"]
    assert row["boxes"][0] == [0, 0, *size] and row["area_ratios"][0] == 1 == row["union_area_ratio"]
    frame = MARGINS.frame(size)
    assert len(row["boxes"]) == 1 + (frame.left < 2 and frame.top < 2) + (frame.right < 2 and frame.bottom < 2)


@pytest.mark.parametrize("size", SIZES[:3])
def test_points(size: tuple[int, int]) -> None:
    width, height = size
    inner = [0.25 * width, 0.25 * height, 0.5 * width, 0.5 * height]
    boxes = [inner, [0.25 * width, 0.25 * height, 0.5 * width, float(height)]]
    person = {"status": "ok", "reason": None, "boxes": boxes, "scores": [0.9, 0.8]}
    (row,) = rows(outpainted(fakes.Corners()), size, person)
    assert row["status"] == "ok", row["reason"]
    first, second = (np.array(points).reshape(133, 3)[1:5] for points in row["keypoints"])
    x0, y0, x1, y1 = inner
    np.testing.assert_allclose(first, [[x0, y0, 0.5], [x1, y0, 0.5], [x1, y1, 0.5], [x0, y1, 0.5]], atol=1e-6)
    np.testing.assert_allclose(second[:2], first[:2], atol=1e-6)
    assert (second[2:] == 0).all(), "its feet are below the picture"
    assert all(sum(present) == 5 for present in row["present"])
    np.testing.assert_allclose(row["scores"], [(1 + 4 * 0.5) / 5, (1 + 2 * 0.5) / 5], rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_maps_of_each_pixel_are_those_without_margins(size: tuple[int, int]) -> None:
    (bare,), (row,) = rows(fakes.RedDepth(), size), rows(outpainted(fakes.RedDepth()), size)
    depths = [decode_depth(one["map"], one["scale"], one["offset"]) for one in (bare, row)]
    np.testing.assert_array_equal(*depths)
    assert row == bare and row["map_box"] == [0, 0, *size]
    (bare,), (row,) = rows(fakes.ColourNormal(), size), rows(outpainted(fakes.ColourNormal()), size)
    assert row == bare
    np.testing.assert_array_equal(decode_normal(row["map"]), decode_normal(bare["map"]))
    (bare,), (row,) = rows(fakes.DarkParts(), size), rows(outpainted(fakes.DarkParts()), size)
    assert row == bare and row["status"] == "ok" and 3 not in row["labels"]
    np.testing.assert_array_equal(decode_segmentation(row["map"]), decode_segmentation(bare["map"]))


@pytest.mark.parametrize("grid", [(17, 23), (50, 31), (9, 14)])
def test_a_coarser_map_lies_where_its_values_were_seen(grid: tuple[int, int]) -> None:
    """Every value is the picture's pixel in the middle of the cell where ``map_box`` puts it."""
    settings, one = GridSettings(columns=grid[0], rows=grid[1]), picture(64, 48)
    (row,) = rows(outpainted(fakes.RedDepth(settings)), (64, 48))
    depth = decode_depth(row["map"], row["scale"], row["offset"])
    x0, y0, x1, y1 = row["map_box"]
    across = x0 + (np.arange(row["map_width"]) + 0.5) * (x1 - x0) / row["map_width"]
    down = y0 + (np.arange(row["map_height"]) + 0.5) * (y1 - y0) / row["map_height"]
    seen = one.rgb[np.ix_((down + 1e-4).astype(int), (across + 1e-4).astype(int))][:, :, 0]
    np.testing.assert_allclose(depth, seen, atol=0.51 * row["scale"])
    cells = 64 * 1.75 / grid[0], 48 * 1.875 / grid[1]
    assert x0 < cells[0] and 64 - x1 < cells[0] and y0 < cells[1] and 48 - y1 < cells[1]


@pytest.mark.parametrize("kind", ["WholeBox", "Corners", "RedDepth", "ColourNormal", "DarkParts"])
def test_without_margins_rows_are_the_same(kind: str) -> None:
    person = {"status": "ok", "reason": None, "boxes": [[-5.0, 0.0, 70.0, 48.0]], "scores": [0.9]}
    needs = person if kind == "Corners" else None
    bare = rows(getattr(fakes, kind)(), (64, 48), needs)
    assert rows(outpainted(getattr(fakes, kind)(), margins()), (64, 48), needs) == bare


def test_an_annotator_that_reads_the_file_sees_the_canvas_too() -> None:
    seen: list[np.ndarray] = []

    class Reads(fakes.WholeBox):
        def annotate(self, pictures: Any, needs: Any) -> Any:
            seen.extend([decode_rgb(pictures[0].jpeg), pictures[0].rgb])
            assert pictures[0].size == (seen[1].shape[1], seen[1].shape[0]) and pictures[0].uid == "0" * 32
            return super().annotate(pictures, needs)

    rows(outpainted(Reads()), (64, 48))
    assert seen[0].shape == seen[1].shape == (48 + 6 + 36, 64 + 16 + 32, 3)


def test_the_card_says_what_canvases_were_made_by_and_the_fingerprint_covers_it() -> None:
    bare = fakes.RedDepth().provenance({})
    card = outpainted(fakes.RedDepth()).provenance({})
    assert card["outpaint"]["name"] == "plain" and card["outpaint"]["settings"]["bottom"] == 0.75
    assert card["fingerprint"] == fingerprint(card) != bare["fingerprint"]
    assert {key: card[key] for key in ("kind", "name", "settings")} == {
        key: bare[key] for key in ("kind", "name", "settings")
    }
    assert "plain" in card["licence"]
    assert card["fingerprint"] != outpainted(fakes.RedDepth(), margins(left=0.25)).provenance({})["fingerprint"]


def test_weights_of_both_are_those_that_stand_in(tmp_path: Path) -> None:
    own = {}
    for name in ("depth", "margins"):
        (tmp_path / name).write_bytes(name.encode())
        own[name] = Weight(f"https://example.com/{name}", "0" * 64, 1)

    class Heavy(fakes.RedDepth):
        card = replace(fakes.RedDepth.card, weights=(own["depth"],))

    class HeavyMargins(Plain):
        card = replace(Plain.card, weights=(own["margins"],))

    inner = Heavy(None, "cpu", {own["depth"]: from_path(tmp_path / "depth")})
    one = Outpainted(inner, HeavyMargins(MARGINS, "cpu", {own["margins"]: from_path(tmp_path / "margins")}))
    assert one.card.weights == tuple(own.values())
    assert [weight.file_name for weight in one.weights] == ["depth", "margins"]
    assert [one.weight(weight) for weight in one.card.weights] == list(one.weights)
    one.pin()
    card = one.provenance({})
    labels = [f"instead of {weight.spec}" for weight in own.values()]
    assert [*card["weights"], *card["outpaint"]["weights"]] == labels == card["own_weights"]
    assert card["licence"].count("not known") == 2


def test_what_the_annotator_says_of_itself_stays() -> None:
    parts = outpainted(fakes.DarkParts())
    assert parts.describes() == {"labels": fakes.LABELS} == {"labels": parts.provenance({})["labels"]}
    assert parts.deciding() == {**fakes.DarkParts().deciding(), "outpaint": Plain(MARGINS).deciding()}


def test_it_can_be_sent_to_other_processes_and_there_shares_one_outpainter() -> None:
    shared = Plain(MARGINS)
    there: list[Outpainted] = pickle.loads(pickle.dumps([Outpainted(fakes.RedDepth(), shared) for _ in range(2)]))
    assert there[0].outpainter is there[1].outpainter and there[0].card == fakes.RedDepth.card


def test_what_says_nothing_of_where_is_refused_in_one_line() -> None:
    with pytest.raises(
        UserError, match=r"^caption cannot be outpainted: only person, pose, depth, normal, segmentation say"
    ):
        outpainted(fakes.Sentence())

    class Reader(fakes.RedDepth):
        card = fakes.Card("depth", "reader", 1, "x", "x", "x", "x", "x", needs=("caption",))

    with pytest.raises(UserError, match="depth/reader cannot be outpainted: it is made from a caption layer"):
        outpainted(Reader())
