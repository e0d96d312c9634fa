"""What the page's buttons do, without the page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from humanverse.errors import UserError
from humanverse.generation import hints, sheet
from humanverse.generation.folder import JSON, Folder
from humanverse.generation.generator import Generator
from humanverse.generation.request import SEEDS, Request, size_of
from humanverse.generation.skeletons import Size, Skeleton
from humanverse.plurals import plural, word
from humanverse.studio.samples import OFFERED, Samples

MOST = 16
"""Pictures of one click, at most."""
ANY_SIZE = "chosen by the model"
TITLES = {"rgb": "RGB"}
"""Outputs that are not called by their name."""


class Search(Protocol):
    """Finds ``n`` skeletons for a prompt, or as many as there are.

    Raises:
        UserError: if there is none, or it cannot be searched for.
    """

    def __call__(self, prompt: str, n: int, seed: int) -> Sequence[Skeleton]: ...


@dataclass(frozen=True)
class Wish:
    """What the fields of the page say; numbers are None where a field is empty."""

    prompt: str | None
    count: float | None = 1
    seed: float | None = 0
    steps: float | None = 50
    guidance: float | None = 7.5
    rescale: float | None = 0.7
    size: str | None = ANY_SIZE
    negative: str | None = ""
    original: str | None = ""


@dataclass
class Made:
    """What there is so far.

    Attributes:
        shown: file and title of each picture, of one request after another.
        files: all files, also the JSON beside the pictures.
        message: lines on how far it is, and on what is hardly as it was meant.
    """

    shown: list[tuple[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    message: str = ""


class Studio:
    """Makes pictures for the page, into a folder of ``humanverse generate``.

    Args:
        generator: which makes them.
        folder: where they go.
        samples: of a dataset, to choose from; None without one.
        search: finds skeletons for a prompt in that dataset.
    """

    def __init__(
        self, generator: Generator, folder: Path, samples: Samples | None = None, search: Search | None = None
    ) -> None:
        self.generator, self.folder = generator, Folder(folder)
        self.samples, self.search = samples, search

    @property
    def outputs(self) -> int:
        """Pictures that are usually made of a request, the skeleton's among them."""
        return 4 if self.generator.refiner is None else 5

    @property
    def sizes(self) -> list[str]:
        """What is offered as size."""
        return [ANY_SIZE, *(f"{width}x{height}" for width, height in self.generator.model.sizes)]

    @property
    def frame(self) -> Size:
        """Of an empty canvas."""
        return self.generator.model.sizes[0]

    def offered(self, seed: int) -> list[Skeleton]:
        """Some of the dataset's skeletons.

        Raises:
            UserError: if there are none.
        """
        return [] if self.samples is None else list(self.samples.some(seed))

    def found(self, prompt: str | None, seed: int) -> list[Skeleton]:
        """Skeletons for a prompt: ``OFFERED``, or as many as there are.

        Raises:
            UserError: if there is none, or it cannot be searched for.
        """
        assert self.search is not None
        if not prompt or not prompt.strip():
            raise UserError("say what is to be seen: skeletons are found by the prompt")
        return list(self.search(prompt, OFFERED, seed))

    def requests(self, wish: Wish, skeleton: Skeleton) -> list[Request]:
        """One for each picture, of seeds one after another.

        Raises:
            UserError: if a field's value is none that can be.
        """
        prompt = (wish.prompt or "").strip()
        if not prompt:
            raise UserError("there is no prompt: say what is to be seen")
        count, first = _whole("number", wish.count), _whole("seed", wish.seed)
        if not 1 <= count <= MOST:
            raise UserError(f"{count} pictures: ask for 1 to {MOST} at once")
        if not 0 <= first <= SEEDS - count:
            raise UserError(f"seed {first}: give 0 to {SEEDS - count}")
        found = [
            Request(
                prompt=prompt,
                skeleton=skeleton,
                size=_size(wish.size),
                seed=seed,
                steps=_whole("steps", wish.steps),
                guidance=_number("guidance", wish.guidance),
                rescale=_number("rescale", wish.rescale),
                original=_size(wish.original),
                negative=(wish.negative or "").strip(),
            )
            for seed in range(first, first + count)
        ]
        return [self.generator.resolved(request) for request in found]

    def make(
        self, wish: Wish, skeleton: Skeleton, tell: Callable[[float], None] = lambda share: None
    ) -> Iterator[Made]:
        """Make the pictures, or find those that are there already; what there is after each of them.

        Args:
            tell: is told which share of all is done, 0 to 1.

        Raises:
            UserError: if one cannot be made.
        """
        began = time.monotonic()
        requests, made_by = self.requests(wish, skeleton), self.generator.facts()
        names = [self.folder.name_of(request, made_by) for request in requests]
        todo = [request for name, request in zip(names, requests, strict=True) if not self.folder.has(name)]
        told = hints.unread(self.generator, requests)
        coming = self.generator.stream(todo, tell=lambda done: tell(done / len(todo)))
        made = Made()
        try:
            for number, (name, request) in enumerate(zip(names, requests, strict=True), 1):
                if request in todo:
                    self.folder.write(next(coming), made_by)
                self._add(made, name, request.seed)
                made.message = "\n".join([f"{number} of {len(names)} pictures", *told])
                yield made
        finally:
            sheet.write(self.folder)
        before = len(names) - len(todo)
        there = f", {before} of them {word(before, 'was', 'were')} there" if before else ""
        made.message = "\n".join([f"{plural(len(names), 'picture')} in {time.monotonic() - began:.1f} s{there}", *told])
        yield made

    def _add(self, made: Made, name: str, seed: int) -> None:
        card: dict[str, Any] = json.loads((self.folder.path / f"{name}{JSON}").read_text(encoding="utf-8"))
        files = dict(card["files"])
        order = [*sheet.FIRST, *(key for key in files if key not in (*sheet.FIRST, sheet.LAST)), sheet.LAST]
        for key in order:
            if key in files:
                made.shown.append((self._path(files[key]), f"{TITLES.get(key, key)} · seed {seed}"))
        made.files += [*(self._path(files[key]) for key in order if key in files), self._path(f"{name}{JSON}")]

    def _path(self, file: str) -> str:
        return str((self.folder.path / file).resolve())


def _size(words: str | None) -> Size | None:
    return size_of("size", None if words in ("", ANY_SIZE) else words)


def _number(name: str, value: float | None) -> float:
    if value is None:
        raise UserError(f"{name} is empty: give a number")
    return float(value)


def _whole(name: str, value: float | None) -> int:
    number = _number(name, value)
    if number != int(number):
        raise UserError(f"{name} {number}: give a whole number")
    return int(number)
