"""The benchmark's arithmetic, its pictures and their server, and our client over them."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import urllib.request
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import fetch, web_pictures

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
COUNT = 8


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    x, y = np.meshgrid(np.linspace(0, 60, 1600), np.linspace(0, 40, 1200))
    waves = np.stack([127 + 100 * np.sin(x), 127 + 100 * np.cos(y), 127 + 60 * np.sin(x + y)], axis=-1)
    Image.fromarray(waves.astype(np.uint8)).save(folder / "waves.jpg")
    (folder / "notes.txt").write_text("not a photograph")
    return folder


@pytest.fixture(scope="module")
def made(photographs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    web_pictures.make(photographs, folder, COUNT)
    return folder


def test_pictures_differ_and_have_the_sizes(made: Path, photographs: Path) -> None:
    files = fetch.pictures(made, COUNT)
    assert len({path.read_bytes() for path in files}) == COUNT
    for number, path in enumerate(files):
        with Image.open(path) as image:
            assert image.width * image.height == pytest.approx(1e6 * web_pictures.MEGAPIXELS[number % 4], rel=0.01)
    assert web_pictures.picture(3, web_pictures.Photographs(photographs)) == files[3].read_bytes()


def test_a_folder_without_photographs_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no photographs there"):
        web_pictures.Photographs(tmp_path)


@pytest.mark.parametrize("way", ["512", "1024", "keep", "checked"])
def test_the_client_stores_what_is_served(made: Path, photographs: Path, tmp_path: Path, way: str) -> None:
    urls, out = tmp_path / "urls.txt", tmp_path / "out.tar"
    with fetch.served(photographs, made, COUNT) as served:
        urls.write_text("\n".join(served))
        with urllib.request.urlopen(served[0]) as answer:
            assert answer.read() == fetch.pictures(made, 1)[0].read_bytes()
        cost = fetch.run(fetch.client_command(urls, out, way), tmp_path / "log.txt")
    assert cost.cpu > 0
    with tarfile.open(out) as tar:
        contents = [tar.extractfile(member).read() for member in tar]  # type: ignore[union-attr]
    originals = [path.read_bytes() for path in fetch.pictures(made, COUNT)]
    wanted = {"keep": set(originals)}.get(way)
    assert len(contents) == COUNT
    assert wanted is None or set(contents) == wanted
    if way.isdigit():
        assert set(contents) == {fetch.prepared(data, int(way)) for data in originals}


def test_a_command_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no-such-file"):
        fetch.run([sys.executable, "no-such-file"], tmp_path / "log.txt")


def test_the_bare_codec_does_the_same_job(made: Path) -> None:
    for path in fetch.pictures(made, COUNT):
        data = path.read_bytes()
        bare, ours = fetch.bare_codec(data, 512), fetch.prepared(data, 512)
        with Image.open(BytesIO(bare)) as one, Image.open(BytesIO(ours)) as other:
            assert one.size == other.size and max(one.size) == 512
        assert min(fetch.psnr(bare, data), fetch.psnr(ours, data)) > 25


def test_psnr_of_a_known_error() -> None:
    def png(value: int) -> bytes:
        out = BytesIO()
        Image.new("RGB", (16, 16), (value, value, value)).save(out, "PNG")
        return out.getvalue()

    assert fetch.psnr(png(110), png(100)) == pytest.approx(20 * np.log10(25.5))
    assert fetch.psnr(png(100), png(100)) == float("inf")


def test_figures() -> None:
    ours = {"512": [fetch.Cost(2.0, 4.0), fetch.Cost(1.0, 1.0), fetch.Cost(9.0, 9.0)]}
    peer = {"512": [fetch.Cost(5.0, 8.0)]}
    assert fetch.speed_figures(ours, peer, 100) == {
        "vs_img2dataset_512": 2.5,
        "per_core_512": 50.0,
        "per_core_512_img2dataset": 20.0,
        "per_second_512": 25.0,
        "per_second_512_img2dataset": 12.5,
    }
    assert fetch.Cost(5.0, 8.0).after(fetch.Cost(2.0, 3.0)) == fetch.Cost(3.0, 8.0)


def test_the_command_line_names_its_options() -> None:
    done = subprocess.run([sys.executable, str(BENCHMARKS / "fetch.py")], capture_output=True, text=True)
    assert done.returncode == 2 and "--images" in done.stderr
