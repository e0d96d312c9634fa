"""The layers of one committed shard: row i of each is row i of the images, and maps are where their rows say."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.codec import arrays
from humanverse.dataset import asking, layout, tar
from humanverse.dataset.checks import maps, values
from humanverse.dataset.checks.finding import Finding, Unreadable, first_of, note, problem, read_table
from humanverse.dataset.checks.held import Held, Layer
from humanverse.dataset.checks.shard import Shard, members
from humanverse.plurals import plural
from schemas.layer_rules import PEOPLE


def check(held: Held, shard: Shard) -> Iterator[Finding]:
    """Every layer of a shard."""
    people: dict[str, pa.Array] = {}
    for layer in held.layers:
        path = layout.layer_table(layer.name, shard.number, shard.generation)
        if shard.number not in layer.shards:
            if _must_have(held, shard.number, layer):
                made_by = asking.rendered_by(held.store.url, layer.name, held.source)
                yield problem(path, f"is missing: {made_by} makes it again" if made_by else "is missing")
            continue
        try:
            table = read_table(held.store, path, layer.kind.schema)
        except Unreadable as error:
            yield error.finding
            continue
        if table.column("uid").to_pylist() != shard.uids:
            yield problem(path, "its rows are not those of the images, in their order")
            continue
        yield from values.check(path, layer, table, shard.images)
        if layer.kind.dense:
            yield from _maps(held, shard, layer, table)
        if layer.kind.name in PEOPLE:
            people[layer.name] = pc.list_value_length(table.column(PEOPLE[layer.kind.name]))
    yield from _people_agree(held, shard, people)


def incomplete(held: Held, committed: frozenset[int]) -> Iterator[Finding]:
    """Every layer that shards lack and may lack: one note, with the command that makes it for them."""
    for layer in held.layers:
        lacking = sum(not _must_have(held, number, layer) for number in committed - layer.shards)
        if lacking:
            command = asking.command(held.store.url, layer.name, layer.card)
            message = f"is not made yet for {lacking} of {plural(len(committed), 'shard')}: {command} makes it"
            yield note(layout.layer_folder(layer.name), message)


def _must_have(held: Held, shard: int, layer: Layer) -> bool:
    """A shard must have the recipe's layers, unless it came by a merge from where they were not."""
    return layer.in_recipe and shard not in held.merges.merged


def _maps(held: Held, shard: Shard, layer: Layer, table: pa.Table) -> Iterator[Finding]:
    path = layout.layer_tar(layer.name, shard.number, shard.generation)
    there = table.filter(table.column("map_offset").is_valid())
    said = maps.SAID.get(layer.kind.name, maps.NOTHING)
    rows = there.select(["uid", "map_offset", "map_size", "map_width", "map_height", *said.columns]).to_pylist()
    names = [f"{row['uid']}.{layer.kind.suffix}" for row in rows]
    form = str(layer.kind.suffix).rpartition(".")[2]
    found: list[tar.Member] = []
    damaged: list[str] = []
    resized: list[str] = []
    untrue: list[tuple[str, str]] = []
    try:
        for member, data in members(held.store, path):
            row = rows[len(found)] if len(found) < len(rows) else None
            found.append(member)
            size = SIZES[form](data)
            if size is None:
                damaged.append(member.name)
            elif row is not None and size != (row["map_width"], row["map_height"]):
                resized.append(member.name)
            elif row is not None and (fault := said.fault(data, row)):
                untrue.append((member.name, fault))
    except Unreadable as error:
        yield error.finding
        return
    if [member.name for member in found] != names:
        yield problem(path, "its members are not the maps of the layer's rows, in their order")
        return
    if damaged:
        yield problem(
            path, f"{damaged[0]} is not a whole {form.upper()} file ({len(damaged)} of {plural(len(found), 'map')})"
        )
    table_path = layout.layer_table(layer.name, shard.number, shard.generation)
    if [(member.offset, member.size) for member in found] != [(row["map_offset"], row["map_size"]) for row in rows]:
        yield problem(table_path, "says other places of its maps than the tar has")
    if resized:
        yield problem(table_path, f"says another size of {resized[0]} ({len(resized)} of {plural(len(found), 'map')})")
    if untrue:
        name, fault = untrue[0]
        yield problem(table_path, f"is not of its maps: {name} {fault} ({len(untrue)} of {plural(len(found), 'map')})")


def _png_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) of a PNG whose chunks have their checksums; None if it is none."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            size = image.size
            image.verify()
    except Exception:  # Pillow raises exceptions of many classes on damaged files
        return None
    return size


SIZES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = {"png": _png_size, "npy": arrays.size}
"""How (width, height) of a map is read, and that it is whole; by the form that its kind's suffix ends in."""


def _people_agree(held: Held, shard: Shard, people: dict[str, pa.Array]) -> Iterator[Finding]:
    """A layer made from the person layer has that layer's people; a row that says nothing agrees with any."""
    for layer in held.layers:
        boxes = people.get(str(layer.reads.get("person")))
        own = people.get(layer.name)
        if boxes is None or own is None:
            continue
        differ = pc.indices_nonzero(pc.fill_null(pc.not_equal(own, boxes), False)).to_numpy()
        if len(differ):
            message = f"has other people than {layer.reads['person']}"
            yield problem(
                layout.layer_table(layer.name, shard.number, shard.generation), first_of(shard.uids, differ, message)
            )
