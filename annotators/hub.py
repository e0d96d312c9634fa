"""Weights on a model hub: ``hf:OWNER/REPO@REVISION`` is a folder of one model, ``hf:OWNER/REPO@REVISION:FILE`` one file of it.

Files lie in the hub client's own cache (``HF_HOME``), so that what other programs have fetched is not fetched again. A revision
may be a branch; what came is held to its commit and its SHA-256 (see ``annotators.weights.pinned``). Of a folder only plain
tensors and what describes them are fetched, and pickled weights only where a repository has nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annotators import folders
from annotators.cache import Unreachable, Weight, WeightError, offline
from humanverse.errors import one_line

_SPEC = re.compile(r"hf:(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+?)(?::(?P<file>[\w./-]+))?")


def _parts(weight: Weight) -> dict[str, str | None]:
    found = _SPEC.fullmatch(weight.spec)
    if found is None:
        raise WeightError(
            f"weights {weight.spec}: write hf:OWNER/REPO@REVISION, with :FILE behind it for a single file"
        )
    return found.groupdict()


def find(weight: Weight) -> Path | None:
    """Where the files lie in the hub client's cache; None if any is not there."""
    from huggingface_hub.errors import EntryNotFoundError, IncompleteSnapshotError

    try:
        return _take(weight, local_files_only=True)
    except (EntryNotFoundError, IncompleteSnapshotError, OSError, ValueError):
        return None


def fetch(weight: Weight) -> Path:
    """The files, downloaded.

    Raises:
        WeightError: if they cannot be had.
    """
    _parts(weight)
    if offline():
        raise WeightError(
            f"weights {weight.spec} are not in the hub's cache, and HUMANVERSE_OFFLINE forbids to fetch them: "
            f"unset it, or {_own(weight)}"
        )
    with _in_one_line(weight), _silently():
        _ask(weight)
        path = _take(weight)
    if path is None:
        raise WeightError(f"weights {weight.spec}: there are no weights in that repository, or not all parts of them")
    return path


def _ask(weight: Weight) -> None:
    """Ask the hub once whether it has the repository: for a single file the client would try for half a minute to reach a hub
    that does not answer."""
    from huggingface_hub import HfApi

    wanted = _parts(weight)
    if wanted["file"]:
        HfApi().model_info(str(wanted["repo"]), revision=wanted["revision"], timeout=_PATIENCE_S)


@contextmanager
def _silently() -> Iterator[None]:
    """The hub's client without advice; how far it is, it says."""
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def committed(weight: Weight, path: Path) -> Weight:
    """``weight`` with the commit that ``path`` lies under as its revision."""
    parts = path.parts
    if "snapshots" not in parts[:-1]:
        return weight
    commit = parts[len(parts) - 1 - parts[::-1].index("snapshots") + 1]
    wanted = _parts(weight)
    file = f":{wanted['file']}" if wanted["file"] else ""
    return Weight(f"hf:{wanted['repo']}@{commit}{file}", weight.sha256, weight.size)


def _take(weight: Weight, **options: Any) -> Path | None:
    """The file, or the folder of the repository; None where neither tensors nor pickles are in it."""
    from huggingface_hub import hf_hub_download, snapshot_download

    wanted = _parts(weight)
    alone = {"local_files_only": True} if offline() else {}
    place = {"repo_id": wanted["repo"], "revision": wanted["revision"], **options, **alone}
    if wanted["file"]:
        return Path(hf_hub_download(filename=wanted["file"], **place))
    for weights in (folders.SAFE, folders.PICKLED):
        patterns = [f"*{suffix}" for suffix in (*weights, *folders.BESIDE)]
        folder = Path(snapshot_download(allow_patterns=patterns, **place))
        if any(path.suffix in weights for path in folders.counted(folder)) and not missing_parts(folder):
            return folder
    return None


def missing_parts(folder: Path) -> list[str]:
    """Files that an index of a model in several parts names, and that are not there."""
    missing = []
    for index in folder.rglob("*.safetensors.index.json"):
        names = set(json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values())
        missing += [name for name in sorted(names) if not (index.parent / name).is_file()]
    return missing


@contextmanager
def _in_one_line(weight: Weight) -> Iterator[None]:
    """What the hub's client raises, as one line that says what to do."""
    from huggingface_hub import errors

    try:
        yield
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(weight, error) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise WeightError(
            f"weights {weight.spec}: the hub has no such repository, revision or file, or wants a login (hf auth login)"
        ) from error
    except (errors.HTTPError, OSError, ValueError) as error:
        raise _unreachable(weight, error) from error


_PATIENCE_S = 20


def _own(weight: Weight) -> str:
    """What else can be done, if the hub cannot be asked."""
    return "give your own: --weights KIND=" + ("FILE" if _parts(weight)["file"] else "FOLDER")


def _unreachable(weight: Weight, error: Exception) -> Unreachable:
    why = one_line(error.__cause__ or error, 120)
    mend = "check the network (with HUMANVERSE_OFFLINE=1 no server is asked)"
    return Unreachable(f"weights {weight.spec} could not be downloaded ({why}): {mend}")
