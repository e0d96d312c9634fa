"""What a run tells of itself: a line of JSON every so many samples, and the same to trackers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from humanverse.models.losses import Bands, by_band
from humanverse.training.stage import Told

BANDS = 4
"""Equal parts of the timesteps, the first with the least noise."""


class Meter:
    """What has come together since the last line.

    Attributes:
        waited: seconds spent waiting for data.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin the next line."""
        self._bands: Bands | None = None
        self._totals: list[torch.Tensor] = []
        self._samples, self.waited, self._since = 0, 0.0, time.monotonic()

    def add(self, told: Told, samples: int) -> None:
        """Take in a pass of this process."""
        bands = by_band(told.losses, told.steps, BANDS)
        self._bands = bands if self._bands is None else self._bands + bands
        self._totals.append(told.losses.total.detach().double() * samples)
        self._samples += samples

    def exclude(self, seconds: float) -> None:
        """Leave time out that was not spent on training."""
        self._since += seconds

    def values(self, accelerator: Any) -> dict[str, float]:
        """Means over all processes' samples: ``loss``, ``loss/TARGET``, ``loss/TARGET/BAND``, ``wait`` (share of the time) and
        ``samples_per_second``. All processes must ask."""
        if self._bands is None:
            return {}
        names = list(self._bands.sums)
        device = self._totals[0].device
        clock = torch.tensor([self._samples, self.waited, time.monotonic() - self._since], dtype=torch.float64)
        sums = torch.cat(
            [clock.to(device), torch.stack(self._totals).sum()[None]]
            + [table[name].double().to(device) for name in names for table in (self._bands.sums, self._bands.counts)]
        )
        samples, waited, seconds, total, *rest = accelerator.reduce(sums, "sum").tolist()
        told = {"loss": total / samples, "wait": waited / seconds}
        told["samples_per_second"] = samples * accelerator.num_processes / seconds
        for place, name in enumerate(names):
            first = place * 2 * BANDS
            errors, counts = rest[first : first + BANDS], rest[first + BANDS : first + 2 * BANDS]
            if sum(counts):
                told[f"loss/{name}"] = sum(errors) / sum(counts)
            told |= {f"loss/{name}/{band}": errors[band] / counts[band] for band in range(BANDS) if counts[band]}
        return told


class Journal:
    """``log.jsonl``: one object a line, of one process.

    Args:
        path: of the file.
        seen: samples of the run so far; lines beyond them, of a run that was stopped, are taken out.
    """

    def __init__(self, path: Path, seen: int) -> None:
        self._path = path
        if path.exists():
            kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _is_until(line, seen)]
            part = path.with_suffix(".part")
            part.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            part.replace(path)

    def write(self, values: Mapping[str, Any]) -> None:
        """Add a line; numbers that are not finite become null."""
        plain = {name: None if _is_strange(value) else value for name, value in values.items()}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain) + "\n")


def _is_until(line: str, seen: int) -> bool:
    try:
        return int(json.loads(line)["samples"]) <= seen
    except (ValueError, KeyError):
        return False


def _is_strange(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
