"""Bodies: the parametric model of the package ``anny`` (MakeHuman's shapes, CC0; the package is Apache-2.0), adults only.

Frame of a body: x to its left, y to its back, z up, in metres; the origin is the pelvis.

What the package computes when it loads for the first time (about 70 s) is kept in ``$HUMANVERSE_CACHE/anny``.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.errors import UserError
from humanverse.hush import without_stderr

ADULT = 2 / 3
"""The age at which the model's "young" adults are; 1 is old, 1/3 a child."""
VERTICES = 13_718
"""Of the model's mesh; tables of vertices here are of this mesh."""
_MISSING = "synthetic people need the packages of the synth extra: pip install 'humanverse[synth]'"


@dataclass(frozen=True)
class Posed:
    """Bodies after skinning.

    Attributes:
        vertices: float64 (n, VERTICES, 3).
        joints: float64 (n, bones, 3), the heads of the bones.
        turns: float64 (n, bones, 3, 3), orientation of each bone against its orientation in the reference pose.
    """

    vertices: np.ndarray
    joints: np.ndarray
    turns: np.ndarray


class Shaped:
    """Bodies of some shapes.

    Args:
        model: the package's.
        made: what it says of the shapes.
    """

    def __init__(self, model: Any, parents: np.ndarray, made: Mapping[str, Any]) -> None:
        self._model, self._parents, self._made = model, parents, made

    @property
    def reference(self) -> Posed:
        """The bodies in the reference pose, as the package made them with their shapes."""
        shape = (len(self._made["vertices"]), len(self._parents), 3, 3)
        return _posed(self._made["vertices"], self._made["bone_poses"], np.broadcast_to(np.eye(3), shape))

    def posed(self, rotations: np.ndarray) -> Posed:
        """The bodies in poses.

        Args:
            rotations: float64 (n, bones, 3, 3), of each bone against its parent, about axes of the body in the reference pose.
        """
        import torch

        deltas = np.zeros((*rotations.shape[:2], 4, 4), np.float32)
        deltas[:, :, :3, :3], deltas[:, :, 3, 3] = rotations, 1.0
        with one_thread(), torch.no_grad():
            moves, bones = self._model.get_bone_transforms(torch.from_numpy(deltas), self._made["rest_bone_poses"])
            vertices = self._model.get_skinned_vertices(self._made["rest_vertices"], moves)
        return _posed(vertices, bones, chained(self._parents, rotations))


def _posed(vertices: Any, bones: Any, turns: np.ndarray) -> Posed:
    joints = bones[:, :, :3, 3].numpy().astype(np.float64)
    return Posed(vertices.numpy().astype(np.float64), joints, turns)


class BodyModel:
    """The model, loaded.

    Attributes:
        bones: names of the bones, each after its parent.
        parents: int (bones,), -1 for the root.
        faces: int32 (faces, 3), counter-clockwise seen from outside.
        weights: float32 (VERTICES, bones), skinning weights; rows sum to 1.
        points: names of the points that ``regress`` gives: COCO's 17 and the 6 of the feet.

    Raises:
        UserError: if a package is missing.
    """

    def __init__(self) -> None:
        anny = _package()
        import torch

        anny.paths.set_anny_cache_path(cache_folder())
        with _one_process(), one_thread():
            self._model = anny.Anny(phenotypes="all", skinning_method="lbs").to(dtype=torch.float32)
            regressor = anny.KeypointsRegressor.coco(self._model)
        self.bones: tuple[str, ...] = tuple(self._model.bone_labels)
        self.parents = np.array(self._model.bone_parents)
        self.faces = self._model.faces.numpy().astype(np.int32)
        if len(self._model.template_vertices) != VERTICES:
            raise UserError("this version of the package anny has another mesh: install anny==0.6.2")
        self.weights = self._model.dense_vertex_bone_weights.numpy().reshape(VERTICES, -1).astype(np.float32)
        self.points: tuple[str, ...] = tuple(regressor.labels)
        self._regressor = regressor.regression_weights.numpy().astype(np.float64)

    def index(self, bone: str) -> int:
        return self.bones.index(bone)

    def reference(self, shapes: Sequence[Mapping[str, float]]) -> Posed:
        """Bodies of some shapes in the reference pose, from which rotations count: arms down and away from the body."""
        return self.shaped(shapes).reference

    def shaped(self, shapes: Sequence[Mapping[str, float]]) -> Shaped:
        """Bodies of some shapes, to be posed.

        Args:
            shapes: the model's phenotypes, each in [0, 1]; what is not named is 0.5.

        Raises:
            ValueError: if a shape is not an adult's.
        """
        import torch

        if any(shape["age"] < ADULT for shape in shapes):
            raise ValueError("only adults are made")
        names = self._model.phenotype_labels
        phenotypes = {name: torch.tensor([shape.get(name, 0.5) for shape in shapes]).float() for name in names}
        with one_thread(), torch.no_grad():
            return Shaped(self._model, self.parents, self._model(phenotype_kwargs=phenotypes))

    def regress(self, vertices: np.ndarray) -> np.ndarray:
        """float64 (n, VERTICES, 3) -> (n, len(points), 3): where the joints and the landmarks of the body are."""
        return np.asarray(np.einsum("kv,nvd->nkd", self._regressor, vertices))


def chained(parents: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """From rotations against the parent to rotations against the body: float64 (..., bones, 3, 3)."""
    turns = np.array(rotations, np.float64)
    for bone, parent in enumerate(parents):
        if parent >= 0:
            turns[..., bone, :, :] = turns[..., parent, :, :] @ turns[..., bone, :, :]
    return turns


def cached() -> bool:
    """Whether the package's data was computed before, by any version of it."""
    return any(cache_folder().glob("**/*.safetensors"))


def cache_folder() -> Path:
    """Where the package's computed data lies."""
    root = os.environ.get("HUMANVERSE_CACHE")
    return (Path(root) if root else Path.home() / ".cache" / "humanverse") / "anny"


@contextmanager
def _one_process() -> Iterator[None]:
    """Wait for other processes that are filling the cache."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, so that sums are added in one order on every machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_installed() -> None:
    """Raise UserError if a package is missing; imports none."""
    if any(find_spec(name) is None for name in ("torch", "warp", "anny")):
        raise UserError(_MISSING)


def ready_warp() -> Any:
    """The package ``warp``, which says nothing: where there is no GPU, its native part says so whatever its level."""
    import warp

    warp.config.log_level = warp.LOG_ERROR
    with without_stderr():
        warp.init()
    return warp


def _package() -> Any:
    try:
        ready_warp()
        with without_stderr():
            import anny
    except ImportError as error:
        raise UserError(_MISSING) from error
    return anny


@lru_cache(maxsize=1)
def load() -> BodyModel:
    """The model; loaded once in a process."""
    return BodyModel()
