"""On real photographs: what was compressed or resized is found again, and different photographs are not taken for one."""

import csv

import cv2
import numpy as np
import pytest

from humanverse.codec import decode_rgb, encode_jpeg
from humanverse.codec.phash import distance, has_detail, phash
from humanverse.similar.choice import choose
from pipelines.dedup import DISTANCE
from schemas.recipe import BlockSettings
from tests.humanverse.codec.pictures import DATA, needs_data, pillow_rgb

pytestmark = needs_data


def resized(pixels, factor):
    size = tuple(max(1, round(side * factor)) for side in pixels.shape[1::-1])
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)


def cropped(pixels, share):
    height, width = pixels.shape[:2]
    down, across = round(height * share), round(width * share)
    return pixels[down : height - down, across : width - across]


def again(pixels, quality):
    return decode_rgb(encode_jpeg(pixels, quality))


VARIANTS = {
    "quality 30": lambda pixels: again(pixels, 30),
    "half the size": lambda pixels: resized(pixels, 0.5),
    "half the size, quality 30": lambda pixels: again(resized(pixels, 0.5), 30),
    "256 pixels, quality 50": lambda pixels: again(resized(pixels, 256 / max(pixels.shape)), 50),
    "half as large again": lambda pixels: resized(pixels, 1.5),
    "squeezed to a square": lambda pixels: cv2.resize(pixels, (512, 512), interpolation=cv2.INTER_AREA),
    "grey": lambda pixels: cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
}


@pytest.fixture(scope="module")
def photographs():
    with (DATA / "manifest.csv").open(newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    return [pillow_rgb((DATA / name).read_bytes()) for name in names]


@pytest.fixture(scope="module")
def hashes(photographs):
    return np.array([phash(pixels) for pixels in photographs], np.uint64)


def test_different_photographs_are_far_apart(hashes):
    assert has_detail(hashes).all()
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])[np.triu_indices(len(hashes), 1)]
    assert apart.min() >= 3 * DISTANCE
    assert len(choose(hashes, 2 * DISTANCE).left_out) == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_photograph_is_found_again(photographs, hashes, variant):
    varied = np.array([phash(VARIANTS[variant](pixels)) for pixels in photographs], np.uint64)
    assert np.bitwise_count(hashes ^ varied).max() <= DISTANCE
    found = choose(np.concatenate([hashes, varied]), DISTANCE)
    assert found.left_out.tolist() == list(range(len(hashes), 2 * len(hashes)))
    assert found.of.tolist() == list(range(len(hashes)))


def test_slight_crops_are_found_and_large_ones_are_pictures_of_their_own(photographs, hashes):
    def found(share):
        near = [
            distance(int(one), phash(cropped(pixels, share))) for one, pixels in zip(hashes, photographs, strict=True)
        ]
        return float(np.mean(np.array(near) <= DISTANCE))

    assert found(0.01) > 0.8
    assert found(0.1) < 0.1


def test_block_lists_have_the_same_default():
    assert BlockSettings().phash_distance == DISTANCE
