"""Settings that the training page shows are such that a run can have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from humanverse.training.settings import load

PAGE = Path(__file__).parents[2] / "docs/training.md"
BLOCKS = dict(re.findall(r"```yaml\n# (\w+\.yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))


def test_both_stages_are_shown() -> None:
    assert BLOCKS.keys() == {"structure.yaml", "refiner.yaml"}


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_is_a_file_of_settings(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(BLOCKS[name], encoding="utf-8")
    settings = load(path)
    assert settings.validation.every and settings.model.vae == "patch:4"
