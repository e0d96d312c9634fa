"""Places of files that a user names: they mean the same from every folder."""

from __future__ import annotations

import re
from pathlib import Path

_SCHEME = re.compile(r"[a-z][a-z0-9+]+:")


def absolute(place: str) -> str:
    """A path as an absolute one; an address, such as ``https://…`` or ``hf:…``, as it is."""
    return place if _SCHEME.match(place) else str(Path(place).expanduser().absolute())
