"""Batches made in further processes, by PyTorch's ``DataLoader``: for who has more processors than one interpreter can use."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.loading.stream import Turn, as_tensors
from humanverse.memory import keep_freed

if TYPE_CHECKING:
    from humanverse.loading.loader import Plan


DEAD = (
    "a process that makes batches was killed, as the system does where memory is short: take fewer (processes of a loader, "
    "data.workers of a training), or fewer batches ahead"
)
"""What a user is told of it."""


def is_of_a_dead_process(error: BaseException) -> bool:
    """Whether ``error`` is what PyTorch says of a process of a ``DataLoader`` that ended by itself; a handler of signals raises
    it, whatever is being done."""
    return isinstance(error, RuntimeError) and "DataLoader worker" in str(error)


class _Share(IterableDataset[Any]):
    """What a worker gives: of its process's batches every so many, as ``DataLoader`` asks for them; or a user's error.

    Ctrl-C in a terminal reaches workers, too; when they end is for the process that they work for to say.
    """

    def __init__(self, plan: Plan, turn: Turn, start: int, stop: int | None) -> None:
        self._plan, self._turn, self._start, self._stop = plan, turn, start, stop

    def __iter__(self) -> Iterator[dict[str, Any] | UserError]:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        keep_freed()
        try:
            yield from self._batches()
        except UserError as error:
            yield error

    def _batches(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        assert worker is not None
        of = self._turn.of
        first = self._start + (self._turn.own - self._start) % of
        turn = Turn((first + worker.id * of) % (of * worker.num_workers), of * worker.num_workers)
        for made in self._plan.stream(Dataset(self._plan.url), turn).batches(first, self._stop):
            yield as_tensors(made)


def batches(plan: Plan, turn: Turn, start: int, stop: int | None) -> Iterator[dict[str, Any]]:
    """The batches of ``turn`` from ``start`` to before ``stop``, made in new processes.

    Raises:
        UserError: as in one of them, or if one is killed.
    """
    loader: DataLoader[Any] = DataLoader(
        _Share(plan, turn, start, stop),
        batch_size=None,
        num_workers=plan.pace.processes,
        prefetch_factor=plan.pace.ahead,
        multiprocessing_context="spawn",
    )
    try:
        for made in loader:
            if isinstance(made, UserError):
                raise made
            yield made
    except RuntimeError as error:
        if is_of_a_dead_process(error):
            raise UserError(DEAD) from error
        raise
