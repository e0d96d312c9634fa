"""How fast layers are added to a dataset, against a bare loop over the same model; how much is read and written for it.

A dataset is built from a folder of photographs. Then, turn by turn, (a) ``annotate`` adds the layer in one process: it reads
tables and tar, decodes in a thread of its own, runs the model, writes the layer; and (b) the same loaded annotator is called
in a bare loop, over pictures that are decoded already and person rows that are Python objects. Both are wall times without the
loading of the model, which runs on one thread in both. ``--kind person`` takes another model. The same is done with an
annotator that does nothing, for what one row costs.

    python benchmarks/annotate.py --images DIR [--kind pose] [--repeat 3] [--json]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO
from unittest import mock

from annotators import registry
from annotators.base import Annotator, Card, Picture, Row
from humanverse.dataset import create
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.memory import keep_freed
from humanverse.storage import Store
from pipelines.build import build
from pipelines.engine.choice import started
from pipelines.plan_layers import Asked, Plan, plan
from pipelines.stages.add_layers import AddLayers, Lacking
from schemas.recipe import load

ANNOTATORS = {"pose": "movenet-mediapipe", "person": "ssd-mobilenet-v2", "quality": "pixels", "safety": "open-nsfw"}
NOTHING = f"{Path(__file__).stem}:Nothing"
RECIPE: dict[str, Any] = {
    "gate": {"min_people": 0, "max_people": None, "min_area_ratio": None, "min_side": 1},
    "annotators": {kind: None for kind in registry.kinds() if kind != "person"},
}


class Nothing(Annotator):
    """Does nothing."""

    card = Card("aesthetic", "nothing", 1, "for the benchmark", "none", "none", "none", "none")
    looks = False

    @property
    def batch_size(self) -> int:
        return 64

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
        return [{"score": 0.0}] * len(pictures)


@dataclass(frozen=True)
class Run:
    """What adding one layer took.

    Attributes:
        seconds: wall time, from the first shard to the last, models loaded.
        rows: of the layer.
        read: bytes read from the images' tars.
        written: bytes that the process wrote, to whatever file.
        layer: bytes of the layer's files.
    """

    seconds: float
    rows: int
    read: int
    written: int
    layer: int


class _Counting:
    """A file that counts what is read from it."""

    def __init__(self, file: BinaryIO, read: list[int]) -> None:
        self._file, self._read = file, read

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._read.append(len(data))
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextlib.contextmanager
def counted_reads() -> Iterator[list[int]]:
    """Bytes of each reading of an image's tar, inside the block."""
    read: list[int] = []
    opened, ranged = Store.reading, Store.read_range

    @contextlib.contextmanager
    def reading(store: Store, path: str) -> Iterator[Any]:
        with opened(store, path) as file:
            yield _Counting(file, read) if path.startswith("images/") else file

    def read_range(store: Store, path: str, offset: int, size: int) -> bytes:
        data = ranged(store, path, offset, size)
        if path.endswith(".tar"):
            read.append(len(data))
        return data

    with mock.patch.object(Store, "reading", reading), mock.patch.object(Store, "read_range", read_range):
        yield read


def bytes_written() -> int:
    """What this process has written so far, by Linux's count."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).partition(":")[2])


class Bench:
    """One dataset, to which layers are added under ever new names."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._names = iter(f"bench-{number}" for number in range(10**6))

    def plan(self, kind: str, annotator: str) -> Plan:
        """A new layer."""
        return plan(Dataset(self.url), Asked({kind: annotator}, {kind: next(self._names)}), "cpu")

    def add(self, planned: Plan) -> Run:
        """Add it in this process, as ``annotate --local`` does."""
        dataset = Dataset(self.url)
        (kind,) = planned.additions
        layer = planned.additions[kind].layer
        begun: list[float] = []
        before: list[int] = []

        def feed() -> Iterator[Lacking]:
            begun.append(time.perf_counter())
            before.append(bytes_written())
            create.declare_layer(dataset.store, layer, planned.cards[kind])
            for number in dataset.shards():
                yield Lacking(number, (kind,))

        with counted_reads() as read, started(True, dataset.recipe.resources, None) as engine:
            stage = AddLayers(self.url, planned.additions, planned.reads, engine.attempts)
            done = list(engine.run(feed, [stage]))
        seconds, written = time.perf_counter() - begun[0], bytes_written() - before[0]
        if lost := [item.error for item in done if item.error]:
            raise UserError(lost[0])
        files = Path(self.url, "layers", layer).iterdir()
        rows = sum(sum(item.layers[layer].values()) for item in done)
        return Run(seconds, rows, sum(read), written, sum(path.stat().st_size for path in files))

    def pictures(self) -> tuple[list[Picture], list[Row]]:
        """Every picture, decoded, and its person row."""
        samples = list(Dataset(self.url).samples(["person"]))
        pictures = [Picture(sample.uid, sample.jpeg) for sample in samples]
        for picture in pictures:
            _ = picture.rgb
        return pictures, [dict(sample.layers["person"]) for sample in samples]


def bare_loop(annotator: Annotator, pictures: Sequence[Picture], people: Sequence[Row]) -> float:
    """Seconds of calling a loaded annotator, in batches of its size."""
    size = max(1, annotator.batch_size)
    begun = time.perf_counter()
    for start in range(0, len(pictures), size):
        needs = {"person": people[start : start + size]} if annotator.card.needs else {}
        annotator.annotate(pictures[start : start + size], needs)
    return time.perf_counter() - begun


def measure(images: Path, kind: str, repeat: int) -> dict[str, float]:
    """All figures."""
    keep_freed()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "people"
        result = build([str(images)], str(folder), load("lite", None, RECIPE), local=True)
        if result.nothing_worked:
            raise UserError(f"{images}: no picture can be used: give a folder of photographs")
        bench = Bench(folder)
        pictures, people = bench.pictures()
        runs, loops, idle = [], [], []
        for _ in range(repeat):
            planned = bench.plan(kind, ANNOTATORS[kind])
            runs.append(bench.add(planned))
            loops.append(bare_loop(planned.additions[kind].annotator, pictures, people))
            idle.append(bench.add(bench.plan("aesthetic", NOTHING)))
        return figures(runs, loops, idle, sum(len(picture.jpeg) for picture in pictures))


def figures(runs: Sequence[Run], loops: Sequence[float], idle: Sequence[Run], jpeg_bytes: int) -> dict[str, float]:
    """Ratios and rates, medians over the turns.

    Args:
        runs: with the model.
        loops: seconds of the bare loop over as many pictures.
        idle: with the annotator that does nothing.
        jpeg_bytes: of all pictures.
    """
    return {
        "vs_bare_loop": median(loop / run.seconds for run, loop in zip(runs, loops, strict=True)),
        "rows_per_second": median(run.rows / run.seconds for run in runs),
        "bare_rows_per_second": median(run.rows / loop for run, loop in zip(runs, loops, strict=True)),
        "row_cost_us": median(1e6 * run.seconds / run.rows for run in idle),
        "bytes_written_ratio": median(run.written / run.layer for run in runs),
        "image_reads_per_sample": median(run.read / jpeg_bytes for run in runs),
        "samples": float(runs[0].rows),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description="Adding a layer against a bare loop over the same model.")
    parser.add_argument("--images", type=Path, required=True, help="folder of photographs")
    parser.add_argument("--kind", default="pose", choices=sorted(ANNOTATORS), help="which lite model")
    parser.add_argument("--repeat", type=int, default=3, help="turns; medians are printed")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object in the last line")
    options: Any = parser.parse_args(arguments)
    try:
        found = measure(options.images, options.kind, options.repeat)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    for name, value in found.items():
        print(f"{name:24} {value:10.3f}")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
