"""Rows of several layers for the same pictures: each picture is decoded once, and a layer sees the rows of those it reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from annotators.base import Annotator, Picture, Row
from annotators.run import Runner
from humanverse.errors import UserError, one_line


def areas(images: pa.Table) -> list[int]:
    """Pixels of each picture of an images table, as ``annotators.run.parts`` takes them."""
    return pc.multiply(*(images.column(name).cast(pa.int64()) for name in ("width", "height"))).to_pylist()


class Makers:
    """The annotators of one stage.

    Args:
        annotators: by kind, each after those that it needs; not loaded. One that stands beside the first of its kind is under
            another name than its kind, ``kind`` below too.
    """

    def __init__(self, annotators: Mapping[str, Annotator]) -> None:
        self._runners = {kind: Runner(annotator) for kind, annotator in annotators.items()}

    def load(self) -> None:
        """Load every model.

        Raises:
            UserError: if one cannot be loaded: nothing can be made without it.
        """
        for runner in self._runners.values():
            try:
                runner.annotator.load()
            except UserError:
                raise
            except Exception as error:
                raise UserError(f"{runner.annotator.card.layer} cannot be loaded: {one_line(error)}") from error

    def look(self, kinds: Collection[str]) -> bool:
        """Whether any annotator of ``kinds`` looks at pixels."""
        return any(self._runners[kind].annotator.looks for kind in kinds)

    def needs(self, kinds: Collection[str]) -> set[str]:
        """Kinds whose rows the annotators of ``kinds`` read and do not make."""
        return {need for kind in kinds for need in self._runners[kind].annotator.card.needs} - {*kinds}

    def order(self, kinds: Collection[str]) -> list[str]:
        """``kinds``, each after those that it needs."""
        return [kind for kind in self._runners if kind in kinds]

    def failed(self, kind: str, uid: str, reason: str) -> pa.Table:
        """The row of a picture that was given up."""
        return self._runners[kind].failed(uid, reason)

    def unavailable(self, kind: str, uid: str, reason: str) -> pa.Table:
        """The row of a picture that is not to be looked at."""
        return self._runners[kind].unavailable(uid, reason)

    def tables(
        self,
        pictures: Sequence[Picture],
        said: Mapping[str, Sequence[Row]],
        kinds: Collection[str],
        done: Callable[[int], None],
    ) -> dict[str, pa.Table]:
        """The rows of ``kinds`` for some pictures, by kind.

        Args:
            pictures: of a part of a shard; none gives empty tables.
            said: their rows of layers that are there already, by kind.
            kinds: which layers to make.
            done: told how many rows were finished, after each batch.
        """
        there, made = dict(said), {}
        for kind in self.order(kinds):
            runner = self._runners[kind]
            needs = {need: there[need] for need in runner.annotator.card.needs} if pictures else {}
            made[kind] = runner.table(pictures, needs, done)
            there[kind] = made[kind].to_pylist()
        return made
