"""Samples that several tests look at; each is made once."""

from __future__ import annotations

from functools import lru_cache

from humanverse.synth import SynthSettings, sample
from humanverse.synth.samples import Sample

SEED = 11


@lru_cache(maxsize=32)
def one(index: int, size: int = 256) -> Sample:
    return sample(SEED, index, SynthSettings(size=size, device="cpu"))


def some(count: int, size: int = 256) -> list[Sample]:
    return [one(index, size) for index in range(count)]
