"""A web whose pictures fail at first, builds over it, and what these left."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset.retries import Pass
from pipelines.build import Result, build
from pipelines.stages.commit import Commit
from schemas.recipe import Recipe, load
from tests.pipelines.web import RECIPE, picture
from tests.servers import Behaviour, Exchange, Server, reply, silence

COUNT, SIZE = 22, 4
PLANNED = -(-COUNT // SIZE)
FLAKY = (1, 2, 6, 9, 13, 21)
"""Answer 500 in phase 0, then with a picture."""
STUBBORN = (3, 14)
"""Answer 500 in phases 0 and 1, then with a picture."""
DEAD = (7, 17)
"""Answer 500 always."""
GONE = (11,)
"""Answer 404."""
AGAIN = sorted((*FLAKY, *STUBBORN, *DEAD))


class Phases:
    """A web in which the same request is answered otherwise in each phase: what it says depends on nothing else.

    Attributes:
        phase: 0, 1, …
        silent: the picture whose request gets no answer, for a test that waits for it with ``met_silence``.
    """

    def __init__(self) -> None:
        self.phase = 0
        self.silent: int | None = None
        self.met_silence = threading.Event()

    def at(self, number: int) -> Behaviour:
        good = reply(200, picture(number * 5))
        fails_until = {**dict.fromkeys(FLAKY, 1), **dict.fromkeys(STUBBORN, 2), **dict.fromkeys(DEAD, 99)}

        async def behave(exchange: Exchange) -> None:
            if number == self.silent:
                self.met_silence.set()
                await silence(exchange)
            elif number in GONE:
                await exchange.reply(404)
            elif self.phase < fails_until.get(number, 0):
                await exchange.reply(500)
            else:
                await good(exchange)

        return behave


class Web:
    """The server, its phases, and its URLs in a table."""

    def __init__(self, server: Server, phases: Phases, folder: Path) -> None:
        self.server, self.phases, self.folder = server, phases, folder
        rows = [{"url": server.url(f"/{number}.jpg"), "caption": f"picture {number}"} for number in range(COUNT)]
        pq.write_table(pa.Table.from_pylist(rows), folder / "urls.parquet")
        (folder / "recipe.yaml").write_text(RECIPE)

    def recipe(self, **fetch: Any) -> Recipe:
        return load(path=self.folder / "recipe.yaml", overrides={"source": {"shard_size": SIZE}, "fetch": fetch})

    def build(self, target: Path, recipe: Recipe | None = None, **options: Any) -> Result:
        options = {"local": True, "allow_private": True, **options}
        return build([str(self.folder / "urls.parquet")], str(target), recipe or self.recipe(), **options)

    def asked(self, action: Callable[[], object]) -> Counter[int]:
        """The requests for each picture while ``action`` runs."""
        before = len(self.server.seen)
        action()
        return Counter(int(exchange.target[1:].partition(".")[0]) for exchange in self.server.seen[before:])


def final(target: Path) -> dict[int, str | None]:
    """Reason by source row; each row has exactly one."""
    dataset = humanverse.open(str(target))
    rows = [row for shard in dataset.shards() for row in dataset.ledger(shard, ["row", "reason"]).to_pylist()]
    assert len(rows) == len({row["row"] for row in rows})
    return {row["row"]: row["reason"] for row in rows}


def kept_rows(target: Path) -> list[int]:
    return sorted(sample.columns["row"] for sample in humanverse.open(str(target)))


def passes(target: Path) -> list[Pass]:
    return humanverse.open(str(target)).passes()


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The next build ends when ``after`` further shards are committed."""
    done: list[int] = []
    plain = Commit.process

    def process(self: Commit, item: Any) -> Any:
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(item.number)
        return plain(self, item)

    monkeypatch.setattr(Commit, "process", process)


def half_done(web: Web, target: Path, recipe: Recipe | None = None) -> None:
    """A retry that ended after its first shard."""
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            web.build(target, recipe, retry=["http_5xx"])
