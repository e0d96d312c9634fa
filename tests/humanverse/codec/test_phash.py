"""The hash against ImageHash 4.3.2 (whose answers stand here as tables), and what it is blind to."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from humanverse.codec import decode_rgb, encode_jpeg
from humanverse.codec.phash import distance, has_detail, phash
from tests.humanverse.codec.pictures import DATA, needs_data, noise, pillow_rgb

FROM_IMAGEHASH = {
    (32, 32, 1): 0xD3B4F4203397B968,
    (20, 300, 2): 0xC9C31E319CEC9B13,
    (640, 480, 3): 0xE74CDEE8BAC2403C,
    (512, 512, 4): 0xA1A4C7638A883F77,
    (1023, 777, 5): 0xBEF4E3E5A44240BC,
    (100, 97, 6): 0x8CA2AE55FB965168,
    (2000, 150, 7): 0xF596A992B0C1B83E,
    (1, 50, 8): 0x8000000000000080,
    (64, 64, 9): 0xF772C3463B4101BE,
}
"""``imagehash.phash`` of ``clouds(width, height, seed)``."""
OF_PHOTOGRAPHS = Path(__file__).with_name("imagehash_of_photographs.csv")


def clouds(width, height, seed):
    """uint8 (height, width, 3): random colours that change slowly."""
    return cv2.resize(noise(7, 6, seed), (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("made", FROM_IMAGEHASH)
def test_generated_pictures_have_imagehashs_hash(made):
    assert distance(phash(clouds(*made)), FROM_IMAGEHASH[made]) <= 4


@needs_data
def test_photographs_have_imagehashs_hash():
    with OF_PHOTOGRAPHS.open() as file:
        said = {row["file"]: int(row["phash"], 16) for row in csv.DictReader(file)}
    pixels = {name: pillow_rgb((DATA / "images" / name).read_bytes()) for name in said}
    apart = np.array([distance(phash(pixels[name]), said[name]) for name in said])
    assert len(apart) == 106
    assert apart.max() <= 2
    assert (apart == 0).mean() >= 0.85


def test_compression_and_size_hardly_change_it():
    for seed in range(5):
        pixels = clouds(500, 400, seed)
        for variant in (decode_rgb(encode_jpeg(pixels, 30)), cv2.resize(pixels, (233, 201)), cv2.add(pixels, 9)):
            assert distance(phash(pixels), phash(variant)) <= 10
        assert distance(phash(pixels), phash(clouds(500, 400, seed + 5))) >= 20


def test_an_array_that_is_not_in_one_piece():
    pixels = clouds(300, 200, 1)
    for view in (pixels[::-1], pixels[:, ::-1], pixels[::2, ::3], pixels[..., ::-1], np.asfortranarray(pixels)):
        assert phash(view) == phash(np.ascontiguousarray(view))


@pytest.mark.parametrize("value", [1, 7, 128, 254, 255])
def test_one_colour_is_the_mean_alone(value):
    for width, height in ((32, 32), (300, 200), (1, 1), (999, 31)):
        assert phash(np.full((height, width, 3), value, np.uint8)) == 1 << 63
        assert phash(np.zeros((height, width, 3), np.uint8)) == 0


def test_detail_is_what_sets_half_of_the_bits():
    across = np.broadcast_to(np.linspace(0, 255, 320).astype(np.uint8)[None, :, None], (240, 320, 3))
    flat = [phash(picture) for picture in (np.full((9, 9, 3), 40, np.uint8), across, across.transpose(1, 0, 2))]
    assert has_detail(flat).tolist() == [False, False, False]
    assert has_detail([phash(clouds(300, 200, seed)) for seed in range(20)]).all()


@pytest.mark.parametrize("array", [np.zeros((4, 4)), np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_not_a_picture(array):
    with pytest.raises(ValueError, match="expected uint8"):
        phash(array)
