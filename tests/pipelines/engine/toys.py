"""Small sources and stages for tests of the engines; workers import them by name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources import ShardRows
from humanverse.storage import StorageError
from pipelines.stages.base import Count, Done


class Rows(ShardRows):
    """Ten rows a shard, of which nothing is ever read."""

    def load(self) -> pa.Table:
        raise AssertionError("no stage here loads rows")


def feed(count: int, noted: Path | None = None) -> Iterator[ShardRows]:
    """``count`` shards; ``noted`` grows by one byte for each that was asked for."""
    for number in range(count):
        if noted:
            with noted.open("ab") as file:
                file.write(b".")
        yield Rows(number, number * 10, number * 10 + 10)


def feed_that_breaks(count: int) -> Iterator[ShardRows]:
    """``count`` shards, then a file of the source that cannot be read."""
    yield from feed(count)
    raise UserError("source urls.txt: it ends in the middle")


@dataclass
class Pass:
    """Hands every shard on, after ``seconds``."""

    name: str = "gate"
    seconds: float = 0.0

    def setup(self, count: Count) -> None:
        self._count = count

    def process(self, item: Any) -> Any:
        time.sleep(self.seconds)
        self._count(rows=10)
        return item


@dataclass
class End(Pass):
    """The last stage."""

    name: str = "commit"

    def process(self, item: Any) -> Done:
        return Done(item.number, counts={"kept": 1})


@dataclass
class Kills(Pass):
    """Dies on shard ``number``, each time or once: as long as ``once`` does not exist, which it then makes."""

    name: str = "annotate"
    number: int = 3
    once: Path | None = None

    def process(self, item: Any) -> Any:
        if item.number == self.number and not (self.once and self.once.exists()):
            if self.once:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return item


@dataclass
class Raises(Pass):
    """Raises on shard ``number``, an error of that shard alone or one that ends the run."""

    name: str = "annotate"
    number: int = 3
    fatal: bool = False

    def process(self, item: Any) -> Any:
        if item.number == self.number:
            raise StorageError("no space left") if self.fatal else ZeroDivisionError("by nought\nat all")
        return item


@dataclass
class NeverReady(Pass):
    """Its model cannot be loaded."""

    name: str = "annotate"

    def setup(self, count: Count) -> None:
        raise FileNotFoundError("weights.onnx\nis not there")
