"""Pictures of a shard, part by part: the next part is read and decoded while the models work on this one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np

from annotators.base import Picture
from humanverse.codec import decode_rgb


class Ahead(Picture):
    """A picture that another thread decodes, or has decoded.

    Args:
        uid: the sample's.
        jpeg: the stored bytes.
        caption: the source's.
        decoded: will be its pixels.
    """

    def __init__(self, uid: str, jpeg: bytes, caption: str | None, decoded: Future[np.ndarray]) -> None:
        super().__init__(uid, jpeg, caption)
        self._decoded = decoded

    @property
    def rgb(self) -> np.ndarray:
        """As of ``Picture``; waits for the other thread, and raises what it raised."""
        return self._decoded.result()


@dataclass(frozen=True)
class Part:
    """Some neighbouring pictures of a shard.

    Attributes:
        at: their positions in the shard's table.
        careful: whether each is to be worked on by itself; then none is decoded before it is asked for.
        reading: will be the pictures, None for those that are not to be looked at.
    """

    at: range
    careful: bool
    reading: Future[list[Picture | None]]

    @property
    def pictures(self) -> list[Picture | None]:
        """The pictures; waits until they are read."""
        return self.reading.result()


class Reader:
    """Reads and decodes in a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decode")

    def parts(
        self,
        cut: Iterable[range],
        said: Sequence[tuple[str, str | None]],
        jpegs: Iterator[bytes | None],
        careful: Callable[[range], bool],
        decode: bool,
    ) -> Iterator[Part]:
        """The parts of a shard, at most two of them in memory.

        Args:
            cut: positions of each part, in order.
            said: uid and caption of all pictures.
            jpegs: stored bytes of all pictures, None for what is not to be looked at.
            careful: asked of each part before anything of it is read.
            decode: whether pixels will be asked for.
        """
        waiting: Part | None = None
        for at in cut:
            alone = careful(at)
            reading = self._thread.submit(self._read, at, said, jpegs, decode and not alone)
            if waiting:
                yield waiting
            waiting = Part(at, alone, reading)
        if waiting:
            yield waiting

    def _read(
        self, at: range, said: Sequence[tuple[str, str | None]], jpegs: Iterator[bytes | None], decode: bool
    ) -> list[Picture | None]:
        found = list(islice(jpegs, len(at)))
        make = self._ahead if decode else Picture
        pairs = zip(said[at.start : at.stop], found, strict=True)
        return [None if jpeg is None else make(uid, jpeg, caption) for (uid, caption), jpeg in pairs]

    def _ahead(self, uid: str, jpeg: bytes, caption: str | None) -> Picture:
        return Ahead(uid, jpeg, caption, self._thread.submit(decode_rgb, jpeg))
