"""The shared set of hostile, broken and odd files, in a process with little memory."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.ledger import DECODE_REASONS
from tests.humanverse.codec.pictures import DATA, needs_data

SET = DATA / "adversarial"
ROWS = list(csv.DictReader((SET / "adversarial.csv").open(newline=""))) if SET.is_dir() else []

SCRIPT = """
import json, resource, sys, threading
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000))
from humanverse.codec import decode_rgb, header_size, prepare
from schemas.ledger import Failure
from schemas.recipe import ImageSettings

def answer(data, settings):
    result = prepare(data, settings)
    assert prepare(data, settings) == result, "two runs differ"
    if isinstance(result, Failure):
        return {"reason": result.reason, "detail": result.detail}
    shape = decode_rgb(result.jpeg).shape
    assert shape == (result.height, result.width, 3)
    return {"size": [result.original_width, result.original_height], "header": header_size(data)}

for line in sys.stdin:
    data = Path(line.strip()).read_bytes()
    small = ImageSettings(resize="center_crop", size=64, only_shrink=False)
    print(json.dumps([answer(data, ImageSettings()), answer(data, small)]), flush=True)
"""


@pytest.fixture(scope="module")
def answers():
    root = Path(__file__).resolve().parents[3]
    paths = "".join(f"{SET / row['file']}\n" for row in ROWS)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=paths, capture_output=True, text=True, cwd=root, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip((row["file"] for row in ROWS), map(json.loads, done.stdout.splitlines()), strict=True))


def names(expected):
    return [row["file"] for row in ROWS if row["expect"] == expected]


@needs_data
@pytest.mark.parametrize("name", names("decode"))
def test_what_can_be_decoded_has_its_true_size(answers, name):
    row = next(row for row in ROWS if row["file"] == name)
    size = [int(row["width"]), int(row["height"])]
    for answer in answers[name]:
        assert answer == {"size": size, "header": size}


@needs_data
@pytest.mark.parametrize("name", names("reject"))
def test_what_cannot_be_decoded_has_a_reason(answers, name):
    for answer in answers[name]:
        assert answer["reason"] in DECODE_REASONS
        assert answer["detail"] and len(answer["detail"].splitlines()) == 1


@needs_data
@pytest.mark.parametrize("name", names("either"))
def test_the_rest_ends_well_one_way_or_the_other(answers, name):
    as_it_is, resized = answers[name]
    assert as_it_is == resized
    assert as_it_is.get("size") or as_it_is["reason"] in DECODE_REASONS
