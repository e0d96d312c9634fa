"""How fast each estimator is in its real size, with random weights, on the processor at hand, and which part of its peak that is.

Pictures are of one size and decoded already. An estimator is called as a worker calls it, in one process: preparing inputs, the
network, making rows. Batches of 1, 2, 4, … are tried until memory runs out or two steps bring nothing. ``images/s`` is of the
whole call; ``network`` is the part of that time in which a batch is on its way to the processor, on it, or read back.
Operations are counted by torch as they run (``FlopCounterMode``), so that a caption has those of the tokens that were written;
with random weights it never ends before ``max_new_tokens``, which is ``CAPTION_TOKENS`` here. ``of peak`` is operations over
network time over the processor's peak (``benchmarks/peak.py``). Of estimators of people each picture has two.

    python -m benchmarks.estimators [--only KIND=NAME ...] [--device auto] [--dtype bfloat16] [--write docs/results/estimators.md]
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import platform
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
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
from humanverse.errors import UserError

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


HEAD = (
    "estimator",
    "parameters",
    "dtype",
    "batch",
    "images/s",
    "network, images/s",
    "TFLOP an image",
    "of peak",
    "memory",
)


def of_peak(found: Found, machine: Machine) -> float:
    """The part of the processor's peak that the network's operations are, while it runs."""
    limit = peak.of(machine.name, found.dtype, machine.place)
    return found.tflop * peak.TERA * found.network_per_s / limit.operations


def cells(layer: str, found: Found, share: float) -> tuple[str, ...]:
    """A line of the table; ``share`` is of the peak."""
    millions = found.parameters / 1e6
    return (
        f"`{layer}`",
        f"{millions / 1000:.2f} G" if millions >= 1000 else f"{millions:.1f} M",
        found.dtype,
        str(found.batch),
        significant(found.images_per_s),
        significant(found.network_per_s),
        significant(found.tflop),
        f"{100 * share:.0f} %",
        f"{found.memory_gb:.1f} GB",
    )


def significant(value: float) -> str:
    """Three digits."""
    if value <= 0 or not math.isfinite(value):
        return "0"
    rounded = float(f"{value:.3g}")
    return f"{rounded:.{max(0, 2 - math.floor(math.log10(rounded)))}f}"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table, with ``HEAD``."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (HEAD, ["---", *["--:"] * (len(HEAD) - 1)], *rows))


def section(machine: Machine, command: str, found: Mapping[str, Found], today: str) -> str:
    """What is written about one processor."""
    import torch

    peaks = {one.dtype: peak.of(machine.name, one.dtype, machine.place) for one in found.values()}
    limits = ", ".join(
        f"{significant(limit.operations / peak.TERA)} TFLOP/s in {dtype} ({limit.source})"
        for dtype, limit in sorted(peaks.items())
    )
    rows = [cells(layer, one, of_peak(one, machine)) for layer, one in found.items()]
    shown = f"Pictures of {WIDTH} x {HEIGHT}, {len(PEOPLE)} people in each; captions of {CAPTION_TOKENS} tokens."
    return (
        f"## {machine.name}\n\n    {command}\n\n{today}, torch {torch.__version__}; peak {limits}.\n{shown}\n\n"
        f"{markdown(rows)}\n"
    )


TITLE = """# Estimators: speed

Random weights of the real architectures; `benchmarks/estimators.py` says what is measured. A section for each processor.
"""


def written(page: str, part: str) -> str:
    """``page`` with ``part`` instead of the section of the same heading, or behind all others."""
    head, *parts = (page or TITLE).split("\n## ")
    heading = part.splitlines()[0].removeprefix("## ")
    kept = [one.rstrip() for one in parts if one.splitlines()[0] != heading]
    return "\n\n## ".join([head.rstrip(), *kept, part.removeprefix("## ").rstrip()]) + "\n"


def chosen(only: Sequence[str]) -> list[tuple[str, str]]:
    """The estimators to measure.

    Raises:
        UserError: if one is unknown.
    """
    from tests.annotators.full_size import FULL

    wanted = [(kind, name) for kind, _, name in (text.partition("=") for text in only)]
    for kind, name in wanted:
        if (kind, name) not in FULL:
            there = ", ".join(f"{one}={other}" for one, other in FULL)
            raise UserError(f"--only {kind}={name}: no random weights are known for it; there are {there}")
    return wanted or list(FULL)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimators", description="Speed of the estimators.")
    parser.add_argument("--only", action="append", default=[], metavar="KIND=NAME", help="may be given several times")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:0, auto")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16", "float16"])
    parser.add_argument("--threads", type=int, default=1, help="of the CPU, for a network on it")
    parser.add_argument("--seconds", type=float, default=3.0, help="that each size of batch is repeated for, at least")
    parser.add_argument("--most", type=int, help="inputs of a batch; 4 on a CPU and 64 on a GPU if not given")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="Markdown page; its section of this processor is replaced"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object in the last line")
    options: Any = parser.parse_args(arguments)
    found: dict[str, Found] = {}
    try:
        machine = Machine.here(options.device, options.threads)
        print(f"{machine.name}\n" + "  ".join(HEAD), flush=True)
        for kind, name in chosen(options.only):
            try:
                found[f"{kind}={name}"] = one = measure(
                    kind, name, machine, options.dtype, options.seconds, options.most
                )
                print("  ".join(cells(f"{kind}={name}", one, of_peak(one, machine))), flush=True)
            except Exception as error:
                print(
                    f"{kind}={name} was not measured: {' '.join(str(error).split())[:200]}", file=sys.stderr, flush=True
                )
            _free(machine.place)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if options.write and found:
        command = "python -m benchmarks.estimators " + shlex.join(arguments if arguments is not None else sys.argv[1:])
        page = options.write.read_text(encoding="utf-8") if options.write.is_file() else ""
        part = section(machine, command, found, f"{datetime.now(UTC):%Y-%m-%d}")
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(written(page, part), encoding="utf-8")
    if options.json:
        all_of = {layer: {**asdict(one), "of_peak": of_peak(one, machine)} for layer, one in found.items()}
        figures = {f"{layer}.{key}": value for layer, one in all_of.items() for key, value in one.items()}
        print(json.dumps({"processor": machine.name, **figures}))
    return 0 if found else 1


def _free(place: str) -> None:
    gc.collect()
    if place.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()


if __name__ == "__main__":
    sys.exit(main())
