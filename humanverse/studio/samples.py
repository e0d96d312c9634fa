"""The skeletons of a dataset that are offered on the page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Part
from humanverse.errors import UserError
from humanverse.generation.skeletons import People, Size, Skeleton
from humanverse.retrieval.people import Poses

OFFERED = 12
"""Skeletons at once."""
THUMBNAIL = 192
"""Longer side of a drawn skeleton in the gallery, in pixels."""
_COLUMNS = ("url", "caption", "width", "height")


class Samples:
    """A dataset's skeletons. Samples that are forgotten, or that a view leaves out, are never among them.

    Args:
        url: of the dataset.
        pose: the layer of the skeletons.
        view: only samples that it has.

    Raises:
        UserError: if there is no such dataset, layer or view.
    """

    def __init__(self, url: str, pose: str, view: str | None = None) -> None:
        selection = Dataset(url).select(view)
        self.url, self.view, self.layer = url, view, selection.resolve(pose)
        selection.check(selection.dataset.shards(), [self.layer])

    def some(self, seed: int, count: int = OFFERED) -> list[People]:
        """Skeletons of up to ``count`` samples; ``seed`` says of which. The dataset is read anew.

        Raises:
            UserError: if no sample shows anybody.
        """
        selection = Dataset(self.url).select(self.view)
        chance = np.random.default_rng(seed)
        found: list[People] = []
        for shard in chance.permutation(selection.dataset.shards()).tolist():
            part = selection.read(shard, _COLUMNS)
            for skeleton in _people(part, self.layer, chance.permutation(part.images.num_rows).tolist()):
                found.append(skeleton)
                if len(found) == count:
                    return found
        if not found:
            raise UserError(
                f"no sample of {selection.what} shows anybody in {self.layer}: name another dataset or view"
            )
        return found


def _people(part: Part, layer: str, positions: list[int]) -> Iterator[People]:
    """Of those of a shard's samples in which somebody counts, as text to pose counts."""
    poses = Poses(part, layer)
    url = part.selection.dataset.store.url
    for position in positions:
        people = poses.people(position)
        if people:
            uid, address, said = (part.images.column(name)[position].as_py() for name in ("uid", "url", "caption"))
            source = {
                "kind": "sample",
                "dataset": url,
                "uid": uid,
                "url": address,
                "pose_layer": layer,
                "caption": said,
            }
            yield People(people, poses.size(position), said or "", source)


def thumbnail(skeleton: Skeleton) -> np.ndarray:
    """uint8 (height, width, 3): the skeleton drawn small."""
    factor = THUMBNAIL / max(skeleton.size)
    size: Size = (max(round(skeleton.size[0] * factor), 8), max(round(skeleton.size[1] * factor), 8))
    return skeleton.drawn(size)
