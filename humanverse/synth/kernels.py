# mypy: ignore-errors
"""What runs per pixel, compiled by Warp. Warp reads annotations as types, so that this file has none of Python's own kind, and
mypy is told to pass over it.

Each kernel is a module of its own (``unique``): the compiler then puts all that it calls into it, which is quicker by a fifth for
those that shade. Import it only where pictures are made: it loads Warp.
"""

import warp as wp

from humanverse.synth.shading import FAR, Light, World, light_at, seen_surface, shaded, smooth_normal, spread

wp.set_module_options({"enable_backward": False})

NOTHING = wp.constant(-1)
UNTOLD = wp.constant(-1.0)
"""Light of pixels for which none was asked."""


@wp.struct
class Camera:
    place: wp.vec3
    right: wp.vec3
    down: wp.vec3
    ahead: wp.vec3
    focal: float
    centre: wp.vec2


@wp.func
def ray(camera: Camera, x: float, y: float):
    """The direction through the point (x, y) of the picture, 1 long along the optical axis."""
    across = (x - camera.centre[0]) / camera.focal
    down = (y - camera.centre[1]) / camera.focal
    return camera.ahead + camera.right * across + camera.down * down


@wp.func
def grid_point(x: int, y: int, width: int):
    return y * width + x


@wp.kernel(module="unique")
def trace(
    world: World,
    camera: Camera,
    width: int,
    height: int,
    owners: wp.array(dtype=int),
    faces: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    surfaces: wp.array(dtype=int),
    whose: wp.array(dtype=int),
):
    """What the middle of each pixel sees: the face (-1: none), (u, v, depth along the optical axis), the surface, and
    whose it is (-1: nobody's)."""
    pixel = wp.tid()
    way = ray(camera, float(pixel % width) + 0.5, float(pixel // width) + 0.5)
    length = wp.length(way)
    hit = wp.mesh_query_ray(world.mesh, camera.place, way / length, FAR)
    faces[pixel] = NOTHING
    whose[pixel] = NOTHING
    if hit.result:
        faces[pixel] = hit.face
        whose[pixel] = owners[hit.face]
        places[pixel] = wp.vec3(hit.u, hit.v, hit.t / length)
        surfaces[pixel] = seen_surface(world, hit.face, hit.u, hit.v)


@wp.kernel(module="unique")
def reach(
    world: World,
    camera: Camera,
    light: Light,
    width: int,
    height: int,
    faces: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    reached: wp.array(dtype=wp.vec2),
    normals: wp.array(dtype=wp.vec3),
):
    """What light reaches the middle of every second pixel, like the white fields of a chess board: one ray to the key light
    and one to the surroundings. The others are ``UNTOLD``."""
    pixel = wp.tid()
    chance = spread(pixel % width, pixel // width)
    way = ray(camera, float(pixel % width) + 0.5, float(pixel // width) + 0.5)
    face = faces[pixel]
    reached[pixel] = wp.vec2(UNTOLD, UNTOLD)
    told = (pixel % width + pixel // width) % 2 == 0
    if face >= 0:
        place = places[pixel]
        flat = wp.mesh_eval_face_normal(world.mesh, face)
        normals[pixel] = smooth_normal(world, face, place[0], place[1])
        if wp.dot(flat, way) > 0.0:
            flat = -flat
            normals[pixel] = -normals[pixel]
        if told:
            reached[pixel] = light_at(world, light, camera.place + way * place[2], flat, chance)
    elif light.catcher == 1 and way[2] < -1.0e-3:
        up = wp.vec3(0.0, 0.0, 1.0)
        normals[pixel] = up
        if told:
            reached[pixel] = light_at(world, light, camera.place - way * (camera.place[2] / way[2]), up, chance)
    else:
        reached[pixel] = wp.vec2(1.0, 1.0)


@wp.func
def steadied(
    x: int,
    y: int,
    width: int,
    height: int,
    whose: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    reached: wp.array(dtype=wp.vec2),
):
    """The light of a pixel, averaged over those neighbours that are of the same thing, at about the same depth and tilt."""
    pixel = grid_point(x, y, width)
    owner = whose[pixel]
    depth = places[pixel][2]
    normal = normals[pixel]
    total = wp.vec2(0.0, 0.0)
    weight = 0.0
    for row in range(3):
        for column in range(5):
            other_x = x + (column - 2) * 2 - (x + y + row + 1) % 2
            other_y = y + row - 1
            if other_x >= 0 and other_y >= 0 and other_x < width and other_y < height:
                other = grid_point(other_x, other_y, width)
                if whose[other] == owner:
                    there = reached[other]
                    beside = owner < 0 or wp.abs(places[other][2] - depth) < 0.02 * depth
                    if beside and there[0] > UNTOLD and wp.dot(normal, normals[other]) > 0.9:
                        total += there
                        weight += 1.0
    if weight > 0.0:
        return total / weight
    if reached[pixel][0] > UNTOLD:
        return reached[pixel]
    return wp.vec2(0.5, 0.5)


@wp.func
def differs(whose: int, other: int, depth: float, beside: float, body: bool):
    """1 if two pixels see different things, or parts of a body one behind the other; else 0."""
    if whose != other:
        return 1
    return wp.where(body and wp.abs(depth - beside) > 0.03 * depth, 1, 0)


@wp.kernel(module="unique")
def steady(
    width: int,
    height: int,
    whose: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    reached: wp.array(dtype=wp.vec2),
    lights: wp.array(dtype=wp.vec2),
):
    """The light of every pixel, from what ``reach`` told of every second one."""
    pixel = wp.tid()
    lights[pixel] = steadied(pixel % width, pixel // width, width, height, whose, places, normals, reached)


@wp.kernel(module="unique")
def shade(
    world: World,
    camera: Camera,
    light: Light,
    width: int,
    seed: int,
    faces: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    surfaces: wp.array(dtype=int),
    normals: wp.array(dtype=wp.vec3),
    lights: wp.array(dtype=wp.vec2),
    behind: wp.array(dtype=wp.vec3),
    picture: wp.array(dtype=wp.vec3),
    turned: wp.array(dtype=wp.vec3),
    depths: wp.array(dtype=float),
):
    """The picture in linear light, of the middles of pixels; normals in the camera's frame, x right, y up, z to the camera, and
    depths, both NaN where nothing is."""
    pixel = wp.tid()
    face = faces[pixel]
    light_here = lights[pixel]
    if face < 0:
        dark = wp.vec3(1.0, 1.0, 1.0) * ((0.45 + 0.55 * light_here[0]) * (0.35 + 0.65 * light_here[1]))
        picture[pixel] = wp.cw_mul(behind[pixel], dark)
        turned[pixel] = wp.vec3(wp.nan, wp.nan, wp.nan)
        depths[pixel] = wp.nan
        return
    place = places[pixel]
    n = normals[pixel]
    way = ray(camera, float(pixel % width) + 0.5, float(pixel // width) + 0.5)
    turned[pixel] = wp.vec3(wp.dot(camera.right, n), -wp.dot(camera.down, n), -wp.dot(camera.ahead, n))
    depths[pixel] = place[2]
    picture[pixel] = shaded(
        world,
        light,
        face,
        place[0],
        place[1],
        n,
        light_here,
        wp.normalize(way),
        surfaces[pixel],
        wp.rand_init(seed, 0),
    )


@wp.kernel(module="unique")
def sharpen(
    world: World,
    camera: Camera,
    light: Light,
    width: int,
    height: int,
    seed: int,
    extra: int,
    faces: wp.array(dtype=int),
    owners: wp.array(dtype=int),
    places: wp.array(dtype=wp.vec3),
    surfaces: wp.array(dtype=int),
    whose: wp.array(dtype=int),
    lights: wp.array(dtype=wp.vec2),
    behind: wp.array(dtype=wp.vec3),
    picture: wp.array(dtype=wp.vec3),
):
    """Cast ``extra`` more rays into each pixel of the picture whose neighbours see other things, and take the mean."""
    pixel = wp.tid()
    x, y = pixel % width, pixel // width
    face = faces[pixel]
    body = False
    if face >= 0:
        body = world.worn[face] >= 0
    edge = 0
    for side in range(4):
        other_x = x + wp.where(side == 0, 1, 0) - wp.where(side == 1, 1, 0)
        other_y = y + wp.where(side == 2, 1, 0) - wp.where(side == 3, 1, 0)
        if other_x >= 0 and other_y >= 0 and other_x < width and other_y < height:
            other = grid_point(other_x, other_y, width)
            edge = wp.max(edge, differs(whose[pixel], whose[other], places[pixel][2], places[other][2], body))
            if surfaces[other] != surfaces[pixel]:
                edge = 1
    if edge == 0:
        return
    state = wp.rand_init(seed, pixel + width * height)
    grain = wp.rand_init(seed, 0)
    light_here = lights[pixel]
    colour = picture[pixel]
    for ray_number in range(extra):
        across = (float(ray_number) + wp.randf(state)) / float(extra)
        down = (float(ray_number) + wp.randf(state)) / float(extra)
        aside = ray(camera, float(x) + across, float(y) + down)
        length = wp.length(aside)
        hit = wp.mesh_query_ray(world.mesh, camera.place, aside / length, FAR)
        if hit.result:
            normal = smooth_normal(world, hit.face, hit.u, hit.v)
            flat = hit.normal
            if wp.dot(flat, aside) > 0.0:
                flat = -flat
                normal = -normal
            there = light_here
            if owners[hit.face] != whose[pixel]:
                chance = wp.vec3(wp.randf(state), wp.randf(state), wp.randf(state))
                there = light_at(world, light, camera.place + aside / length * hit.t, flat, chance)
            number = seen_surface(world, hit.face, hit.u, hit.v)
            colour += shaded(world, light, hit.face, hit.u, hit.v, normal, there, aside / length, number, grain)
        else:
            colour += behind[pixel]
    colour = colour / (float(extra) + 1.0)
    picture[pixel] = colour


@wp.kernel(module="unique")
def first_hits(
    mesh: wp.uint64,
    start: wp.vec3,
    targets: wp.array(dtype=wp.vec3),
    shares: wp.array(dtype=float),
    faces: wp.array(dtype=int),
):
    """For each target: how far along the way to it the first thing is (1 at the target, above where it is farther)."""
    index = wp.tid()
    way = targets[index] - start
    length = wp.length(way)
    hit = wp.mesh_query_ray(mesh, start, way / length, FAR)
    shares[index] = FAR
    faces[index] = NOTHING
    if hit.result:
        shares[index] = hit.t / length
        faces[index] = hit.face
