"""264 real URLs' worth of photographs, broken files, dead and repeated links: every row ends as it must, in bounded memory."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset.verify import verify
from tests.servers import serve_folder

DATA = Path(__file__).parents[3] / "shared" / "data"
RECIPE = "annotators: {pose: null, safety: null, text: null, quality: null, caption: null, depth: null, normal: null}"

MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Runs a command and writes its peak memory in kB; a child of pytest itself would have that of pytest at its start."""


@dataclass(frozen=True)
class Built:
    """The ledger of the build, and its peak memory in kB."""

    ledger: list[dict]
    memory: int


pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"needs the photographs in {DATA}")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "recipe.yaml").write_text(RECIPE)
    with serve_folder(DATA) as base:
        table = pq.read_table(DATA / "metadata" / "mixed_urls.parquet")
        urls = pc.replace_substring_regex(table.column("url"), "^http://127.0.0.1:PORT", base)
        urls = pc.replace_substring(urls, "http://localhost:PORT", base)
        pq.write_table(table.set_column(table.column_names.index("url"), "url", urls), folder / "urls.parquet")
        command = [sys.executable, "-c", MEASURED, str(folder / "memory")]
        command += [str(Path(sys.executable).with_name("humanverse")), "build", str(folder / "urls.parquet")]
        options = ["--recipe", str(folder / "recipe.yaml"), "--local", "--allow-private", "--json"]
        done = subprocess.run([*command, str(folder / "people"), *options], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["lost"] == {}
    dataset = humanverse.open(str(folder / "people"))
    assert verify(dataset).sound
    rows = [row for shard in dataset.shards() for row in dataset.ledger(shard).to_pylist()]
    return Built(rows, int((folder / "memory").read_text()))


@pytest.fixture(scope="module")
def ledger(built: Built) -> list[dict]:
    return built.ledger


def expected() -> list[dict[str, str]]:
    with (DATA / "metadata" / "mixed_urls_expected.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_is_there_once(ledger: list[dict]) -> None:
    assert [row["row"] for row in ledger] == list(range(len(expected())))


def test_what_must_decode_decodes_at_its_size(ledger: list[dict]) -> None:
    for row, answer in zip(ledger, expected(), strict=True):
        if answer["expect"] == "decode":
            assert row["status"] in ("kept", "rejected"), (answer["path"], row)
            if row["reason"] != "duplicate" or row["width"] is not None:
                assert (row["width"], row["height"]) == (int(answer["width"]), int(answer["height"])), answer["path"]


def test_what_must_fail_fails_with_a_class_and_a_reason(ledger: list[dict]) -> None:
    wanted = {"reject": None, "http404": "http_4xx"}
    for row, answer in zip(ledger, expected(), strict=True):
        if answer["expect"] in wanted:
            assert row["status"] == "failed", (answer["path"], row)
            assert row["reason"] == (wanted[answer["expect"]] or row["reason"])
            assert row["detail"]


def test_each_repeated_url_yields_one_sample_at_most(ledger: list[dict]) -> None:
    repeated = [row for row, answer in zip(ledger, expected(), strict=True) if answer["expect"] == "duplicate-url"]
    assert len(repeated) == 5
    for row in repeated:
        same = [other for other in ledger if other["url"] == row["url"]]
        assert len(same) > 1
        assert sum(other["reason"] == "duplicate" for other in same) == len(same) - 1
    kept = [row["uid"] for row in ledger if row["status"] == "kept"]
    assert len(kept) == len(set(kept)) > 20


def test_memory_stays_under_two_gigabytes(built: Built) -> None:
    assert 50_000 < built.memory < 2_000_000
