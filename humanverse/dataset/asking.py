"""The command that makes a layer, or completes it, as its ``layer.json`` tells it: it runs as it is. Truth of synthetic people is
made by ``humanverse synth``, whose arguments are in ``source.json``.

``asked`` in ``layer.json`` is what the user said: ``annotator`` (a name, or ``module:Class`` of the user's own), ``settings``
that were given and ``weights`` that stood in; ``outpaint`` of a layer for which pictures were grown (``name``, ``settings``,
``weights``, ``cache``); or, of imported ground truth, ``from_coco``, the file.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from schemas.layers import KINDS
from schemas.recipe_outpaint import OUTPAINT

OWN_FILE_NAMES = "file name"
"""``settings.match`` of ground truth whose pictures were matched by file name."""


SYNTH, SYNTH_TRUTH = "synth", "truth"
"""``kind`` of the source of synthetic people, and the name of the layers that are made with their pictures."""
_SYNTH_OPTIONS = {"size": "--size", "max_people": "--max-people"}


def command(url: str, layer: str, card: Mapping[str, Any], source: Mapping[str, Any] | None = None) -> str:
    """The whole command, quoted for a shell. Arguments as of ``asked_for`` and ``rendered_by``."""
    rendered = rendered_by(url, layer, source or {})
    return rendered or f"humanverse annotate {shlex.quote(url)} {asked_for(layer, card)}"


def no_layer(url: str, layer: str, there: Sequence[str]) -> str:
    """What is said of a layer, or a kind, that a dataset lacks: which it has, and how one is made."""
    kind, _, name = layer.partition("/")
    way = f"; humanverse annotate {shlex.quote(url)} {kind}={name or 'NAME'} makes one" if kind in KINDS else ""
    return f"no layer {layer} in {url}: there are {', '.join(there) or 'none'}{way}"


def rendered_by(url: str, layer: str, source: Mapping[str, Any]) -> str | None:
    """The command that makes the truth of synthetic people, whole; None of any other layer.

    Args:
        layer: ``<kind>/<name>``.
        source: ``source.json`` of the dataset. It does not say where photographs lay: their folder is ``FOLDER``.
    """
    if source.get("kind") != SYNTH or layer.partition("/")[2] != SYNTH_TRUTH:
        return None
    words = [word for option, value in synth_options(source).items() for word in (option, str(value))]
    return shlex.join(["humanverse", "synth", url, *words])


def synth_options(source: Mapping[str, Any]) -> dict[str, Any]:
    """The options of ``humanverse synth`` and their values, of ``source.json`` of synthetic people."""
    settings = _mapping(source.get("settings"))
    return {
        "--n": source.get("rows"),
        "--seed": source.get("seed"),
        **{option: settings[name] for name, option in _SYNTH_OPTIONS.items() if name in settings},
        "--shard-size": source.get("shard_size"),
        **({"--backgrounds": "FOLDER"} if source.get("backgrounds") else {}),
    }


def asked_for(layer: str, card: Mapping[str, Any]) -> str:
    """How ``humanverse annotate DATASET`` is asked for a layer, quoted for a shell: the card may be anybody's.

    Args:
        layer: ``<kind>/<name>``.
        card: its ``layer.json``, empty if that is not there.
    """
    return shlex.join(_imported(layer, card) if card.get("truth") is True else _made(layer, card))


def options(
    kind: str, settings: Mapping[str, Any] | None = None, weights: Sequence[Any] = (), name: str | None = None
) -> list[str]:
    """The words after ``KIND=ANNOTATOR`` that say which settings, weights and name a layer has.

    Args:
        kind: of the layer.
        settings: as JSON values.
        weights: files, folders or addresses.
        name: of the layer, if it is not the annotator's.
    """
    named = ["--as", f"{kind}={name}"] if name else []
    set_ = [word for key, value in (settings or {}).items() for word in ("--set", f"{kind}.{key}={_yaml(value)}")]
    return [*named, *set_, *(word for path in weights for word in ("--weights", f"{kind}={path}"))]


def outpainting(asked: Any) -> list[str]:
    """The words that say how pictures are grown, of ``outpaint`` in what was asked for; none if that says nothing."""
    said = _mapping(asked)
    if not said:
        return []
    settings = {**_mapping(said.get("settings")), **({"cache": said["cache"]} if said.get("cache") else {})}
    weights = said.get("weights")
    more = options(OUTPAINT, settings, weights if isinstance(weights, list) else ())
    return ["--outpaint", str(said.get("name")), *more]


def _made(layer: str, card: Mapping[str, Any]) -> list[str]:
    kind, _, name = layer.partition("/")
    asked, own = _mapping(card.get("asked")), card.get("name", name)
    weights = asked.get("weights")
    more = options(
        kind,
        _mapping(asked.get("settings")),
        weights if isinstance(weights, list) else (),
        name if own != name else None,
    )
    return [f"{kind}={asked.get('annotator', own)}", *more, *outpainting(asked.get(OUTPAINT))]


def _imported(layer: str, card: Mapping[str, Any]) -> list[str]:
    asked = _mapping(card.get("asked"))
    file = asked.get("from_coco") or next(iter(_mapping(card.get("weights"))), "FILE")
    column = _mapping(card.get("settings")).get("match", OWN_FILE_NAMES)
    layers = [*_mapping(card.get("reads")).values(), layer]
    match = [] if column == OWN_FILE_NAMES else ["--match", str(column)]
    return [*(str(item).replace("/", "=", 1) for item in layers), "--from-coco", str(file), *match]


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _yaml(value: Any) -> str:
    """``value`` as YAML in one line; text as it is where that is read back as the same text."""
    try:
        if isinstance(value, str) and value and yaml.safe_load(value) == value:
            return value
    except yaml.YAMLError:
        pass
    return json.dumps(value, ensure_ascii=False)
