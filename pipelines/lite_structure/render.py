"""Renders examples into a cache folder, in worker processes. What is there already is not made again."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from annotators.structure.selfie import Selfie
from humanverse.synth import SynthSettings, sample
from pipelines.lite_structure.examples import example_of, path_of, save

RENDERED_SIDE = 320
"""Of the pictures, in pixels: a little more than the network's window has."""
Task = tuple[Path, int, int, SynthSettings]


@lru_cache(maxsize=1)
def _segmenter() -> Selfie:
    return Selfie()


def _make(task: Task) -> Path:
    folder, seed, index, settings = task
    path = path_of(folder, index)
    save(example_of(sample(seed, index, settings), _segmenter()), path)
    return path


def render(
    folder: Path,
    seed: int,
    number: int,
    backgrounds: str | None = None,
    side: int = RENDERED_SIDE,
    workers: int | None = None,
) -> Iterator[Path]:
    """Make examples 0 to ``number`` of the series ``seed`` that ``folder`` lacks, and tell of each.

    Args:
        folder: the cache, outside the repository.
        seed: of ``humanverse.synth``.
        number: of examples.
        backgrounds: a folder of photographs without people, for some of the pictures; None: all backgrounds are rendered.
        side: of the pictures, in pixels.
        workers: processes; one per CPU core if not given.

    Raises:
        UserError: if the synth extra is missing, or a background cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = SynthSettings(size=side, backgrounds=backgrounds)
    tasks = [(folder, seed, index, settings) for index in range(number) if not path_of(folder, index).exists()]
    workers = min(workers or len(os.sched_getaffinity(0)), max(len(tasks), 1))
    if workers == 1:
        yield from map(_make, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_make, tasks)
