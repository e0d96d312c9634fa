"""The start of a build: what the user asked for is checked and what it takes is opened, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotators import registry
from annotators.base import Annotator
from annotators.fetching import fetch, users
from annotators.torch.device import resolve
from annotators.torch.outline import sets_told
from humanverse.dataset import create
from humanverse.dataset.extent import Extent
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.sources import open_source
from humanverse.sources.base import Source
from humanverse.sources.digests import COLUMNS
from humanverse.sources.mapping import MEANINGS, only_renamed
from humanverse.storage import Store
from pipelines.download.base import Job
from pipelines.outpaint import check_place
from pipelines.progress import say
from pipelines.retry import check_reasons
from pipelines.stages import annotate
from pipelines.todo import Todo
from schemas.recipe import PRESETS, Recipe, Resources, load


@dataclass(frozen=True)
class Opened:
    """A build that can begin.

    Attributes:
        job: the source, the recipe, the place and what is committed there.
        dataset: what the place holds; None if it is free.
        annotators: of the recipe by place, each after those that it needs; not loaded, their weights at hand.
        reasons: of the rows that a new retry is for; empty for a run over the source.
    """

    job: Job
    dataset: Dataset | None
    annotators: dict[str, Annotator]
    reasons: tuple[str, ...]

    @property
    def retrying(self) -> bool:
        """Whether only rows of committed shards are tried."""
        return bool(self.reasons)

    @property
    def todo(self) -> Todo:
        """What the run is responsible for: the source and all retries so far, or the retries that are not finished."""
        passes = () if self.dataset is None else tuple(self.dataset.passes())
        committed = self.job.committed
        if self.retrying:
            passes = tuple(one for one in passes if one.unfinished(committed))
        return Todo(self.job.source, Extent.of(self.job.identity), committed, not self.retrying, passes)


def open_build(
    source: Sequence[str],
    url: str,
    recipe: Recipe,
    retry: Sequence[str],
    *,
    workers: int | None,
    local: bool,
    allow_private: bool,
) -> Opened:
    """Check and open everything. Arguments as of ``pipelines.build.build``.

    Raises:
        UserError: for whatever the user can mend.
    """
    reasons = check_reasons(retry, allow_private)
    check_place(recipe.outpaint, url)
    annotators = annotate.make(recipe.annotators, recipe.resources.device, outpaint=recipe.outpaint)
    for annotator in annotators.values():
        registry.require_packages(annotator.card, annotator.weights)
    tell_cpu_only(annotators.values())
    if local or recipe.resources.device == "auto":
        tell_devices(annotators.values())
    rows, store = open_source(list(source), recipe.source), Store(url)
    _check_columns(rows, recipe)
    total = rows.count()
    if total == 0:
        raise UserError(f"{' '.join(source)}: the source has no rows")
    identity = {**rows.identity(), "rows": total, "shard_size": recipe.source.shard_size}
    dataset = Dataset(url) if create.check_place(store, recipe, identity, retrying=bool(reasons)) else None
    if reasons and dataset is None:
        raise UserError(f"{url} is not a dataset yet: build it without --retry first")
    obtain_weights(annotators.values(), _preset_of(recipe))
    committed = frozenset(() if dataset is None else dataset.shards())
    job = Job(rows, recipe, store, identity, committed, allow_private, workers, local)
    return Opened(job, dataset, annotators, reasons)


def _check_columns(source: Source, recipe: Recipe) -> None:
    """Refuse to reject what drifted where nothing says what the bytes were; say which names of columns mean nothing."""
    if recipe.fetch.drift == "reject" and not {field.name for field in source.extra_fields} & {*COLUMNS.values()}:
        raise UserError(
            "fetch.drift: reject needs a column md5 or sha256 (source.columns names it): the source has none"
        )
    for ours, theirs in only_renamed(recipe.source.columns).items():
        say(f"source.columns: {theirs} is only carried along as {ours} (what means something: {', '.join(MEANINGS)})")


def tell_devices(annotators: Iterable[Annotator]) -> None:
    """Say which devices of this process the annotators will use.

    Raises:
        UserError: if one of them is not here.
    """
    for line in dict.fromkeys(annotator.where() for annotator in annotators):
        if line is not None:
            say(line)


def tell_cpu_only(annotators: Iterable[Annotator]) -> None:
    """Say which annotators run on the CPU although a GPU was asked for."""
    stay = [annotator for annotator in annotators if annotator.cpu_only and annotator.device.startswith("cuda")]
    if stay:
        layers = ", ".join(f"{annotator.card.kind}={annotator.card.name}" for annotator in stay)
        say(f"device {stay[0].device}: not used by {layers}, which can run on the CPU only")


GATE_SHARE = 0.25
"""Of a GPU for a worker of the gate, where the recipe says nothing; the rest is for one that makes the further layers."""


def with_gpus(resources: Resources) -> Resources:
    """``resources`` with a GPU for each pair of workers of a build, if they run on GPUs and the recipe gives them none."""
    device = resolve(resources.device) if resources.device == "auto" else resources.device
    if not device.startswith("cuda") or resources.gate.gpus or resources.annotate.gpus:
        return resources
    shares = {"gate": GATE_SHARE, "annotate": 1 - GATE_SHARE}
    return resources.model_copy(
        update={name: getattr(resources, name).model_copy(update={"gpus": share}) for name, share in shares.items()}
    )


def tell_sets(annotators: Iterable[Annotator]) -> None:
    """Say which of several sets of weights is taken of the users' own checkpoints."""
    own = [
        one for annotator in annotators if annotator.takes_a_set for one in annotator.weights if one.scheme == "file"
    ]
    for weight in dict.fromkeys(own):
        if line := sets_told(Path(weight.spec)):
            say(line)


def _preset_of(recipe: Recipe) -> str:
    """The preset with the recipe's layers, by the same annotators; empty if there is none."""
    layers = {layer: item.name for layer, item in recipe.layers.items()}
    presets = ((name, load(name).layers) for name in PRESETS)
    return next((name for name, its in presets if {layer: item.name for layer, item in its.items()} == layers), "")


def obtain_weights(annotators: Iterable[Annotator], preset: str = "") -> None:
    """Fetch what weights of the annotators are not here, and say what is taken of the users' own.

    Args:
        annotators: not loaded.
        preset: whose annotators they are, if they are those of one.

    Raises:
        WeightError: if one cannot be had; without a network it names for what weights are missing.
    """
    chosen = list(annotators)
    fetch(users(chosen), say, preset)
    tell_sets(chosen)
