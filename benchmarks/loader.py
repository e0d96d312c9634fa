"""How fast training batches come, against webdataset on the same tars.

Two tasks, each done turn by turn by (a) ``Dataset.to_torch`` and (b) webdataset with its usual shuffling, in PyTorch's
``DataLoader``; both with the same number of workers (threads of ours, processes of its) and of samples in a batch:

* ``image``: pictures decoded, cropped to 512 x 512 and brought to [-1, 1], with the source's caption;
* ``all``: pictures, depth, normals, drawn skeleton and captions. webdataset reads the three tars of a shard in step and finds
  keypoints and captions by uid in the Parquet tables, which are in memory.

What is done to one sample is the same code in both. Wall time is counted from the first batch on. The dataset should fit the page
cache; ``humanverse synth DATASET --n 200`` makes one.

    python benchmarks/loader.py DATASET [--workers 2] [--batch 8] [--samples 400] [--repeat 3] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from humanverse.dataset import layout
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.loading.fetching import PICTURE, Contents
from humanverse.loading.loader import resolve_layers
from humanverse.loading.sample import Layers, Maker, Slots
from humanverse.loading.settings import Settings, settings_of
from humanverse.loading.stream import Pace
from humanverse.loading.tables import Facts, Tables
from schemas.layers import KINDS

TASKS: dict[str, tuple[str, ...]] = {"image": (), "all": ("depth", "normal", "pose")}
TOGETHER = "\n"
"""Between the paths of a shard's tars, which webdataset takes for one URL."""
SHUFFLED = 1000
"""Samples in webdataset's shuffle buffer."""


@dataclass(frozen=True)
class Load:
    """What is measured: a dataset, workers, samples in a batch, samples in all."""

    url: str
    workers: int
    batch: int
    samples: int


def ours(load: Load, layers: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Batches of ``to_torch``, without end."""
    dataset = Dataset(load.url)
    return iter(dataset.to_torch(layers=layers, batch_size=load.batch, pace=Pace(threads=max(load.workers, 1))))


class Given:
    """What webdataset's samples become: the work that ``to_torch`` does to each, with facts that are in memory.

    Args:
        url: of the dataset.
        settings: as those of ``to_torch``.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self._url, self._settings = url, settings
        self._layers: Layers = resolve_layers(Dataset(url).select(None), settings)
        self._facts: dict[str, Facts] = {}

    @property
    def layers(self) -> Layers:
        return self._layers

    def load(self) -> None:
        """Read the facts of all samples."""
        dataset = Dataset(self._url)
        tables = Tables(dataset, self._layers.read, 1)
        for shard in dataset.shards():
            rows = dataset.images(shard, ["row"]).column("row").to_numpy()
            found = tables.facts(np.full(len(rows), shard), rows)
            self._facts.update({facts.uid: facts for facts in found if facts is not None})

    def one(self, parts: tuple[dict[str, Any], ...]) -> dict[str, Any]:
        """A sample as arrays."""
        facts, size = self._facts[parts[0]["__key__"]], self._settings.buckets[0]
        names = [PICTURE, *self._layers.dense.values()]
        suffixes = [layout.IMAGE_SUFFIX, *(str(KINDS[kind].suffix) for kind in self._layers.dense)]
        found = {name: part[suffix] for name, part, suffix in zip(names, parts, suffixes, strict=True)}
        slots = Slots.empty(1, size, self._layers)
        Maker(self._settings, self._layers).fill(slots, 0, facts, Contents(found), 0, size)
        return {
            **{name: array[0] for name, array in slots.arrays.items()},
            "sizes": slots.sizes[0],
            "caption": slots.captions[0],
        }


def in_step(shards: Iterable[dict[str, str]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Members of several tars of a shard side by side, as webdataset's own reader gives them."""
    import webdataset

    for shard in shards:
        read = [webdataset.tarfile_samples([{"url": path}]) for path in shard["url"].split(TOGETHER)]
        yield from zip(*read, strict=True)


class Theirs:
    """webdataset's pipeline over the tars of a dataset, as an iterable data set of PyTorch; it starts again at the end."""

    def __init__(self, load: Load, layers: tuple[str, ...]) -> None:
        self._given = Given(load.url, settings_of(layers, batch_size=load.batch))
        folders = [layout.images_tar, *(_tar_of(layer) for layer in self._given.layers.dense.values())]
        shards = Dataset(load.url).shards()
        self._tars = [TOGETHER.join(f"{load.url}/{path(shard, 0)}" for path in folders) for shard in shards]
        self._batch = load.batch

    def pipeline(self) -> Any:
        import webdataset

        self._given.load()
        return webdataset.DataPipeline(
            webdataset.SimpleShardList(self._tars),
            webdataset.split_by_worker,
            in_step,
            webdataset.shuffle(SHUFFLED),
            webdataset.map(self._given.one),
            webdataset.batched(self._batch, partial=False),
        ).repeat()


def _tar_of(layer: str) -> Callable[[int, int], str]:
    return lambda shard, generation: layout.layer_tar(layer, shard, generation)


def theirs(load: Load, layers: tuple[str, ...]) -> Iterator[Any]:
    """Batches of webdataset, without end."""
    from torch.utils.data import DataLoader

    pipeline = Theirs(load, layers).pipeline()
    context = "fork" if load.workers else None
    made = DataLoader(pipeline, batch_size=None, num_workers=load.workers, multiprocessing_context=context)
    return iter(made)


def rate(batches: Iterator[Any], load: Load) -> float:
    """Samples a second, from the first batch on."""
    next(batches)
    begun = time.perf_counter()
    count = load.samples // load.batch
    for _ in range(count):
        next(batches)
    return count * load.batch / (time.perf_counter() - begun)


def measure(load: Load, repeat: int) -> dict[str, float]:
    """Per task samples a second of both, medians over ``repeat`` turns, and the median of the turns' ratios."""
    found: dict[str, float] = {}
    for task, layers in TASKS.items():
        turns = [(rate(ours(load, layers), load), rate(theirs(load, layers), load)) for _ in range(repeat)]
        found[f"{task}_samples_per_s"] = median(own for own, _ in turns)
        found[f"{task}_webdataset_samples_per_s"] = median(other for _, other in turns)
        found[f"{task}_vs_webdataset"] = median(own / other for own, other in turns)
    return {**found, "loader_vs_webdataset": min(found[f"{task}_vs_webdataset"] for task in TASKS)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", help="a dataset in a folder, with depth, normal and pose")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore", module="webdataset")
    load = Load(str(Path(asked.dataset).resolve()), asked.workers, asked.batch, asked.samples)
    try:
        found = measure(load, asked.repeat)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    for task in TASKS:
        own, other = found[f"{task}_samples_per_s"], found[f"{task}_webdataset_samples_per_s"]
        print(f"{task:6s} {own:7.1f} samples/s, webdataset {other:7.1f}, ratio {found[f'{task}_vs_webdataset']:.2f}")
    if asked.json:
        print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
