import cv2
import numpy as np
import pytest
from cykooz_resizer import CpuExtensions, FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer
from PIL import Image

from humanverse.codec.resample import resample
from tests.humanverse.codec.pictures import DATA, marked, needs_data, noise, smooth


def whole(pixels, size):
    return resample(pixels, (0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0])), size)


def lanczos(pixels, size):
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)).astype(float)


def psnr(shown, wanted):
    return 10 * np.log10(255**2 / np.mean((shown - wanted) ** 2))


def test_the_same_size_is_the_same_array():
    pixels = noise(20, 10)
    assert whole(pixels, (20, 10)) is pixels


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (30, 1), (7, 400), (400, 7), (39, 31), (100, 80), (1000, 3)])
def test_any_size(size):
    for pixels in (noise(40, 32), noise(1, 1), noise(1, 50), noise(300, 2)):
        assert whole(pixels, size).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("ratio", [1.05, 1.15, 1.3, 1.7, 2.2, 2.5, 2.6, 4, 7.3, 12])
def test_an_even_picture_stays_as_it_is(ratio):
    pixels = np.full((240, 320, 3), (255, 128, 3), np.uint8)
    shown = whole(pixels, (round(320 / ratio), round(240 / ratio)))
    assert (shown == (255, 128, 3)).all()


@pytest.mark.parametrize("ratio", [1.3, 2.0, 3.1, 6.0])
def test_nothing_moves(ratio):
    size = round(320 / ratio), round(240 / ratio)
    shown = whole(marked(320, 240), size)
    assert np.abs(shown - lanczos(marked(320, 240), size)).mean() < 1.5
    assert np.abs(whole(smooth(320, 240), size) - lanczos(smooth(320, 240), size)).max() < 3


@pytest.mark.parametrize("ratio", [1.6, 2.0, 2.4, 4.0])
def test_fine_stripes_become_grey(ratio):
    """Stripes two pixels apart are too fine for the smaller picture, and leave no coarser ones behind."""
    stripes = np.zeros((240, 320, 3), np.uint8)
    stripes[:, ::2] = 200
    inner = whole(stripes, (round(320 / ratio), round(240 / ratio)))[10:-10, 10:-10].astype(float)
    assert inner.mean() == pytest.approx(100, abs=2)
    assert inner.std() < 12


@pytest.mark.parametrize("box", [(0.0, 0.0, 120.0, 90.0), (10.5, 3.25, 99.75, 80.5), (40.0, 30.0, 120.0, 90.0)])
@pytest.mark.parametrize("size", [(40, 30), (17, 29), (60, 4)])
def test_a_part_is_where_pillow_has_it(box, size):
    """Between pixels too; at the edges Pillow repeats the part's outermost pixels, and we look beyond them."""
    pixels = smooth(120, 90)
    wanted = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box=box)).astype(float)
    assert np.abs(resample(pixels, box, size) - wanted).max() < 4
    if box == (0.0, 0.0, 120.0, 90.0):
        noisy = noise(120, 90)
        wanted = np.asarray(Image.fromarray(noisy).resize(size, Image.Resampling.BICUBIC)).astype(float)
        assert np.abs(whole(noisy, size) - wanted).max() <= 1


def test_the_same_whatever_the_processor():
    """Every set of vector instructions that this machine has gives the same bytes as plain code."""
    pixels, options = noise(211, 97), ResizeOptions(resize_alg=ResizeAlg.convolution(FilterType.catmull_rom))
    results = set()
    for instructions in (CpuExtensions.none, Resizer().cpu_extensions):
        resizer = Resizer()
        resizer.cpu_extensions = instructions
        source = ImageData(211, 97, PixelType.U8x3, pixels.tobytes())
        result = ImageData(83, 41, PixelType.U8x3)
        resizer.resize(source, result, options)
        results.add(result.get_buffer())
    assert results == {whole(pixels, (83, 41)).tobytes()}


@needs_data
@pytest.mark.parametrize("ratio", [1.2, 1.5, 1.8, 2.2, 3.0])
def test_sharper_than_averaging(ratio):
    ours, averaged = [], []
    for path in sorted((DATA / "images").glob("*.jpg"))[:6]:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))[:480, :640]
        size = round(pixels.shape[1] / ratio), round(pixels.shape[0] / ratio)
        wanted = lanczos(pixels, size)
        ours.append(psnr(whole(pixels, size), wanted))
        averaged.append(psnr(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), wanted))
    assert np.mean(ours) > np.mean(averaged) + 0.5
