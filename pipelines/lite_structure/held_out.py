"""Examples that a network was not trained on, as the annotator would see them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.lite_structure.examples import load
from pipelines.lite_structure.views import View, plain


def views(paths: Sequence[Path], side: int) -> list[View]:
    """``plain`` views, the same on every run: what is drawn for one depends on its file's name alone.

    Args:
        paths: of examples.
        side: of the window, in pixels.
    """
    return [plain(load(path), np.random.default_rng(int(path.stem)), side) for path in paths]
