"""Mutated files: whatever the bytes are, there is a picture that decodes or a reason, and never an exception."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from humanverse.codec import Prepared, decode_rgb, header_size, prepare, sniff
from humanverse.codec.jpeg_strip import strip
from schemas.ledger import DECODE_REASONS, Failure
from schemas.recipe import ImageSettings
from tests.humanverse.codec.pictures import exif, noise, saved, srgb_profile

# pytest undoes the filter that the codec sets for its process.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PIXELS = noise(24, 18)
SEEDS = [
    saved(PIXELS, "JPEG", exif=exif(6), icc_profile=srgb_profile()),
    saved(PIXELS, "JPEG", progressive=True, restart_marker_blocks=2),
    saved(PIXELS[..., 0], "JPEG"),
    saved(PIXELS, "PNG", exif=exif(3), icc_profile=srgb_profile()),
    saved(PIXELS, "GIF"),
    saved(PIXELS, "WEBP", lossless=True),
    saved(PIXELS, "TIFF", compression="tiff_lzw"),
    saved(PIXELS, "BMP"),
    saved(PIXELS, "ICO", sizes=[(16, 16)]),
    saved(PIXELS, "PPM"),
    saved(PIXELS, "JPEG2000"),
    saved(PIXELS, "AVIF"),
]
WAYS = [
    ImageSettings(max_pixels=1_000_000),
    ImageSettings(max_pixels=1_000_000, resize="center_crop", size=8),
    ImageSettings(max_pixels=1_000_000, resize="border", size=40, only_shrink=False),
]


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        how = draw(st.integers(0, 3))
        if how == 0:
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif how == 1:
            del data[at : at + draw(st.integers(1, 64))]
        elif how == 2:
            data[at:at] = draw(st.binary(min_size=1, max_size=16))
        else:
            data[at : at + 2] = draw(st.sampled_from([b"\xff\xff", b"\0\0", b"\xff\xd9", b"\xff\xda", b"\xff\xc2"]))
    return bytes(data)


def check(data, way):
    result = prepare(data, way)
    assert prepare(data, way) == result
    header_size(data)
    if isinstance(result, Failure):
        assert result.reason in DECODE_REASONS
        assert result.detail.isprintable()
        return
    assert isinstance(result, Prepared)
    assert decode_rgb(result.jpeg).shape == (result.height, result.width, 3)
    stored = strip(result.jpeg)
    assert stored is not None and stored.jpeg == result.jpeg


def fuzz(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@fuzz(400)
@given(mutated(), st.sampled_from(WAYS))
def test_mutated_files(data, way):
    check(data, way)


@pytest.mark.slow
@fuzz(20_000)
@given(mutated(), st.sampled_from(WAYS))
def test_mutated_files_at_length(data, way):
    check(data, way)


@fuzz(200)
@given(st.binary(max_size=200), st.sampled_from([b"", *(seed[:16] for seed in SEEDS)]))
def test_random_bytes(data, head):
    sniff(head + data)
    check(head + data, WAYS[0])
