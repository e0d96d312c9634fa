"""The contact sheet of a folder of pictures: skeleton, picture, depth, normals and refined picture side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import humanverse
from humanverse.generation.folder import SHEET, Folder
from humanverse.report import wording
from humanverse.report.writing import render, whole_file

FIRST = ("skeleton", "rgb", "depth", "normal")
"""Columns, before further targets."""
LAST = "refined"


@dataclass(frozen=True)
class Row:
    """A picture, as the template shows it.

    Attributes:
        files: name of the column and of the file.
        how: seed, steps, guidance and size in words.
        skeleton: where it is from, in words; empty if nothing says.
    """

    prompt: str
    files: list[tuple[str, str]]
    how: str
    skeleton: str


def write(folder: Folder) -> int:
    """Write the sheet of all pictures in ``folder`` into it; how many these are.

    Raises:
        UserError: if it cannot be written.
    """
    cards = [card for _, card in folder.cards()]
    models = list(dict.fromkeys(map(_made_by, cards)))
    rows = [_row(card, models) for card in cards]
    content = {
        "title": folder.path.absolute().name,
        "head": [("pictures", wording.count(len(rows))), *(("made by", by) for by in models)],
        "pictures": rows,
        "version": humanverse.__version__,
        "made": "from the JSON files beside it",
        "command": "humanverse generate",
    }
    with whole_file(folder.path / SHEET) as scratch:
        scratch.write_text(render("generated.html", content), encoding="utf-8", errors="replace")
    return len(rows)


def _row(card: Mapping[str, Any], models: Sequence[str]) -> Row:
    files = dict(card["files"])
    refined = files.pop(LAST, None)
    columns = [(name, files.pop(name)) for name in FIRST if name in files]
    columns += [*files.items(), *([(LAST, refined)] if refined else [])]
    how = (
        f"seed {card['seed']} · {wording.plural(card['steps'], 'step')} · guidance {card['guidance']:g} · "
        + " × ".join(map(str, card["size"]))
        + (f" · made by {_made_by(card)}" if len(models) > 1 else "")
    )
    return Row(wording.clean(card["prompt"]) or "(empty prompt)", columns, how, wording.clean(_where(card)))


def _where(card: Mapping[str, Any]) -> str:
    """Where the skeleton is from, in words, without folders of this machine: the whole of it is in the picture's JSON."""
    source = card["skeleton"]["source"]
    say = _WHERE.get(str(source.get("kind")))
    return say(source) if say else ""


def _of_sample(source: Mapping[str, Any]) -> str:
    return f"of sample {source['uid']} of {_last(source['dataset'])}, as {source['pose_layer']} saw it"


def _of_text(source: Mapping[str, Any]) -> str:
    return f"{_of_sample(source)}, whose {source['caption_layer']} is like the prompt (score {source['score']:g})"


def _of_hand(source: Mapping[str, Any]) -> str:
    before = _WHERE.get(str((source.get("begun_with") or {}).get("kind")))
    return "drawn by hand" + (f", begun with the one {before(source['begun_with'])}" if before else "")


def _of_keypoints(source: Mapping[str, Any]) -> str:
    return f"of {_last(source['file'])}" + (f", picture {_last(source['picture'])}" if source.get("picture") else "")


def _last(place: str) -> str:
    return place.rstrip("/").rpartition("/")[2] or place


_WHERE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "picture": lambda source: f"the picture {_last(source['file'])}",
    "keypoints": _of_keypoints,
    "sample": _of_sample,
    "pose from text": _of_text,
    "drawn by hand": _of_hand,
}
"""Kind of a skeleton's source -> what is said of it."""


def _made_by(card: Mapping[str, Any]) -> str:
    return wording.clean(" and ".join(_named(card[stage]) for stage in ("model", "refiner") if card[stage]))


def _named(model: Mapping[str, Any]) -> str:
    return f"{model['name']} ({model['sha256'][:12]})"
