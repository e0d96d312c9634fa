"""What a processor can do at the most: dense matrix products, by its maker's figure or, where there is none, measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

TERA = 1e12
HALVES = ("bfloat16", "float16")

KNOWN: dict[str, tuple[float, float]] = {
    "B200": (2250, 75),
    "H200": (989.4, 67),
    "H100 PCIe": (756, 51),
    "H100 NVL": (835, 60),
    "H100": (989.4, 67),
    "GH200": (989.4, 67),
    "A100": (312, 19.5),
    "A40": (149.7, 37.4),
    "A10G": (70, 31.5),
    "A10": (125, 31.2),
    "L40S": (362, 91.6),
    "L40": (181, 90.5),
    "L4": (121, 30.3),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71, 35.6),
}
"""Part of a GPU's name -> tera floating-point operations a second of its data sheet: dense with 16-bit factors and 32-bit sums,
and float32 without TF32. The first part that a name contains counts."""


@dataclass(frozen=True)
class Peak:
    """Operations a second at the most.

    Attributes:
        operations: of multiplying and of adding, each counted.
        source: ``data sheet``, or how it was measured.
    """

    operations: float
    source: str


_SEEN: dict[tuple[str, str, str], Peak] = {}
"""What was measured so far: the fastest of each processor, dtype and place."""


def of(processor: str, dtype: str, place: str, again: bool = False) -> Peak:
    """The peak of a processor.

    Args:
        processor: its name, as torch or the system has it.
        dtype: float32, bfloat16 or float16.
        place: of the processor in torch, ``cpu`` or ``cuda:0``.
        again: measure once more where it is measured, and keep the faster one: other programs may have slowed it down.
    """
    for part, (halves, whole) in KNOWN.items() if place.startswith("cuda") else ():
        if part in processor:
            return Peak((halves if dtype in HALVES else whole) * TERA, "data sheet")
    key = (processor, dtype, place)
    if again or key not in _SEEN:
        side = 8192 if place.startswith("cuda") else 1024
        now = Peak(measured(side, dtype, place), f"measured: product of two {side} x {side} matrices")
        _SEEN[key] = max(now, _SEEN.get(key, now), key=lambda one: one.operations)
    return _SEEN[key]


def measured(side: int, dtype: str, place: str, seconds: float = 1.0) -> float:
    """Operations a second of a product of two square matrices: the fastest of several.

    Args:
        side: of the matrices.
        dtype: of their numbers.
        place: where.
        seconds: to spend, after a first product that is not counted.
    """
    import torch

    one = torch.rand(side, side, dtype=torch.float32).to(place, getattr(torch, dtype))
    best, begun = float("inf"), time.perf_counter()
    wait(place, one @ one)
    while time.perf_counter() - begun < seconds:
        start = time.perf_counter()
        wait(place, one @ one)
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best


def wait(place: str, *made: Any) -> None:
    """Until ``made``, and all else that was asked of a GPU, is there."""
    if place.startswith("cuda"):
        import torch

        torch.cuda.synchronize(place)
