"""The files of a dataset: what is still to be made, what a killed writer left, and what belongs to nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from humanverse.dataset import layout
from humanverse.dataset.checks.finding import Finding, note
from humanverse.dataset.checks.held import Held
from humanverse.dataset.merges import merge_numbers
from humanverse.plurals import plural, word
from humanverse.storage import TMP

_SINGLE = frozenset({layout.MARKER, layout.RECIPE, layout.SOURCE, layout.BLOCKLIST_HISTORY})
_CHECKED_ELSEWHERE = frozenset({*layout.OTHER_FOLDERS, layout.BLOCKLISTS})


def check(held: Held, committed: frozenset[int]) -> Iterator[Finding]:
    """Notes only: none of this breaks an invariant."""
    if held.extent is not None:
        planned = held.extent.shards
        if missing := planned - sum(number < planned for number in committed):
            message = f"{missing} of {plural(planned, 'shard')} {word(missing, 'is', 'are')} not committed yet"
            yield note(layout.LEDGER, message)
    for retry, one in held.retries.passes.items():
        if missing := len(one.unfinished(committed)):
            yield note(
                layout.retry_pass(retry),
                f"{missing} of its {plural(len(one.shards), 'shard')} {word(missing, 'is', 'are')} not committed yet",
            )
    for number, plan in held.merges.plans.items():
        if missing := len(plan.unfinished(committed)):
            again = f"{shlex.join(['humanverse', 'merge', held.store.url, plan.url])} goes on"
            yield note(
                layout.merge(number),
                f"{missing} of its {plural(len(plan.shards), 'shard')} {word(missing, 'is', 'are')} not committed yet: {again}",
            )
    for name in held.store.names(TMP) if held.store.local else ():
        yield note(f"{TMP}/{name}", "is being written, or was left by a writer that was killed")
    suffixes = _suffixes(held)
    plans = {layout.merge(number) for number in merge_numbers(held.store)}
    cards = {layout.layer_card(layer.name) for layer in held.layers}
    for path, _ in held.store.walk():
        if path in _SINGLE or path in cards or path.partition("/")[0] in _CHECKED_ELSEWHERE:
            continue
        if path.partition("/")[0] == layout.RETRIES:
            yield from _retry(held, path)
            continue
        if path in plans:
            continue
        folder, _, name = path.rpartition("/")
        file = layout.shard_file(name)
        if file is None or file.suffix not in suffixes.get(folder, ()):
            yield note(path, "does not belong to the dataset")
        elif file.number not in committed:
            yield note(path, "is of a shard that is not committed; building again writes it anew")
        elif file.generation != held.generation(file.number):
            yield note(path, "is not of the generation that counts: humanverse compact deletes it")


def _retry(held: Held, path: str) -> Iterator[Finding]:
    """A file below ``retries/``."""
    name = path.removeprefix(f"{layout.RETRIES}/")
    number = layout.shard_number(name)
    if number is None and layout.card_number(name) is None:
        yield note(path, "does not belong to the dataset")
    elif number is not None and number not in held.retries.shards and held.retries.whole:
        yield note(path, "is of a retry that was never begun")


def _suffixes(held: Held) -> dict[str, tuple[str, ...]]:
    """The suffixes of shards' files, by folder."""
    found: dict[str, tuple[str, ...]] = {layout.LEDGER: ("parquet",), layout.IMAGES: ("parquet", "tar")}
    for layer in held.layers:
        found[layout.layer_folder(layer.name)] = ("parquet", "tar") if layer.kind.dense else ("parquet",)
    return found
