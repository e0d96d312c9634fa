"""Hashes that a list brings of its pictures: which columns they are, and which of their values are hashes at all."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

HASH_NAMES: Mapping[str, tuple[str, ...]] = {
    "md5": ("md5", "image_md5", "img_md5", "md5_hash", "md5sum", "source_md5"),
    "sha256": ("sha256", "image_sha256", "img_sha256", "sha256_hash", "sha256sum", "source_sha256"),
}
"""By algorithm, the names (any case) that its column usually has, the first that is there counts. LAION's ``hash`` is none
of them: it is computed of URL and caption."""

COLUMNS: Mapping[str, str] = {algorithm: f"source_{algorithm}" for algorithm in HASH_NAMES}
"""By algorithm, the name under which its column passes through."""

SIZES: Mapping[str, int] = {COLUMNS["md5"]: 16, COLUMNS["sha256"]: 32}
"""By our name of the column, the bytes of a hash."""


def hash_columns(names: Sequence[str], left_out: Container[str | None], renamed: Mapping[str, str]) -> dict[str, str]:
    """The columns that hold hashes of the pictures: the table's name -> ours.

    Args:
        names: the table's.
        left_out: names that are used otherwise.
        renamed: the table's name -> the name that the user gave it; ``md5`` or ``sha256`` makes it a column of hashes, any
            other name makes it none.
    """
    found = {}
    for algorithm, usual in HASH_NAMES.items():
        ours = COLUMNS[algorithm]
        mapped = [name for name in names if renamed.get(name) in (algorithm, ours)]
        free = {name.lower(): name for name in reversed(names) if name not in left_out and name not in renamed}
        candidates = [*mapped, *(free[name] for name in usual if name in free)]
        found.update(dict.fromkeys(candidates[:1], ours))
    return found


def digest_text(value: bytes | None, size: int) -> str | bytes | None:
    """A binary cell: its hex digits if it is a hash of ``size`` bytes, else as it is."""
    return value.hex() if value is not None and len(value) == size else value


def usable(value: Any, size: int) -> str | None:
    """``value`` as the hex digits of a hash of ``size`` bytes, lower case; None if it is none."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text) else None
