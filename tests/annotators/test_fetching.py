"""Weights are fetched before the work begins; without a network all that are missing are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators import registry
from annotators.depth.omnidata import OmnidataDepth
from annotators.fetching import users
from annotators.normal.omnidata import OmnidataNormal
from annotators.outpaint.outpainted import Outpainted
from tests.annotators.hub_server import hub
from tests.annotators.test_hub import Machine

SPECS = [f"hf:own/{name}@main:a.onnx" for name in ("one", "two", "three")]
FETCH = (
    "from annotators.fetching import fetch",
    f"many = {{Weight(spec, '', 1_000_000): [f'caption={{spec[7]}}'] for spec in {SPECS!r}}}",
    "one, two, three = ({weight: by} for weight, by in many.items())",
)
ALL = "weights of caption=o (1.0 MB), caption=t (2.0 MB) are not here"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """It sees a hub that does not answer."""
    with hub({}) as (endpoint, _):
        pass
    return Machine(tmp_path, endpoint)


def test_after_the_first_server_that_does_not_answer_nothing_more_is_tried(machine: Machine) -> None:
    tried, line = machine.run(*FETCH, "fetch(many, print)")
    assert tried == "fetching weights: a.onnx, 1.0 MB"
    assert line.startswith(f"{ALL}: weights {SPECS[0]} could not be downloaded (ConnectError")
    assert "(with HUMANVERSE_OFFLINE=1 no server is asked), or give your own: --weights caption=FILE" in line


def test_one_that_is_missing_is_told_alone_and_nothing_else_is(machine: Machine) -> None:
    _, line = machine.run("import sys", "sys.stderr = sys.stdout", *FETCH, "fetch(one, print)")
    assert line.startswith(f"weights {SPECS[0]} could not be downloaded (ConnectError")


def test_offline_names_for_what_weights_are_missing_and_tries_none(machine: Machine) -> None:
    (line,) = machine.run(*FETCH, "fetch(many, print)", offline=True)
    assert line.startswith(f"{ALL}: unset HUMANVERSE_OFFLINE") and "humanverse models list caption" in line
    (line,) = machine.run(*FETCH, "fetch(one, print)", offline=True)
    assert line.startswith(f"weights of caption=o are not here (1.0 MB, {SPECS[0]}): unset HUMANVERSE_OFFLINE")
    (line,) = machine.run(*FETCH, "fetch({**one, **{weight: ['depth=d'] for weight in two}}, print)", offline=True)
    assert "--weights KIND=FILE or KIND=FOLDER (humanverse models list tells" in line


@pytest.mark.parametrize(("name", "hint"), [("outpaint=x", ", or give your own: --weights outpaint=FOLDER"), ("x", "")])
def test_a_folder_is_said_to_be_one_and_a_text_encoder_takes_none(machine: Machine, name: str, hint: str) -> None:
    (line,) = machine.run(*FETCH, f"fetch({{Weight('hf:own/x@main', '', 0): [{name!r}]}}, print)", offline=True)
    assert line.startswith(f"weights of {name} are not here (hf:own/x@main): ")
    assert line.endswith("has them") if not hint else hint in line


def test_who_loads_what() -> None:
    edge = registry.outpainter("sd2-inpainting")()
    grown = [Outpainted(OmnidataDepth(), edge), Outpainted(OmnidataNormal(), edge)]
    assert [*users(grown).values()] == [["depth=omnidata"], ["outpaint=sd2-inpainting"], ["normal=omnidata"]]


def test_what_the_hub_has_not_is_no_matter_of_the_network(tmp_path: Path) -> None:
    with hub({"own/two": {"a.onnx": b"graph"}}) as (endpoint, _):
        tried, line = Machine(tmp_path, endpoint).run(*FETCH, "fetch(many, print)")
        assert Machine(tmp_path, endpoint).run(*FETCH, "fetch(two, print)") == [tried]
        assert Machine(tmp_path, endpoint).run(*FETCH, "fetch(two, print)") == []
    assert line.startswith(f"weights {SPECS[0]}: the hub has no such repository")
