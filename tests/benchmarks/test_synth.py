"""Processor time of making synthetic pictures is that of their rays, of encoding them, and more."""

from benchmarks import synth
from humanverse.synth import SynthSettings


def test_the_whole_takes_longer_than_its_rays() -> None:
    took = synth.seconds(2, 1, SynthSettings(size=64, device="cpu"))
    assert took["whole"] > took["rays"] > 0 < took["encoding"]


def test_the_table_tells_the_figures() -> None:
    found = {"pictures_per_s": 4.25, "whole_ms": 420.0, "rays_ms": 250.0, "encoding_ms": 20.0}
    text = synth.table({**found, "vs_rays": 0.6, "vs_rays_and_encoding": 0.64})
    assert all(word in text for word in ("420 ms", "250 ms", "20 ms", "0.60", "0.64", "4.25 pictures/s"))
