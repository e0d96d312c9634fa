"""What stages have in common."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from humanverse.training import untrained
from humanverse.training.stage import hush_long_prompts


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What transformers says of tokens."""
    logger, handler = logging.getLogger("transformers.tokenization_utils_base"), _Kept()
    level = logger.level
    logger.setLevel(logging.WARNING)
    logger.addHandler(handler)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_no_line_is_written_for_a_long_prompt(said: list[str]) -> None:
    untrained.tokenizer()("a " * 90)
    assert len(said) == 1 and "sequence length is longer" in said[0]
    hush_long_prompts()
    untrained.tokenizer()("a " * 90)
    assert len(said) == 1
