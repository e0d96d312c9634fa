"""What Sapiens2's networks are shown, and maps that have something for people alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open

from annotators.base import Picture, Unavailable
from annotators.normal.sapiens2 import Sapiens2Normal
from annotators.torch.dense import View
from annotators.torch.pretrained import processor
from annotators.torch.sapiens2 import PROCESSOR, shown_whole
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import encode_segmentation
from tests.annotators.segmentation import tiny


def said(ids: np.ndarray, box: list[float]) -> dict[str, Any]:
    """A segmentation's row as annotators get it."""
    return {"status": "ok", "reason": None, "map": encode_segmentation(ids)[0], "map_box": box}


@pytest.mark.parametrize("size", [(640, 426), (300, 900), (96, 128), (97, 131), (1600, 50)])
def test_the_window_is_where_the_picture_is(tmp_path: Path, size: tuple[int, int]) -> None:
    shown = processor(PROCESSOR, tiny.sapiens2_normal(tmp_path / "model"))
    view = shown_whole(shown, np.full((size[1], size[0], 3), 255, np.uint8))
    assert view.box == (0, 0, *size) and view.window is not None
    rows, columns = view.shown(*view.input.shape[-2:])
    bright = (view.input > 0).all(dim=0).numpy()
    inside = np.zeros_like(bright)
    inside[rows, columns] = True
    assert (bright == inside).all()
    x0, y0, x1, y1 = view.window
    assert abs((x1 - x0) - min(96, 128 * size[0] / size[1])) <= 1
    assert abs((y1 - y0) - min(128, 96 * size[1] / size[0])) <= 1


def test_without_padding_the_picture_is_all_of_it(tmp_path: Path) -> None:
    shown = processor(PROCESSOR, tiny.sapiens2_parts(tmp_path / "model"))
    view = shown_whole(shown, np.zeros((50, 200, 3), np.uint8))
    assert view.window is None and view.shown(10, 20) == (slice(0, 10), slice(0, 20))


def test_a_window_on_a_map_of_less_resolution() -> None:
    view = View(torch.zeros(3, 64, 48), (0, 0, 1, 1), (0, 16, 48, 48))
    assert view.shown(16, 12) == (slice(4, 12), slice(0, 12))


@pytest.fixture
def annotator(tmp_path: Path) -> Sapiens2Normal:
    made = Sapiens2Normal(weights=standing_in(Sapiens2Normal.card.weights, tiny.sapiens2_normal(tmp_path / "model")))
    made.load()
    return made


def test_pictures_whose_people_are_not_known_have_no_row(annotator: Sapiens2Normal) -> None:
    pictures = [Picture(str(index), encode_jpeg(np.full((60, 80, 3), 90, np.uint8), 90)) for index in range(3)]
    ids = np.zeros((30, 40), np.uint8)
    ids[:, 20:], ids[0] = 4, 255
    known = said(ids, [0, 0, 80, 60])
    lost = {"status": "failed", "reason": "it broke", "map": None, "map_box": None}
    first, second, third = annotator.annotate(pictures, {"segmentation": [known, lost, known]})
    assert second == Unavailable("where people are is not known: it broke")
    for row in (first, third):
        assert isinstance(row, dict)
        there = np.isfinite(row["map"]).all(axis=2)
        width = there.shape[1]
        assert there[2:, width // 2 :].all() and not there[:, : width // 2].any() and not there[0].any()
        np.testing.assert_allclose(np.linalg.norm(row["map"][there], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (tiny.sapiens2_parts, {"decode_head.deconv_layers.9.weight", "decode_head.conv_seg.weight"}),
        (tiny.sapiens2_normal, {"decode_head.upsample_blocks.3.0.weight", "decode_head.conv_normal.weight"}),
        (tiny.sapiens2_points, {"decode_head.scale_conv_layers.0.weight", "decode_head.conv_pointmap.weight"}),
    ],
    ids=["parts", "normal", "points"],
)
def test_weights_are_loaded_under_the_owners_names(
    tmp_path: Path, model: Callable[[Path], Path], names: set[str]
) -> None:
    with safe_open(model(tmp_path / "model") / "model.safetensors", "pt") as file:
        there = {*file.keys()}
    common = {"backbone.patch_embed.projection.weight", "backbone.storage_tokens", "backbone.blocks.0.ffn.w12.weight"}
    assert there >= names | common
