from collections.abc import Sequence

import numpy as np
import pytest

from annotators.segmentation.sapiens2 import PARTS
from annotators.segmentation.segformer_clothes import ATR
from humanverse.codec.maps import encode_depth, encode_normal, encode_segmentation
from humanverse.report.maps import NOTHING, VIEWS, colour_of, legend


def _row(**columns: object) -> dict[str, object]:
    return {"depth_kind": "metric", "unit": "m", **columns}


def test_larger_depths_are_brighter_and_holes_are_grey() -> None:
    depth = np.tile(np.linspace(1, 5, 50, dtype=np.float32), (20, 1))
    depth[:5] = np.nan
    png, scaling = encode_depth(depth)
    rgb, caption = VIEWS["depth"](png, _row(**scaling))
    brightness = rgb[10].sum(axis=1).astype(int)
    assert rgb.shape == (20, 50, 3) and rgb.dtype == np.uint8
    assert (rgb[:5] == NOTHING).all()
    assert brightness[-1] > brightness[25] > brightness[0]
    assert caption == "depth, metric: 1 to 5 m; brighter is larger"


def test_a_flat_or_empty_depth_map_is_shown() -> None:
    for depth in (np.full((4, 4), 2.0), np.full((4, 4), np.nan)):
        png, scaling = encode_depth(depth)
        rgb, _ = VIEWS["depth"](png, _row(**scaling, unit=None))
        assert rgb.shape == (4, 4, 3)


def test_normals_are_their_colours() -> None:
    normal = np.zeros((4, 6, 3), np.float32)
    normal[:, :3, 2] = 1
    normal[:, 3:, 0] = 1
    normal[0] = np.nan
    rgb, _ = VIEWS["normal"](encode_normal(normal)[0], {})
    assert rgb[2, 0].tolist() == [128, 128, 255]
    assert rgb[2, 5].tolist() == [255, 128, 128]
    assert (rgb[0] == NOTHING).all()


def test_parts_have_the_colour_of_their_name_and_a_legend() -> None:
    ids = np.zeros((10, 10), np.uint8)
    ids[:5, :4], ids[5:, :6], ids[9, 9] = 3, 1, 255
    png, columns = encode_segmentation(ids)
    row = {**columns, "label_names": ["Background", "Hair", "Left_Shoe"]}
    rgb, caption = VIEWS["segmentation"](png, row)
    assert tuple(rgb[0, 0]) == colour_of("Left_Shoe") == colour_of("left-shoe") != colour_of("Hair") == tuple(rgb[6, 0])
    assert rgb[0, 9].tolist() == [0, 0, 0] and rgb[9, 9].tolist() == [NOTHING] * 3
    assert caption == "parts of people; 50.0 % of the picture"
    assert legend("segmentation", row) == [
        (colour_of("Hair"), "Hair 30.0 %"),
        (colour_of("Left_Shoe"), "Left_Shoe 20.0 %"),
    ]
    assert legend("depth", row) == []
    tiny = np.zeros((100, 100), np.uint8)
    tiny[0, :4], tiny[1, :6] = 3, 1
    row = {**encode_segmentation(tiny)[1], "label_names": ["Background", "Hair", "Left_Shoe"]}
    assert legend("segmentation", row) == [(colour_of("Hair"), "Hair 0.1 %")]


@pytest.mark.parametrize("names", [PARTS, ATR], ids=["sapiens2", "segformer"])
def test_the_colours_of_known_parts_can_be_told_apart(names: Sequence[str]) -> None:
    colours = np.array([colour_of(name) for name in names[1:]], float)
    apart = np.linalg.norm(colours[:, None] - colours, axis=2)
    assert (apart + 255 * np.eye(len(colours))).min() > 30
