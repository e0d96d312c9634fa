"""The invisible mark, by the real package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanverse.errors import UserError
from humanverse.generation import marks, watermark
from tests.datasets import picture
from tests.humanverse.generation import tiny
from tests.pipelines.photographs import DATA, needs_data

pytestmark = pytest.mark.skipif(find_spec("imwatermark") is None, reason="invisible-watermark is not installed")


def jpeg(pixels: np.ndarray, path: Path) -> Path:
    Image.fromarray(pixels).save(path, quality=75)
    return path


def test_it_is_read_again_and_is_hardly_there(tmp_path: Path) -> None:
    plain = tiny.clouds(256, 288)
    marked = watermark.embedded(plain)
    assert marked is not None and marked.shape == plain.shape and marked.dtype == np.uint8
    error = np.mean((marked.astype(float) - plain) ** 2)
    assert 10 * np.log10(255**2 / error) > 38
    assert watermark.strength(marked) >= watermark.ENOUGH > abs(watermark.strength(plain)) + 2
    found = marks.look(jpeg(marked, tmp_path / "one.jpg"))
    assert found.strength > abs(watermark.strength(plain)) + 2 and found.source_type is None


@pytest.mark.slow
@needs_data
@pytest.mark.parametrize("place", [0, 40, 80])
def test_a_photograph_keeps_it_through_jpeg_and_a_slight_resize(place: int, tmp_path: Path) -> None:
    plain = Image.open(sorted((DATA / "images").glob("*.jpg"))[place]).convert("RGB").resize((512, 512))
    marked = watermark.embedded(np.asarray(plain))
    assert marked is not None
    smaller = np.asarray(Image.fromarray(marked).resize((461, 461), Image.Resampling.LANCZOS))
    for name, pixels in {"same": marked, "smaller": smaller}.items():
        assert marks.look(jpeg(pixels, tmp_path / f"{name}.jpg")).synthetic
    assert not marks.look(jpeg(np.asarray(plain), tmp_path / "plain.jpg")).synthetic


def test_a_picture_without_texture_is_left_as_it_is() -> None:
    assert watermark.embedded(np.full((256, 256, 3), 128, np.uint8)) is None


def test_a_small_picture_cannot_hold_it() -> None:
    small = picture(3, 255, 256)
    assert not watermark.holds(small) and watermark.strength(small) is None and watermark.embedded(small) is None


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watermark, "find_spec", lambda module: None if module == "imwatermark" else True)
    with pytest.raises(UserError, match=r"needs invisible-watermark==0\.2\.0: pip install --no-deps"):
        watermark.check()
