"""The folder that pictures are written to: names that follow from requests, files that are whole or not there."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import humanverse
from humanverse.errors import UserError
from humanverse.generation import maps, marks
from humanverse.generation.request import Generated, Request
from humanverse.report.writing import whole_file

PNG, JSON, SHEET = ".png", ".json", "index.html"
_NAME, _DIGITS = 40, 10
"""Letters of the prompt, and digits of the request's digest, that are in a name."""
_VERSIONS = ("torch", "diffusers", "transformers", "invisible-watermark")
_MODELS, _DECISIVE = ("model", "refiner"), ("dtype", "watermark")
FORM = "humanverse picture 1"
"""Of a picture's JSON."""


class Folder:
    """Where pictures are written.

    A picture's name is made of its prompt, its seed and the digest of all that decides it, so that another request has another
    name, and the same request finds its picture there. The JSON is written last: where it is, the rest is.

    Args:
        path: made if it is not there.

    Raises:
        UserError: if it cannot be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{path} cannot be written to ({error.strerror}): give another folder") from error

    def name_of(self, request: Request, made_by: Mapping[str, Any]) -> str:
        """What its files begin with.

        Args:
            request: resolved by a generator.
            made_by: that generator's ``facts``.
        """
        words = re.sub(r"[^a-z0-9]+", "-", request.prompt.lower())[:_NAME].strip("-") or "picture"
        return f"{words}-{request.seed}-{digest(request, made_by)[:_DIGITS]}"

    def has(self, name: str) -> bool:
        """Whether the picture is there with all of its files."""
        found = self._card(self.path / f"{name}{JSON}")
        return found is not None and all((self.path / file).is_file() for file in found["files"].values())

    def write(self, made: Generated, made_by: Mapping[str, Any]) -> str:
        """Write a picture's files; the name of what was written."""
        name = self.name_of(made.request, made_by)
        files = {}
        for target, (picture, kind) in _pictures(made).items():
            file = f"{name}{PNG}" if target == "rgb" else f"{name}.{target}{PNG}"
            _write(self.path / file, marks.png(picture, kind, maps.WORDS.get(target)))
            files[target] = file
        card = _card(made, made_by, files)
        _write(self.path / f"{name}{JSON}", _lines(card).encode())
        return name

    def cards(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Name and JSON of each picture that is there, by name."""
        for path in sorted(self.path.glob(f"*{JSON}")):
            card = self._card(path)
            if card is not None:
                yield path.name.removesuffix(JSON), card

    def _card(self, path: Path) -> dict[str, Any] | None:
        """A picture's JSON; None where there is none of ours."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("form") == FORM else None


def digest(request: Request, made_by: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of all that decides a picture: the request, the models' weights, precision, and the mark.

    What a checkpoint leaves out counts by what its run's settings say of it.
    """
    models = {name: made_by[name] and [made_by[name]["sha256"], made_by[name]["frozen"]] for name in _MODELS}
    rest = {name: made_by[name] for name in _DECISIVE}
    return hashlib.sha256(json.dumps([request.facts(), models, rest], sort_keys=True).encode()).hexdigest()


def _pictures(made: Generated) -> dict[str, tuple[Image.Image, str | None]]:
    """By target its picture and IPTC's term for where it is from."""
    drawn = marks.DRAWN if made.request.skeleton.drawn_by_us else None
    found: dict[str, tuple[Image.Image, str | None]] = {"rgb": (Image.fromarray(made.rgb), marks.TRAINED)}
    if made.depth is not None:
        found["depth"] = maps.depth_picture(made.depth), marks.TRAINED
    if made.normal is not None:
        found["normal"] = maps.normal_picture(made.normal), marks.TRAINED
    found |= {name: (Image.fromarray(picture), marks.TRAINED) for name, picture in made.others.items()}
    found["skeleton"] = Image.fromarray(made.skeleton), drawn
    if made.refined is not None:
        found["refined"] = Image.fromarray(made.refined), marks.TRAINED
    return found


def _card(made: Generated, made_by: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """A picture's JSON."""
    request = made.request
    height, width = made.skeleton.shape[:2]
    people = [np.round(person.astype(np.float64), 3).tolist() for person in request.skeleton.placed((width, height))]
    return {
        "form": FORM,
        "request": digest(request, made_by),
        **request.facts(),
        **made_by,
        "skeleton": {"source": dict(request.skeleton.source), "width": width, "height": height, "people": people},
        "depth": dict(maps.DEPTH) if made.depth is not None else None,
        "files": dict(files),
        "synthetic": {"digital_source_type": marks.TERMS + marks.TRAINED, "watermark": dict(made.watermark)},
        "versions": _versions(),
    }


def _lines(card: Mapping[str, Any]) -> str:
    """JSON with a line for each field."""
    fields = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in card.items())
    return "{\n " + ",\n ".join(fields) + "\n}\n"


def _versions() -> dict[str, str]:
    found = {"humanverse": humanverse.__version__}
    for package in _VERSIONS:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _write(path: Path, data: bytes) -> None:
    with whole_file(path) as scratch:
        scratch.write_bytes(data)
