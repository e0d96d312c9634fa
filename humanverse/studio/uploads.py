"""Skeletons in files that somebody uploads."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from humanverse.errors import UserError
from humanverse.generation import poses
from humanverse.generation.skeletons import Drawing, People, Skeleton

_REASON = re.compile(r" \(.*\)(?=:)")
"""Why a picture cannot be read, which names the file again."""


def read(path: Path) -> list[Skeleton]:
    """The skeletons in a file: a drawing on black, or keypoints as JSON (all of its pictures).

    Raises:
        UserError: if there are none, or it looks like a photograph.
    """
    try:
        found = poses.read(str(path))
    except UserError as error:
        raise UserError(_told(error, path)) from error
    named: list[Skeleton] = []
    for skeleton in found:
        assert isinstance(skeleton, Drawing | People)
        named.append(replace(skeleton, source={**skeleton.source, "file": path.name}))
    return named


def _told(error: UserError, path: Path) -> str:
    """Without the folder in which uploads are, and the option of the command line."""
    words = str(error).replace(str(path), path.name).removeprefix("--pose ")
    return words if path.suffix.lower() == ".json" else _REASON.sub("", words)
