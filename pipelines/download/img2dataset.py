"""img2dataset as the download engine: it downloads some shards, those are built, then the next ones."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from fsspec.core import has_magic

from humanverse.dataset import layout
from humanverse.errors import UserError
from humanverse.plurals import plural
from humanverse.sources import ShardRows
from humanverse.storage import TMP
from pipelines.download import environment, options
from pipelines.download.base import Feed, Job
from pipelines.download.cluster import address_of_cluster, check_visible
from pipelines.download.folder import Downloads, Run
from pipelines.download.ingest import DownloadedShard, failed_alike
from pipelines.download.lists import handed_over
from pipelines.download.run import run
from pipelines.progress import say

FOLDER = "img2dataset"


def _key(job: Job) -> str:
    """Names the downloads of this build, so that those of another one are never taken for them."""
    facts = [job.store.url, dict(job.identity), job.recipe.deciding(), job.allow_private]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class Img2dataset:
    """Downloads ``round_shards`` shards at a time with img2dataset; whatever it has finished is not downloaded again.

    Raises:
        UserError: if the recipe asks for what img2dataset cannot do, or there is no folder for the downloads.
    """

    remote = False

    def __init__(self, job: Job) -> None:
        options.check(job.recipe)
        self._job = job
        self._settings = job.recipe.fetch.img2dataset
        self._root = self._place()
        self._downloads = Downloads(self._root / _key(job))

    def _place(self) -> Path:
        """The folder that holds the folder of this build's downloads."""
        chosen, store = self._settings.folder, self._job.store
        if chosen is None and not store.local:
            raise UserError(
                f"{store.url} is in a bucket: set fetch.img2dataset.folder to a folder that all workers share"
            )
        if chosen is not None and "://" in chosen:
            raise UserError(f"fetch.img2dataset.folder: {chosen} is not a path: give a folder that all workers share")
        place = Path(chosen).expanduser().absolute() if chosen else Path(store.full(TMP)) / FOLDER
        if has_magic(str(place)):
            raise UserError(
                f"img2dataset takes *, ? and [ in {place} for patterns: set fetch.img2dataset.folder to another folder"
            )
        return place

    def prepare(self) -> None:
        ray = None if self._job.local else environment.ray_version()
        self._python = environment.python_for(self._settings.python, ray)
        if not self._job.allow_private:
            say(options.WARNING)

    def counts(self) -> dict[str, int]:
        return {"downloaded": self._downloads.size()}

    def feeds(self) -> Iterator[Feed]:
        self._downloads.open()
        try:
            self._address = None if self._job.local else address_of_cluster()
            if self._address:
                check_visible([self._python, self._downloads.folder])
            self._downloads.collect()
            yield from self._rounds()
        except OSError as error:
            why = f"{self._downloads.folder}: {error.strerror or error}"
            raise UserError(f"the folder for downloads cannot be used: {why}: run again when that is mended") from error
        finally:
            self._downloads.close()

    def _rounds(self) -> Iterator[Feed]:
        shards = self._job.source.shards(self._job.recipe.source.shard_size, self._job.committed)
        while some := [self._saved(shard) for shard in islice(shards, self._settings.round_shards)]:
            self._download([shard for shard in some if isinstance(shard, DownloadedShard)])
            yield partial(iter, some)
            if not self._settings.keep:
                self._downloads.forget(shard.number for shard in some if self._is_committed(shard.number))

    def finish(self) -> None:
        if not self._settings.keep:
            shutil.rmtree(self._downloads.folder if self._settings.folder else self._root, ignore_errors=True)

    def _is_committed(self, number: int) -> bool:
        return self._job.store.exists(layout.ledger(number))

    def _saved(self, shard: ShardRows) -> ShardRows:
        """The shard as it will be read when it is downloaded; as it is, if its rows cannot be read: whoever tries says why.

        Downloads of an earlier run that failed in a way that is likely our fault are dropped.
        """
        table, least = self._downloads.table(shard.number), self._job.recipe.fetch.all_failed_from
        if table.exists() and failed_alike(table, least):
            table.unlink()
        if not self._downloads.rows(shard.number).exists():
            try:
                self._downloads.save_rows(shard.number, shard.load())
            except UserError:
                return shard
        return DownloadedShard(
            shard.number, shard.start, shard.stop, str(self._downloads.folder), self._job.allow_private, least
        )

    def _download(self, shards: Sequence[DownloadedShard]) -> None:
        """Have img2dataset download these shards, again as long as that brings it further.

        Raises:
            UserError: if it fails and has finished none of them. What it leaves out without failing has no table.
        """
        while missing := [shard for shard in shards if not self._downloads.table(shard.number).exists()]:
            folder = self._downloads.new_run()
            asked = [shard.number for shard in missing if self._write_list(shard, folder)]
            if not asked:
                break
            say(f"img2dataset downloads {plural(len(asked), 'shard')} ({asked[0]} to {asked[-1]})")
            ended = run(self._python, self._options(folder), self._address, self._downloads.folder)
            self._downloads.collect()
            if any(self._downloads.table(number).exists() for number in asked):
                continue
            if ended.code:
                raise UserError(f"img2dataset failed ({ended.said}): see {self._downloads.log}")
            break
        self._downloads.collect()

    def _write_list(self, shard: DownloadedShard, folder: Run) -> bool:
        """Write the shard's list; False if none of its URLs may be asked for."""
        urls = handed_over(shard.load(), self._job.recipe.gate.drop_duplicates, self._job.allow_private)
        if urls.num_rows:
            folder.add(shard.number, urls)
        return urls.num_rows > 0

    def _options(self, folder: Run) -> dict[str, Any]:
        recipe = self._job.recipe
        processes = self._job.workers or recipe.resources.gate.workers or len(os.sched_getaffinity(0))
        places = {"url_list": str(folder.lists), "output_folder": str(folder.images)}
        return {**options.options(recipe, processes, on_ray=self._address is not None), **places}
