"""The stages on Ray Data: a feeder task, an actor pool per stage, one shard per block from end to end.

``target_max_block_size`` of one byte makes every row its own block, and our rows are whole shards: so a block is never cut, and
the feeder's shards are handed on one by one, as the pools ask for them.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import pyarrow as pa

from humanverse.errors import UserError, one_line
from humanverse.hush import without_stderr
from pipelines.engine.apart import started_apart
from pipelines.engine.attempts import Notes
from pipelines.engine.block import from_block, to_block
from pipelines.stages.base import TRIES, Done, Feed, Stage, process_guarded, set_up
from schemas.recipe import Resources, StageResources

FEEDER_CPUS = 0.05
FIXED = {"commit": StageResources(workers=1, cpus=0.05)}
"""Stages of which there is a certain number of workers, by name."""
CONNECT_S = 10.0
NO_SHARD = -1
FLUSH_S = 0.5


def _check_reachable(address: str) -> None:
    """Raise UserError if ``address`` names a host and port that do not answer: Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except OSError as error:
        raise UserError(f"no Ray cluster at {address} ({error.strerror or error}): check RAY_ADDRESS") from error


def connect() -> bool:
    """Join the cluster of ``RAY_ADDRESS`` or of the job that we are part of; else start Ray on this machine alone.

    Ray's own reports of dead workers, which it would write to standard output, are switched off: what they mean for a
    shard is told by ``run``. Signals stay this process's own affair, also those to its whole process group.

    Returns:
        False if this process was connected already.

    Raises:
        UserError: if Ray is not installed, or the cluster does not answer.
        KeyboardInterrupt: after Ctrl-C, and SIGTERM where that is handled.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".")
    try:
        import ray
    except ImportError as error:
        raise UserError("Ray is not installed: pip install 'humanverse[ray]', or use --local") from error
    if ray.is_initialized():
        return False
    _check_reachable(os.environ.get("RAY_ADDRESS", ""))
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    alone: dict[str, Any] = {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    try:
        with without_stderr(), _own_signals(), started_apart() if sys.platform == "linux" else nullcontext():
            ray.init(**quiet, **({} if os.environ.get("RAY_ADDRESS") else alone))
    except (ConnectionError, RuntimeError, ValueError) as error:
        address = os.environ.get("RAY_ADDRESS", "this machine")
        raise UserError(f"cannot use Ray on {address}: {' '.join(str(error).split())[:200]}") from error
    return True


@contextmanager
def _own_signals() -> Iterator[None]:
    """Undo what Ray does to SIGTERM, which would end this process with lines of C++: whoever handled it before gets it, inside,
    too."""
    before = signal.getsignal(signal.SIGTERM)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        yield
    except SystemExit as error:
        if error.code != signal.SIGTERM:
            raise
        signal.signal(signal.SIGTERM, before)
        signal.raise_signal(signal.SIGTERM)
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGTERM, before)


def pools(
    stages: Sequence[str], resources: Resources, workers: int | None, available: Mapping[str, float]
) -> dict[str, StageResources]:
    """Every stage's pool with its number of workers filled in.

    Args:
        stages: their names: ``FIXED``'s, or those that ``resources`` has.
        resources: what one worker of a stage takes.
        workers: how many there shall be of each stage; None: as the recipe says, or as many as fit.
        available: the cluster's ``CPU`` and ``GPU``.

    Raises:
        UserError: if they do not fit, since Ray would then wait for ever without a word.
    """
    wanted: dict[str, StageResources] = {name: getattr(resources, name) for name in stages if name not in FIXED}
    fixed = {name: FIXED[name] for name in stages if name in FIXED}
    cpus = available.get("CPU", 0.0) - FEEDER_CPUS - sum(stage.cpus for stage in fixed.values())
    gpus = available.get("GPU", 0.0)
    fits = [int((cpus + 1e-9) // sum(stage.cpus for stage in wanted.values()))]
    if per_worker := sum(stage.gpus for stage in wanted.values()):
        fits.append(int((gpus + 1e-9) // per_worker))
    most = max(1, min(fits))
    filled = {
        name: stage.model_copy(update={"workers": workers or stage.workers or most}) for name, stage in wanted.items()
    }
    filled |= fixed
    for what, there in (("CPU", available.get("CPU", 0.0)), ("GPU", gpus)):
        share = {name: (stage.workers or 1) * getattr(stage, f"{what.lower()}s") for name, stage in filled.items()}
        needed = sum(share.values()) + (FEEDER_CPUS if what == "CPU" else 0)
        if needed > there + 1e-9:
            raise UserError(
                f"the stages need {needed:g} {what}s and the cluster has {there:g}: give fewer --workers, "
                f"or smaller resources.*.{what.lower()}s in the recipe"
            )
    return filled


class Tally:
    """Counts of all workers, in an actor of its own, for the progress display."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, counts: dict[str, int]) -> None:
        self._counts.update(counts)

    def counts(self) -> dict[str, int]:
        return dict(self._counts)


class _Reporter:
    """Sends a worker's counts to the tally, at most every ``FLUSH_S`` seconds."""

    def __init__(self, tally: Any) -> None:
        self._tally, self._counts, self._sent = tally, Counter[str](), time.monotonic()

    def __call__(self, **counts: int) -> None:
        self._counts.update(counts)
        if time.monotonic() - self._sent > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        if self._counts:
            self._tally.add.remote(dict(self._counts))
        self._counts, self._sent = Counter(), time.monotonic()


class Worker:
    """One actor of a stage's pool. If its stage cannot start, its first shard ends the run and says why."""

    def __init__(self, stage: Stage, tally: Any) -> None:
        self._stage, self._report = stage, _Reporter(tally)
        self._broken: str | None = None
        try:
            set_up(stage, self._report)
        except UserError as error:
            self._broken = str(error)

    def __call__(self, block: pa.Table) -> pa.Table:
        item = from_block(block)
        if self._broken and not isinstance(item, Done):
            return to_block(Done(item.number, self._broken, fatal=True))
        item = process_guarded(self._stage, item)
        self._report.flush()
        try:
            return to_block(item)
        except (pa.ArrowException, MemoryError) as error:
            return to_block(Done(item.number, f"{self._stage.name}: {one_line(error)}"))


def _blocks(feed: Feed) -> Iterator[pa.Table]:
    """The feeder's blocks; a source that cannot be read on ends the run and says why, since Ray would drop the error."""
    try:
        for rows in feed():
            yield to_block(rows)
    except UserError as error:
        yield to_block(Done(NO_SHARD, str(error), fatal=True))
    except Exception as error:
        yield to_block(Done(NO_SHARD, f"the source cannot be read: {one_line(error)}", fatal=True))


def _feed_dataset(feed: Feed) -> Any:
    import ray.data
    from ray.data.block import BlockMetadata
    from ray.data.datasource import Datasource, ReadTask

    class Shards(Datasource):
        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *args: Any, **kwargs: Any) -> list[ReadTask]:
            unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
            return [ReadTask(lambda: _blocks(feed), unknown)]

    return ray.data.read_datasource(Shards(), num_cpus=FEEDER_CPUS, override_num_blocks=1)


def _configure() -> None:
    from ray.data import DataContext

    warnings.filterwarnings("ignore", module="ray")
    warnings.filterwarnings("ignore", message=".*ray_remote_args.*")
    context = DataContext.get_current()
    context.target_max_block_size = 1
    context.enable_progress_bars = False
    context.max_errored_blocks = -1
    context.log_internal_stack_trace_to_stdout = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def run(
    feed: Feed,
    stages: Sequence[Stage],
    sizes: Mapping[str, StageResources],
    tally: Any,
    tries: int = TRIES,
) -> Iterator[Done]:
    """How each shard of ``feed()`` ended, as they end; ends early after a fatal error.

    A shard whose worker dies is begun again; after ``tries`` times it is missing among what is yielded.

    Args:
        feed: gives the shards to do; called in a worker, and again if that worker dies, so it must give the same again.
        stages: in order; each one's ``name`` is a key of ``sizes``.
        sizes: from ``pools``.
        tally: handle of a ``Tally`` actor.
        tries: how often a shard is begun at the most.

    Raises:
        UserError: if Ray cannot go on.
    """
    from ray.data import ActorPoolStrategy
    from ray.exceptions import RayError

    _configure()
    dataset = _feed_dataset(feed)
    for stage in stages:
        size = sizes[stage.name]
        dataset = dataset.map_batches(
            Worker,
            fn_constructor_args=(stage, tally),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=size.workers, max_tasks_in_flight_per_actor=2),
            num_cpus=size.cpus,
            num_gpus=size.gpus,
            max_restarts=-1,
            max_task_retries=tries - 1,
        )
    try:
        for block in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for index in range(block.num_rows):
                done = from_block(block.slice(index, 1))
                yield done
                if done.fatal:
                    return
    except RayError as error:
        raise UserError(f"Ray gave up ({one_line(error, 200)}): run the same command again") from error


def start_tally() -> Any:
    """A ``Tally`` actor that takes no CPU of its own."""
    return _beside(Tally)


def start_notes() -> Any:
    """A ``Notes`` actor that takes no CPU of its own and ends with this process."""
    return _beside(Notes)


def _beside(kept: type) -> Any:
    import ray

    return ray.remote(kept).options(num_cpus=0).remote()
