"""Which layers a training takes, where a dataset has several of a kind."""

from __future__ import annotations

from collections.abc import Sequence

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.errors import UserError

SETTING = "data.layers"


def check_chosen(selection: Selection, wanted: Sequence[str]) -> None:
    """Refuse kinds that say nothing of which of several layers is meant, all in one line, with a setting to copy.

    Args:
        selection: the view that is trained on, which may name layers.
        wanted: kinds, and layers that are named.

    Raises:
        UserError: if there are such kinds.
    """
    there = selection.dataset.layers()
    several = {
        kind: found
        for kind in wanted
        if "/" not in kind
        and kind not in selection.pins
        and len(found := [layer for layer in there if layer.partition("/")[0] == kind]) > 1
    }
    if several:
        chosen = [layer for layer in wanted if "/" in layer]
        chosen += [_likely(selection.dataset, found) for found in several.values()]
        names = ", ".join(layer for found in several.values() for layer in found)
        raise UserError(
            f"several layers of {', '.join(several)} can be trained on ({names}): choose one of each, for example "
            f"--set {SETTING}=[{','.join(chosen)}]"
        )


def _likely(dataset: Dataset, layers: Sequence[str]) -> str:
    """The first that is ground truth, or else the first."""
    return next((layer for layer in layers if dataset.layer_card(layer).get("truth")), layers[0])
