"""What of a sample is a model's target or condition: pictures of three channels, by the names that models use. One entry each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from humanverse.errors import UserError
from humanverse.loading.scatter import scatter


@dataclass(frozen=True)
class Picture:
    """How a picture is had.

    Attributes:
        kind: of the layer that is read for it; empty if it needs none.
        of: a loader's batch -> float32 (batch, 3, height, width) in [-1, 1].
    """

    kind: str
    of: Callable[[Mapping[str, Any]], torch.Tensor]


def _palette() -> torch.Tensor:
    """float32 (256, 3) in [-1, 1]: a colour for each id of a segmentation; id 0, the background, is black."""
    numbers = scatter(np.arange(256 * 3), 0) >> np.uint64(56)
    colours = torch.from_numpy(numbers.astype(np.float32).reshape(256, 3)) / 127.5 - 1
    colours[0] = -1
    return colours


PALETTE = _palette()


def coloured(ids: torch.Tensor) -> torch.Tensor:
    """Ids, uint8 (batch, 1, height, width), in the colours of ``PALETTE``: float32 (batch, 3, height, width) in [-1, 1]."""
    return PALETTE.to(ids.device)[ids[:, 0].long()].permute(0, 3, 1, 2).contiguous()


PICTURES: Mapping[str, Picture] = {
    "rgb": Picture("", lambda batch: batch["image"]),
    "depth": Picture("depth", lambda batch: batch["depth"].expand(-1, 3, -1, -1)),
    "normal": Picture("normal", lambda batch: batch["normal"]),
    "skeleton": Picture("pose", lambda batch: batch["skeleton"]),
    "segmentation": Picture("segmentation", lambda batch: coloured(batch["segmentation"])),
}
"""Depth is nearness in all three channels; normals x, y, z as red, green, blue. Take them by ``filled``: where a map is not
valid they are 0, mid grey."""


def valid_of(name: str, batch: Mapping[str, Any]) -> torch.Tensor | None:
    """Where the map of picture ``name`` says something, bool (batch, 1, height, width); None if all is valid, as in ``rgb``."""
    return batch.get(f"{PICTURES[name].kind}_valid")


def filled(name: str, batch: Mapping[str, Any]) -> torch.Tensor:
    """Picture ``name`` with mid grey, 0, where its map is not valid."""
    picture, valid = PICTURES[name].of(batch), valid_of(name, batch)
    return picture if valid is None else torch.where(valid, picture, 0)


def valid_cells(valid: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Latent cells all of whose pixels are valid.

    A cell of which a part is grey would be learnt as an edge that the picture does not have.

    Args:
        valid: bool (batch, 1, height, width) of the picture.
        size: (height, width) of the latent.

    Returns:
        bool (batch, 1, height, width) of the latent.
    """
    return functional.adaptive_max_pool2d((~valid).float(), (size[0], size[1])) == 0


def layers_for(names: Iterable[str], chosen: Sequence[str]) -> tuple[str, ...]:
    """The layers that a loader has to give for the pictures ``names``.

    Args:
        names: of targets and conditions.
        chosen: layers as the user names them; each stands for its kind.

    Raises:
        UserError: if a picture is not known, nothing needs a chosen layer, or two are of a kind.
    """
    for name in names:
        if name not in PICTURES:
            raise UserError(f"no picture {name!r} can be made of a sample: choose from {', '.join(PICTURES)}")
    kinds = dict.fromkeys(PICTURES[name].kind for name in names if PICTURES[name].kind)
    own = {layer.partition("/")[0]: layer for layer in chosen}
    if len(own) < len({*chosen}):
        raise UserError(f"data.layers: only one layer of a kind can be trained on, not {', '.join(chosen)}")
    unused = [layer for kind, layer in own.items() if kind not in kinds]
    if unused:
        raise UserError(f"data.layers: nothing of this model needs {', '.join(unused)}: leave it out")
    return tuple(own.get(kind, kind) for kind in kinds)
