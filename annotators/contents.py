"""What the user gave instead of a published weight, looked at before anything is fetched or loaded."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

from annotators import first_bytes
from annotators.cache import Contents, Weight, WeightError
from annotators.folders import SAFE, counted
from humanverse.errors import one_line

PROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""Either holds a model's settings for pictures."""


def check_given(published: Weight, own: Weight) -> None:
    """Look at a file or folder of the user's own; what lies elsewhere is not looked at.

    Args:
        published: that it stands in for.
        own: what was given.

    Raises:
        WeightError: if it cannot be loaded instead: a file for a folder or the reverse, a folder that lacks something or holds
            another kind of model, or tensors that cannot be read.
    """
    if own.scheme != "file":
        return
    place = Path(own.spec)
    if place.is_dir():
        _check_folder(place, published)
    else:
        _check_file(place, published)
    check_tensors(place)


def check_tensors(place: Path) -> None:
    """Raise WeightError if a file of weights, or one in a folder, is seen at its beginning to be none (``first_bytes``), or a
    ``.safetensors`` file cannot be read; its header alone is."""
    files = [place / name for name in counted(place)] if place.is_dir() else [place]
    for path in files:
        first_bytes.check(path)
    if not find_spec("safetensors"):
        return
    from safetensors import SafetensorError, safe_open

    for path in files:
        if path.suffix in SAFE:
            try:
                with safe_open(path, framework="np"):
                    pass
            except (SafetensorError, OSError) as error:
                raise WeightError(f"{path} is no safetensors file that can be read ({one_line(error, 120)})") from error


def _check_file(path: Path, published: Weight) -> None:
    if published.contents is not None:
        raise WeightError(f"weights {path}: a folder is needed, with settings beside the weights: give {path.parent}")


def _check_folder(folder: Path, published: Weight) -> None:
    if published.contents is None:
        if not _may_be_folder(published):
            raise WeightError(f"weights {folder}: one file is needed, such as {published.file_name}: give its path")
        return
    main = "config.json" if published.contents.model else "model_index.json"
    if not (folder / main).is_file():
        raise WeightError(f"the folder {folder} lacks {main}, which says what the model is")
    _check_settings(folder, published.contents)


def _may_be_folder(published: Weight) -> bool:
    """A repository of a hub is a folder; every other source has single files."""
    return published.scheme == "hf" and published.spec.count(":") == 1


def _check_settings(folder: Path, needed: Contents) -> None:
    if needed.model and (found := _model_type(folder / "config.json")) != needed.model:
        raise WeightError(f"{folder} holds a {found} model, not {needed.model}")
    if needed.processor and not any((folder / name).is_file() for name in PROCESSORS):
        raise WeightError(f"the folder {folder} lacks {PROCESSORS[0]}, the model's settings for pictures")


def _model_type(path: Path) -> str:
    try:
        said = json.loads(path.read_bytes())
    except ValueError as error:
        raise WeightError(f"{path} is no JSON ({one_line(error, 120)})") from error
    return str(said.get("model_type")) if isinstance(said, dict) else "nameless"
