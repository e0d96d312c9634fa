"""How fast URLs become stored pictures, against img2dataset and against the bare codec, and how good they look.

Pictures of web-like sizes are made from the photographs of a folder and served by a process of its own (see
``web_pictures.py``). The same list of URLs goes through img2dataset (in an environment of its own, see
``pipelines/download/environment.py``) and through one worker of ours (``fetch_client.py``). Both write tars. What counts is the
CPU time of the client's processes, user and system, less that of the same run over one URL, which is the start-up: pictures
per CPU second is pictures per second and core. Pictures per
second of wall time include the start-up. Both store JPEGs of quality 95 without chroma resolution, and both hash.

    python benchmarks/fetch.py --images DIR [--count 3000] [--progressive 0] [--repeat 1] [--json] [--profile]

PSNR is that of the stored pictures to a Lanczos reduction of the fully decoded original.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pstats
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from PIL import Image

from humanverse.codec import Prepared, prepare
from humanverse.memory import keep_freed
from pipelines.download import environment
from schemas.recipe import ImageSettings

HERE = Path(__file__).parent
HOSTS = 200
QUALITY = 95
SIZES = (512, 1024)
PSNR_PICTURES = 200
THREADS_PICTURES = 400

WAYS: dict[str, dict[str, object]] = {
    "512": {"resize_mode": "keep_ratio_largest", "image_size": 512},
    "1024": {"resize_mode": "keep_ratio_largest", "image_size": 1024},
    "keep": {"disable_all_reencoding": True},
    "checked": {"resize_mode": "no", "skip_reencode": True},
}
"""By the name of ``fetch_client``'s way: img2dataset's options for the same job."""

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True)
class Cost:
    """CPU seconds, and wall seconds with the start-up."""

    cpu: float
    wall: float

    def after(self, start: Cost) -> Cost:
        """Less the CPU time of a start-up."""
        return Cost(self.cpu - start.cpu, self.wall)


def run(command: Sequence[object], log: Path) -> Cost:
    """What a command and all the processes that it started cost."""
    os.sync()  # what the run before has written is not written out at the expense of this one
    start = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=output, stderr=output, env={**os.environ, **environment.VARIABLES}
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[0]} {command[1]} failed:\n{log.read_text(errors='replace')[-2000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start)


def peer_python() -> Path:
    """The interpreter of img2dataset's own environment, without Ray; it is made if it is not there."""
    return environment.installed_python(None)


def peer_command(python: Path, urls: Path, out: Path, way: str) -> list[object]:
    """img2dataset over a list of URLs, with one process."""
    options = {
        "url_list": urls,
        "output_folder": out,
        "output_format": "webdataset",
        "processes_count": 1,
        "thread_count": 32,
        "number_sample_per_shard": 1000,
        "resize_only_if_bigger": True,
        "encode_quality": QUALITY,
        "extract_exif": False,
        **WAYS[way],
    }
    return [python.with_name("img2dataset"), *(f"--{name}={value}" for name, value in options.items())]


def client_command(urls: Path, out: Path, way: str) -> list[object]:
    """Our worker over a list of URLs."""
    return [sys.executable, HERE / "fetch_client.py", urls, out, "--way", way]


@contextlib.contextmanager
def served(images: Path, folder: Path, count: int, progressive: float = 0.0) -> Iterator[list[str]]:
    """The URLs of ``count`` pictures, while they are served."""
    command = [HERE / "web_pictures.py", "--images", images, "--folder", folder, "--count", count, "--serve"]
    command += ["--progressive", progressive]
    with subprocess.Popen(
        [sys.executable, *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        line = server.stdout.readline().split()
        if not line:
            raise SystemExit(server.wait() or 1)
        names = [path.name for path in pictures(folder, count)]
        yield [f"http://127.0.1.{i % HOSTS + 1}:{line[1]}/{name}" for i, name in enumerate(names)]
        server.stdin.close()


def pictures(folder: Path, count: int) -> list[Path]:
    """The first ``count`` pictures of the folder."""
    return sorted(folder.glob("*.jpg"))[:count]


class Comparison:
    """Runs of both clients over the same URLs, in a folder for what they write."""

    def __init__(self, python: Path, urls: Sequence[str], folder: Path) -> None:
        self._python = python
        self._folder = folder
        self._log = folder / "log.txt"
        self._all, self._one = folder / "urls.txt", folder / "one.txt"
        self._all.write_text("\n".join(urls) + "\n")
        self._one.write_text(urls[0] + "\n")

    def ours(self, way: str) -> Cost:
        """One run, less its start-up."""
        out = self._folder / "out.tar"
        start = run(client_command(self._one, out, way), self._log)
        return run(client_command(self._all, out, way), self._log).after(start)

    def peer(self, way: str, turn: int) -> Cost:
        """One run, less its start-up. The folder of the last run stays: see ``peer_folder``."""
        one, all_ = self.peer_folder(f"{way}-one", turn), self.peer_folder(way, turn)
        start = run(peer_command(self._python, self._one, one, way), self._log)
        return run(peer_command(self._python, self._all, all_, way), self._log).after(start)

    def peer_folder(self, way: str, turn: int) -> Path:
        return self._folder / f"peer-{way}-{turn}"

    def profile(self, way: str) -> str:
        """Where the consumer's thread of our worker spends its time."""
        out = self._folder / "profile"
        run([*client_command(self._all, self._folder / "out.tar", way), "--profile", out], self._log)
        text = io.StringIO()
        pstats.Stats(str(out), stream=text).strip_dirs().sort_stats("tottime").print_stats(15)
        return text.getvalue()


def reduced_size(width: int, height: int, size: int) -> tuple[int, int]:
    """(width, height) with the longer side at most ``size``."""
    longer = max(width, height)
    return (width, height) if longer <= size else (round(width * size / longer), round(height * size / longer))


def bare_codec(data: bytes, size: int) -> bytes:
    """No more than the codec: decode at the least scale that is not below the wanted size, average, encode.

    A picture that need not be reduced is decoded at an eighth, to know that it can be, and stays as it is.
    """
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    wanted = reduced_size(width, height, size)
    stays = wanted == (width, height)
    scale = 8 if stays else max(k for k in _REDUCED if width >= k * wanted[0] and height >= k * wanted[1])
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[scale] | cv2.IMREAD_IGNORE_ORIENTATION)
    assert pixels is not None, "our own pictures can be decoded"
    if stays:
        return data
    reduced = cv2.resize(pixels, wanted, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", reduced, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()


def prepared(data: bytes, size: int) -> bytes:
    """What we store."""
    result = prepare(data, ImageSettings(resize="keep_ratio_largest", size=size, quality=QUALITY))
    assert isinstance(result, Prepared), result
    return result.jpeg


def loop_seconds(step: Callable[[bytes, int], bytes], paths: Sequence[Path], size: int) -> float:
    """CPU seconds of ``step`` over all pictures, without reading the files."""
    seconds = 0.0
    for path in paths:
        data = path.read_bytes()
        start = time.process_time()
        step(data, size)
        seconds += time.process_time() - start
    return seconds


def threads_gain(paths: Sequence[Path], size: int) -> float:
    """How many times faster two threads prepare the pictures than one, by wall time: the codecs let go of the interpreter."""
    pictures = [path.read_bytes() for path in paths]
    seconds = []
    for workers in (1, 2):
        with ThreadPoolExecutor(workers) as pool:
            start = time.perf_counter()
            list(pool.map(lambda data: prepared(data, size), pictures))
            seconds.append(time.perf_counter() - start)
    return seconds[0] / seconds[1]


def psnr(jpeg: bytes, original: bytes) -> float:
    """Peak signal to noise, in dB, of a stored picture to a Lanczos reduction of its original."""
    with Image.open(io.BytesIO(jpeg)) as image:
        shown = np.asarray(image.convert("RGB"), np.float64)
    with Image.open(io.BytesIO(original)) as image:
        wanted = image.convert("RGB").resize((shown.shape[1], shown.shape[0]), Image.Resampling.LANCZOS)
    error = float(np.mean((shown - np.asarray(wanted, np.float64)) ** 2))
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def peer_pictures(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name of the original, JPEG) of what img2dataset wrote."""
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            jpeg = b""
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None
                if member.name.endswith(".jpg"):
                    jpeg = content.read()
                elif member.name.endswith(".json"):
                    yield json.load(content)["url"].rpartition("/")[2], jpeg


def psnr_figures(paths: Sequence[Path], peer: Path) -> dict[str, float]:
    """Mean PSNR at 512 of ours, of the bare codec and of img2dataset, over the same pictures."""
    theirs = dict(peer_pictures(peer))
    if len(theirs) < len(paths):
        raise SystemExit(f"img2dataset kept {len(theirs)} of {len(paths)} pictures: nothing to compare")
    chosen = [(path.read_bytes(), path.name) for path in paths[:PSNR_PICTURES]]
    return {
        "psnr_512": float(np.mean([psnr(prepared(data, 512), data) for data, _ in chosen])),
        "psnr_512_codec": float(np.mean([psnr(bare_codec(data, 512), data) for data, _ in chosen])),
        "psnr_512_img2dataset": float(np.mean([psnr(theirs[name], data) for data, name in chosen])),
    }


def speed_figures(
    ours: Mapping[str, Sequence[Cost]], peer: Mapping[str, Sequence[Cost]], count: int
) -> dict[str, float]:
    """Pictures per CPU second and per second of both, medians over the turns, and how many times ours is faster."""
    figures: dict[str, float] = {}
    for way in ours:
        mine, theirs = median(cost.cpu for cost in ours[way]), median(cost.cpu for cost in peer[way])
        figures[f"vs_img2dataset_{way}"] = theirs / mine
        figures[f"per_core_{way}"] = count / mine
        figures[f"per_core_{way}_img2dataset"] = count / theirs
        figures[f"per_second_{way}"] = count / median(cost.wall for cost in ours[way])
        figures[f"per_second_{way}_img2dataset"] = count / median(cost.wall for cost in peer[way])
    return figures


def codec_figures(paths: Sequence[Path], ours: Mapping[str, Sequence[Cost]], repeat: int) -> dict[str, float]:
    """Our worker, fetching included, and ``prepare`` alone, as fractions of the bare codec's speed."""
    figures: dict[str, float] = {}
    for size in SIZES:
        turns = [(loop_seconds(bare_codec, paths, size), loop_seconds(prepared, paths, size)) for _ in range(repeat)]
        bare, alone = median(turn[0] for turn in turns), median(turn[1] for turn in turns)
        figures[f"vs_codec_{size}"] = bare / median(cost.cpu for cost in ours[str(size)])
        figures[f"prepare_vs_codec_{size}"] = bare / alone
        figures[f"codec_per_core_{size}"] = len(paths) / bare
        figures[f"two_threads_{size}"] = threads_gain(paths[:THREADS_PICTURES], size)
    return figures


def measure(options: Any) -> dict[str, float]:
    """All figures."""
    cv2.setNumThreads(1)
    keep_freed()
    cache = options.cache
    python = peer_python()
    folder = cache / f"pictures-{options.progressive:g}"
    with (
        tempfile.TemporaryDirectory() as scratch,
        served(options.images, folder, options.count, options.progressive) as urls,
    ):
        compared = Comparison(python, urls, Path(scratch))
        ours: dict[str, list[Cost]] = {way: [] for way in WAYS}
        peer: dict[str, list[Cost]] = {way: [] for way in WAYS}
        for turn in range(options.repeat):
            for way in WAYS:
                peer[way].append(compared.peer(way, turn))
                ours[way].append(compared.ours(way))
        if options.profile:
            for way in WAYS:
                print(f"way {way}\n{compared.profile(way)}")
        paths = pictures(folder, options.count)
        return {
            **speed_figures(ours, peer, options.count),
            **codec_figures(paths, ours, options.repeat),
            **psnr_figures(paths, compared.peer_folder("512", 0)),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description="Fetching and preparing against img2dataset and the bare codec.")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--count", type=int, default=3000, help="how many pictures")
    parser.add_argument(
        "--progressive", type=float, default=0.0, help="share of the pictures that are progressive JPEGs"
    )
    parser.add_argument("--repeat", type=int, default=1, help="how often; medians are printed")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "humanverse-bench-fetch")
    parser.add_argument("--profile", action="store_true", help="print where our worker spends its time")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object in the last line")
    options: Any = parser.parse_args(arguments)
    figures = measure(options)
    for name, value in figures.items():
        print(f"{name:32} {value:9.2f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
