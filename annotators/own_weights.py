"""Weights of the user's own: which they are, and how layers tell of them.

Whatever stands in for a published weight is told by the weight that it stands in for and by its SHA-256: where it lies and what
it is named decides nothing. A file with the published SHA-256, or one of the published repository, is the published one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from annotators.cache import Weight

_REPOSITORY = re.compile(r"hf:(?P<repo>[^@]+)@[^:]+(?::(?P<file>.+))?")
INSTEAD = "instead of "
"""Before the published weight's label."""


def is_own(published: Weight, used: Weight) -> bool:
    """Whether ``used`` is the user's own, where the card says ``published``."""
    if used.spec == published.spec or (used.sha256 and used.sha256 == published.sha256):
        return False
    here, there = (_REPOSITORY.fullmatch(weight.spec) for weight in (used, published))
    return here is None or there is None or here.groupdict() != there.groupdict()


def label(published: Weight, used: Weight) -> str:
    """The name of ``used`` among a layer's weights."""
    if is_own(published, used):
        return f"{INSTEAD}{published.label}"
    return published.label if used.sha256 == published.sha256 else used.label


def digests(used: Mapping[Weight, Weight]) -> dict[str, str]:
    """``weights`` of ``layer.json``: label -> SHA-256.

    Args:
        used: by what the card says.
    """
    return {label(published, one): one.sha256 for published, one in used.items()}


def stated(used: Mapping[Weight, Weight], licence: str) -> dict[str, Any]:
    """``licence`` of ``layer.json`` and, if weights of the user's own were used, ``own_weights``: the labels of these.

    Args:
        used: by what the card says.
        licence: of the published weights.
    """
    own = [label(published, one) for published, one in used.items() if is_own(published, one)]
    if not own:
        return {"licence": licence}
    return {"licence": f"of the user's own weights: not known; the published ones: {licence}", "own_weights": own}
