from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.download.lists import SCHEMA, handed_over, judge
from schemas.ledger import Failure

REFUSED = [
    (None, "invalid_url"),
    ("", "invalid_url"),
    ("no scheme", "invalid_url"),
    ("http://", "invalid_url"),
    ("file:///etc/passwd", "forbidden_scheme"),
    ("ftp://example.org/a.jpg", "forbidden_scheme"),
    ("data:image/png;base64,AAAA", "forbidden_scheme"),
    ("http://127.0.0.1/a.jpg", "private_address"),
    ("http://0x7f.1/a.jpg", "private_address"),
    ("http://2130706433/a.jpg", "private_address"),
    ("http://[::ffff:10.0.0.1]/a.jpg", "private_address"),
    ("http://user@169.254.169.254/latest", "private_address"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_must_not_be_asked_for_has_its_reason(text: str | None, reason: str) -> None:
    found = judge(text, allow_private=False)
    assert isinstance(found, Failure)
    assert found.reason == reason


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" http://example.org/a b.jpg ", "http://example.org/a%20b.jpg"),
        ("http://user:secret@example.org/a.jpg#top", "http://example.org/a.jpg"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        ("http://example.org/a%2Fb?x=%20", "http://example.org/a%2Fb?x=%20"),
    ],
)
def test_a_url_is_handed_over_in_the_form_that_was_checked(text: str, url: str) -> None:
    assert judge(text, allow_private=False) == url


def test_private_addresses_may_be_allowed_and_files_never() -> None:
    assert judge("http://127.0.0.1:8/a", allow_private=True) == "http://127.0.0.1:8/a"
    assert isinstance(judge("file:///etc/passwd", allow_private=True), Failure)


@pytest.mark.parametrize(("drop", "rows"), [(True, [40, 43]), (False, [40, 42, 43])])
def test_the_list_has_the_rows_that_the_gate_asks_for(drop: bool, rows: list[int]) -> None:
    urls = [
        "http://a.example/1",
        "file:///x",
        "http://a.example/1",
        "http://a.example/2",
        None,
        None,
        "http://10.0.0.1/",
    ]
    table = pa.table(
        {"row": range(40, 47), "url": urls, "caption": [f"c{n}" for n in range(6)] + [None], "extra": range(7)}
    )
    listed = handed_over(table, drop, allow_private=False)
    assert listed.schema == SCHEMA
    assert listed.column("row").to_pylist() == rows
    assert listed.column("caption").to_pylist() == [f"c{row - 40}" for row in rows]
    assert listed.column("url")[0].as_py() == "http://a.example/1"
