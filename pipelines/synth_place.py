"""Whether synthetic people that are there already are those that are asked for now, in words of ``humanverse synth``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from humanverse.dataset import create, layout
from humanverse.dataset.asking import SYNTH, synth_options
from humanverse.errors import UserError
from humanverse.plurals import plural
from humanverse.storage import Store

N, SEED, BACKGROUNDS = "--n", "--seed", "--backgrounds"


def check_same(store: Store, source: Mapping[str, Any]) -> None:
    """Nothing, if the place is free, holds something else, or synthetic people of the same ``source.json``.

    Raises:
        UserError: if they were made with other options: with which.
    """
    marker = create.read_json(store, layout.MARKER)
    there = None if marker is None else create.read_json(store, layout.SOURCE)
    if there is None or there.get("kind") != SYNTH or there == source:
        return
    before, now = synth_options(there), synth_options(source)
    changed = {option: value for option, value in before.items() if option != BACKGROUNDS and value != now.get(option)}
    if list(changed) == [N]:
        raise UserError(
            f"{store.url} has {plural(before[N], 'picture')} of seed {before[SEED]}: give --n {before[N]}, or a new place"
        )
    words = [*(f"{option} {value}" for option, value in changed.items()), *_backgrounds(there, source)]
    if words:
        raise UserError(f"{store.url} was made with {', '.join(words)}: give the same, or a new place")


def _backgrounds(there: Mapping[str, Any], source: Mapping[str, Any]) -> Iterator[str]:
    """How the photographs were given, if they were given otherwise."""
    old, new = (json.dumps(item.get("backgrounds")) for item in (there, source))
    if old == new:
        return
    given = there.get("backgrounds")
    if not isinstance(given, dict):
        yield f"no {BACKGROUNDS}"
    else:
        other = " other than these" if source.get("backgrounds") else ""
        yield f"{BACKGROUNDS} of {plural(given.get('pictures', 0), 'photograph')}{other}"
