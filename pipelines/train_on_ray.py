"""Training on a Ray cluster: Ray starts the processes, on whatever machines, and starts them again if one dies.

What a process does is what it does under any other launcher (``humanverse.training.run``), so that a run may go on with or
without Ray. The run's folder and the dataset must be seen by all machines under the same name.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
import traceback
import uuid
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from humanverse.errors import UserError, one_line
from humanverse.plurals import plural
from pipelines.engine import on_ray

if TYPE_CHECKING:
    from humanverse.training.outcome import Outcome
    from humanverse.training.settings import TrainSettings

POLL_S = 0.5
TRIES = 3
"""Starts in a row from the same checkpoint, after which the run is given up."""
_STORAGE = ".ray"


class Post:
    """What the workers tell, in an actor of its own, for the process that waits for them."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}
        self.lines: list[str] = []
        self.starts: list[int] = []
        self.refusal: str | None = None
        self.crash: str | None = None
        self.outcome: Any = None

    def started(self, samples: int) -> None:
        """The first worker begins, or begins again, from a checkpoint of so many samples."""
        self.starts.append(samples)

    def tell(self, values: Mapping[str, float]) -> None:
        """How the run goes."""
        self.values.update(values)

    def say(self, line: str) -> None:
        """How the run begins; once, however often it is begun."""
        if line not in self.lines:
            self.lines.append(line)

    def refuse(self, line: str) -> None:
        """A ``UserError``: it would come again."""
        self.refusal = line

    def fail(self, line: str) -> None:
        """Any other error of a worker; Ray starts the workers again."""
        self.crash = line

    def finish(self, outcome: Any) -> None:
        """What the run came to."""
        self.outcome = outcome

    def state(self) -> dict[str, Any]:
        """All of it."""
        return dict(vars(self))


class _Reporter:
    """Tells the post how the run goes, samples alone at most every ``POLL_S``."""

    def __init__(self, post: Any) -> None:
        self._post, self._sent = post, 0.0

    def __call__(self, values: Mapping[str, float]) -> None:
        now = time.monotonic()
        if len(values) > 1 or now - self._sent > POLL_S:
            self._post.tell.remote(dict(values))
            self._sent = now


def work(given: Mapping[str, Any]) -> None:
    """What each worker does: the run, with the processes that Ray has joined to a group."""
    import ray
    import ray.train

    from humanverse.training.checkpoints import RunFolder
    from humanverse.training.run import run
    from pipelines.train import folder_of

    post, out = given["post"], Path(given["out"])
    first = ray.train.get_context().get_world_rank() == 0
    try:
        if Path(given["cwd"]).is_dir():
            os.chdir(given["cwd"])
        if first:
            ray.get(post.started.remote(max(RunFolder(out).checkpoints(), default=0)))
        outcome = run(given["stage"], given["url"], out, given["settings"], _Reporter(post), folder_of, post.say.remote)
        if first:
            ray.get(post.finish.remote(outcome))
    except UserError as error:
        ray.get(post.refuse.remote(str(error)))
        raise
    except Exception as error:
        ray.get(post.fail.remote(f"{one_line(error, 200)}{kept(out)}"))
        raise


def kept(out: Path) -> str:
    """Add the traceback of the error that is being handled to those in the run's folder, since a worker that fails takes others
    with it; words that say where, empty if it cannot be written."""
    from humanverse.training.checkpoints import TRACEBACKS

    path = out / TRACEBACKS
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, process {os.getpid()}\n{traceback.format_exc()}\n")
    except OSError:
        return ""
    return f"; traceback: {path}"


def run(
    stage: str,
    url: str,
    out: Path,
    settings: TrainSettings,
    workers: int,
    tell: Callable[[Mapping[str, float]], None],
    say: Callable[[str], None] = lambda line: None,
    address: str | None = None,
) -> Outcome:
    """Train with ``workers`` processes; one that dies lets all of them begin again from the last checkpoint.

    Args:
        stage: of ``humanverse.training.run.STAGES``.
        url: of the dataset.
        out: folder of the run.
        settings: of the run.
        workers: each has a GPU, if the cluster has any, else a CPU.
        tell: is told how it goes.
        say: is told lines about how it begins.
        address: of a cluster; None: ``RAY_ADDRESS``, or this machine alone.

    Raises:
        UserError: for whatever the user can mend, or if the workers fail again and again.
    """
    if find_spec("ray") is None:
        raise UserError("Ray is not installed: pip install 'humanverse[ray]', or leave --ray out")
    if address:
        os.environ["RAY_ADDRESS"] = address
    ours = on_ray.connect()
    import ray

    try:
        gpus = check_fit(workers, ray.cluster_resources())
        post = ray.remote(num_cpus=0)(Post).remote()
        where = url if "://" in url else str(Path(url).resolve())
        given = {"stage": stage, "url": where, "out": str(out.resolve()), "settings": settings, "cwd": str(Path.cwd())}
        storage = out.resolve() / _STORAGE
        fit = _Fit(_trainer({**given, "post": post}, workers, gpus, storage))
        return _watched(fit, post, tell, say)
    finally:
        if ours:
            ray.shutdown()
        shutil.rmtree(out / _STORAGE, ignore_errors=True)


def check_fit(workers: int, available: Mapping[str, float]) -> bool:
    """Whether workers have a GPU each.

    Args:
        workers: how many.
        available: the cluster's ``CPU`` and ``GPU``.

    Raises:
        UserError: if there are too few, since Ray would then wait for ever.
    """
    gpus = available.get("GPU", 0.0)
    what, there = ("GPU", gpus) if gpus else ("CPU", available.get("CPU", 0.0))
    if workers > there:
        raise UserError(f"--ray {workers}: each worker needs a {what}, and the cluster has {there:g}: give fewer")
    return bool(gpus)


def _trainer(given: dict[str, Any], workers: int, gpus: bool, storage: Path) -> Any:
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    warnings.filterwarnings("ignore", module="ray")
    logging.getLogger("ray").setLevel(logging.CRITICAL)
    logging.getLogger("ray.train").setLevel(logging.CRITICAL)
    return TorchTrainer(
        work,
        train_loop_config=given,
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus),
        run_config=RunConfig(
            name=uuid.uuid4().hex, storage_path=str(storage), failure_config=FailureConfig(max_failures=-1)
        ),
    )


class _Fit(threading.Thread):
    """Ray's own waiting, beside the main thread, which thereby keeps Ctrl-C."""

    def __init__(self, trainer: Any) -> None:
        super().__init__(name="ray-train", daemon=True)
        self._trainer, self.error = trainer, ""
        self.start()

    def run(self) -> None:
        try:
            self._trainer.fit()
        except Exception as error:
            self.error = one_line(error, 200)


def _watched(fit: _Fit, post: Any, tell: Callable[[Mapping[str, float]], None], say: Callable[[str], None]) -> Outcome:
    """Wait for the end, or for what makes waiting useless."""
    import ray

    said = 0
    while True:
        fit.join(POLL_S)
        state = ray.get(post.state.remote())
        for line in state["lines"][said:]:
            say(line)
        said = len(state["lines"])
        if state["values"]:
            tell(state["values"])
        if state["refusal"]:
            raise UserError(state["refusal"])
        if state["outcome"] is not None and not fit.is_alive():
            return state["outcome"]
        reason = state["crash"] or fit.error or "a process died"
        if is_stuck(state["starts"]):
            raise UserError(f"the workers failed {TRIES} times at {plural(state['starts'][-1], 'sample')} ({reason})")
        if not fit.is_alive():
            raise UserError(f"Ray gave up ({reason}): run the same command again")


def is_stuck(starts: list[int]) -> bool:
    """Whether the last ``TRIES`` starts were from one place, and another one follows."""
    return len(starts) > TRIES and len(set(starts[-TRIES - 1 :])) == 1
