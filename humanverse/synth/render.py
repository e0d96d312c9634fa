"""From a scene to a picture and the maps that are true of it: rays cast by Warp on the CPU, or on a GPU where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.synth.camera import Camera
from humanverse.synth.lighting import Light
from humanverse.synth.materials import Table

EXTRA_RAYS = 2
"""Further rays for a pixel on an edge."""
NO_BODY = -2
"""``Geometry.worn`` of faces that are not of a body."""


@dataclass(frozen=True)
class Geometry:
    """Everything in a scene that rays meet. World frame: z up, the floor at 0, in metres.

    Attributes:
        vertices: float32 (n, 3).
        normals: float32 (n, 3), smooth.
        rest: float32 (n, 3), where each vertex is when its thing is at rest: what patterns are drawn on.
        fields: float32 (n, 8), ``garments.FIELDS``; 0 where there is no body.
        faces: int32 (m, 3).
        owners: int32 (m,), which thing a face is of; people first.
        worn: int32 (m,), 1 or 0 for bodies with the lower garment over or under the upper one, ``NO_BODY`` elsewhere.
        base: int32 (m,), the first material of the thing.
    """

    vertices: np.ndarray
    normals: np.ndarray
    rest: np.ndarray
    fields: np.ndarray
    faces: np.ndarray
    owners: np.ndarray
    worn: np.ndarray
    base: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What the middles of the pixels see.

    Attributes:
        picture: float32 (height, width, 3), linear light.
        faces: int32 (height, width), -1 where nothing is.
        depth: float32 (height, width), metres along the optical axis; NaN where nothing is.
        normals: float32 (height, width, 3), unit vectors, camera frame: x right, y up, z to the camera; NaN where nothing is.
        surfaces: int32 (height, width), of ``materials.SURFACES`` where a body is.
    """

    picture: np.ndarray
    faces: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    surfaces: np.ndarray


class Renderer:
    """One scene, ready to be looked at.

    Args:
        device: ``cpu``, ``cuda`` or ``auto``.
    """

    def __init__(self, geometry: Geometry, materials: Table, device: str = "auto") -> None:
        import warp as wp

        from humanverse.synth import kernels

        self._wp, self._kernels = wp, kernels
        self._device = chosen_device(device)
        self.geometry = geometry
        with wp.ScopedDevice(self._device):
            corners: Any = wp.array(geometry.faces.ravel(), dtype=int)
            self._mesh = wp.Mesh(self._vectors(geometry.vertices), corners)
            self._owners: Any = wp.array(geometry.owners, dtype=int)
            self._world = self._worlds(materials)

    def _vectors(self, values: np.ndarray) -> Any:
        return self._wp.array(np.ascontiguousarray(values, np.float32), dtype=self._wp.vec3)

    def _worlds(self, materials: Table) -> Any:
        wp, geometry = self._wp, self.geometry
        world = self._kernels.World()
        world.mesh = self._mesh.id
        world.faces = wp.array(geometry.faces, dtype=int)
        world.normals, world.rest = self._vectors(geometry.normals), self._vectors(geometry.rest)
        world.front = wp.array(np.ascontiguousarray(geometry.fields[:, :4]), dtype=wp.vec4)
        world.back = wp.array(np.ascontiguousarray(geometry.fields[:, 4:]), dtype=wp.vec4)
        world.base, world.worn = wp.array(geometry.base, dtype=int), wp.array(geometry.worn, dtype=int)
        world.colours = wp.array(materials.colours, dtype=wp.vec3)
        world.patterns = wp.array(materials.patterns, dtype=int)
        world.numbers = wp.array(materials.numbers, dtype=wp.vec2)
        return world

    def look(self, camera: Camera, light: Light, behind: np.ndarray, seed: int) -> Seen:
        """The scene through ``camera``.

        Args:
            behind: float32 (height, width, 3), linear light that comes from where nothing is.
            seed: of the rays that are thrown at random.
        """
        wp, kernels = self._wp, self._kernels
        height, width = behind.shape[:2]
        pixels = height * width
        with wp.ScopedDevice(self._device):
            eye, lamp = self._camera(camera), self._light(light)
            faces, surfaces = wp.empty(pixels, dtype=int), wp.zeros(pixels, dtype=int)
            whose = wp.empty(pixels, dtype=int)
            places, normals = wp.zeros(pixels, dtype=wp.vec3), wp.zeros(pixels, dtype=wp.vec3)
            reached, picture = wp.empty(pixels, dtype=wp.vec2), wp.empty(pixels, dtype=wp.vec3)
            lights, beyond = wp.empty(pixels, dtype=wp.vec2), self._vectors(behind.reshape(-1, 3))
            turned, depths = wp.empty(pixels, dtype=wp.vec3), wp.empty(pixels, dtype=float)
            world, size, thrown = self._world, [width, height], [seed, EXTRA_RAYS]
            met = [faces, self._owners, places, surfaces, whose]
            steps = (
                (kernels.trace, [world, eye, *size, self._owners, faces, places, surfaces, whose]),
                (kernels.reach, [world, eye, lamp, *size, faces, places, reached, normals]),
                (kernels.steady, [*size, whose, places, normals, reached, lights]),
                (
                    kernels.shade,
                    [
                        world,
                        eye,
                        lamp,
                        width,
                        seed,
                        faces,
                        places,
                        surfaces,
                        normals,
                        lights,
                        beyond,
                        picture,
                        turned,
                        depths,
                    ],
                ),
                (kernels.sharpen, [world, eye, lamp, *size, *thrown, *met, lights, beyond, picture]),
            )
            for kernel, given in steps:
                wp.launch(kernel, pixels, given)
            flat = (array.numpy() for array in (picture, faces, depths, turned, surfaces))
            return Seen(*(array.reshape(height, width, *array.shape[1:]) for array in flat))

    def first_hits(self, start: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is met first on the way from ``start`` (3,) to each of ``targets`` (n, 3).

        Returns:
            float32 (n,), how far along the way it is (1 is the target), and int32 (n,), its face; -1 for nothing.
        """
        wp = self._wp
        with wp.ScopedDevice(self._device):
            shares, faces = wp.empty(len(targets), dtype=float), wp.empty(len(targets), dtype=int)
            begin = wp.vec3(*(float(value) for value in start))
            wp.launch(
                self._kernels.first_hits, len(targets), [self._mesh.id, begin, self._vectors(targets), shares, faces]
            )
            return shares.numpy(), faces.numpy()

    def _camera(self, camera: Camera) -> Any:
        wp = self._wp
        eye = self._kernels.Camera()
        eye.place = wp.vec3(*camera.place.tolist())
        eye.right, eye.down, eye.ahead = (wp.vec3(*axis.tolist()) for axis in camera.axes)
        eye.focal, eye.centre = camera.focal, wp.vec2(*camera.centre)
        return eye

    def _light(self, light: Light) -> Any:
        wp = self._wp
        lamp = self._kernels.Light()
        lamp.key, lamp.colour = wp.vec3(*light.key.tolist()), wp.vec3(*light.colour.tolist())
        lamp.above, lamp.below, lamp.fill = (wp.vec3(*v.tolist()) for v in (light.above, light.below, light.fill))
        lamp.soft, lamp.catcher = light.soft, int(light.catcher)
        return lamp


def chosen_device(device: str) -> str:
    """``device`` as Warp knows it; ``auto`` is the first GPU, or the CPU where there is none.

    Raises:
        UserError: if a GPU was asked for and is not there.
    """
    from humanverse.errors import UserError
    from humanverse.synth.body import ready_warp

    there = ready_warp().is_cuda_available()
    if device == "cuda" and not there:
        raise UserError("device cuda: Warp finds no GPU here: say cpu, or auto")
    return "cuda:0" if there and device != "cpu" else "cpu"
