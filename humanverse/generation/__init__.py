"""Pictures of people from a prompt and a skeleton, by both stages: what the command line and other programs call.

from humanverse.generation import Generator, People, Request

generator = Generator("runs/structure", "runs/refiner")
(made,) = generator.generate([Request("a woman who dances", People.of([keypoints], (640, 480)), seed=7)])
made.rgb, made.depth, made.normal, made.refined
"""

from __future__ import annotations

from humanverse.generation.generator import Generator
from humanverse.generation.request import Generated, Request
from humanverse.generation.skeletons import Drawing, People, Skeleton

__all__ = ["Drawing", "Generated", "Generator", "People", "Request", "Skeleton"]
