"""The speed of one estimator in its real size: batches, times, operations, memory. ``benchmarks/estimators.py`` says what for."""

from __future__ import annotations

import gc
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from annotators.base import Annotator, Picture, Row
from annotators.run import is_out_of_memory
from annotators.torch.batching import Batches
from annotators.torch.device import gpus, resolve
from benchmarks import peak
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import ENCODERS

WIDTH, HEIGHT = 768, 1024
PEOPLE = ([90.0, 120.0, 400.0, 980.0], [380.0, 200.0, 700.0, 1000.0])
CAPTION_TOKENS = 30
GAIN = 1.03
"""A larger batch counts as better from here."""
MOST = {"cpu": 4, "cuda": 64}
"""Inputs of a batch at the most, by the sort of processor."""


@dataclass(frozen=True)
class Found:
    """What was measured of one estimator.

    Attributes:
        dtype: of the network's numbers.
        batch: inputs of the fastest batch: pictures, or people.
        images_per_s: pictures a second, of the whole call.
        network_per_s: pictures a second, of the network's time alone.
        tflop: 10^12 operations of a picture.
        memory_gb: the most that was in use: of the GPU, or of the process.
        parameters: of the network.
    """

    dtype: str
    batch: int
    images_per_s: float
    network_per_s: float
    tflop: float
    memory_gb: float
    parameters: int


@dataclass(frozen=True)
class Machine:
    """Where it was measured.

    Attributes:
        name: of the processor.
        place: in torch.
        threads: of the CPU, for a network on it.
    """

    name: str
    place: str
    threads: int

    @classmethod
    def here(cls, device: str, threads: int) -> Machine:
        place = resolve(device)
        if place == "cpu":
            return cls(f"{_cpu()}, {threads} thread{'s' if threads > 1 else ''}", place, threads)
        return cls(gpus()[int(place.partition(":")[2])], place, threads)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def pictures(count: int) -> list[Picture]:
    """Soft patches of colour, decoded."""
    import cv2

    made = []
    for seed in range(count):
        patches = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), np.uint8)
        made.append(Picture(f"{seed:032x}", encode_jpeg(cv2.resize(patches, (WIDTH, HEIGHT)), 90), "two people"))
        _ = made[-1].rgb
    return made


def _person() -> Row:
    area = [(x1 - x0) * (y1 - y0) / (WIDTH * HEIGHT) for x0, y0, x1, y1 in PEOPLE]
    return {"boxes": [*PEOPLE], "scores": [0.9, 0.8], "area_ratios": area, "union_area_ratio": max(area)}


def _segmentation() -> Row:
    png, columns = ENCODERS["segmentation"](np.ones((HEIGHT // 2, WIDTH // 2), np.uint8))
    return {"map": png, "map_box": [0.0, 0.0, float(WIDTH), float(HEIGHT)], **columns}


NEEDS: dict[str, Callable[[], Row]] = {
    "person": _person,
    "segmentation": _segmentation,
    "caption": lambda: {"text": "two people on a street", "language": "en", "method": "none"},
}
"""Kind -> the row of each picture, of a layer that others read."""


def needed(annotator: Annotator, count: int) -> dict[str, list[Row]]:
    """Rows of the layers that it reads."""
    rows = {kind: {"status": "ok", "reason": None, **NEEDS[kind]()} for kind in annotator.card.needs}
    return {kind: [row] * count for kind, row in rows.items()}


class TimedBatches(Batches):
    """Batches that are timed.

    Attributes:
        seconds: in which a batch was under way.
        largest: batch that went through.
    """

    def __init__(self, most: int, place: str) -> None:
        super().__init__(most, sys.maxsize)
        self.place, self.seconds, self.largest = place, 0.0, 0

    def run(self, inputs: Sequence[Any], forward: Callable[[list[int]], Sequence[Any]]) -> list[Any]:
        def timed(positions: list[int]) -> Sequence[Any]:
            peak.wait(self.place)
            begun = time.perf_counter()
            answers = forward(positions)
            peak.wait(self.place)
            self.seconds += time.perf_counter() - begun
            self.largest = max(self.largest, len(positions))
            return answers

        return super().run(inputs, timed)


@dataclass(frozen=True)
class Turn:
    """Calls with one size of batch.

    Attributes:
        batch: inputs of the largest batch that went through.
        images_per_s: of the whole calls.
        network_per_s: of the network's time.
    """

    batch: int
    images_per_s: float
    network_per_s: float


def turn(annotator: Any, shown: Sequence[Picture], most: int, seconds: float) -> Turn:
    """Call an estimator again and again, after a first time that does not count.

    Args:
        annotator: loaded.
        shown: pictures of one call.
        most: inputs of a batch.
        seconds: to go on for.
    """
    needs = needed(annotator, len(shown))
    annotator._batches = TimedBatches(most, annotator.place)
    annotator.annotate(shown, needs)
    annotator._batches = timed = TimedBatches(annotator._batches.most, annotator.place)
    calls, begun = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - begun < seconds:
        annotator.annotate(shown, needs)
        calls += 1
    whole = time.perf_counter() - begun
    return Turn(timed.largest, calls * len(shown) / whole, calls * len(shown) / timed.seconds)


def turns(annotator: Any, most: int, seconds: float) -> Iterator[Turn]:
    """Turns with batches of 1, 2, 4, … until memory runs out or two steps bring nothing."""
    best, idle, size = 0.0, 0, 1
    while size <= most and idle < 2:
        shown = pictures(size)
        try:
            one = turn(annotator, shown, size * _inputs(annotator), seconds)
        except Exception as error:
            if is_out_of_memory(error) and best:
                return
            raise
        idle, best = (0, one.images_per_s) if one.images_per_s > best * GAIN else (idle + 1, best)
        yield one
        if one.batch < size * _inputs(annotator):
            return
        size *= 2


def _inputs(annotator: Annotator) -> int:
    """That an estimator makes of a picture."""
    return len(PEOPLE) if "person" in annotator.card.needs else 1


def operations(annotator: Any) -> int:
    """Multiplications and additions of one picture, each counted."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

    def attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
        return int(sdpa_flop_count(query, key, value))

    on_cpu = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: attention}
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False, custom_mapping=on_cpu) as counter:
            annotator.annotate(pictures(1), needed(annotator, 1))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops())


def parameters(network: Any) -> int:
    """Of a network, or of those in a mapping."""
    networks = network.values() if isinstance(network, Mapping) else [network]
    return sum(value.numel() for one in networks for value in one.parameters())


def measure(kind: str, name: str, machine: Machine, dtype: str, seconds: float, most: int | None = None) -> Found:
    """Measure one estimator.

    Args:
        kind: of it.
        name: of it.
        machine: where.
        dtype: of its numbers; auto is as it would run.
        seconds: for each size of batch.
        most: inputs of a batch; None is as of ``MOST``.
    """
    from transformers.utils import logging

    from tests.annotators.full_size import full

    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        found, weights = full(kind, name, Path(folder))
        asked: dict[str, Any] = {"dtype": dtype, "threads": machine.threads}
        if "max_new_tokens" in found.Settings.model_fields:
            asked["max_new_tokens"] = CAPTION_TOKENS
        annotator: Any = found(found.Settings(**asked), machine.place, weights)
        annotator.load()
    memory = Memory(machine.place)
    done = list(turns(annotator, most or MOST[machine.place.partition(":")[0]], seconds))
    best = max(done, key=lambda one: one.images_per_s)
    used = memory.most()
    count = operations(annotator)
    kept = str(annotator.dtype).removeprefix("torch.")
    peak.of(machine.name, kept, machine.place, again=True)
    return Found(
        kept,
        best.batch,
        best.images_per_s,
        best.network_per_s,
        count / peak.TERA,
        used / 1e9,
        parameters(annotator.model),
    )


def of_peak(found: Found, machine: Machine) -> float:
    """The part of the processor's peak that the network's operations are, while it runs."""
    limit = peak.of(machine.name, found.dtype, machine.place)
    return found.tflop * peak.TERA * found.network_per_s / limit.operations


class Memory:
    """The most memory in use since this was made."""

    def __init__(self, place: str) -> None:
        gc.collect()
        self.place = place
        if place.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(place)
        else:
            Path("/proc/self/clear_refs").write_text("5")

    def most(self) -> float:
        """Bytes: of the GPU, or of the process's resident memory (Linux)."""
        if self.place.startswith("cuda"):
            import torch

            return float(torch.cuda.max_memory_allocated(self.place))
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024.0 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def free(place: str) -> None:
    """Give back the memory of what is not used any more."""
    gc.collect()
    if place.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
