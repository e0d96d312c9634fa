"""How fast each estimator is in its real size, with random weights, on the processor at hand, and which part of its peak that is.

Pictures are of one size and decoded already. An estimator is called as a worker calls it, in one process: preparing inputs, the
network, making rows. Batches of 1, 2, 4, … are tried until memory runs out or two steps bring nothing. ``images/s`` is of the
whole call; ``network`` is the part of that time in which a batch is on its way to the processor, on it, or read back.
Operations are counted by torch as they run (``FlopCounterMode``), so that a caption has those of the tokens that were written;
with random weights it hardly ever ends before ``max_new_tokens``, which is ``CAPTION_TOKENS`` here. ``of peak`` is operations
over network time over the processor's peak (``benchmarks/peak.py``). Of estimators of people each picture has two.

    python -m benchmarks.estimators [--only KIND=NAME ...] [--device auto] [--dtype bfloat16] [--write docs/results/estimators.md]
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import peak
from benchmarks.estimator_speed import CAPTION_TOKENS, HEIGHT, PEOPLE, WIDTH, Found, Machine, free, measure, of_peak
from humanverse.errors import UserError

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
            free(machine.place)
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


if __name__ == "__main__":
    sys.exit(main())
