"""Where everything lies in a dataset: the one place that knows its file names."""

from __future__ import annotations

import re
from typing import NamedTuple

FORMAT = 3
MARKER = "humanverse.json"
RECIPE = "recipe.yaml"
SOURCE = "source.json"
LEDGER = "ledger"
IMAGES = "images"
LAYERS = "layers"
RETRIES = "retries"
MERGES = "merges"
TOMBSTONES = "tombstones"
VIEWS = "views"
FILTERS = "filters"
SNAPSHOTS = "snapshots"
EXPORTS = "exports"
BLOCKLISTS = "blocklists"
BLOCKLIST_HISTORY = "blocklists.json"
OTHER_FOLDERS = (TOMBSTONES, VIEWS, FILTERS, SNAPSHOTS, EXPORTS)
IMAGE_SUFFIX = "jpg"


def shard_name(number: int, generation: int = 0) -> str:
    """``000042``, or ``000042.g1`` of a later generation; more than a million shards make longer names."""
    return f"{number:06d}.g{generation}" if generation else f"{number:06d}"


_SHARD_FILE = re.compile(r"([0-9]{6,18})(?:\.g([1-9][0-9]{0,8}))?\.([a-z]+)")


class ShardFile(NamedTuple):
    """Which shard, generation and suffix the name of a file says."""

    number: int
    generation: int
    suffix: str


def shard_file(name: str) -> ShardFile | None:
    """What ``000042.parquet`` or ``000042.g1.tar`` is of; None for a name that is not of a shard."""
    match = _SHARD_FILE.fullmatch(name)
    number = stem_number(match[1]) if match else None
    return None if match is None or number is None else ShardFile(number, int(match[2] or 0), match[3])


def shard_number(name: str) -> int | None:
    """The number in ``000042.parquet``; None for a name that is not that of a table without generations."""
    stem, _, suffix = name.partition(".")
    return stem_number(stem) if suffix == "parquet" else None


def stem_number(stem: str) -> int | None:
    """The number in ``000042``; None for what ``shard_name`` does not give (``42``, ``0000042``)."""
    number = int(stem) if re.fullmatch("[0-9]{6,18}", stem) else None
    return number if number is not None and shard_name(number) == stem else None


def ledger(number: int, generation: int = 0) -> str:
    return f"{LEDGER}/{shard_name(number, generation)}.parquet"


def images_table(number: int, generation: int = 0) -> str:
    return f"{IMAGES}/{shard_name(number, generation)}.parquet"


def images_tar(number: int, generation: int = 0) -> str:
    return f"{IMAGES}/{shard_name(number, generation)}.tar"


def layer_folder(layer: str) -> str:
    """``layer`` is ``<kind>/<name>``."""
    return f"{LAYERS}/{layer}"


def layer_card(layer: str) -> str:
    return f"{layer_folder(layer)}/layer.json"


def layer_table(layer: str, number: int, generation: int = 0) -> str:
    return f"{layer_folder(layer)}/{shard_name(number, generation)}.parquet"


def layer_tar(layer: str, number: int, generation: int = 0) -> str:
    return f"{layer_folder(layer)}/{shard_name(number, generation)}.tar"


def view(name: str) -> str:
    return f"{VIEWS}/{name}.json"


def filter_folder(name: str) -> str:
    """``name`` is ``<name>/<generation>``."""
    return f"{FILTERS}/{name}"


def filter_card(name: str) -> str:
    return f"{filter_folder(name)}/filter.json"


def filter_table(name: str, number: int) -> str:
    return f"{filter_folder(name)}/{shard_name(number)}.parquet"


def retry_pass(number: int) -> str:
    """What the retry ``number`` (from 0) set out to do."""
    return f"{RETRIES}/{shard_name(number)}.json"


def retry_rows(number: int) -> str:
    """The rows of the supplementary shard ``number``."""
    return f"{RETRIES}/{shard_name(number)}.parquet"


def merge(number: int) -> str:
    """What the merge ``number`` (from 0) set out to do."""
    return f"{MERGES}/{shard_name(number)}.json"


def snapshot_card(number: int) -> str:
    """What the snapshot ``number`` (from 0) pins."""
    return f"{SNAPSHOTS}/{shard_name(number)}.json"


def snapshot_files(number: int) -> str:
    """The files that the snapshot ``number`` pins."""
    return f"{SNAPSHOTS}/{shard_name(number)}.parquet"


def card_number(name: str) -> int | None:
    """The number in ``000042.json``; None for a name that is not a retry's, a merge's, a snapshot's or an export's."""
    stem, _, suffix = name.partition(".")
    return stem_number(stem) if suffix == "json" else None


def export_record(number: int) -> str:
    """What is known of the export ``number`` (from 0)."""
    return f"{EXPORTS}/{shard_name(number)}.json"


def blocklist(kind: str, sha256: str) -> str:
    """The compiled keys of a list whose file has this SHA-256."""
    return f"{BLOCKLISTS}/{kind}-{sha256[:32]}.parquet"
