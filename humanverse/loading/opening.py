"""How a loader is opened: what ``Dataset.to_torch`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.views import View
from humanverse.errors import UserError
from humanverse.loading.buckets import Size
from humanverse.loading.index import Index
from humanverse.loading.loader import Loader, Plan, frozen_index, resolve_layers
from humanverse.loading.order import Mixing
from humanverse.loading.settings import RANDOM, USUAL, settings_of
from humanverse.loading.stream import Pace


def _together() -> tuple[int, int]:
    """Rank and number of processes of ``torch.distributed``; of one process if it is not set up."""
    from torch import distributed

    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


def _first_alone(own: int, make: Callable[[], Index]) -> Index:
    """The samples of a run, the same in all processes of ``torch.distributed``: the first makes them before the others look.

    Raises:
        UserError: if they differ.
    """
    from torch import distributed

    if own:
        distributed.barrier()
        made = make()
    else:
        try:
            made = make()
        finally:
            distributed.barrier()
    digests: list[str | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(digests, made.digest)
    if len(set(digests)) > 1:
        raise UserError("the processes do not have the same samples: give all of them one file (to_torch(index=PATH))")
    return made


def open_loader(
    dataset: Dataset,
    view: str | View | Selection | None = None,
    layers: Iterable[str] = USUAL,
    captions: Mapping[str, float] | None = None,
    buckets: Iterable[Size | int] | int = (512,),
    batch_size: int = 8,
    seed: int = 0,
    flip: bool = False,
    *,
    epochs: int | None = None,
    index: str | None = None,
    rank: int | None = None,
    world_size: int | None = None,
    mixing: Mixing | None = None,
    crop: str = RANDOM,
    latents: Mapping[str, str] | None = None,
    prompts: Mapping[str, str] | None = None,
    pace: Pace | None = None,
) -> Loader:
    """A loader of training batches; arguments and errors as ``Dataset.to_torch``."""
    settings = settings_of(layers, captions, buckets, batch_size, seed, flip, mixing, crop, latents, prompts)
    selection = dataset.select(view)
    resolved = resolve_layers(selection, settings)
    make = partial(frozen_index, selection, settings, resolved, index)
    if rank is None or world_size is None:
        own, of = _together()
        samples = _first_alone(own, make) if of > 1 else make()
    else:
        own, of, samples = rank, world_size, make()
    return Loader(Plan(dataset.store.url, samples, settings, resolved, pace or Pace()), own, of, epochs)
