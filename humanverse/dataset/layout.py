"""Where everything lies in a dataset: the one place that knows its file names."""

from __future__ import annotations

FORMAT = 1
MARKER = "humanverse.json"
RECIPE = "recipe.yaml"
SOURCE = "source.json"
LEDGER = "ledger"
IMAGES = "images"
LAYERS = "layers"
TOMBSTONES = "tombstones"
VIEWS = "views"
SNAPSHOTS = "snapshots"
OTHER_FOLDERS = (TOMBSTONES, VIEWS, SNAPSHOTS)
IMAGE_SUFFIX = "jpg"


def shard_name(number: int) -> str:
    """``000042``; more than a million shards make longer names, which every reader accepts."""
    return f"{number:06d}"


def shard_number(name: str) -> int | None:
    """The number in ``000042.parquet``; None for a name that is not a shard's."""
    stem, _, suffix = name.partition(".")
    return int(stem) if suffix == "parquet" and stem.isdigit() else None


def ledger(number: int) -> str:
    return f"{LEDGER}/{shard_name(number)}.parquet"


def images_table(number: int) -> str:
    return f"{IMAGES}/{shard_name(number)}.parquet"


def images_tar(number: int) -> str:
    return f"{IMAGES}/{shard_name(number)}.tar"


def layer_folder(layer: str) -> str:
    """``layer`` is ``<kind>/<name>``."""
    return f"{LAYERS}/{layer}"


def layer_card(layer: str) -> str:
    return f"{layer_folder(layer)}/layer.json"


def layer_table(layer: str, number: int) -> str:
    return f"{layer_folder(layer)}/{shard_name(number)}.parquet"


def layer_tar(layer: str, number: int) -> str:
    return f"{layer_folder(layer)}/{shard_name(number)}.tar"
