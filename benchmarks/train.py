"""What training costs: steps beside those of a plain UNet, and the time that the trainer waits for data.

    python -m benchmarks.train [--device auto] [--dtype auto] [--size PIXELS] [--only PART] [--write PAGE] [--json]

* ``structure``: a step of stage 1 (three targets, one block replicated) by a step of the plain UNet of Stable Diffusion 2 on the
  same latents, turn by turn, and that by the ratio of both's operations: 1 if what is added runs as well as what was there.
* ``refiner``: the same of stage 2, whose UNet is frozen, and SDXL's UNet, all of it trained.
* ``wait``: the share of time that the trainer's own log says it waits for data, over steps of stage 1 on 64 synthetic people.
* ``loader``: ``benchmarks/loader.py`` on the same pictures.

On a GPU the networks have their real width, on a CPU a fifth of it. Weights are random.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmarks import loader, train_step, train_wait
from benchmarks.estimator_speed import Machine, free
from benchmarks.estimators import significant, written
from benchmarks.train_step import Place, Size
from humanverse.errors import UserError

Figures = dict[str, float]
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PRECISIONS = {"float32": "no", "bfloat16": "bf16"}
"""What the trainer calls them."""


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        place: where, and in which precision.
        sizes: of both stages.
        repeat: turns.
        steps: of the trainer.
        dataset: to train on; None to make one.
    """

    place: Place
    sizes: Mapping[str, Size]
    repeat: int
    steps: int
    dataset: str | None = None


@dataclass(frozen=True)
class Usual:
    """What is taken where nothing is asked for."""

    dtype: str
    sizes: Mapping[str, Size]
    repeat: int
    steps: int


USUAL: Mapping[str, Usual] = {
    "cpu": Usual("float32", {"structure": Size(64, 256, 2), "refiner": Size(64, 256, 2)}, repeat=7, steps=16),
    "cuda": Usual("bfloat16", {"structure": Size(320, 512, 8), "refiner": Size(320, 1024, 4)}, repeat=15, steps=40),
}


def steps_of(stage: str, asked: Asked) -> Figures:
    """Milliseconds of both steps, the ratios of time and of operations, and the one by the other."""
    operations = train_step.ratio_of_operations(stage, replace(asked.sizes[stage], batch=1))
    times = train_step.timed(stage, asked.sizes[stage], asked.place, asked.repeat)
    free(asked.place.device)
    return {
        f"{stage}_ms": 1000 * times.ours,
        f"{stage}_plain_ms": 1000 * times.plain,
        f"{stage}_time_ratio": times.ratio,
        f"{stage}_flop_ratio": operations,
        f"{stage}_vs_ideal": times.ratio / operations,
    }


def wait_of(asked: Asked) -> Figures:
    """The trainer's wait, by its log."""
    size, precision = asked.sizes["structure"], PRECISIONS[str(asked.place.dtype).removeprefix("torch.")]
    with tempfile.TemporaryDirectory() as folder:
        made = train_wait.settings(size, precision)
        found = train_wait.waited(str(asked.dataset), Path(folder) / "run", made, asked.place.device, asked.steps)
    free(asked.place.device)
    return {
        "data_wait": found.share,
        "train_samples_per_s": found.samples_per_s,
        "train_steps": found.steps,
    }


def loader_of(asked: Asked) -> Figures:
    """Samples a second beside webdataset."""
    warnings.filterwarnings("ignore", module="webdataset")
    return loader.measure(loader.Load(str(asked.dataset), workers=2, batch=8, samples=train_wait.PICTURES), repeat=3)


PARTS: Mapping[str, Callable[[Asked], Figures]] = {
    "structure": lambda asked: steps_of("structure", asked),
    "refiner": lambda asked: steps_of("refiner", asked),
    "wait": wait_of,
    "loader": loader_of,
}
ON_PICTURES = ("wait", "loader")


def figures(parts: Sequence[str], asked: Asked) -> Figures:
    """Those of all ``parts``; ``step_vs_ideal`` is that of stage 1."""
    with tempfile.TemporaryDirectory() as folder:
        if asked.dataset is None and set(parts) & set(ON_PICTURES):
            asked = replace(asked, dataset=train_wait.people(Path(folder) / "people", asked.sizes["structure"].side))
        found: Figures = {}
        for part in parts:
            print(f"measuring: {part}", file=sys.stderr, flush=True)
            found |= PARTS[part](asked)
    return found | ({"step_vs_ideal": found["structure_vs_ideal"]} if "structure" in parts else {})


def rows(found: Figures, sizes: Mapping[str, Size]) -> list[tuple[str, ...]]:
    """Steps: stage, size, both times, their ratio, that of operations, and the one by the other."""
    return [
        (
            stage,
            f"{size.width}, {size.side}², {size.batch}",
            *(f"{significant(found[f'{stage}{name}'])}" for name in ("_ms", "_plain_ms")),
            *(f"{found[f'{stage}{name}']:.3f}" for name in ("_time_ratio", "_flop_ratio", "_vs_ideal")),
        )
        for stage, size in sizes.items()
        if f"{stage}_ms" in found
    ]


HEAD = ("stage", "width, side, batch", "step, ms", "plain UNet, ms", "ratio", "of operations", "time by operations")


def lines(found: Figures) -> list[str]:
    """What is told about data."""
    told = []
    if "data_wait" in found:
        rate, steps = significant(found["train_samples_per_s"]), int(found["train_steps"])
        told.append(f"Waiting for data: {found['data_wait']:.2%} of {steps} steps' time, at {rate} samples/s.")
    if "loader_vs_webdataset" in found:
        told += [
            f"Loading, `{task}`: {significant(found[f'{task}_samples_per_s'])} samples/s, "
            f"{found[f'{task}_vs_webdataset']:.2f} times webdataset."
            for task in loader.TASKS
        ]
    return told


TITLE = """# Training: costs

Random weights; `benchmarks/train.py` says what is measured. A section for each processor. Aims: time by operations at most 1.15,
waiting for data less than 2 % of the time, loading at least as fast as webdataset.
"""


def section(machine: Machine, place: Place, command: str, told: Sequence[str], table: Sequence[Sequence[str]]) -> str:
    """What is written about one processor."""
    dtype = str(place.dtype).removeprefix("torch.")
    shown = [HEAD, ["---"] * 2 + ["--:"] * 5, *table] if table else []
    text = "\n".join("| " + " | ".join(row) + " |" for row in shown)
    begun = f"## {machine.name}\n\n    {command}\n\n{datetime.now(UTC):%Y-%m-%d}, torch {torch.__version__}, {dtype}."
    return "\n\n".join(part for part in (begun, text, "\n".join(f"- {line}" for line in told)) if part) + "\n"


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.train", description="What training costs.")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:0, auto")
    parser.add_argument("--dtype", default="auto", choices=["auto", *DTYPES], help="bfloat16 on a GPU if not given")
    parser.add_argument("--size", type=int, help="sides of the pictures in pixels, a multiple of 64")
    parser.add_argument("--width", type=int, help="channels of the first block, a multiple of 64; 320 is the real one")
    parser.add_argument("--batch", type=int, help="pictures of a step")
    parser.add_argument("--repeat", type=int, help="turns")
    parser.add_argument("--steps", type=int, help=f"of the trainer, more than {train_wait.BEGINNING}")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of the CPU")
    parser.add_argument("--dataset", help="to train on and to load; 64 synthetic pictures if not given")
    parser.add_argument("--only", action="append", choices=[*PARTS], help="may be given several times")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="Markdown page; this processor's section is replaced"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object in the last line")
    return parser.parse_args(arguments)


def asked_of(options: Any, machine: Machine) -> Asked:
    """What ``options`` say, and for the rest what is usual.

    Raises:
        UserError: for numbers that cannot be.
    """
    usual = USUAL[machine.place.partition(":")[0]]
    for name in ("size", "width"):
        if (value := getattr(options, name)) is not None and (value <= 0 or value % 64):
            raise UserError(f"--{name} {value}: give a multiple of 64")
    if options.steps is not None and options.steps <= train_wait.BEGINNING:
        raise UserError(f"--steps {options.steps}: the first {train_wait.BEGINNING} do not count, give more")
    given = {"side": options.size, "width": options.width, "batch": options.batch}
    changes: Any = {name: value for name, value in given.items() if value is not None}
    return Asked(
        Place(machine.place, DTYPES[usual.dtype if options.dtype == "auto" else options.dtype]),
        {stage: replace(size, **changes) for stage, size in usual.sizes.items()},
        options.repeat or usual.repeat,
        options.steps or usual.steps,
        options.dataset and str(Path(options.dataset).resolve()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's text."""
    options = parsed(arguments)
    torch.set_num_threads(options.threads)
    try:
        machine = Machine.here(options.device, options.threads)
        asked = asked_of(options, machine)
        found = figures(options.only or [*PARTS], asked)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    table, told = rows(found, asked.sizes), lines(found)
    print("\n".join([machine.name, *("  ".join(row) for row in [HEAD, *table]), *told]))
    if options.write:
        command = "python -m benchmarks.train " + shlex.join(arguments if arguments is not None else sys.argv[1:])
        page = options.write.read_text(encoding="utf-8") if options.write.is_file() else TITLE
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(written(page, section(machine, asked.place, command, told, table)), encoding="utf-8")
    if options.json:
        print(json.dumps({name: round(value, 4) for name, value in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
