"""The start of a dataset: its marker, the recipe as resolved, the source it was made from, and what its layers are.

Written once. Going on with a build checks that recipe, source and layers are the same, and says what is not.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.asking import SYNTH
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.provenance import DECIDING
from schemas.recipe import Recipe


def json_bytes(value: Any) -> bytes:
    """``value`` as the JSON files of a dataset have it."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def read_json(store: Store, path: str) -> dict[str, Any] | None:
    """The JSON object in ``path``, or None if there is no such file.

    Raises:
        DatasetError: if it is there and not a JSON object.
    """
    try:
        value = json.loads(store.read(path))
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{store.url}/{path} is not JSON: the dataset is damaged, run humanverse verify") from error
    if not isinstance(value, dict):
        raise DatasetError(f"{store.url}/{path} is not a JSON object: the dataset is damaged, run humanverse verify")
    return value


def differences(old: Any, new: Any, name: str = "") -> Iterator[str]:
    """The places where two JSON values differ, each as ``gate.min_side: 200 -> 300``."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from differences(old.get(key), new.get(key), f"{name}.{key}" if name else key)
    elif old != new:
        yield f"{name}: {json.dumps(old, ensure_ascii=False)} -> {json.dumps(new, ensure_ascii=False)}"[:300]


def difference(old: Any, new: Any, name: str = "") -> str | None:
    """The first of ``differences``; None if there is none."""
    return next(differences(old, new, name), None)


def check_place(store: Store, recipe: Recipe, source: Mapping[str, Any], retrying: bool = False) -> bool:
    """Whether a dataset of the same recipe and source is at ``store``; writes nothing.

    Args:
        source: what identifies the source (JSON values): files, sizes, number of rows.
        retrying: whether the recipe may fetch otherwise than the dataset's: settings of ``fetch`` are then not compared.

    Returns:
        False if the place is free.

    Raises:
        DatasetError: if the place holds something else, or a dataset of another recipe, source or format.
    """
    marker = read_json(store, layout.MARKER)
    if marker is None:
        others = [name for name in store.names("") if name != ".tmp" and name not in (layout.SOURCE, layout.RECIPE)]
        if others:
            raise DatasetError(
                f"{store.url} is not empty and not a dataset (it holds {others[0]}): give an empty place"
            )
        return False
    check_format(store, marker)
    _check_same(store, recipe, source, retrying)
    return True


def create_or_continue(store: Store, recipe: Recipe, source: Mapping[str, Any], retrying: bool = False) -> bool:
    """Start a dataset at ``store``, or check that the one there came from the same recipe and source.

    Arguments, result and errors are those of ``check_place``.
    """
    if check_place(store, recipe, source, retrying):
        return True
    store.write(layout.SOURCE, json_bytes(dict(source)))
    store.write(layout.RECIPE, _recipe_yaml(recipe))
    store.write(
        layout.MARKER,
        json_bytes(
            {"format": layout.FORMAT, "created_by": f"humanverse {humanverse.__version__}", "id": uuid.uuid4().hex}
        ),
    )
    return False


def check_format(store: Store, marker: Mapping[str, Any]) -> None:
    """Raise DatasetError unless ``marker`` (``humanverse.json``) is of a format that this version reads."""
    version = marker.get("format")
    if version == layout.FORMAT:
        return
    formats = f"{store.url} has format {version}, this version reads {layout.FORMAT}"
    if isinstance(version, int) and version < layout.FORMAT:
        raise DatasetError(f"{formats}: it was built by an earlier version of humanverse, build it anew in a new place")
    raise DatasetError(f"{formats}: use the humanverse that wrote it")


def _recipe_yaml(recipe: Recipe) -> bytes:
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True).encode()


def read_recipe(store: Store) -> Recipe:
    """The recipe that a dataset was built with."""
    try:
        return Recipe.model_validate(yaml.safe_load(store.read(layout.RECIPE)))
    except (FileNotFoundError, ValueError, yaml.YAMLError) as error:
        raise DatasetError(f"{store.url}/{layout.RECIPE} is missing or damaged") from error


def read_source(store: Store) -> dict[str, Any]:
    """What a dataset was built from: ``kind``, files, ``rows`` and ``shard_size``."""
    source = read_json(store, layout.SOURCE) or {}
    rows, size = source.get("rows"), source.get("shard_size")
    if not isinstance(rows, int) or not isinstance(size, int) or rows < 0 or size < 1:
        raise DatasetError(f"{store.url}/{layout.SOURCE} is missing or damaged: run humanverse verify")
    return source


def dataset_id(store: Store) -> str:
    """The ``id`` of a dataset, the same wherever it lies, and in each copy of its files.

    Raises:
        DatasetError: if its marker is missing or damaged.
    """
    found = (read_json(store, layout.MARKER) or {}).get("id")
    if not isinstance(found, str) or not found:
        raise DatasetError(f"{store.url}/{layout.MARKER} has no id: the dataset is damaged, run humanverse verify")
    return found


def identity(store: Store) -> str:
    """SHA-256, in hex, of what never changes of a dataset, wherever it lies: its marker and its source.

    Raises:
        DatasetError: if either is missing or damaged.
    """
    facts = {"marker": read_json(store, layout.MARKER), "source": read_source(store)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _check_same(store: Store, recipe: Recipe, source: Mapping[str, Any], retrying: bool) -> None:
    is_synthetic, to_be = read_source(store).get("kind") == SYNTH, source.get("kind") == SYNTH
    if is_synthetic != to_be:
        what = "is a dataset of synthetic people" if is_synthetic else "is no dataset of synthetic people"
        raise DatasetError(f"{store.url} {what}: give a new place")
    ours, theirs = read_recipe(store).deciding(), recipe.deciding()
    if retrying:
        ours["fetch"] = theirs["fetch"]
    changed = difference(ours, theirs)
    if changed:
        raise DatasetError(
            f"{store.url} was built with another recipe ({changed}): use its {layout.RECIPE}, or a new place"
        )
    changed = difference(read_source(store), dict(source))
    if changed:
        raise DatasetError(f"{store.url} was built from another source ({changed}): give that one, or a new place")


def declare_layer(store: Store, layer: str, provenance: Mapping[str, Any]) -> None:
    """Write ``layer.json`` before the layer's first shard, or check that the one there has the same fingerprint.

    Args:
        layer: ``<kind>/<name>``.
        provenance: what made it, with ``fingerprint``; ``reads`` (kind -> layer, if it reads any) and ``truth`` (whether it
            is ground truth that was imported) may be among it.

    Raises:
        DatasetError: if the layer was made by something else.
    """
    if check_layer(store, layer, provenance):
        return
    about = {"layer": layer, "reads": {}, "truth": False}
    made = {"code": f"humanverse {humanverse.__version__}", "time": datetime.now(UTC).isoformat(timespec="seconds")}
    store.write(layout.layer_card(layer), json_bytes({**about, **provenance, **made}))


def _changed(card: Mapping[str, Any], provenance: Mapping[str, Any], key: str) -> str | None:
    """How two ``layer.json`` differ in one key: the first difference, of weights all, for these may have other labels."""
    found = differences(card.get(key), provenance.get(key), key)
    return "; ".join(found) if key == "weights" else next(found, None)


def check_layer(store: Store, layer: str, provenance: Mapping[str, Any]) -> bool:
    """Whether the layer is there, made by the same; writes nothing. Arguments and errors are those of ``declare_layer``."""
    card = read_json(store, layout.layer_card(layer))
    if card is None:
        return False
    if card.get("fingerprint") != provenance["fingerprint"]:
        found = (_changed(card, provenance, key) for key in (*DECIDING, "fingerprint"))
        changed = next(text for text in found if text)
        kind = layer.partition("/")[0]
        raise DatasetError(
            f"layer {layer} of {store.url} was made otherwise ({changed}): give the new one another name, as humanverse "
            f"annotate does with --as {kind}=NAME"
        )
    return True
