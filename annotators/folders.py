"""Folders of a model: which of their files count, and one SHA-256 for all of them.

The digest is over lines ``<SHA-256 of the file>  <path inside the folder>``, sorted by path, of the files that loading can read.
Hashing gigabytes takes a while, so the digests of files are noted in the cache, and used as long as a file's size and time of
change are the same.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

SAFE = (".safetensors",)
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
BESIDE = (".json", ".txt", ".model", ".jinja", ".yaml")
"""Suffixes: of weights as plain tensors, of weights as pickles (only counted where there is nothing better), of what describes
them."""


@dataclass(frozen=True)
class Digest:
    """Of a file, or of all counted files of a folder: SHA-256 in hex, and bytes."""

    sha256: str
    size: int


def counted(folder: Path) -> list[Path]:
    """The files of a model's folder that decide what is loaded, relative to it, sorted; empty if there are no weights."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    for weights in (SAFE, PICKLED):
        if any(path.suffix in weights for path in files):
            return [path for path in files if path.suffix in (*weights, *BESIDE)]
    return []


def digest(path: Path, notes: Path) -> Digest:
    """The digest of a file, or of a folder with a model in it.

    Args:
        path: of either.
        notes: folder in which digests of files are noted.

    Raises:
        FileNotFoundError: if there is neither, or no weights in the folder.
    """
    files = [Path(path.name)] if path.is_file() else counted(path)
    if not files:
        raise FileNotFoundError(path)
    root = path.parent if path.is_file() else path
    found = _hashes(root, files, notes / f"{hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]}.json")
    size = sum((root / file).stat().st_size for file in files)
    if path.is_file():
        return Digest(found[path.name], size)
    lines = "".join(f"{found[file.as_posix()]}  {file.as_posix()}\n" for file in files)
    return Digest(hashlib.sha256(lines.encode()).hexdigest(), size)


def _hashes(root: Path, files: list[Path], note: Path) -> dict[str, str]:
    """SHA-256 of each file by its path below ``root``."""
    known = json.loads(note.read_text()) if note.is_file() else {}
    now: dict[str, list[object]] = {}
    for file in files:
        state = (root / file).stat()
        name, seen = file.as_posix(), [state.st_size, state.st_mtime_ns]
        before = known.get(name)
        now[name] = before if before and before[:2] == seen else [*seen, sha256_of(root / file)]
    if now != known:
        _write(note, json.dumps(now))
    return {name: str(entry[2]) for name, entry in now.items()}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".part-", delete=False) as part:
        part.write(text)
    Path(part.name).replace(path)
