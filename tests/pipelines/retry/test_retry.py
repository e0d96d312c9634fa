"""Rows that failed are tried again, alone; what they end with counts instead, once; and nothing that was kept is lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.report import funnel, write
from pipelines.build import build
from pipelines.retry import check_reasons
from schemas.ledger import REASONS, RETRYABLE
from schemas.recipe import load
from tests.compare import contents
from tests.pipelines.retry.flaky import (
    AGAIN,
    COUNT,
    DEAD,
    GONE,
    PLANNED,
    SIZE,
    STUBBORN,
    Web,
    final,
    half_done,
    kept_rows,
    passes,
)
from tests.pipelines.web import RECIPE, picture


def test_only_the_rows_that_ended_so_are_asked_for(web: Web, target: Path) -> None:
    asked = web.asked(lambda: web.build(target, retry=["http_5xx"]))
    assert asked == dict.fromkeys(AGAIN, 1)


def test_what_is_there_now_is_kept_and_every_row_counts_once(retried: Path) -> None:
    assert final(retried) == {
        number: "http_4xx" if number in GONE else "http_5xx" if number in (*STUBBORN, *DEAD) else None
        for number in range(COUNT)
    }
    assert kept_rows(retried) == [number for number in range(COUNT) if number not in (*STUBBORN, *DEAD, *GONE)]
    report = verify(humanverse.open(str(retried)))
    assert report.findings == ()
    assert (report.rows, report.samples) == (COUNT, COUNT - 5)


def test_nothing_that_was_there_changes(built: Path, retried: Path) -> None:
    before, after = contents(built), contents(retried)
    assert {path: after[path] for path in before} == before
    shards = {path.partition(".")[0][-6:] for path in after if path not in before}
    assert shards == {"000000", *(f"{number:06}" for number in range(PLANNED, PLANNED + 3))}
    assert {path for path in after if path not in before and "000000" in path} == {"retries/000000.json"}


def test_the_plan_says_which_rows_and_where_they_were(retried: Path, web: Web) -> None:
    (one,) = passes(retried)
    assert (one.reasons, one.rows, one.fetch) == (("http_5xx",), len(AGAIN), web.recipe().fetch)
    said = [(shard.number, shard.rows, shard.first, shard.last) for shard in one.shards]
    assert said == [(PLANNED, 4, 1, 6), (PLANNED + 1, 4, 7, 14), (PLANNED + 2, 2, 17, 21)]
    for shard in one.shards:
        table = pq.read_table(retried / layout.retry_rows(shard.number))
        assert table.column("shard").to_pylist() == [row // SIZE for row in table.column("row").to_pylist()]
        ledger = pq.read_table(retried / layout.ledger(shard.number))
        assert ledger.column("row").equals(table.column("row"))


def test_figures_count_a_row_once(built: Path, retried: Path) -> None:
    first, found = (status(humanverse.open(str(place))) for place in (built, retried))
    assert first.failed == {"http_5xx": len(AGAIN), "http_4xx": 1}
    assert (first.shards, first.supplementary_shards, first.complete) == (PLANNED, 0, True)
    assert (found.rows, found.kept, found.failed) == (COUNT, COUNT - 5, {"http_5xx": 4, "http_4xx": 1})
    assert (found.shards, found.planned_shards) == (PLANNED, PLANNED)
    assert (found.supplementary_shards, found.planned_supplementary_shards, found.complete) == (3, 3, True)
    assert set(found.layers.values()) == {PLANNED + 3}
    steps = funnel.steps(found)
    assert [(step.label, step.left) for step in steps] == [
        ("source rows", COUNT),
        ("in the ledger", COUNT),
        ("fetched", COUNT - 5),
        ("decoded", COUNT - 5),
        ("kept", COUNT - 5),
    ]


def test_what_fails_still_can_be_tried_again_and_again(web: Web, retried: Path, tmp_path: Path) -> None:
    target = Path(shutil.copytree(retried, tmp_path / "people"))
    web.phases.phase = 2
    left = sorted((*STUBBORN, *DEAD))
    assert web.asked(lambda: web.build(target, retry=["http_5xx"])) == dict.fromkeys(left, 1)
    assert [list(one.numbers) for one in passes(target)] == [[6, 7, 8], [9]]
    table = pq.read_table(target / layout.retry_rows(9))
    assert (table.column("row").to_pylist(), table.column("shard").to_pylist()) == (left, [6, 7, 7, 8])
    assert web.asked(lambda: web.build(target, retry=["http_5xx", "http_4xx"])) == dict.fromkeys((*DEAD, *GONE), 1)
    assert {row: reason for row, reason in final(target).items() if reason} == {
        7: "http_5xx",
        11: "http_4xx",
        17: "http_5xx",
    }
    table = pq.read_table(target / layout.retry_rows(10))
    assert (table.column("row").to_pylist(), table.column("shard").to_pylist()) == ([7, 11, 17], [9, 2, 9])
    report = verify(humanverse.open(str(target)))
    assert (report.findings, report.rows) == ((), COUNT)


def test_with_nothing_to_try_again_nothing_is_written(web: Web, target: Path) -> None:
    before = contents(target)
    result = web.build(target, retry=["dns", "timeout"])
    assert (result.planned, result.committed, result.nothing_worked) == (0, 0, False)
    assert contents(target) == before
    assert not (target / layout.RETRIES).exists()


@pytest.mark.parametrize("reason", ["duplicate", "too_small", "sunshine", ""])
def test_what_cannot_be_tried_again_is_refused_with_what_can(web: Web, target: Path, reason: str) -> None:
    with pytest.raises(UserError, match=r"cannot be tried again: name some of .*timeout, .*corrupt, .*gate_error"):
        web.build(target, retry=["timeout", reason])


def test_reasons_that_can_be_tried_again_are_known() -> None:
    assert set(RETRYABLE) < set(REASONS)
    assert check_reasons(["timeout", "dns", "timeout"], allow_private=False) == ("dns", "timeout")


def test_private_addresses_are_not_tried_again_without_leave(web: Web, target: Path) -> None:
    with pytest.raises(UserError, match="without --allow-private private_address fails again"):
        web.build(target, retry=["private_address", "timeout"], allow_private=False)
    assert check_reasons(["private_address"], allow_private=True) == ("private_address",)


def test_a_place_without_a_dataset_cannot_be_retried(web: Web, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a dataset yet: build it without --retry first"):
        web.build(tmp_path / "nowhere", retry=["timeout"])
    assert not (tmp_path / "nowhere").exists()


def test_rows_of_shards_to_come_are_left_to_a_plain_build(
    web: Web, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (1, 5):
        (target / layout.ledger(number)).unlink()
    missing = {row for number in (1, 5) for row in range(number * SIZE, (number + 1) * SIZE)}
    unbuilt = "retry: 2 shards are not built yet: the same command without --retry builds them"
    web.build(target, retry=["dns"])
    assert unbuilt in capsys.readouterr().err
    asked = web.asked(lambda: web.build(target, retry=["http_5xx"]))
    assert unbuilt in capsys.readouterr().err
    assert set(asked) == set(AGAIN) - missing
    assert status(humanverse.open(str(target))).shards == PLANNED - 2
    web.build(target)
    assert final(target).keys() == set(range(COUNT))
    assert verify(humanverse.open(str(target))).findings == ()


def test_fetch_settings_may_change_and_are_remembered_and_nothing_else_may(web: Web, target: Path) -> None:
    changed = web.recipe(timeout_s=7, retries=1, max_bytes=1000)
    with pytest.raises(UserError, match="another recipe"):
        web.build(target, changed)
    web.build(target, changed, retry=["http_5xx"])
    assert passes(target)[0].fetch == changed.fetch
    assert set(final(target).values()) == {None, "http_5xx", "http_4xx", "too_large"}
    assert web.build(target).committed == 0, "the dataset's own recipe is as it was"
    other = changed.model_copy(update={"gate": changed.gate.model_copy(update={"min_side": 33})})
    with pytest.raises(UserError, match=r"gate\.min_side"):
        web.build(target, other, retry=["too_large"])


def test_rows_that_all_fail_alike_again_are_committed(tmp_path: Path, web: Web) -> None:
    (tmp_path / "dead.txt").write_text("".join(f"http://127.0.0.1:9/{number}.jpg\n" for number in range(25)))
    source, target = [str(tmp_path / "dead.txt")], str(tmp_path / "x")
    wide = {"source": {"shard_size": 100}}
    sure = load(path=web.folder / "recipe.yaml", overrides={**wide, "fetch": {"all_failed_from": None}})
    build(source, target, sure, local=True, allow_private=True)
    usual = load(path=web.folder / "recipe.yaml", overrides=wide)
    result = build(source, target, usual, local=True, allow_private=True, retry=["connect"])
    assert (result.committed, result.failures, result.nothing_worked) == (1, {"connect": 25}, False)


def test_rows_that_all_fail_alike_for_another_reason_keep_the_old_one(
    web: Web, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    careful = web.recipe(all_failed_from=SIZE)
    result = web.build(target, careful, retry=["http_5xx"], allow_private=False)
    assert result.lost.keys() == {PLANNED, PLANNED + 1}, "the last one has too few rows to tell"
    assert "all 4 URLs failed with private_address: give --allow-private" in result.lost[PLANNED]
    assert "\n2 rows failed with private_address: --retry private_address --allow-private" in capsys.readouterr().err
    after = final(target)
    assert {after[row] for row in AGAIN[:8]} == {"http_5xx"}
    web.build(target, careful)
    assert [row for row, reason in final(target).items() if reason == "http_5xx"] == [3, 7, 14]
    result = web.build(target, careful, retry=["private_address"])
    assert (result.counts["kept"], result.failures) == (1, {"http_5xx": 1})


def test_a_plain_build_counts_only_rows_that_it_finishes(
    web: Web, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half_done(web, target)
    capsys.readouterr()
    web.build(target)
    assert "build: 6/6 rows, " in capsys.readouterr().err


def test_a_retry_is_fetched_by_our_own_engine_and_says_so(
    web: Web, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = web.recipe(engine="img2dataset")
    half_done(web, target, recipe)
    line = "retry: rows are tried again with our own engine, not with img2dataset"
    assert capsys.readouterr().err.count(line) == 1
    assert passes(target)[0].fetch == web.recipe().fetch
    web.build(target, recipe, retry=["http_5xx"])
    assert capsys.readouterr().err.count(line) == 1
    web.build(target, recipe, retry=["dns"])
    assert line not in capsys.readouterr().err


def test_pictures_that_were_missing_and_came_back(tmp_path: Path) -> None:
    folder = tmp_path / "earlier"
    (folder / "00000").mkdir(parents=True)
    said = [{"url": f"http://h/{n}", "key": f"{n:02}", "status": "success", "error_message": None} for n in range(6)]
    pq.write_table(pa.Table.from_pylist(said), folder / "00000.parquet")
    for number in (0, 3):
        (folder / "00000" / f"{number:02}.jpg").write_bytes(picture(number))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    recipe = load(path=tmp_path / "recipe.yaml", overrides={"source": {"shard_size": 2, "kind": "img2dataset"}})
    target = tmp_path / "people"
    build([str(folder)], str(target), recipe, local=True)
    assert set(final(target).values()) == {None, "source_missing"}
    for number in (1, 2, 5):
        (folder / "00000" / f"{number:02}.jpg").write_bytes(picture(number))
    result = build([str(folder)], str(target), recipe, local=True, retry=["source_missing"])
    assert result.counts == {"kept": 3, "failed": 1, "bytes": result.counts["bytes"]}
    assert kept_rows(target) == [0, 1, 2, 3, 5]
    assert verify(humanverse.open(str(target))).findings == ()


def test_the_same_url_twice_among_the_rows_is_fetched_once(web: Web, tmp_path: Path) -> None:
    web.phases.phase = 0
    urls = [web.server.url(f"/{number}.jpg") for number in (1, 0, 1, 2)]
    (tmp_path / "urls.txt").write_text("\n".join(urls))
    recipe = load(path=web.folder / "recipe.yaml", overrides={"source": {"shard_size": 2}})
    options: dict[str, Any] = {"local": True, "allow_private": True}
    build([str(tmp_path / "urls.txt")], str(tmp_path / "x"), recipe, **options)
    web.phases.phase = 1
    build([str(tmp_path / "urls.txt")], str(tmp_path / "x"), recipe, retry=["http_5xx"], **options)
    assert final(tmp_path / "x") == {0: None, 1: None, 2: "duplicate", 3: None}


def test_the_page_tells_of_it(retried: Path, tmp_path: Path) -> None:
    write(humanverse.open(str(retried)), tmp_path / "report.html", 4)
    page = (tmp_path / "report.html").read_text()
    assert "3 of 3 supplementary shards committed" in page
    assert f"of the source {PLANNED} of {PLANNED}" in page
