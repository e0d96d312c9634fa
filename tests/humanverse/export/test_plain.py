"""Rows as JSON that any reader takes."""

import datetime
import json

from humanverse.export.plain import json_text, plain


def test_what_json_has_not_becomes_what_it_has():
    value = {
        "nan": float("nan"),
        "endless": [float("inf"), 1.5],
        "bytes": b"\x00\xff",
        "day": datetime.date(2026, 1, 2),
        "whole": 2**63,
        "yes": True,
        "none": None,
        "text": "ä\n",
    }
    assert json.loads(json_text(value)) == {
        "nan": None,
        "endless": [None, 1.5],
        "bytes": "AP8=",
        "day": "2026-01-02",
        "whole": 2**63,
        "yes": True,
        "none": None,
        "text": "ä\n",
    }


def test_it_is_one_line():
    assert "\n" not in json_text({"a": "x\ny", "b": [1, 2]})


def test_a_plain_value_stays():
    assert plain({"a": [1, "x", 0.5]}) == {"a": [1, "x", 0.5]}
