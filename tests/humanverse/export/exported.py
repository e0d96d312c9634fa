"""What a dataset holds, as an export must give it back; and small exports for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from humanverse.dataset.reader import Dataset
from humanverse.dataset.sample import Sample
from humanverse.export.base import Settings
from pipelines.export import Result, export


@dataclass(frozen=True)
class Held:
    """A sample with its maps by kind."""

    sample: Sample
    maps: Mapping[str, bytes]

    def layer(self, kind: str) -> dict[str, Any]:
        """Its row of a layer, without uid and places."""
        places = {"uid", "map_offset", "map_size"}
        return {name: value for name, value in self.sample.layers[kind].items() if name not in places}


KINDS = ("person", "pose", "caption", "depth")


def held(folder: Path, view: str | None = None) -> dict[str, Held]:
    """Every sample of a dataset by uid, in order."""
    dataset = Dataset(str(folder))
    found = {}
    for sample in dataset.samples(list(KINDS), view=view):
        png = dataset.map_png("depth", sample.shard, sample.layers["depth"])
        found[sample.uid] = Held(sample, {"depth": png} if png else {})
    return found


def run(folder: Path, out: Path, format: str, **settings: Any) -> Result:
    return export(str(folder), str(out), format, Settings(**settings))
