"""What is let through, what is refused, and that refusals are one line: expressions come from strangers."""

from __future__ import annotations

import duckdb
import pytest

from humanverse.dataset.expression import allowed
from humanverse.dataset.expression.parse import Name, parse
from humanverse.errors import UserError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("width > 300", ["images.width"]),
        ("images.width > 300", ["images.width"]),
        ("caption ILIKE '%dance%' OR caption.text ILIKE '%dance%'", ["caption.text", "images.caption"]),
        ("images.caption IS NOT NULL", ["images.caption"]),
        ('"pose/rtmw".scores[1] > pose.scores[1]', ["pose.scores", "pose/rtmw.scores"]),
        ("len(list_filter(person.scores, lambda s: s > 0.5)) = 1", ["person.scores"]),
        (
            "list_filter(person.scores, lambda s, i: s > person.area_ratios[i]) = []",
            ["person.area_ratios", "person.scores"],
        ),
        ('"a column; it\'s odd" = 1', ["images.a column; it's odd"]),
        ("exif.make = 'x'", ["images.exif"]),
        ("true", []),
        ("true --", []),
        ("width > 3 -- wide", ["images.width"]),
        ("width /* of it */ > 3", ["images.width"]),
        ("caption = '); DROP TABLE samples; --'", ["images.caption"]),
        ("NOT (width BETWEEN 1 AND 2) AND width NOT IN (5, 6)", ["images.width"]),
        ("caption NOT LIKE '%!%%' ESCAPE '!' AND caption SIMILAR TO '[a-z ]+'", ["images.caption"]),
        ("CASE WHEN width > 3 THEN height > 3 ELSE NULL END", ["images.height", "images.width"]),
        ("coalesce(CAST(pwatermark AS DOUBLE), 0) < 0.5", ["images.pwatermark"]),
    ],
)
def test_names_are_those_of_images_and_layers(text: str, names: list[str]) -> None:
    found = parse(text)
    assert sorted(map(str, found.names)) == names
    assert found.text == text


def test_layers_that_are_named() -> None:
    found = parse('pose.scores = [] AND "pose/a".scores = [] AND width > 2')
    assert found.layers == ["pose", "pose/a"]
    assert Name("pose/a", "scores") in found.names


ATTACKS = {
    "file": "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0",
    "file as a table": "(SELECT count(*) FROM '/etc/passwd') > 0",
    "file by a function": "read_text('/etc/passwd') = ''",
    "exists": "EXISTS (FROM duckdb_settings())",
    "in a subquery": "uid IN (SELECT uid FROM samples)",
    "any of a list": "1 = ANY(person.scores)",
    "union": "true) UNION SELECT (true",
    "union all without parentheses": "true UNION ALL SELECT true",
    "second statement": "true); DROP TABLE samples; SELECT (true",
    "second statement after a comment": "true /* ) */); ATTACH 'x.db'; --",
    "semicolon": "true;",
    "copy": "true); COPY samples TO '/tmp/stolen.csv'; SELECT (true",
    "only copy": "COPY samples TO '/tmp/stolen.csv'",
    "attach": "ATTACH '/tmp/x.db'",
    "install": "INSTALL httpfs",
    "pragma": "PRAGMA enable_profiling",
    "setting": "SET enable_external_access = true",
    "clause": "true) FROM samples WHERE (true",
    "other table": "true) FROM duckdb_secrets() WHERE (true",
    "where": "true WHERE 1=1",
    "group": "true) FROM samples GROUP BY (uid",
    "limit": "true) FROM samples LIMIT (1",
    "sample": "true) FROM samples USING SAMPLE 1 -- (",
    "two columns": "true), (false",
    "name for the column": "true) AS wanted, (true",
    "open comment": "true /*",
    "row": "true, false",
    "star": "* > 1",
    "columns": "COLUMNS('.*') > 1",
    "column by number": "#1 = 'x'",
    "parameter": "$1 = 1",
    "parameter without name": "width = ?",
    "default": "DEFAULT",
    "window": "row_number() OVER () < 10",
    "aggregate": "count(*) > 1",
    "aggregate with filter": "max(width) FILTER (WHERE true) > 1",
    "unnest": "unnest([true, false])",
    "chance": "random() < 0.5",
    "uuid": "gen_random_uuid() = uid",
    "clock": "now() > TIMESTAMP '2026-01-01'",
    "clock without parentheses": "year(current_date) > 2020 AND today() > '2020-01-01'",
    "environment": "getenv('HOME') = '/root'",
    "setting read": "current_setting('threads') = '1'",
    "variable": "getvariable('x') = 1",
    "version": "version() = 'v1'",
    "sleep": "sleep_ms(100000) IS NULL",
    "log": "write_log('x') IS NULL",
    "error": "error('x') = 1",
    "sequence": "nextval('x') > 1",
    "query": "query('SELECT 1') = 1",
    "parser": "json_execute_serialized_sql('{}') = 1",
    "schema": "main.len(caption) > 1",
    "catalog": "system.main.lower(caption) = 'x'",
    "other type": "width::REGCLASS = 1",
    "type of our own": "width::JSON = '1'",
    "type with a time zone": "TIMESTAMPTZ '2020-01-01' > '2019-01-01'",
    "collation": "caption COLLATE NOCASE = 'x'",
    "much text": "len(repeat('x', 1000000000)) > 1",
    "padding": "lpad(caption, 1000000000, 'x') = ''",
    "format": "printf('%1000000000d', 1) = ''",
    "joined": "caption || caption = ''",
    "replaced": "replace(caption, 'a', 'aaaa') = ''",
    "many numbers": "len(range(1000000000)) > 1",
    "lists of lists of lists": "list_transform([1], lambda x: [x, x]) = []",
    "lambdas in each other": "list_transform(a, lambda x: list_transform(a, lambda y: list_transform(a, lambda z: 1))) = []",
    "lambda elsewhere": "lambda x: true",
    "lambda with an arrow": "list_filter(person.scores, x -> x > 1) = []",
    "parameter called as a layer": "list_filter(person.scores, lambda pose: pose > 1) = []",
    "parameter with a dot": 'list_filter(person.scores, lambda "images.width": true) = []',
    "nothing": "  \n ",
    "nul": "width > 1\0",
    "escape": "caption = '\x1b[2J'",
    "right to left": "caption = '\u202e'",
    "too long": "width > 1 OR " * 1000 + "true",
    "too deep": "NOT " * 990 + "true",
    "far too deep": "-" * 3900 + "1 > 0",
    "not SQL": "width >",
    "unclosed quote": "caption = 'x",
    "not a function": "frobnicate(width) > 1",
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_what_is_not_one_condition_is_refused_in_one_line(kind: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(ATTACKS[kind])
    message = str(caught.value)
    assert "expression" in message
    assert "\n" not in message and message.isprintable() and len(message) < 500


def test_refusals_say_why() -> None:
    for text, why in {
        "random() > 0.5": "the function random is not allowed",
        "uid IN (SELECT 1)": "a subquery is not allowed",
        "true) UNION SELECT (true": "not one condition",
        "list_filter(l, x -> x) = []": "lambda x: …",
        "width >": "something is missing at its end",
        "(caption = 'ä' ": "something is missing at its end",
        "width > )": r"syntax error at or near \"\)\"",
        "width width": "syntax error",
        "caption.len() > 1": r"write len\(…\)",
    }.items():
        with pytest.raises(UserError, match=why):
            parse(text)


def test_every_allowed_function_is_one_of_duckdb_that_always_answers_the_same() -> None:
    known: dict[str, set[str | None]] = {}
    query = "SELECT function_name, stability FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')"
    for name, stability in duckdb.connect().execute(query).fetchall():
        known.setdefault(name, set()).add(stability)
    syntax = {"~~", "!~~"}
    assert allowed.FUNCTIONS - known.keys() - syntax == set()
    assert {name for name in allowed.FUNCTIONS - syntax if known[name] - {"CONSISTENT", None}} == set()
