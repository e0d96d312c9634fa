# mypy: ignore-errors
"""What a point of a scene looks like, as functions that Warp compiles into ``kernels``: surfaces, patterns, light.

Warp reads annotations as types, so that this file has none of Python's own kind, and mypy is told to pass over it.
"""

import warp as wp

from humanverse.synth import materials

SKIN = wp.constant(materials.SKIN)
UPPER = wp.constant(materials.UPPER)
LOWER = wp.constant(materials.LOWER)
SHOES = wp.constant(materials.SHOES)
SOCKS = wp.constant(materials.SOCKS)
HAIR = wp.constant(materials.HAIR)
LIPS = wp.constant(materials.LIPS)
BROWS = wp.constant(materials.BROWS)
SCLERA = wp.constant(materials.SCLERA)
IRIS = wp.constant(materials.IRIS)
PUPIL = wp.constant(materials.PUPIL)

FAR = wp.constant(1.0e4)
OFFSET = wp.constant(2.0e-3)
"""Metres from which further rays leave a surface."""
AROUND = wp.constant(0.6)
"""Metres within which things darken each other."""


@wp.struct
class World:
    """Attributes: geometry and materials as ``render.Geometry`` and ``materials.Table`` have them."""

    mesh: wp.uint64
    faces: wp.array2d(dtype=int)
    normals: wp.array(dtype=wp.vec3)
    rest: wp.array(dtype=wp.vec3)
    front: wp.array(dtype=wp.vec4)
    back: wp.array(dtype=wp.vec4)
    base: wp.array(dtype=int)
    worn: wp.array(dtype=int)
    colours: wp.array2d(dtype=wp.vec3)
    patterns: wp.array(dtype=int)
    numbers: wp.array(dtype=wp.vec2)


@wp.struct
class Light:
    """Attributes: to the key light, its colour, its softness; light from above, from below, from the camera; whether the
    background has a floor that only shadows are seen on."""

    key: wp.vec3
    colour: wp.vec3
    soft: float
    above: wp.vec3
    below: wp.vec3
    fill: wp.vec3
    catcher: int


@wp.func
def surface(front: wp.vec4, back: wp.vec4, worn: int):
    """What is seen of a person at a point, from the fields there. ``worn`` is 1 where the lower garment is over the upper."""
    found = int(SKIN)
    if back[3] > -0.5:
        found = SCLERA
        if back[3] > 0.84:
            found = IRIS
        if back[3] > 0.965:
            found = PUPIL
        return found
    if front[3] > 0.0:
        found = SOCKS
    if back[2] > 0.0:
        found = BROWS
    if back[0] > 0.0:
        found = HAIR
    if back[1] > 0.0:
        found = LIPS
    if front[2] > 0.0:
        found = SHOES
    if worn == 1:
        if front[0] > 0.0:
            found = UPPER
        if front[1] > 0.0:
            found = LOWER
    else:
        if front[1] > 0.0:
            found = LOWER
        if front[0] > 0.0:
            found = UPPER
    return found


@wp.func
def second_share(kind: int, p: wp.vec3, scale: float, state: wp.uint32):
    """How much of the second colour is seen at ``p``, a point of the surface at rest, in metres."""
    if kind == 1:
        return wp.where(p[2] / scale - wp.floor(p[2] / scale) < 0.5, 0.0, 1.0)
    if kind == 2:
        return wp.where(p[0] / scale - wp.floor(p[0] / scale) < 0.5, 0.0, 1.0)
    if kind == 3:
        across = wp.where(p[0] / scale - wp.floor(p[0] / scale) < 0.4, 0.5, 0.0)
        return across + wp.where(p[2] / scale - wp.floor(p[2] / scale) < 0.4, 0.5, 0.0)
    if kind == 4:
        u = p[0] / scale - wp.floor(p[0] / scale) - 0.5
        v = p[2] / scale - wp.floor(p[2] / scale) - 0.5
        return wp.where(u * u + v * v < 0.07, 1.0, 0.0)
    if kind == 5:
        fine = wp.noise(state, p / scale) + 0.6 * wp.noise(state, p / (6.0 * scale))
        return wp.clamp(0.5 + 0.7 * fine, 0.0, 1.0)
    if kind == 6:
        board = wp.floor(p[0] / scale)
        edge = p[0] / scale - board
        tone = wp.noise(state, wp.vec3(board * 1.37 + 0.5, p[1] * 0.4, 0.3))
        grain = wp.noise(state, wp.vec3(p[0] * 60.0, p[1] * 3.0, 0.7))
        return wp.where(edge < 0.02, 1.0, wp.clamp(0.4 + 0.5 * tone + 0.25 * grain, 0.0, 1.0))
    if kind == 7:
        u = p[0] / scale - wp.floor(p[0] / scale)
        v = (p[1] + p[2]) / scale - wp.floor((p[1] + p[2]) / scale)
        return wp.where(wp.min(u, v) < 0.03, 1.0, 0.12 + 0.12 * wp.noise(state, p / scale))
    return 0.0


@wp.func
def mixed(a: wp.vec3, b: wp.vec3, c: wp.vec3, u: float, v: float):
    return a * u + b * v + c * (1.0 - u - v)


@wp.func
def mixed4(a: wp.vec4, b: wp.vec4, c: wp.vec4, u: float, v: float):
    return a * u + b * v + c * (1.0 - u - v)


@wp.func
def seen_surface(world: World, face: int, u: float, v: float):
    """The surface of a face at (u, v); 0 for what is no body."""
    if world.worn[face] < 0:
        return 0
    a, b, c = world.faces[face, 0], world.faces[face, 1], world.faces[face, 2]
    front = mixed4(world.front[a], world.front[b], world.front[c], u, v)
    back = mixed4(world.back[a], world.back[b], world.back[c], u, v)
    return surface(front, back, world.worn[face])


@wp.func
def smooth_normal(world: World, face: int, u: float, v: float):
    a, b, c = world.faces[face, 0], world.faces[face, 1], world.faces[face, 2]
    return wp.normalize(mixed(world.normals[a], world.normals[b], world.normals[c], u, v))


@wp.func
def on_sphere(chance: wp.vec3):
    """A point of the unit sphere from two numbers in [0, 1)."""
    height = 1.0 - 2.0 * chance[0]
    across = wp.sqrt(wp.max(1.0 - height * height, 0.0))
    angle = 2.0 * wp.PI * chance[1]
    return wp.vec3(across * wp.cos(angle), across * wp.sin(angle), height)


@wp.func
def spread(x: int, y: int):
    """Three numbers in [0, 1) for a pixel of which light is told: any 3 rows of 5 such neighbours have 15 points that are spread
    evenly (the R2 sequence, Roberts 2018), so that their mean is smooth."""
    number = float((x // 2) % 5 + 5 * (y % 3))
    return wp.vec3(
        wp.frac(0.5 + number * 0.7548777), wp.frac(0.5 + number * 0.5698403), wp.frac(0.5 + number * 0.618034)
    )


@wp.func
def light_at(world: World, light: Light, point: wp.vec3, normal: wp.vec3, chance: wp.vec3):
    """(1 where the key light reaches, 1 where nothing near is above): one ray each, the latter more often near the normal
    (Lambert's cosine)."""
    start = point + normal * OFFSET
    about = on_sphere(chance)
    way = wp.normalize(light.key + about * (light.soft * wp.sqrt(chance[2])))
    free = 1.0 - float(wp.mesh_query_ray_anyhit(world.mesh, start, wp.normalize(about + normal * 1.001), AROUND))
    if wp.dot(way, normal) <= 0.0:
        return wp.vec2(0.0, free)
    return wp.vec2(1.0 - float(wp.mesh_query_ray_anyhit(world.mesh, start, way, FAR)), free)


@wp.func
def shaded(
    world: World,
    light: Light,
    face: int,
    u: float,
    v: float,
    normal: wp.vec3,
    reached: wp.vec2,
    view: wp.vec3,
    number: int,
    state: wp.uint32,
):
    """The light, linear, that a point of surface ``number`` sends along -``view``."""
    a, b, c = world.faces[face, 0], world.faces[face, 1], world.faces[face, 2]
    material = world.base[face] + number
    rest = mixed(world.rest[a], world.rest[b], world.rest[c], u, v)
    share = second_share(world.patterns[material], rest, world.numbers[material][0], state)
    colour = world.colours[material, 0] * (1.0 - share) + world.colours[material, 1] * share
    up = 0.5 + 0.5 * normal[2]
    sun = wp.max(wp.dot(normal, light.key), 0.0) * reached[0]
    near = 0.35 + 0.65 * reached[1]
    facing = wp.max(-wp.dot(normal, view), 0.0)
    sent = light.colour * sun + (light.above * up + light.below * (1.0 - up)) * near + light.fill * (facing * near)
    half = wp.normalize(light.key - view)
    shine = world.numbers[material][1] * reached[0] * wp.pow(wp.max(wp.dot(normal, half), 0.0), 24.0)
    return wp.cw_mul(colour, sent) + light.colour * shine * 0.5
