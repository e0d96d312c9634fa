"""A scene: people on a floor with furniture, something in front of them, walls or a horizon behind; and all of it as geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from humanverse.synth import body, colours, hair
from humanverse.synth.garments import FIELDS
from humanverse.synth.materials import HAIR, PATTERNS, SURFACES, Material, Table
from humanverse.synth.meshes import Mesh, box, cylinder, rectangle, vertex_normals
from humanverse.synth.people import Person
from humanverse.synth.randomness import Rng, between, chance, pick
from humanverse.synth.regions import PARTS, regions
from humanverse.synth.render import NO_BODY, Geometry
from humanverse.synth.rotations import about
from humanverse.synth.tessellation import tessellation

ROOM, OUTDOORS, PHOTOGRAPH = "room", "outdoors", "photograph"
_BOARD, _LEG = 0.05, 0.04
"""Thickness of boards and of legs, metres."""
_SEAT_PARTS = [PARTS.index(name) for name in ("torso", "left_upper_leg", "right_upper_leg")]


@dataclass(frozen=True)
class Thing:
    """Something that is nobody.

    Attributes:
        person: whose it is (long hair), -1 for nobody's.
        surface: of ``materials.SURFACES``, if it is somebody's.
    """

    mesh: Mesh
    material: Material
    person: int = -1
    surface: int = 0
    rest: np.ndarray | None = None


@dataclass
class Scene:
    """Attributes:
    people: from the left of the floor to the right.
    things: furniture, walls, the floor.
    """

    people: list[Person]
    things: list[Thing] = field(default_factory=list)

    @property
    def low(self) -> np.ndarray:
        """float64 (3,), the lowest corner of a box around the people."""
        return np.asarray(np.min([one.low for one in self.people], axis=0))

    @property
    def high(self) -> np.ndarray:
        return np.asarray(np.max([one.high for one in self.people], axis=0))


def arrange(people: Sequence[Person], rng: Rng) -> Scene:
    """Put people on the floor, none in another's place, those who sit on something."""
    placed: list[Person] = []
    for person in people:
        for attempt in range(60):
            reach = (0.25 + 0.3 * len(people)) * (1 + 0.05 * attempt) if len(people) > 1 else 0.0
            to = np.array([between(rng, -1, 1) * reach, between(rng, -0.7, 0.7) * min(reach, 1.5), 0.0])
            yaw = float(rng.normal(0, 40)) if chance(rng, 0.65) else between(rng, -180, 180)
            moved = person.moved(yaw, to)
            if all(_apart(moved, other) for other in placed):
                placed.append(moved)
                break
    placed.sort(key=lambda one: float(one.dressed[:, 0].mean()))
    scene = Scene(placed)
    for number, person in enumerate(placed):
        if person.posture.supported:
            scene.things += _seat(person, rng)
        scene.things += _mantle(person, number)
    return scene


def _apart(one: Person, other: Person) -> bool:
    """Whether boxes around two people do not overlap on the floor."""
    gap = np.maximum(one.low - other.high, other.low - one.high)[:2]
    return bool(gap.max() > 0.03)


def _mantle(person: Person, number: int) -> list[Thing]:
    """Long hair, which hangs from the head."""
    model, where = body.load(), regions()
    head = model.index("head")
    turn = person.turns[head]
    here = where.head > 0.9
    middle = 0.5 * (person.rest[here].min(axis=0) + person.rest[here].max(axis=0))
    own, usual = (np.ptp(points[here], axis=0) for points in (person.rest, where.rest))
    usual_middle = 0.5 * (where.rest[here].min(axis=0) + where.rest[here].max(axis=0))
    size = float(np.mean(own / usual))
    skull = middle + size * (where.skull - usual_middle)
    at = person.joints[head] + turn @ (skull - person.rest_joints[head])
    mesh = hair.mantle(person.looks.hair, at, turn, size)
    if mesh is None:
        return []
    return [Thing(mesh, person.looks.hair.material, number, HAIR, (mesh.vertices - at) @ turn)]


def _seat(person: Person, rng: Rng) -> list[Thing]:
    """A block, a stool or a chair under somebody who sits."""
    turn = about([0, 0, 1], person.yaw)
    local = person.dressed @ turn
    below = local[np.isin(regions().part, _SEAT_PARTS)]
    pelvis = person.joints[0] @ turn
    under = below[np.abs(below[:, 1] - pelvis[1]) < 0.12]
    height = float(under[:, 2].min()) + 0.012
    material = _furniture(rng)
    breadth, back, front = between(rng, 0.2, 0.3), 0.2, -between(rng, 0.12, 0.2)
    middle = pelvis + np.array([0, 0.5 * (back + front), 0])
    if chance(rng, 0.35):
        return [Thing(_placed(cylinder(np.array([pelvis[0], pelvis[1], 0.0]), 0.2, height), turn), material)]
    low = np.array([middle[0] - breadth, pelvis[1] + front, 0.0])
    high = np.array([middle[0] + breadth, pelvis[1] + back, height])
    solids = _table(low, high) if chance(rng, 0.4) else [box(low, high)]
    made = [Thing(_placed(solid, turn), material) for solid in solids]
    behind = float(local[np.isin(regions().part, [PARTS.index("torso")]), 1].max())
    if chance(rng, 0.4):
        rear = box(
            np.array([low[0], max(behind, high[1]) + 0.02, height - 0.05]),
            np.array([high[0], max(behind, high[1]) + 0.06, height + between(rng, 0.3, 0.55)]),
        )
        made.append(Thing(_placed(rear, turn), material))
    return made


def _table(low: np.ndarray, high: np.ndarray) -> list[Mesh]:
    """A board and four legs that fill a box."""
    under = high[2] - _BOARD
    corners = [(x, y) for x in (low[0], high[0] - _LEG) for y in (low[1], high[1] - _LEG)]
    legs = [box(np.array([x, y, low[2]]), np.array([x + _LEG, y + _LEG, under])) for x, y in corners]
    return [box(np.array([low[0], low[1], under]), high), *legs]


def _placed(mesh: Mesh, turn: np.ndarray) -> Mesh:
    return Mesh(mesh.vertices @ turn.T, mesh.faces)


def _furniture(rng: Rng) -> Material:
    colour = _muted(colours.named(rng, colours.CLOTHES)[1], between(rng, 0.1, 0.8))
    kind = pick(rng, {"plain": 2.0, "mottled": 1.0, "boards": 1.0})
    second = np.clip(colour * between(rng, 0.6, 0.9), 0, 1)
    return Material(colour, second, PATTERNS.index(kind), between(rng, 0.05, 0.2), between(rng, 0, 0.3))


def _muted(colour: np.ndarray, share: float) -> np.ndarray:
    """``colour`` mixed with the grey that is as light."""
    return np.asarray(colour * (1 - share) + colour.mean() * share)


def furnish(scene: Scene, rng: Rng, kind: str) -> None:
    """Give the scene its floor and what is behind: a wall with things before it, or houses far away; nothing of a photograph."""
    if kind == PHOTOGRAPH:
        return
    low, high = scene.low, scene.high
    scene.things.append(_floor(rng, kind))
    if kind == ROOM:
        wall = high[1] + between(rng, 0.25, 2.8)
        scene.things.append(_wall(rng, wall))
        for _ in range(int(rng.integers(0, 5))):
            scene.things.append(_before_wall(rng, wall, low, high))
        return
    for _ in range(int(rng.integers(0, 7))):
        away, across = between(rng, 5, 22), between(rng, -14, 14)
        side = rng.uniform(0.8, 5.0, 3) * np.array([1, 1, 1.2])
        corner = np.array([across, high[1] + away, 0.0])
        scene.things.append(Thing(box(corner, corner + side, between(rng, 0, 90)), _furniture(rng)))


def _floor(rng: Rng, kind: str) -> Thing:
    palette = ("grey", "beige", "brown", "dark grey", "olive", "white", "green")
    colour = _muted(
        colours.shade(rng, colours.CLOTHES[palette[int(rng.integers(len(palette)))]]), between(rng, 0.3, 0.7)
    )
    patterns = (
        {"boards": 2.0, "tiles": 2.0, "plain": 1.0, "mottled": 1.5} if kind == ROOM else {"mottled": 3.0, "tiles": 1.0}
    )
    pattern = pick(rng, patterns)
    scale = {"boards": between(rng, 0.08, 0.2), "tiles": between(rng, 0.2, 0.7)}.get(pattern, between(rng, 0.02, 0.2))
    second = np.clip(colour * between(rng, 0.55, 0.9), 0, 1)
    material = Material(colour, second, PATTERNS.index(pattern), scale, between(rng, 0, 0.25))
    mesh = rectangle(np.array([-45.0, -45, 0]), np.array([90.0, 0, 0]), np.array([0, 90.0, 0]))
    turned = Mesh(mesh.vertices @ about([0, 0, 1], between(rng, 0, 90)).T, mesh.faces)
    return Thing(turned, material, rest=mesh.vertices)


def _wall(rng: Rng, y: float) -> Thing:
    colour = _muted(colours.named(rng, colours.CLOTHES)[1], between(rng, 0.4, 0.9)) * 0.5 + 0.45 * between(
        rng, 0.5, 1.0
    )
    pattern = pick(rng, {"plain": 4.0, "mottled": 1.0, "stripes along": 0.5, "tiles": 1.0, "boards": 0.5, "dots": 0.3})
    second = np.clip(colour * between(rng, 0.75, 0.95), 0, 1)
    scale = between(rng, 0.1, 0.5)
    mesh = rectangle(np.array([-15.0, y, 0]), np.array([30.0, 0, 0]), np.array([0, 0, 12.0]))
    turn = about([0, 0, 1], between(rng, -18, 18))
    pivot = np.array([0, y, 0])
    return Thing(
        Mesh((mesh.vertices - pivot) @ turn.T + pivot, mesh.faces),
        Material(colour, second, PATTERNS.index(pattern), scale, 0.02),
        rest=mesh.vertices,
    )


def _before_wall(rng: Rng, wall: float, low: np.ndarray, high: np.ndarray) -> Thing:
    """A picture on the wall, a shelf, a plinth."""
    x = between(rng, low[0] - 2.5, high[0] + 2.5)
    if chance(rng, 0.4):
        bottom, side = between(rng, 0.9, 1.9), rng.uniform(0.3, 1.1, 2)
        mesh = box(np.array([x, wall - 0.6, bottom]), np.array([x + side[0], wall - 0.56, bottom + side[1]]))
    else:
        depth = min(between(rng, 0.2, 0.6), max(wall - high[1] - 0.05, 0.05))
        size = np.array([between(rng, 0.3, 1.4), depth, between(rng, 0.4, 2.1)])
        mesh = box(np.array([x, wall - depth, 0.0]), np.array([x, wall - depth, 0.0]) + size)
    return Thing(mesh, _furniture(rng))


def obstruct(scene: Scene, rng: Rng, place: np.ndarray, low: np.ndarray) -> None:
    """Sometimes put something between the camera at ``place`` and the people: a table, a plinth, a post."""
    if not chance(rng, 0.28):
        return
    people = scene.people[int(rng.integers(len(scene.people)))]
    middle = people.dressed.mean(axis=0)
    way = place - middle
    nearest = people.dressed[:, 1].min() - 0.12
    share = np.clip((nearest - middle[1]) / min(way[1], -0.3), 0.15, 0.45)
    at = middle + way * share + np.array([between(rng, -0.45, 0.45), 0, 0])
    kind = pick(rng, {"post": 1.0, "table": 1.5, "plinth": 1.0})
    material = _furniture(rng)
    if kind == "post":
        scene.things.append(Thing(cylinder(np.array([at[0], at[1], 0.0]), between(rng, 0.02, 0.06), 3.0), material))
        return
    height = min(between(rng, 0.35, 0.95), max(0.3, 0.75 * place[2]))
    side = np.array([between(rng, 0.3, 0.9), 0.25, 0.0])
    low = np.array([at[0] - side[0] / 2, at[1] - side[1], 0.0])
    high = np.array([at[0] + side[0] / 2, at[1], height])
    solids = _table(low, high) if kind == "table" else [box(low, high, between(rng, -20, 20))]
    scene.things += [Thing(solid, material) for solid in solids]


def geometry(scene: Scene) -> tuple[Geometry, Table]:
    """The scene as arrays: people first, in order, then things; long hair belongs to its person."""
    fine = tessellation()
    materials: list[Material] = []
    parts: dict[str, list[np.ndarray]] = {name: [] for name in Geometry.__dataclass_fields__}
    start = 0
    for number, person in enumerate(scene.people):
        mesh = Mesh(fine.vertices(person.dressed, regions().facets.normals(person.dressed)), fine.faces)
        _add(
            parts,
            mesh,
            fine.facets.normals(mesh.vertices),
            fine.values(regions().cloth),
            fine.values(person.worn.fields),
            start,
            number,
            int(person.worn.tucked),
            len(materials),
        )
        materials += person.looks.materials
        start += len(mesh.vertices)
    for number, thing in enumerate(scene.things, len(scene.people)):
        mesh, blank = thing.mesh, np.zeros((len(thing.mesh.vertices), len(FIELDS)), np.float32)
        rest = mesh.vertices if thing.rest is None else thing.rest
        owned = thing.person >= 0
        base = thing.person * len(SURFACES) + thing.surface if owned else len(materials)
        normals = vertex_normals(mesh.vertices, mesh.faces)
        _add(parts, mesh, normals, rest, blank, start, thing.person if owned else number, NO_BODY, base)
        materials += [] if owned else [thing.material]
        start += len(mesh.vertices)
    return Geometry(**{name: np.concatenate(arrays) for name, arrays in parts.items()}), Table.of(materials)


def _add(
    parts: dict[str, list[np.ndarray]],
    mesh: Mesh,
    normals: np.ndarray,
    rest: np.ndarray,
    fields: np.ndarray,
    start: int,
    owner: int,
    worn: int,
    base: int,
) -> None:
    many = len(mesh.faces)
    arrays = {
        "vertices": mesh.vertices.astype(np.float32),
        "normals": normals.astype(np.float32),
        "rest": rest.astype(np.float32),
        "fields": fields,
        "faces": mesh.faces + np.int32(start),
        "owners": np.full(many, owner, np.int32),
        "worn": np.full(many, worn, np.int32),
        "base": np.full(many, base, np.int32),
    }
    for name, array in arrays.items():
        parts[name].append(array)
