"""Synthetic people with exact ground truth: ``sample`` gives a picture and its maps as arrays. It needs the synth extra.

Nothing heavy is imported before the first sample is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.synth.settings import SynthSettings

if TYPE_CHECKING:
    from humanverse.synth.samples import Sample

__all__ = ["SynthSettings", "sample"]


def sample(seed: int, index: int, settings: SynthSettings | None = None) -> Sample:
    """Sample ``index`` of the series ``seed``, as ``humanverse.synth.samples.sample`` makes it."""
    from humanverse.synth.samples import sample as make

    return make(seed, index, settings)
