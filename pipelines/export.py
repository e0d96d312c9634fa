"""``export``: a dataset in the form of others; run again, it writes what has changed and deletes what is no longer in it."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import create
from humanverse.dataset.layout import shard_name
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.status import over_shards
from humanverse.errors import UserError
from humanverse.export import reading, record, state
from humanverse.export.base import OPTIONS, PLACES, Exporter, Plan, Settings, Totals, Written
from humanverse.export.formats import FORMATS, exporter
from humanverse.export.record import Record
from humanverse.export.state import ShardState, State
from humanverse.plurals import plural
from humanverse.storage import TMP, Store
from pipelines.progress import Counts, Display, Local
from schemas.layers import KINDS

_PHASES = ("comparing", "writing")
_CHECKPOINTS = 50
"""How often the state is written during a run, so that one that is killed does not begin anew."""


@dataclass
class Result:
    """What an export has done.

    Attributes:
        dataset: where it was exported from.
        out: where to.
        export: the format.
        view: whose samples; None for all.
        layers: kind -> ``<kind>/<name>``.
        samples: that are in the export now.
        left_out: samples that are not, since nothing is known of where faces are in them.
        shards: of the dataset that have samples in the export.
        written: of them, those that were written in this run.
        deleted: files of the export that were deleted.
        seconds: wall time.
    """

    dataset: str
    out: str
    export: str
    view: str | None
    layers: dict[str, str]
    samples: int = 0
    left_out: int = 0
    shards: int = 0
    written: int = 0
    deleted: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def export(url: str, out: str, format: str, settings: Settings | None = None) -> Result:
    """Export the dataset at ``url`` to ``out``, or bring the export there up to date.

    Args:
        out: a folder or bucket prefix; empty, or an earlier export with the same settings.
        format: a name in ``humanverse.export.formats``.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    settings = settings or Settings()
    kind, dataset, place = exporter(format), Dataset(url), Store(out)
    _check_options(kind, settings)
    _check_place(dataset, place)
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{url} has no committed shard: build it first")
    plan = _plan(dataset, kind, settings, shards)
    run = _Run(plan, kind, place, _wanted(plan, kind))
    result = run.all(shards)
    result.seconds = time.monotonic() - started
    return result


def _check_options(kind: type[Exporter], settings: Settings) -> None:
    """Refuse what the format does not heed."""
    for name in OPTIONS:
        if getattr(settings, name) is not None and name not in kind.options:
            heeding = ", ".join(f"--format {one.name}" for one in FORMATS.values() if name in one.options)
            raise UserError(
                f"--{name.replace('_', '-')} is for {heeding}, and {kind.name} has no use for it: leave it out"
            )


def _within(option: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise UserError(f"--{option} {value:g} is not within {low:g} and {high:g}, as all of the layer's are")


def _completed(kind: type[Exporter], settings: Settings, dataset: Dataset, cards: Mapping[str, Any]) -> Settings:
    """``settings`` with what was not given, as the format and the layers have it."""
    truth = cards.get("person", {}).get("truth")
    usual = {
        "min_confidence": 0.0,
        "min_score": 0.0 if truth else float(dataset.recipe.gate.person_score),
        "licence": "other",
    }
    _within("min-confidence", settings.min_confidence, *_score_range(cards.get("pose", {})))
    _within("min-score", settings.min_score, *_score_range(cards.get("person", {})))
    unsaid: dict[str, Any] = {name: usual[name] for name in kind.options if getattr(settings, name) is None}
    return replace(settings, **unsaid)


def _score_range(card: Mapping[str, Any]) -> tuple[float, float]:
    low, high = card.get("score_range") or (0.0, 1.0)
    return float(low), float(high)


def _check_place(dataset: Dataset, place: Store) -> None:
    ours, theirs = dataset.store.url, place.url
    if theirs == ours or theirs.startswith(f"{ours}/"):
        raise UserError(f"{theirs} is in the dataset: export to another place")
    if not place.exists(state.STATE):
        others = [name for name in place.names("") if name != TMP]
        if others:
            raise UserError(f"{theirs} is not empty and no export (it holds {others[0]}): give an empty place")


def _plan(dataset: Dataset, kind: type[Exporter], settings: Settings, shards: Sequence[int]) -> Plan:
    selection = dataset.select(settings.view)
    layers = _layers(dataset, selection, kind, settings, frozenset(shards))
    selection.check(shards, layers.values())
    if settings.blur_faces and not set(reading.BLUR_READS) & layers.keys():
        raise UserError("--blur-faces needs a person or pose layer in the export: name one with --layers")
    columns = [item for item in dataset.images(shards[0]).schema if item.name not in PLACES]
    cards = {one: dataset.layer_card(layer) for one, layer in layers.items()}
    settings = _completed(kind, settings, dataset, cards)
    return Plan(dataset, settings, selection, layers, cards, pa.schema(columns))


def _layers(
    dataset: Dataset, selection: Selection, kind: type[Exporter], settings: Settings, shards: frozenset[int]
) -> dict[str, str]:
    """``<kind>/<name>`` by kind, of the layers to export."""
    if settings.layers is not None:
        chosen = selection.resolve_all(settings.layers)
        if caches := sorted(one for one in chosen if KINDS[one].cache):
            raise UserError(f"a {caches[0]} layer is for training in place, no export has it: leave it out of --layers")
        if refused := sorted(chosen.keys() - (kind.takes or chosen.keys())):
            takes = ", ".join(sorted(kind.takes or ()))
            raise UserError(f"{kind.name} cannot carry a {refused[0]} layer, only {takes}: leave it out of --layers")
    elif selection.pins:
        chosen = selection.resolve_all(None)
    else:
        chosen = dict(_only_ones(dataset, kind, shards))
    chosen = {one: layer for one, layer in chosen.items() if _carries(kind, one)}
    for need in kind.needs:
        if need not in chosen:
            raise UserError(f"{kind.name} needs a complete {need} layer: {_choices(dataset, need, shards)}")
    return chosen


def _carries(kind: type[Exporter], layer: str) -> bool:
    """Whether exports of a format can have layers of a kind."""
    return not KINDS[layer].cache and (kind.takes is None or layer in kind.takes)


def _choices(dataset: Dataset, kind: str, shards: frozenset[int]) -> str:
    """What to do about a layer of a kind that is needed and not chosen."""
    there = [layer for layer in dataset.layers() if layer.partition("/")[0] == kind]
    complete = [f"--layers {layer.replace('/', '=', 1)}" for layer in there if shards <= dataset.layer_shards(layer)]
    if complete:
        return f"add {' or '.join(complete)} to those that are chosen, by --layers or the view"
    return (
        f"complete one with humanverse annotate, of {', '.join(there)}" if there else "add one with humanverse annotate"
    )


def _only_ones(dataset: Dataset, kind: type[Exporter], shards: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Layers that all shards have and that are the only ones of their kind."""
    by_kind: dict[str, list[str]] = {}
    for layer in dataset.layers():
        by_kind.setdefault(layer.partition("/")[0], []).append(layer)
    for one, layers in by_kind.items():
        if not _carries(kind, one):
            continue
        if len(layers) > 1:
            choices = " or ".join(f"--layers {layer.replace('/', '=', 1)}" for layer in layers)
            raise UserError(f"there are several {one} layers: choose all layers of the export, {choices}")
        if shards <= dataset.layer_shards(layers[0]):
            yield one, layers[0]


def _wanted(plan: Plan, kind: type[Exporter]) -> State:
    """The state of an export that has nothing yet."""
    return State(
        dataset=plan.dataset.store.url,
        dataset_id=create.dataset_id(plan.dataset.store),
        export=kind.name,
        view=plan.settings.view,
        layers=dict(plan.layers),
        settings=plan.settings.as_json(),
        complete=False,
    )


def _check_same(place: Store, there: State, wanted: State) -> None:
    """Refuse an export of another dataset, in another format, or with other settings."""
    facts: dict[str, tuple[Any, Any]] = {"format": (there.export, wanted.export)}
    if there.dataset_id != wanted.dataset_id:
        facts["dataset"] = (_known_as(there), _known_as(wanted))
    names = sorted({*there.settings, *wanted.settings})
    facts |= {name: (there.settings.get(name), wanted.settings.get(name)) for name in names}
    for name, (before, now) in facts.items():
        if before != now:
            raise UserError(
                f"{place.url} holds another export ({name.replace('_', '-')}: {_told(before)} there, {_told(now)} now): "
                "export to another place, or delete that one"
            )


def _known_as(state: State) -> str:
    return f"{state.dataset} (id {state.dataset_id[:8]})"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return "not given" if value is None else str(value)


@dataclass
class _Run:
    """One run of an export."""

    plan: Plan
    kind: type[Exporter]
    place: Store
    state: State
    count: Local = field(default_factory=Local)

    def all(self, shards: Sequence[int]) -> Result:
        there = state.read(self.place)
        if there is not None:
            _check_same(self.place, there, self.state)
        with Display("export", 2 * len(shards), 0, self.count.counts, math.inf, unit="steps", note=_note):
            digests = self._digests(shards)
            self.count(phase=1, rows=len(shards) - len(digests))
            same = self._same(there, digests)
            if there is not None and there.complete and there.shards.keys() == same.keys() == digests.keys():
                return self._as_it_is(there)
            if there is None and not digests:
                raise UserError(f"{self.plan.selection.what} has no sample: there is nothing to export")
            self.state.shards = {name: item for name, item in same.items() if name in digests}
            state.write(self.place, self.state)
            self._note_record()
            self.place.remove_temporary()
            written, deleted = self._write(digests)
        return self._result(self.state, written, deleted)

    def _as_it_is(self, there: State) -> Result:
        """The result of a run that has nothing to do."""
        samples = sum(item.samples for item in there.shards.values())
        self.count(rows=len(there.shards), samples=samples)
        self._note_record()
        if there.dataset != self.state.dataset:
            there.dataset = self.state.dataset
            state.write(self.place, there)
        return self._result(there, 0, 0)

    def _note_record(self) -> None:
        """Let the dataset know where its pictures go to: after the place was found to be writable, before the first leaves."""
        facts = self.state.model_dump(include={"export", "view", "layers", "settings"})
        record.note(self.plan.dataset, Record(out=self.place.url, **facts))

    def _digests(self, shards: Sequence[int]) -> dict[str, str]:
        """What decides the files of each shard that has samples, by its name."""
        decided = reading.decides(self.plan, self.kind.name, self.kind.version)

        def one(shard: int) -> str | None:
            found = reading.identities(self.plan, shard)
            return reading.digest(decided, found) if found.num_rows else None

        digests = {}
        for shard, found in zip(shards, over_shards(one, shards), strict=True):
            self.count(rows=1)
            if found is not None:
                digests[shard_name(shard)] = found
        return digests

    def _same(self, there: State | None, digests: Mapping[str, str]) -> dict[str, ShardState]:
        """What is there already as it should be; the generation is the shard's of now."""
        known = there.shards if there is not None else {}
        return {name: item for name, item in known.items() if item.digest == digests.get(name)}

    def _write(self, digests: Mapping[str, str]) -> tuple[int, int]:
        """Write shards, listing and what is about all; then delete what is listed no more. Counts of shards and files."""
        shards, same = [int(name) for name in digests], frozenset(self.state.shards)
        files: set[str] = set()
        with tempfile.TemporaryDirectory(prefix="humanverse-export-") as scratch:
            made = self.kind(self.plan, self.place, Path(scratch))

            def one(shard: int) -> Written:
                return made.keep(shard) if shard_name(shard) in same else made.write(shard)

            with state.listing(self.place) as listing:
                for number, written in enumerate(over_shards(one, shards), 1):
                    listing.add(written.listed)
                    files.update(pc.unique(written.listed.column("file")).to_pylist())
                    self._done(written, digests)
                    if number % max(8, len(shards) // _CHECKPOINTS) == 0:
                        state.write(self.place, self.state)
            totals = Totals(
                sum(item.samples for item in self.state.shards.values()),
                sum(item.left_out for item in self.state.shards.values()),
            )
            made.finish(shards, totals)
        deleted = self._delete_others(files)
        self.state.complete, self.state.time = True, state.now()
        self.state.shards = dict(sorted(self.state.shards.items(), key=lambda item: int(item[0])))
        state.write(self.place, self.state)
        return len(shards) - len(same), deleted

    def _done(self, written: Written, digests: Mapping[str, str]) -> None:
        name = shard_name(written.shard)
        self.state.shards[name] = ShardState(
            generation=self.plan.dataset.generation(written.shard),
            samples=written.listed.num_rows,
            left_out=written.left_out,
            digest=digests[name],
        )
        self.count(rows=1, samples=written.listed.num_rows)

    def _delete_others(self, files: set[str]) -> int:
        """Delete the files with pictures that are not listed."""
        folder = self.kind.folder
        prefix = f"{folder}/" if folder else ""
        names = [name for name in self.place.names(folder) if self.kind.owned.fullmatch(name)]
        others = [f"{prefix}{name}" for name in names if f"{prefix}{name}" not in files]
        for path in others:
            self.place.remove(path)
        return len(others)

    def _result(self, done: State, written: int, deleted: int) -> Result:
        return Result(
            dataset=done.dataset,
            out=self.place.url,
            export=done.export,
            view=done.view,
            layers=done.layers,
            samples=sum(item.samples for item in done.shards.values()),
            left_out=sum(item.left_out for item in done.shards.values()),
            shards=len(done.shards),
            written=written,
            deleted=deleted,
        )


def _note(counts: Counts, rate: float) -> str:
    return f"{plural(counts.get('samples', 0), 'sample')}, {_PHASES[counts.get('phase', 0)]}"
