"""What must be installed for MMPose, and what is said where it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from annotators import registry
from annotators.mmpose import estimator
from annotators.mmpose.configs import DEFAULT, find
from humanverse.errors import UserError
from tests.annotators.mmpose.tiny import needs_mmpose

REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "mmpose.txt"


def test_without_it_both_commands_are_named() -> None:
    card = replace(registry.get("pose", "mmpose").card, packages={"torch": "torch", "no_such_mmpose": "mmpose"})
    with pytest.raises(UserError) as error:
        registry.require_packages(card)
    assert str(error.value) == (
        "pose=mmpose needs no_such_mmpose: pip install 'humanverse[mmpose]' && "
        "pip install --no-deps mmpose==1.3.2 mmengine==0.10.7 mmcv-lite==2.2.0"
    )


@needs_mmpose
def test_another_mmpose_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "version", lambda name: "0.29.0")
    with pytest.raises(
        UserError, match=r"^mmpose 0.29.0 is installed, and 1.3.x is needed: pip install --no-deps mmpose=="
    ):
        estimator.build(find(DEFAULT))


def test_the_requirements_are_those_of_the_command() -> None:
    listed = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert sorted(listed) == sorted(registry.BESIDE["mmpose"].split()[3:])
