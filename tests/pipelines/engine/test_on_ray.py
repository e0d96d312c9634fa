"""The stages on a real Ray: what dies, what raises, what ends the run, and how far ahead the feeder is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from humanverse.errors import UserError
from pipelines.engine import on_ray
from pipelines.engine.choice import BUILD
from pipelines.stages.base import Done, Stage
from schemas.recipe import Resources, StageResources
from tests.pipelines.engine.toys import End, Kills, NeverReady, Pass, Raises, feed, feed_that_breaks

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'humanverse[ray]'")

REPOSITORY = Path(__file__).parents[3]
ONE_WORKER = StageResources(workers=1, cpus=0.1)
SIZES = {"gate": ONE_WORKER, "annotate": StageResources(workers=2, cpus=0.1), "commit": ONE_WORKER}


@pytest.fixture(scope="module")
def tally() -> Iterator[object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY))
        started = on_ray.connect()
        yield on_ray.start_tally()
        if started:
            import ray

            ray.shutdown()


def run(tally: object, count: int, stages: Sequence[Stage], noted: Path | None = None) -> Iterator[Done]:
    return on_ray.run(partial(feed, count, noted), stages, SIZES, tally)


def test_a_shard_that_kills_its_workers_is_missing_and_no_other(tally: object, tmp_path: Path) -> None:
    done = list(run(tally, 8, [Pass(), Kills(), End()]))
    assert sorted(item.number for item in done) == [0, 1, 2, 4, 5, 6, 7]
    assert not [item for item in done if item.error]


def test_a_shard_whose_worker_died_once_is_done_again(
    tally: object, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = list(run(tally, 8, [Pass(), Kills(once=tmp_path / "died"), End()]))
    assert (tmp_path / "died").exists()
    assert sorted(item.number for item in done) == list(range(8))
    assert capfd.readouterr().out == ""


def test_an_error_costs_its_shard_alone(tally: object) -> None:
    done = {item.number: item for item in run(tally, 8, [Pass(), Raises(), End()])}
    assert sorted(done) == list(range(8))
    assert {number: item.error for number, item in done.items() if item.error} == {
        3: "annotate: ZeroDivisionError: by nought at all"
    }


@pytest.mark.parametrize(
    ("stage", "line"),
    [
        (Raises(fatal=True), "no space left"),
        (NeverReady(), "the annotate stage cannot start: FileNotFoundError: weights.onnx is not there"),
    ],
)
def test_an_error_of_all_shards_ends_the_run_early(tally: object, tmp_path: Path, stage: Stage, line: str) -> None:
    done = list(run(tally, 20_000, [Pass(), stage, End()], tmp_path / "noted"))
    assert (done[-1].error, done[-1].fatal) == (line, True)
    assert len(done) < 10_000
    assert (tmp_path / "noted").stat().st_size < 20_000


def test_a_source_that_breaks_ends_the_run_with_its_own_words(tally: object) -> None:
    stages: list[Stage] = [Pass(), End()]
    done = list(on_ray.run(partial(feed_that_breaks, 3), stages, SIZES, tally))
    assert (done[-1].error, done[-1].fatal) == ("source urls.txt: it ends in the middle", True)
    assert {item.number for item in done[:-1]} <= {0, 1, 2}


def test_the_feeder_waits_for_slow_stages(tally: object, tmp_path: Path) -> None:
    noted = tmp_path / "noted"
    running = run(tally, 20_000, [Pass(), Pass("annotate", seconds=0.05), End()], noted)
    for taken in range(1, 31):
        next(running)
        assert noted.stat().st_size < taken + 500
    running.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("workers", "recipe", "available", "expected"),
    [
        (None, (None, 0.5, 0.0), {"CPU": 2.0}, 2),
        (None, (None, 0.5, 0.0), {"CPU": 1.0}, 1),
        (None, (None, 0.5, 0.0), {"CPU": 64.0}, 71),
        (1, (None, 0.5, 0.0), {"CPU": 64.0}, 1),
        (None, (3, 0.5, 0.0), {"CPU": 64.0}, 3),
        (5, (3, 0.5, 0.0), {"CPU": 64.0}, 5),
        (None, (None, 0.5, 0.25), {"CPU": 64.0, "GPU": 2.0}, 8),
        (None, (None, 0.5, 1.0), {"CPU": 2.0, "GPU": 8.0}, 2),
    ],
)
def test_as_many_workers_as_fit(
    workers: int | None, recipe: tuple[int | None, float, float], available: dict[str, float], expected: int
) -> None:
    count, cpus, gpus = recipe
    stage = StageResources(workers=count, cpus=cpus, gpus=gpus)
    resources = Resources(gate=stage, annotate=StageResources(workers=count, cpus=0.4))
    sizes = on_ray.pools(BUILD, resources, workers, available)
    assert (sizes["gate"].workers, sizes["annotate"].workers) == (expected, expected)
    assert sizes["commit"].workers == 1
    taken = sum((size.workers or 0) * size.cpus for size in sizes.values()) + on_ray.FEEDER_CPUS
    assert taken <= available["CPU"]


@pytest.mark.parametrize(
    ("workers", "gpus", "available", "line"),
    [
        (3, 0.0, {"CPU": 2.0}, "the stages need 2.8 CPUs and the cluster has 2: give fewer --workers"),
        (None, 0.0, {"CPU": 0.5}, "and the cluster has 0.5"),
        (None, 1.0, {"CPU": 8.0}, "the stages need 1 GPUs and the cluster has 0"),
        (2, 1.0, {"CPU": 8.0, "GPU": 1.0}, "the stages need 2 GPUs and the cluster has 1"),
    ],
)
def test_what_does_not_fit_is_refused(workers: int | None, gpus: float, available: dict, line: str) -> None:
    resources = Resources(gate=StageResources(cpus=0.5, gpus=gpus))
    with pytest.raises(UserError, match=line):
        on_ray.pools(BUILD, resources, workers, available)


def test_a_cluster_that_does_not_answer_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(UserError, match=r"^no Ray cluster at 127.0.0.1:9 \(Connection refused\): check RAY_ADDRESS$"):
        on_ray.connect()
