"""Weights are fetched before the work begins; without a network all that are missing are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.annotators.hub_server import hub
from tests.annotators.test_hub import Machine

SPECS = [f"hf:own/{name}@main:a.onnx" for name in ("one", "two", "three")]
FETCH = (
    "from annotators.fetching import fetch",
    f"many = [Weight(spec, '', 1_000_000) for spec in {SPECS!r}]",
)
ALL = f"3 weights are not here ({', '.join(SPECS)})"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """It sees a hub that does not answer."""
    with hub({}) as (endpoint, _):
        pass
    return Machine(tmp_path, endpoint)


def test_after_the_first_server_that_does_not_answer_nothing_more_is_tried(machine: Machine) -> None:
    tried, line = machine.run(*FETCH, "fetch([*many, many[0]], print)")
    assert tried == "fetching weights: a.onnx, 1.0 MB"
    assert line.startswith(f"{ALL}: weights {SPECS[0]} could not be downloaded (ConnectError")
    assert line.endswith("--weights KIND=FILE; with HUMANVERSE_OFFLINE=1 no server is asked")


def test_one_that_is_missing_is_told_alone_and_nothing_else_is(machine: Machine) -> None:
    _, line = machine.run("import sys", "sys.stderr = sys.stdout", *FETCH, "fetch(many[:1], print)")
    assert line.startswith(f"weights {SPECS[0]} could not be downloaded (ConnectError")


def test_offline_names_all_and_tries_none(machine: Machine) -> None:
    (line,) = machine.run(*FETCH, "fetch(many, print)", offline=True)
    assert line.startswith(ALL) and "unset HUMANVERSE_OFFLINE" in line


def test_what_the_hub_has_not_is_no_matter_of_the_network(tmp_path: Path) -> None:
    with hub({"own/two": {"a.onnx": b"graph"}}) as (endpoint, _):
        tried, line = Machine(tmp_path, endpoint).run(*FETCH, "fetch(many, print)")
        assert Machine(tmp_path, endpoint).run(*FETCH, "fetch(many[1:2], print)") == [tried]
        assert Machine(tmp_path, endpoint).run(*FETCH, "fetch(many[1:2], print)") == []
    assert line.startswith(f"weights {SPECS[0]}: the hub has no such repository")
