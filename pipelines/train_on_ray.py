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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
    from humanverse.training.stopping import Stop

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
        self.asked = self.stopped = False

    def started(self, samples: int) -> None:
        """The first worker begins, or begins again, from a checkpoint of so many samples."""
        self.starts.append(samples)

    def tell(self, values: Mapping[str, float]) -> bool:
        """How the run goes; whether it is to end after this step."""
        self.values.update(values)
        return self.asked

    def ask(self) -> None:
        """The run is to end."""
        self.asked = True

    def stop(self) -> None:
        """It has, as it was asked to, and has a checkpoint of all its steps."""
        self.stopped = True

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
    """Tells the post how the run goes, samples alone at most every ``POLL_S``, and ``stop`` what it answers."""

    def __init__(self, post: Any, stop: Stop) -> None:
        self._post, self._stop, self._sent = post, stop, 0.0

    def __call__(self, values: Mapping[str, float]) -> None:
        import ray

        now = time.monotonic()
        if len(values) > 1 or now - self._sent > POLL_S:
            self._stop.asked = ray.get(self._post.tell.remote(dict(values)))
            self._sent = now


def work(given: Mapping[str, Any]) -> None:
    """What each worker does: the run, with the processes that Ray has joined to a group."""
    import ray
    import ray.train

    from humanverse.training.stopping import Stop, Stopped

    post, out, stop = given["post"], Path(given["out"]), Stop()
    first = ray.train.get_context().get_world_rank() == 0
    try:
        if Path(given["cwd"]).is_dir():
            os.chdir(given["cwd"])
        if first:
            ray.get(post.started.remote(_reached(out)))
        outcome = _run(given, out, stop)
        if first:
            ray.get(post.finish.remote(outcome))
    except Stopped:
        if first:
            ray.get(post.stop.remote())
    except UserError as error:
        ray.get(post.refuse.remote(str(error)))
        raise
    except Exception as error:
        ray.get(post.fail.remote(f"{one_line(error, 200)}{kept(out)}"))
        raise


def _reached(out: Path) -> int:
    """Samples of the last checkpoint."""
    from humanverse.training.checkpoints import RunFolder

    return max(RunFolder(out).checkpoints(), default=0)


def _run(given: Mapping[str, Any], out: Path, stop: Stop) -> Outcome:
    """The run itself, all of whose imports come after it is said that a worker is there."""
    from humanverse.training.run import run
    from pipelines.train import folder_of

    post = given["post"]
    tell = _Reporter(post, stop)
    return run(given["stage"], given["url"], out, given["settings"], tell, folder_of, post.say.remote, stop)


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
    begin: Callable[[str], None] = lambda phase: None,
    loading: str = "loading models",
) -> Outcome:
    """Train with ``workers`` processes; one that dies lets all of them begin again from the last checkpoint.

    Ctrl-C and SIGTERM end it as they end a run without Ray (``humanverse.training.run``), at once before the first step.

    Args:
        stage: of ``humanverse.training.run.STAGES``.
        url: of the dataset.
        out: folder of the run.
        settings: of the run.
        workers: each has a GPU, if the cluster has any, else a CPU.
        tell: is told how it goes.
        say: is told lines about how it begins.
        address: of a cluster; None: ``RAY_ADDRESS``, or this machine alone.
        begin: is told what is done before the first step, phase by phase.
        loading: what the processes do before it, in words.

    Raises:
        UserError: for whatever the user can mend, or if the workers fail again and again.
        KeyboardInterrupt: if it was asked to end; ``Stopped`` if there is a checkpoint of all steps.
    """
    from humanverse.training.checkpoints import TRACEBACKS
    from humanverse.training.stopping import heard

    if find_spec("ray") is None:
        raise UserError("Ray is not installed: pip install 'humanverse[ray]', or leave --ray out")
    if address:
        os.environ["RAY_ADDRESS"] = address
    where = url if "://" in url else str(Path(url).resolve())
    given = {"stage": stage, "url": where, "out": str(out.resolve()), "settings": settings, "cwd": str(Path.cwd())}
    ours, processes = False, plural(workers, "process", "processes")
    with heard(steps=False) as stop:
        try:
            begin("joining the Ray cluster" if os.environ.get("RAY_ADDRESS") else "starting Ray")
            ours = on_ray.connect()
            import ray

            gpus = check_fit(workers, ray.cluster_resources())
            begin(f"starting {processes}")
            post = ray.remote(num_cpus=0)(Post).remote()
            fit = _Fit(_trainer({**given, "post": post}, workers, gpus, out.resolve() / _STORAGE))
            return _watched(fit, post, stop, tell, say, lambda: begin(f"{loading}, in {processes}"))
        finally:
            stop.close()
            with _as_it_is(out / TRACEBACKS):
                if ours:
                    ray.shutdown()
            shutil.rmtree(out / _STORAGE, ignore_errors=True)


@contextmanager
def _as_it_is(path: Path) -> Iterator[None]:
    """Afterwards the file is as long as before, or not there: what workers write who are ended from outside is no error."""
    size = path.stat().st_size if path.exists() else 0
    try:
        yield
    finally:
        if size:
            os.truncate(path, size)
        else:
            path.unlink(missing_ok=True)


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


def _watched(
    fit: _Fit,
    post: Any,
    stop: Stop,
    tell: Callable[[Mapping[str, float]], None],
    say: Callable[[str], None],
    load: Callable[[], None],
) -> Outcome:
    """Wait for the end, or for what makes waiting useless; ``load`` is called when the workers begin.

    A request to end is handed on to workers that have taken a step, whose post knows it before this process does.
    """
    import ray

    from humanverse.training.stopping import ENDING, Stopped

    said, asked = 0, False
    while True:
        fit.join(POLL_S)
        state = ray.get(post.state.remote())
        stop.steps = True
        if stop.asked and not asked:
            if not state["values"]:
                raise KeyboardInterrupt
            say(ENDING)
            ray.get(post.ask.remote())
            asked = True
        if state["starts"] and not state["values"]:
            load()
        for line in state["lines"][said:]:
            say(line)
        said = len(state["lines"])
        if state["values"]:
            tell(state["values"])
        if state["refusal"]:
            raise UserError(state["refusal"])
        if not fit.is_alive():
            if state["stopped"]:
                raise Stopped
            if state["outcome"] is not None:
                return state["outcome"]
        reason = state["crash"] or fit.error or "a process died"
        if is_stuck(state["starts"]):
            raise UserError(f"the workers failed {TRIES} times at {plural(state['starts'][-1], 'sample')} ({reason})")
        if not fit.is_alive():
            raise UserError(f"Ray gave up ({reason}): run the same command again")


def is_stuck(starts: list[int]) -> bool:
    """Whether the last ``TRIES`` starts were from one place, and another one follows."""
    return len(starts) > TRIES and len(set(starts[-TRIES - 1 :])) == 1
