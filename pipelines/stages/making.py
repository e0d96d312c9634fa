"""Rows of several layers for the same pictures: each picture is decoded once, and a layer sees the rows of those it reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from annotators.base import Annotator, Picture, Row
from annotators.run import Runner
from humanverse.dataset.create import difference
from humanverse.errors import UserError, one_line


def areas(images: pa.Table) -> list[int]:
    """Pixels of each picture of an images table, as ``annotators.run.parts`` takes them."""
    return pc.multiply(*(images.column(name).cast(pa.int64()) for name in ("width", "height"))).to_pylist()


def load(annotator: Annotator, settled: Mapping[str, Any] | None = None) -> None:
    """Load its model: nothing can be made without it.

    Args:
        settled: the settings that decide what it says, as its layer's fingerprint has them; None if they are those of here.

    Raises:
        UserError: if it cannot be loaded, or would say something else here.
    """
    layer = annotator.card.layer
    if settled is not None and (changed := difference(dict(settled), annotator.deciding(), "settings")):
        raise UserError(
            f"{layer} would be made otherwise by this worker than its layer.json says ({changed}): name the device instead of "
            "auto, and have the same files on all machines"
        )
    try:
        annotator.load()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{layer} cannot be loaded: {one_line(error)}") from error


class Makers:
    """The annotators of one stage.

    Args:
        annotators: by kind, each after those that it needs; not loaded. One that stands beside the first of its kind is under
            another name than its kind, ``kind`` below too.
        settled: by kind, as ``load`` has it.
    """

    def __init__(
        self, annotators: Mapping[str, Annotator], settled: Mapping[str, Mapping[str, Any]] | None = None
    ) -> None:
        self._runners = {kind: Runner(annotator) for kind, annotator in annotators.items()}
        self._settled = dict(settled or {})

    def load(self) -> None:
        """Load every model.

        Raises:
            UserError: as ``load``.
        """
        for kind, runner in self._runners.items():
            load(runner.annotator, self._settled.get(kind))

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
