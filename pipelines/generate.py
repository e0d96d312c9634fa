"""``generate``: pictures from prompts and skeletons, written to a folder; run again, what is there is not made anew."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanverse.errors import UserError
from humanverse.generation import hints, sheet
from humanverse.generation.folder import SHEET, Folder
from humanverse.generation.request import Request
from pipelines.progress import Counts, Display, say

if TYPE_CHECKING:
    from humanverse.generation.generator import Generator
    from humanverse.generation.marks import Found
    from humanverse.generation.skeletons import Skeleton

COMMAND, POSE = "generate", "pose"


@dataclass(frozen=True)
class Settings:
    """What all pictures of a command have in common; see ``Request``."""

    size: tuple[int, int] | None = None
    refined_size: tuple[int, int] | None = None
    original: tuple[int, int] | None = None
    steps: int = 50
    guidance: float = 7.5
    rescale: float = 0.7
    negative: str = ""
    depth: Path | None = None
    normal: Path | None = None


@dataclass(frozen=True)
class Search:
    """Where skeletons are looked for by the prompts.

    Attributes:
        dataset: its path or URL.
        layer: of its skeletons.
        view: only samples that it has.
        people: how many are to be seen, ``2`` or ``3+``; None: what the prompts say.
        captions: what prompts are compared with: see ``humanverse.retrieval.find_poses``.
    """

    dataset: str
    layer: str = POSE
    view: str | None = None
    people: str | None = None
    captions: tuple[str, ...] = ()


@dataclass
class Result:
    """What was made.

    Attributes:
        folder: where it is.
        names: of the pictures that were asked for, in order; each is the beginning of its files' names.
        made: of these, now.
        before: of these, that were there.
        again: how often one of these was asked for once more.
        unmarked: files that could not hold the invisible mark.
        seconds: wall time.
    """

    folder: Path
    names: list[str] = field(default_factory=list)
    made: int = 0
    before: int = 0
    again: int = 0
    unmarked: int = 0
    seconds: float = 0.0

    @property
    def sheet(self) -> Path:
        return self.folder / SHEET

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "pictures": self.names,
            "made": self.made,
            "there_before": self.before,
            "asked_again": self.again,
            "without_watermark": self.unmarked,
            "sheet": str(self.sheet),
            "seconds": round(self.seconds, 3),
        }


def generate(out: Path, generator: Generator, requests: Sequence[Request], batch: int = 1) -> Result:
    """Make the pictures that are not there yet, and the sheet of all.

    Args:
        out: folder, made if it is not there.
        generator: which makes them.
        requests: for each a picture.
        batch: how many are made at once on a GPU.

    Raises:
        UserError: if one cannot be made or written.
    """
    began = time.monotonic()
    folder, made_by = Folder(out), generator.facts()
    result = Result(out)
    todo: dict[str, Request] = {}
    for request in requests:
        wanted = generator.resolved(request)
        name = folder.name_of(wanted, made_by)
        if name in result.names:
            result.again += 1
        elif folder.has(name):
            result.before += 1
        else:
            todo[name] = wanted
        result.names.append(name)
    done = _Done()
    try:
        for line in hints.unread(generator, todo.values()):
            say(f"{COMMAND}: {line}")
        with Display(COMMAND, len(todo), 0, done.counts, math.inf, unit="pictures", note=_note):
            for made in generator.stream(list(todo.values()), batch, done):
                folder.write(made, made_by)
                result.made += 1
                result.unmarked += sum(not marked for marked in made.watermark.values())
    except BaseException:
        with suppress(Exception):
            sheet.write(folder)
        raise
    sheet.write(folder)
    result.seconds = time.monotonic() - began
    return result


class _Done:
    """How many pictures are done, for the display."""

    def __init__(self) -> None:
        self._pictures = 0.0

    def __call__(self, pictures: float) -> None:
        self._pictures = pictures

    def counts(self) -> Counts:
        return {"rows": int(self._pictures), "hundredths": int(100 * self._pictures)}


def _note(counts: Counts, rate: float) -> str:
    begun = counts.get("hundredths", 0) % 100
    return f"{60 * rate:.1f} a minute" + (f" · {begun} % of the next" if begun else "")


def requests_of(
    settings: Settings, prompts: Sequence[str], skeletons: Sequence[Sequence[Skeleton]], n: int, seed: int
) -> list[Request]:
    """``n`` requests for each pair of prompt and skeletons, with the seeds ``seed``, ``seed`` + 1, and so on.

    Args:
        prompts: as many as ``skeletons``, or one, which is used for all; none for the skeletons' own captions.
        skeletons: the first of each are for the first seed, and so on, over again.

    Raises:
        UserError: if they do not go together, or a map cannot be read.
    """
    from humanverse.generation import maps

    files = {"depth": settings.depth, "normal": settings.normal}
    given = {name: maps.read(name, file) for name, file in files.items() if file is not None}
    return [
        Request(
            prompt=prompt,
            skeleton=skeleton,
            size=settings.size,
            seed=seed + number,
            steps=settings.steps,
            guidance=settings.guidance,
            rescale=settings.rescale,
            negative=settings.negative,
            original=settings.original,
            refined_size=settings.refined_size,
            maps=given,
        )
        for prompt, several in _pairs(prompts, skeletons)
        for number, skeleton in zip(range(n), cycle(several), strict=False)
    ]


def _pairs(prompts: Sequence[str], skeletons: Sequence[Sequence[Skeleton]]) -> list[tuple[str, Sequence[Skeleton]]]:
    if not prompts:
        silent = [one for several in skeletons for one in several if not one.caption]
        if silent:
            raise UserError("there is no prompt, and a skeleton has no caption of its own: give --prompt")
        return [(one.caption, [one]) for several in skeletons for one in several]
    if len(prompts) == 1 or len(skeletons) == 1:
        return [(prompt, several) for prompt in prompts for several in skeletons]
    if len(prompts) != len(skeletons):
        raise UserError(
            f"{len(prompts)} prompts and {len(skeletons)} skeletons: give as many of each, or one of either"
        )
    return list(zip(prompts, skeletons, strict=True))


def prompts_in(path: Path) -> list[str]:
    """The lines of a file but empty ones.

    Raises:
        UserError: if it cannot be read, or has none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UserError(
            f"--prompts {path}: {error.strerror or error}: give a file with a prompt on each line"
        ) from error
    except UnicodeDecodeError as error:
        raise UserError(f"--prompts {path} is no text in UTF-8: give a file with a prompt on each line") from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise UserError(f"--prompts {path} is empty: give a prompt on each line")
    return found


def poses(words: Sequence[str], layer: str) -> list[list[Skeleton]]:
    """The skeletons that words of a user name, each for itself; a line tells of people who can hardly guide a picture."""
    from humanverse.generation import poses as places

    found = {word: places.read(word, layer) for word in dict.fromkeys(words)}
    for word, skeletons in found.items():
        for line in hints.few_points(word, skeletons):
            say(f"{COMMAND}: {line}")
    return [[skeleton] for word in words for skeleton in found[word]]


def poses_from_text(search: Search, prompts: Sequence[str], n: int, seed: int) -> list[list[Skeleton]]:
    """For each prompt ``n`` skeletons of other people of whom something like it is said.

    Raises:
        UserError: if there are none.
    """
    from humanverse.retrieval import People
    from pipelines.pose_from_text import find_poses

    if not prompts:
        raise UserError("--pose-from-text looks for skeletons by prompts: give --prompt")
    found = find_poses(
        search.dataset,
        prompts,
        pose=search.layer,
        captions=search.captions or None,
        view=search.view,
        n=n,
        seed=seed,
        people=People.parse(search.people) if search.people else None,
    )
    return [list(several) for several in found]


def pose_layer(name: str) -> str:
    """A pose layer as readers know it: ``movenet`` is ``pose/movenet``."""
    return name if name.partition("/")[0] == POSE else f"{POSE}/{name}"


def generator_of(model: str, refiner: str | None, device: str | None, dtype: str | None, watermark: bool) -> Generator:
    """What makes pictures; models that are named as hf:OWNER/REPO@REVISION are downloaded.

    Raises:
        UserError: if a model cannot be had, or the packages are not installed.
    """
    needed = ("torch", "diffusers", "transformers")
    if any(find_spec(module) is None for module in needed):
        raise UserError(f"generating needs {', '.join(needed)}: pip install 'humanverse[train]'")
    say(f"loading {model}" + (f" and {refiner}" if refiner else ""))
    from humanverse.generation.generator import Generator
    from pipelines.train import folder_of

    return Generator(model, refiner, device, dtype, watermark, folder_of)


def skeletons(
    words: Sequence[str], layer: str, search: Search | None, prompts: Sequence[str], n: int, seed: int
) -> list[list[Skeleton]]:
    """The skeletons that were asked for, by one of two ways.

    Raises:
        UserError: if both or none was asked for, or there are none.
    """
    if bool(words) == (search is not None):
        raise UserError("say where skeletons come from: --pose FILE, --pose DATASET#UID, or --pose-from-text DATASET")
    return poses(words, layer) if search is None else poses_from_text(search, prompts, n, seed)


def looked_at(files: Sequence[Path], tell: Callable[[str], None]) -> list[Found]:
    """What pictures say of themselves, of those that can be read.

    Args:
        files: pictures.
        tell: is told, in a line each, of files that are not there, before any is looked at, and of those that cannot be read.

    Raises:
        UserError: if a package is missing.
    """
    from humanverse.generation import marks, watermark

    watermark.check()
    there = [path for path in files if path.exists()]
    for path in files:
        if path not in there:
            tell(f"{path}: there is no such file")
    found = []
    for path in there:
        try:
            found.append(marks.look(path))
        except UserError as error:
            tell(str(error))
    return found
