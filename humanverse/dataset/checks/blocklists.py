"""The block-lists that a dataset keeps: those in force are there, whole, and as many entries as the history says."""

from __future__ import annotations

from collections.abc import Iterator

from humanverse.dataset import blocklists, layout
from humanverse.dataset.checks.finding import Finding, note, problem
from humanverse.dataset.checks.held import Held
from humanverse.errors import DatasetError
from humanverse.plurals import plural


def check(held: Held) -> Iterator[Finding]:
    """Lists of earlier runs may be gone; what is in the folder and in no run is only noted."""
    try:
        past = blocklists.history(held.store)
    except DatasetError:
        yield problem(layout.BLOCKLIST_HISTORY, "is damaged")
        return
    named = {layout.blocklist(one["kind"], one["sha256"]) for item in past for one in item["lists"]}
    for name in held.store.names(layout.BLOCKLISTS):
        if f"{layout.BLOCKLISTS}/{name}" not in named:
            yield note(f"{layout.BLOCKLISTS}/{name}", "does not belong to the dataset")
    for one in past[-1]["lists"] if past else ():
        path = layout.blocklist(one["kind"], one["sha256"])
        try:
            keys = blocklists.read_keys(held.store, one["kind"], one["sha256"])
        except DatasetError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            yield problem(path, "is missing" if missing else "is damaged")
            continue
        if len(keys) != one["entries"]:
            yield problem(
                path, f"has {plural(len(keys), 'entry', 'entries')} and not the {one['entries']} that were compiled"
            )
