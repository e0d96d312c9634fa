"""Expressions against the same said in Python, with its third answer; and what cannot be evaluated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import humanverse
from humanverse.dataset.expression.connection import connection
from humanverse.dataset.expression.evaluate import evaluate
from humanverse.dataset.expression.parse import parse
from humanverse.dataset.reader import Dataset
from humanverse.dataset.view_counts import count
from humanverse.errors import UserError
from tests.views import Row, selected, varied_dataset

ROWS = pa.table(
    {
        "rows": [1, 2, 3],
        "images.width": pa.array([100, 200, None], pa.int32()),
        "images.caption": ["a dance", "7", None],
        "images.punsafe": pa.array([float("nan"), 0.5, None], pa.float64()),
        "pose.scores": pa.array([[0.5, 0.25], [], None], pa.list_(pa.float32())),
        "person.boxes": pa.array([[[1, 2, 3, 9]], [], None], pa.list_(pa.list_(pa.float32(), 4))),
    }
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("width > 150", [False, True, None]),
        ("width IS NULL", [False, False, True]),
        ("true", [True, True, True]),
        ("caption ILIKE '%DANCE%'", [True, False, None]),
        ("list_max(pose.scores) >= 0.5", [True, None, None]),
        ("len(pose.scores) = 2", [True, False, None]),
        ("len(list_filter(pose.scores, lambda s: s > 0.3)) = 1", [True, False, None]),
        ("list_bool_or(list_transform(person.boxes, lambda b: b[4] - b[2] > 5))", [True, None, None]),
        ("person.boxes[1][4] > 8", [True, None, None]),
        ("TRY_CAST(caption AS INTEGER) = 7", [None, True, None]),
        ("punsafe > 0.9", [True, False, None]),
        ("NOT isnan(punsafe) AND punsafe < 0.9", [False, True, None]),
        ("width / 0 > 1", [True, True, None]),
    ],
)
def test_values_and_nulls(text: str, values: list[bool | None]) -> None:
    assert evaluate(parse(text), ROWS).to_pylist() == values


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("width", "is of type int32 and not a condition"),
        ("NULL", "always NULL"),
        ("caption", "is of type string and not a condition"),
        ("caption > 3", "Cannot compare values of type VARCHAR"),
        ("CAST(caption AS INTEGER) > 3", "Could not convert string 'a dance' to INT32 when casting from source column"),
        ("len(width) > 3", "No function matches"),
        ("width.x > 3", "not a struct"),
        ("regexp_matches(caption, '(')", "missing "),
        ("9223372036854775807::BIGINT * width > 1", "Overflow"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line(text: str, why: str) -> None:
    with pytest.raises(UserError, match=why) as caught:
        evaluate(parse(text), ROWS)
    assert "\n" not in str(caught.value)
    assert evaluate(parse("true"), ROWS).to_pylist() == [True, True, True]


def test_types_are_checked_without_any_row() -> None:
    assert evaluate(parse("width > 1"), ROWS.slice(0, 0)).to_pylist() == []
    with pytest.raises(UserError, match="not a condition"):
        evaluate(parse("width"), ROWS.slice(0, 0))


def test_order_is_kept_over_many_batches() -> None:
    number = 10_000
    table = pa.concat_tables(pa.table({"images.row": list(range(start, number, 3))}) for start in range(3))
    values = evaluate(parse("row % 7 = 0"), table).to_pylist()
    assert values == [row % 7 == 0 for row in table.column(0).to_pylist()]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/tmp/humanverse-stolen.csv'",
        "ATTACH '/tmp/humanverse-x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET threads = 8",
        "FROM ROWS",
    ],
)
def test_the_connection_could_do_nothing_else_even_if_it_were_asked(query: str) -> None:
    import duckdb

    with connection() as here, pytest.raises(duckdb.Error):
        here.execute(query).fetchall()
    assert not Path("/tmp/humanverse-stolen.csv").exists()


def test_threads_do_not_mix() -> None:
    def one(number: int) -> list[bool | None]:
        return evaluate(parse(f"row % 7 = {number}"), pa.table({"images.row": list(range(5000))})).to_pylist()

    with ThreadPoolExecutor(4) as pool:
        for number, values in zip(range(7), pool.map(one, range(7)), strict=True):
            assert values == [row % 7 == number for row in range(5000)]


@pytest.mark.parametrize("used_before", ["", "evaluate(parse('width > 1'), rows)"])
def test_a_forked_process_and_its_threads_evaluate_and_end_well(used_before: str) -> None:
    program = f"""
import os, threading
import pyarrow as pa
from humanverse.dataset.expression.evaluate import evaluate
from humanverse.dataset.expression.parse import parse
rows = pa.table({{"images.width": [1, 2]}})
{used_before}
child = os.fork()
if not child:
    ask = lambda: print(evaluate(parse("width > 1"), rows).to_pylist(), flush=True)
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    ask()
else:
    assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[False, True]\n" * 2), done.stderr


Answer = bool | None
Said = tuple[str, Callable[[Row], Answer]]


def _not(value: Answer) -> Answer:
    return None if value is None else not value


def _and(a: Answer, b: Answer) -> Answer:
    return False if a is False or b is False else None if a is None or b is None else True


def _than(value: Any, limit: float) -> Answer:
    return None if value is None else bool(value > limit)


def _most(row: Row) -> Any:
    return max(row["person"]["scores"] or (), default=None)


def _likes(row: Row) -> Answer:
    return None if row["caption"] is None else "dance" in row["caption"].lower()


_LIMITS = st.integers(0, 8).map(lambda eighths: eighths / 8)
_LEAVES: list[st.SearchStrategy[Said]] = [
    st.integers(100, 1000).map(lambda n: (f"original_width > {n}", lambda row: _than(row["original_width"], n))),
    st.just(("caption ILIKE '%dance%'", _likes)),
    st.just(("caption IS NULL", lambda row: row["caption"] is None)),
    st.just(("caption.text LIKE '% row 1%'", lambda row: f" row {row['row']}".startswith(" row 1"))),
    st.just(("person.status = 'ok'", lambda row: row["person"]["status"] == "ok")),
    _LIMITS.map(lambda x: (f"person.union_area_ratio > {x}", lambda row: _than(row["person"]["union_area_ratio"], x))),
    _LIMITS.map(lambda x: (f"list_max(person.scores) > {x}", lambda row: _than(_most(row), x))),
    st.integers(0, 3).map(
        lambda n: (
            f"len(person.boxes) > {n}",
            lambda row: None if row["person"]["boxes"] is None else len(row["person"]["boxes"]) > n,
        )
    ),
    _LIMITS.map(
        lambda x: (
            f"len(list_filter(person.scores, lambda s: s >= {x})) > 1",
            lambda row: None if row["person"]["scores"] is None else sum(s >= x for s in row["person"]["scores"]) > 1,
        )
    ),
]


def _joined(parts: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    pairs = st.tuples(parts, parts)
    return st.one_of(
        parts.map(lambda a: (f"NOT ({a[0]})", lambda row: _not(a[1](row)))),
        parts.map(lambda a: (f"({a[0]}) IS NULL", lambda row: a[1](row) is None)),
        pairs.map(lambda p: (f"({p[0][0]}) AND ({p[1][0]})", lambda row: _and(p[0][1](row), p[1][1](row)))),
        pairs.map(
            lambda p: (f"({p[0][0]}) OR ({p[1][0]})", lambda row: _not(_and(_not(p[0][1](row)), _not(p[1][1](row)))))
        ),
    )


EXPRESSIONS = st.recursive(st.one_of(_LEAVES), _joined, max_leaves=5)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[Row]]:
    path = tmp_path_factory.mktemp("varied") / "d"
    rows = varied_dataset(path)
    return humanverse.open(str(path)), rows


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(said=st.lists(EXPRESSIONS, min_size=1, max_size=3))
def test_a_view_has_what_python_says_and_its_steps_add_up(varied: tuple[Dataset, list[Row]], said: list[Said]) -> None:
    dataset, rows = varied
    selection = selected(dataset, [text for text, _ in said])
    left, steps = rows, []
    for text, answer in said:
        answers = [answer(row) for row in left]
        steps.append((text, len(left), answers.count(False), answers.count(None), answers.count(True)))
        left = [row for row, value in zip(left, answers, strict=True) if value]
    counts = count(selection, dataset.shards())
    assert [(s.step, s.before, s.left_out, s.said_nothing, s.after) for s in counts.steps] == steps
    assert (counts.samples, counts.kept, counts.shards) == (len(rows), len(left), 2)
    parts = [selection.read(shard, ["row"]) for shard in dataset.shards()]
    assert [row for part in parts for row in part.images.column("row").to_pylist()] == [row["row"] for row in left]
    people = [person for part in parts for person in part.layer("person").to_pylist()]
    assert people == [row["person"] for row in left]
