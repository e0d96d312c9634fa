import numpy as np

from humanverse.codec.maps import encode_depth, encode_normal
from humanverse.report.maps import NOTHING, VIEWS


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
