"""Which config a user means, and what is in it, without running it.

A config of MMPose is a Python program. So it is run only where a model is being loaded, and only if it is one of ours, one of the
mmpose package, or a file of this machine that the user names: never a file of a dataset, nor one that was fetched.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annotators.cache import cache_root
from humanverse.errors import UserError, one_line

OURS = Path(__file__).parent / "configs"
DEFAULT = "vitpose-h-wholebody"
_DATASET = "humanverse.json"
"""What lies in every dataset."""
_BASE = "_base_"
"""The name that a config gives to what it builds on, and MMPose to the folder of what others build on."""


@dataclass(frozen=True)
class Config:
    """A config that may be run.

    Attributes:
        name: of its file, without ``.py``.
        path: of its file.
        sha256: over its text and that of every config that it builds on.
    """

    name: str
    path: Path
    sha256: str


def find(asked: str) -> Config:
    """The config that a user names: a path that ends in ``.py``, or the name of one of ours or of the mmpose package.

    Raises:
        UserError: if there is none, it is one that must not be run, or it cannot be told what it builds on.
    """
    path = (_file(asked) if asked.endswith(".py") else _named(asked)).resolve()
    _refuse_strangers(path)
    digest = hashlib.sha256()
    for part in _with_bases(path, ()):
        text = part.read_bytes()
        digest.update(len(text).to_bytes(8, "big") + text)
    return Config(path.stem, path, digest.hexdigest())


def package_configs() -> dict[str, list[Path]]:
    """The configs of the installed mmpose package by name; found without importing it, none where it is not installed."""
    named: dict[str, list[Path]] = {}
    root = _package_root()
    if root is not None:
        for path in sorted(root.rglob("*.py")):
            if path.relative_to(root).parts[0] != _BASE:
                named.setdefault(path.stem, []).append(path)
    return named


def facts_file(named: str, config: Path) -> Path:
    """The file that describes a dataset's points, which is a program too: of the package, as its own configs name them, or
    relative to the config, or whole; never in the folder that a command happens to run in.

    Raises:
        UserError: if there is none.
    """
    root = _package_root()
    for folder in ([root.parent] if root else []) + [config.parent]:
        path = (folder / named).resolve()
        if path.is_file():
            _refuse_strangers(path)
            return path
    raise UserError(
        f"config {config} names {named} for its points: that is not in the mmpose package, nor beside the config"
    )


def _package_root() -> Path | None:
    found = importlib.util.find_spec("mmpose")
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) / ".mim" / "configs" if places else None


def _file(asked: str) -> Path:
    if "://" in asked or asked.startswith("hf:"):
        raise UserError(f"config {asked}: a config is a program, and none is fetched: give a file of this machine")
    path = Path(asked).expanduser()
    if not path.is_file():
        raise UserError(f"no config at {asked}: give the path of a .py file, or a name such as {DEFAULT}")
    return path


def _named(asked: str) -> Path:
    own = OURS / f"{asked}.py"
    if own.parent == OURS and own.is_file():
        return own
    theirs = package_configs()
    if asked not in theirs:
        near = difflib.get_close_matches(asked, [DEFAULT, *theirs], 3, 0.5) or [DEFAULT]
        raise UserError(f"no config {asked!r}: give a path that ends in .py, or a name such as {', '.join(near)}")
    if len(theirs[asked]) > 1:
        raise UserError(
            f"several configs are called {asked}: give the path of one: {', '.join(map(str, theirs[asked]))}"
        )
    return theirs[asked][0]


def _refuse_strangers(path: Path) -> None:
    holder = next((folder for folder in path.parents if (folder / _DATASET).exists()), None)
    if holder is not None:
        raise UserError(
            f"config {path} lies in the dataset {holder}: a config is a program, and none of a dataset is run; "
            "read it, and copy it elsewhere if you trust it"
        )
    if path.is_relative_to(cache_root().resolve()):
        raise UserError(
            f"config {path} lies in the cache of what was downloaded: a config is a program: copy it elsewhere"
        )


def _with_bases(path: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    """A config and all that it builds on, each after what builds on it.

    Raises:
        UserError: if one of them is not there, builds on itself, or says what it builds on in a way that must be run.
    """
    if path in above:
        raise UserError(f"config {above[0]} builds on itself")
    if not path.is_file():
        raise UserError(f"config {above[-1]} builds on {path}, which is not there")
    _refuse_strangers(path)
    yield path
    for base in _bases(path):
        yield from _with_bases(_place(base, path), (*above, path))


def _bases(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes(), filename=path.name)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"config {path} is no Python that can be read ({one_line(error, 120)})") from error
    if any(isinstance(node, ast.With | ast.ImportFrom) for node in tree.body):
        raise UserError(f"config {path} imports what it builds on: write it with {_BASE} = [...], as MMPose's own are")
    said = [node.value for node in tree.body if isinstance(node, ast.Assign) and _names_bases(node)]
    try:
        bases = [ast.literal_eval(value) for value in said]
    except ValueError as error:
        raise UserError(f"config {path}: give {_BASE} as a plain list of paths") from error
    found = [base for one in bases for base in ([one] if isinstance(one, str) else one)]
    if not all(isinstance(base, str) and base.endswith(".py") for base in found):
        raise UserError(f"config {path}: give {_BASE} as paths of .py files, relative to it or whole")
    return found


def _place(base: str, path: Path) -> Path:
    """Where a base of ``path`` lies; ``mmpose::`` is the folder of the package's configs."""
    package, _, inside = base.rpartition("::")
    root = {"": path.parent, "mmpose": _package_root()}.get(package)
    if root is None:
        raise UserError(f"config {path} builds on {base}, of a package that is not here: give a path of a file")
    return (root / inside).resolve()


def _names_bases(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == _BASE for target in node.targets)
