"""One sample: a picture of synthetic people, and everything that is true of it. A pure function of seed, index and settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from humanverse.synth import backdrops, camera, lighting, picture, scene, truth
from humanverse.synth.camera import Camera
from humanverse.synth.people import Person, looks, pose
from humanverse.synth.randomness import chance, pick, stream
from humanverse.synth.render import Renderer, Seen
from humanverse.synth.scene import OUTDOORS, PHOTOGRAPH, ROOM, Scene
from humanverse.synth.settings import SynthSettings
from humanverse.synth.truth import SeenPerson

LEAST_AREA = 0.02
"""Share of the picture that somebody must fill; without anybody who does a sample is drawn anew."""
LEAST_SEEN = 0.0005
"""Share of the picture that must be seen of anybody who is told of."""
TRIES = 20
Purposes = Callable[[str], np.random.Generator]
"""Random numbers by what they are for."""


@dataclass(frozen=True)
class Sample:
    """Attributes:
    seed, index: of the sample.
    rgb: uint8 (size, size, 3), sRGB.
    depth: float32 (size, size), metres along the optical axis; NaN where nothing is, or it is farther than ``truth.FARTHEST``.
    normal: float32 (size, size, 3), unit vectors, x right, y up, z to the camera; NaN as of ``depth``.
    owners: int16 (size, size), number of the person in ``people``, -1 where nobody is.
    labels: uint8 (size, size), of ``truth.LABELS``.
    people: those who are seen, largest first.
    camera: intrinsics and place.
    surroundings: ``room``, ``outdoors`` or ``photograph``.
    framing: what of the people was meant to be seen: ``full``, ``knees``, ``waist``.
    """

    seed: int
    index: int
    rgb: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    owners: np.ndarray
    labels: np.ndarray
    people: tuple[SeenPerson, ...]
    camera: Camera
    surroundings: str
    framing: str


def sample(seed: int, index: int, settings: SynthSettings | None = None) -> Sample:
    """Sample ``index`` of the series ``seed``; the same on every run, whatever was made before.

    Raises:
        UserError: if the packages of the synth extra are missing, or backgrounds cannot be read.
    """
    settings = settings or SynthSettings()
    for attempt in range(TRIES):
        made = _attempt(seed, index, settings, attempt)
        if made.people and made.people[0].area >= LEAST_AREA * made.owners.size:
            return made
    raise RuntimeError(f"sample {index} of seed {seed}: nobody was seen in {TRIES} scenes")


def _attempt(seed: int, index: int, settings: SynthSettings, attempt: int) -> Sample:
    def rng(purpose: str) -> np.random.Generator:
        return stream(seed, index, purpose, attempt)

    surroundings = _surroundings(rng("surroundings"), settings)
    arranged = scene.arrange(_people(rng, settings), rng("places"))
    eye, framing = camera.draw(rng("camera"), settings.size, arranged.low, arranged.high)
    scene.furnish(arranged, rng("furniture"), surroundings)
    scene.obstruct(arranged, rng("obstacles"), eye.place, arranged.low)
    renderer, seen = _rendered(rng, settings, arranged, eye, surroundings)
    rgb = picture.developed(seen.picture, rng("development"))
    owners = truth.owners(seen, renderer.geometry, len(arranged.people))
    kept = truth.seen_people(arranged.people, owners, eye, renderer, LEAST_SEEN * owners.size)
    numbers = {one.number: place for place, one in enumerate(kept)}
    depth, normal = truth.within_reach(seen)
    return Sample(
        seed, index, rgb, depth, normal, truth.renumbered(owners, numbers), truth.labels(seen, renderer.geometry, owners),
        tuple(kept), eye, surroundings, framing,
    )  # fmt: skip


def _people(rng: Purposes, settings: SynthSettings) -> list[Person]:
    weights = {"1": 5.0, "2": 3.0, "3": 2.0}
    allowed = {n: w for n, w in weights.items() if settings.min_people <= int(n) <= settings.max_people}
    many = range(int(pick(rng("people"), allowed)))
    return pose([looks(rng(f"looks {one}")) for one in many], [rng(f"pose {one}") for one in many])


def _surroundings(rng: np.random.Generator, settings: SynthSettings) -> str:
    if settings.backgrounds is not None and chance(rng, 0.7):
        return PHOTOGRAPH
    return pick(rng, {ROOM: 0.65, OUTDOORS: 0.35})


def _rendered(
    rng: Purposes, settings: SynthSettings, arranged: Scene, eye: Camera, surroundings: str
) -> tuple[Renderer, Seen]:
    geometry, materials = scene.geometry(arranged)
    renderer = Renderer(geometry, materials, settings.device)
    photographed = surroundings == PHOTOGRAPH
    light = lighting.draw(rng("light"), surroundings != ROOM, photographed)
    if photographed and settings.backgrounds is not None:
        behind = backdrops.photograph(settings.backgrounds, rng("backdrop"), settings.size)
    elif surroundings == OUTDOORS:
        behind = backdrops.sky(rng("backdrop"), settings.size)
    else:
        behind = backdrops.even(settings.size)
    return renderer, renderer.look(eye, light, behind, int(rng("rays").integers(1 << 30)))
