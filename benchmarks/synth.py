"""How many synthetic pictures are made a second, beside what casting their rays and encoding them takes at the least.

    python -m benchmarks.synth [--n 40] [--seed 1] [--size 512] [--workers N] [--json]

First ``humanverse synth`` makes a dataset in a temporary folder, start-up included: pictures a second by the clock. Then one
process makes the same pictures, and its processor time is taken, since other programs on the machine disturb it less than the
clock: in all; of Warp alone, that is building its tree of the faces and running the kernels; and of encoding each picture and
its maps once more. Pictures can be made no faster than these two together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from humanverse.codec import encode_jpeg
from humanverse.codec.maps import ENCODERS
from humanverse.synth import SynthSettings, sample
from humanverse.synth.render import Renderer
from humanverse.synth.samples import Sample
from pipelines.stages.render import Render, ShardToMake
from pipelines.synth import QUALITY, synth


class Clock:
    """Seconds of this process's processor time spent in what it measures."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        begun = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - begun

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, measured."""

        def measured(*given: Any, **named: Any) -> Any:
            with self.running():
                return function(*given, **named)

        return measured


def encode(made: Sample) -> None:
    """The picture's JPEG and the PNGs of its maps."""
    encode_jpeg(made.rgb, QUALITY)
    for kind, values in (("depth", made.depth), ("normal", made.normal), ("segmentation", made.labels)):
        ENCODERS[kind](values)


def seconds(n: int, seed: int, settings: SynthSettings) -> dict[str, float]:
    """Processor seconds for ``n`` pictures: ``whole``, ``rays`` and ``encoding``."""
    stage, whole, rays, encoding = Render(seed, settings, QUALITY), Clock(), Clock(), Clock()
    stage.setup(lambda **_: None)
    stage.process(ShardToMake(0, n, n + 1))  # kernels are compiled, tables computed
    start, look = rays.around(Renderer.__init__), rays.around(Renderer.look)
    with mock.patch.object(Renderer, "__init__", start), mock.patch.object(Renderer, "look", look), whole.running():
        stage.process(ShardToMake(0, 0, n))
    for index in range(n):
        made = sample(seed, index, settings)
        with encoding.running():
            encode(made)
    return {"whole": whole.seconds, "rays": rays.seconds, "encoding": encoding.seconds}


def pictures_per_second(n: int, seed: int, settings: SynthSettings, workers: int | None) -> float:
    """Of the whole job by the clock, Ray's start included."""
    with tempfile.TemporaryDirectory() as folder:
        result = synth(f"{folder}/people", n, seed, settings, workers=workers, shard_size=max(1, min(100, n // 4)))
    return n / result.seconds


def figures(n: int, seed: int, settings: SynthSettings, workers: int | None) -> dict[str, float]:
    """What is told."""
    job, took = pictures_per_second(n, seed, settings, workers), seconds(n, seed, settings)
    each = {f"{name}_ms": 1000 * value / n for name, value in took.items()}
    return {
        "pictures_per_s": job,
        **each,
        "vs_rays": took["rays"] / took["whole"],
        "vs_rays_and_encoding": (took["rays"] + took["encoding"]) / took["whole"],
    }


def table(found: dict[str, float]) -> str:
    """The figures for people."""
    return "\n".join(
        [
            "processor time a picture, one process",
            f"  whole                {found['whole_ms']:7.0f} ms",
            f"  rays alone           {found['rays_ms']:7.0f} ms   {found['vs_rays']:.2f} of the whole",
            f"  encoding alone       {found['encoding_ms']:7.0f} ms   {found['vs_rays_and_encoding']:.2f} with the rays",
            f"humanverse synth, start-up included: {found['pictures_per_s']:.2f} pictures/s",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> dict[str, float]:
    """Run the benchmark, print what was found, and return it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40, help="pictures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=512, help="sides of the pictures in pixels")
    parser.add_argument("--workers", type=int, help="of the job; as many as CPUs if not given")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    asked = parser.parse_args(arguments)
    settings = SynthSettings(size=asked.size, device="cpu")
    found = {name: round(value, 4) for name, value in figures(asked.n, asked.seed, settings, asked.workers).items()}
    print(table(found))
    if asked.json:
        print(json.dumps(found))
    return found


if __name__ == "__main__":
    main()
