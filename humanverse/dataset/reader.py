"""Read a dataset: its shards, tables, pictures and layers. The one way out for data; tombstoned samples never leave here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import asking, create, layout
from humanverse.dataset.align import aligned
from humanverse.dataset.extent import Extent
from humanverse.dataset.generations import Generations, Gone, Removed
from humanverse.dataset.members import Place, Tars, places
from humanverse.dataset.parquet import parquet_table
from humanverse.dataset.retries import ROWS, Pass, Superseding, read_passes
from humanverse.dataset.sample import Sample, rows
from humanverse.dataset.selection import Selection
from humanverse.dataset.tombstones import Tombstones, Watch, redact_live
from humanverse.dataset.uids import check_uids
from humanverse.dataset.views import View, names, read_view
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.layers import KINDS
from schemas.recipe import Recipe

if TYPE_CHECKING:
    from humanverse.loading.loader import Loader


class Dataset:
    """A dataset in a folder or bucket, open for reading.

    Args:
        url: a path or any fsspec URL.

    Raises:
        DatasetError: if there is none, or one of a format that this version does not read.
    """

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.generations = Generations(self.store)
        self._tars = Tars(self.store, self.generations)
        self._watch = Watch(self.store)
        self._dead: tuple[Tombstones, pa.Array] = (Tombstones(), pa.array([], pa.string()))
        self._known_layers: set[str] = set()
        self._listed: list[int] | None = None
        self._superseding: Superseding | None = None
        marker = create.read_json(self.store, layout.MARKER)
        if marker is None:
            raise DatasetError(f"{url} is not a dataset (no {layout.MARKER}): check the path, or build one there")
        create.check_format(self.store, marker)

    def __repr__(self) -> str:
        return f"Dataset({self.store.url!r})"

    @cached_property
    def recipe(self) -> Recipe:
        return create.read_recipe(self.store)

    @cached_property
    def source(self) -> Mapping[str, Any]:
        """What the dataset was made from: kind, files, ``rows`` and ``shard_size``."""
        return create.read_source(self.store)

    @cached_property
    def extent(self) -> Extent:
        """How the source's rows are cut into shards."""
        return Extent.of(self.source)

    @property
    def planned_shards(self) -> int:
        """Shards of the source; numbers from here on are those of supplementary and merged shards."""
        return self.extent.shards

    def passes(self) -> list[Pass]:
        """The retries that were planned so far, in order."""
        return read_passes(self.store)

    def shards(self) -> list[int]:
        """Numbers of the committed shards, as they are now, in order."""
        numbers = self.generations.listed()
        self._listed, self._superseding = numbers, None
        return list(numbers)

    def generation(self, shard: int) -> int:
        """Which generation of the shard's files counts, as of the last look: 0 until ``compact`` has rewritten it."""
        return self.generations.of(shard)

    def layers(self) -> list[str]:
        """``<kind>/<name>`` of every layer."""
        kinds = [kind for kind in self.store.names(layout.LAYERS) if kind in KINDS]
        found = [f"{kind}/{name}" for kind in kinds for name in self.store.names(f"{layout.LAYERS}/{kind}")]
        return [layer for layer in found if self.store.exists(layout.layer_card(layer))]

    def layer_shards(self, layer: str) -> frozenset[int]:
        """Numbers of the shards that have ``<kind>/<name>``; fewer than ``shards()`` while a layer is being added."""
        return self.generations.counting(self.store.names(layout.layer_folder(layer)))

    def layer_card(self, layer: str) -> Mapping[str, Any]:
        """What made the layer: annotator, model, weights, settings, licence, fingerprint, time."""
        return create.read_json(self.store, layout.layer_card(layer)) or {}

    def asked_for(self, layer: str) -> str:
        """How ``humanverse annotate DATASET`` is asked for a layer."""
        return asking.asked_for(layer, self.layer_card(layer))

    def annotate_command(self, layer: str) -> str:
        """The command that makes a layer, or completes it, quoted for a shell."""
        try:
            source = self.source
        except DatasetError:
            source = {}
        return asking.command(self.store.url, layer, self.layer_card(layer), source)

    def resolve(self, layer: str) -> str:
        """``pose`` or ``pose/movenet`` as ``<kind>/<name>``.

        Raises:
            DatasetError: if there is no such layer, or a kind has several and none was named.
        """
        if layer in self._known_layers:
            return layer
        there = self.layers()
        self._known_layers.update(there)
        matches = [name for name in there if name == layer or name.partition("/")[0] == layer]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise DatasetError(f"several layers of kind {layer}: name one of {', '.join(matches)}")
        raise DatasetError(asking.no_layer(self.store.url, layer, there))

    @property
    def forgotten(self) -> Tombstones:
        """What must never be served, as it is now."""
        return self._watch.now()

    @property
    def tombstones(self) -> frozenset[str]:
        """uids that must never be served, as it is now."""
        return self.forgotten.uids

    def _table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            return parquet_table(self.store.read(path), columns)
        except FileNotFoundError as error:
            raise Gone(f"{self.store.url}/{path} is missing: run humanverse verify") from error
        except ValueError as error:
            raise DatasetError(f"{self.store.url}/{path} is damaged: {error}; run humanverse verify") from error

    def _current(
        self, shard: int, path_of: Callable[[int, int], str], columns: Sequence[str] | None = None
    ) -> pa.Table:
        """A table of a shard, of the generation that counts."""
        return self.generations.current(shard, lambda generation: self._table(path_of(shard, generation), columns))

    def _alive(self, table: pa.Table) -> pa.Table:
        dead, uids = self._dead
        if dead is not (now := self.forgotten):
            uids = pa.array(sorted(now.uids), pa.string())
            self._dead = now, uids
        if not len(uids):
            return table
        return table.filter(pc.invert(pc.is_in(table.column("uid"), value_set=uids)))

    def ledger(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The source rows whose final status is in a shard; only ``columns`` of it if they are given.

        Rows that a supplementary shard has superseded are left out: each source row is in the ledger of one shard only.
        The supplementary shards are those that were there when ``shards()`` was last called. Of what is forgotten a row
        says nothing but that.
        """
        superseded, dead = self._superseded(shard), self.forgotten
        if not len(superseded) and not dead:
            return self.ledger_as_written(shard, columns)
        wanted = None if columns is None else sorted({*columns, "row", "uid", "url", "status", "reason"})
        table = self.ledger_as_written(shard, wanted)
        table = table.filter(pc.invert(pc.is_in(table.column("row"), value_set=superseded.combine_chunks())))
        return redact_live(table, dead, columns)

    def ledger_as_written(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Every row of a shard's ledger, also those that were tried again or forgotten since."""
        return self._current(shard, layout.ledger, columns)

    def _superseded(self, shard: int) -> pa.ChunkedArray:
        """Source rows of a shard's ledger that are superseded."""
        if self._listed is None:
            self.shards()
        superseding = self._superseding
        if superseding is None:
            superseding = self._superseding = self._read_superseding(self._listed or [])
        if not superseding:
            return pa.chunked_array([], pa.int64())
        own = self.extent.rows_of(shard)
        return superseding.rows(shard, *(superseding.span(shard) or (own.start, own.stop - 1)))

    def _read_superseding(self, committed: Sequence[int]) -> Superseding:
        passes = self.passes()
        counts = frozenset(committed[bisect_left(committed, self.planned_shards) :] if passes else ())
        return Superseding(passes, counts, self.retry_rows)

    def retry_rows(self, shard: int) -> pa.Table:
        """The rows of a supplementary shard: ``row``, and ``shard``, whose ledger row is superseded."""
        return self._table(layout.retry_rows(shard), ROWS.names)

    def images(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The samples of a shard, one row each, without tombstoned ones; only ``columns``, with ``uid``, if they are given."""
        return self._alive(self.images_as_written(shard, columns))

    def images_as_written(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """As ``images``, with tombstoned samples: for what must stay aligned with the files, never to be served."""
        table = self._current(shard, layout.images_table, columns and list(dict.fromkeys(("uid", *columns))))
        return check_uids(table, f"{self.store.url}, shard {shard}")

    def layer(
        self, layer: str, shard: int, images: pa.Table | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One layer's rows of a shard, aligned with ``images(shard)``.

        Args:
            images: ``images(shard)``, if it is at hand; else it is read.
            columns: of the layer; with ``uid``, all if not given.

        Raises:
            DatasetError: if the shard has no such layer, or its rows are not those of the images.
        """
        name = self.resolve(layer)
        expected = (self.images(shard) if images is None else images).column("uid")
        table = self._current(
            shard, partial(layout.layer_table, name), columns and list(dict.fromkeys(("uid", *columns)))
        )
        found = aligned(table, expected, lambda: self._watch.anew().uids)
        if found is None:
            raise DatasetError(f"layer {name} does not match the images of shard {shard}: run humanverse verify")
        return found

    def _check_served(self, row: Mapping[str, Any]) -> None:
        if row["uid"] in self.tombstones:
            raise Removed(f"{row['uid']} was removed from {self.store.url} and is not served")

    def jpeg(self, shard: int, row: Mapping[str, Any]) -> bytes:
        """The stored bytes of one row of ``images(shard)``, by one range request."""
        self._check_served(row)
        uid, place = row["uid"], Place(row["jpg_offset"], row["jpg_size"])
        name = f"{uid}.{layout.IMAGE_SUFFIX}"
        path = partial(layout.images_table, shard)
        return self._tars.member(
            shard, layout.images_tar, name, place, lambda generation: self._place(path(generation), uid, "jpg")
        )

    def map_png(self, layer: str, shard: int, row: Mapping[str, Any]) -> bytes | None:
        """The PNG of one row of a dense layer, by one range request; None where there is no map."""
        self._check_served(row)
        if row["map_offset"] is None:
            return None
        uid, full = row["uid"], self.resolve(layer)
        name = f"{uid}.{KINDS[full.partition('/')[0]].suffix}"
        path = partial(layout.layer_table, full, shard)
        return self._tars.member(
            shard,
            partial(layout.layer_tar, full),
            name,
            Place(row["map_offset"], row["map_size"]),
            lambda generation: self._place(path(generation), uid, "map"),
        )

    def map_pngs(self, layer: str, shard: int, table: pa.Table) -> Iterator[bytes | None]:
        """The PNG of each row of a dense layer, in one passage over the tar; None where there is no map.

        Args:
            table: rows of ``layer``, in their order; some may be left out.
        """
        uids, full = table.column("uid").to_pylist(), self.resolve(layer)
        kind = KINDS[full.partition("/")[0]]

        def anew(generation: int) -> list[Place | None]:
            found = self._table(layout.layer_table(full, shard, generation), ["uid", "map_offset", "map_size"])
            there = dict(zip(found.column("uid").to_pylist(), _map_places(found), strict=True))
            return [there.get(uid) for uid in uids]

        names = [f"{uid}.{kind.suffix}" for uid in uids]
        return self._tars.members(shard, partial(layout.layer_tar, full), names, _map_places(table), anew)

    def _place(self, path: str, uid: str, what: str) -> Place:
        """Where the member of a sample is, by a table as it is now."""
        table = self._table(path, ["uid", f"{what}_offset", f"{what}_size"])
        found = table.filter(pc.equal(table.column("uid"), uid)).to_pylist()
        if not found:
            raise Removed(f"{uid} was removed from {self.store.url} and is not served")
        return Place(found[0][f"{what}_offset"], found[0][f"{what}_size"])

    def to_torch(self, view: str | View | Selection | None = None, **options: Any) -> Loader:
        """Training batches as PyTorch tensors: picture, maps, drawn skeleton and caption, cropped together.

        Args:
            view: the samples; all if it is None.
            options: ``layers``, ``captions``, ``buckets``, ``batch_size``, ``seed`` and what else
                ``humanverse.loading.opening.open_loader`` takes: docs/loading.md tells of each.

        Raises:
            UserError: if something cannot be; before the first batch if a layer is missing, or not there in all shards.
        """
        from humanverse.loading.opening import open_loader

        return open_loader(self, view, **options)

    def views(self) -> list[str]:
        """The names of the views."""
        return names(self.store)

    def view(self, name: str) -> View:
        """The view ``name`` as it is now.

        Raises:
            DatasetError: if there is none, or it is damaged.
        """
        return read_view(self.store, name)

    def select(self, view: str | View | Selection | None) -> Selection:
        """A view, open for reading shard by shard as tables; all samples if it is None.

        Raises:
            DatasetError: if there is none, or it is damaged or not of the layers that are there.
        """
        if isinstance(view, Selection):
            return view
        return Selection(self, self.view(view) if isinstance(view, str) else view)

    def samples(
        self,
        layers: Sequence[str] | None = None,
        shards: Sequence[int] | None = None,
        view: str | View | Selection | None = None,
    ) -> Iterator[Sample]:
        """Every sample, shard by shard in tar order, with its rows of ``layers``, at most one of a kind.

        Memory is bounded by the tables of one shard; pictures are read one by one.

        Args:
            layers: ``pose`` (the view's, or the only one) or ``pose/movenet``; those of the view if not given.
            shards: numbers of those to read; all if not given.
            view: only the samples that this view has.

        Raises:
            DatasetError: if something is damaged; before the first sample if the view cannot be read with one of the shards, or
                one has not all of the layers.
        """
        selection = self.select(view)
        by_kind = selection.resolve_all(layers)
        numbers = self.shards() if shards is None else list(shards)
        selection.check(numbers, by_kind.values())
        for shard in numbers:
            part = selection.read(shard)
            tables = [rows(part.layer(name)) for name in by_kind.values()]
            columns = rows(part.images)
            for row, jpeg, *said in zip(columns, self.jpegs(shard, part.images), *tables, strict=True):
                if jpeg is not None and row["uid"] not in self.tombstones:
                    yield Sample(row["uid"], shard, row, jpeg, dict(zip(by_kind, said, strict=True)))

    def jpegs(self, shard: int, images: pa.Table) -> Iterator[bytes | None]:
        """The stored bytes of each row of ``images``, in one passage over the tar; None for what was removed meanwhile."""
        uids = images.column("uid").to_pylist()

        def anew(generation: int) -> list[Place | None]:
            table = self._table(layout.images_table(shard, generation), ["uid", "jpg_offset", "jpg_size"])
            there = dict(zip(table.column("uid").to_pylist(), places(table, "jpg"), strict=True))
            return [there.get(uid) for uid in uids]

        names = [f"{uid}.{layout.IMAGE_SUFFIX}" for uid in uids]
        return self._tars.members(shard, layout.images_tar, names, places(images, "jpg"), anew)

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()

    def count(self, view: str | View | Selection | None = None) -> int:
        """The number of samples, of those that a view has if one is given; reads no more columns than that needs.

        Raises:
            DatasetError: if something is damaged, or the view cannot be read with all shards.
        """
        selection, numbers = self.select(view), self.shards()
        selection.check(numbers)
        return sum(selection.read(shard, ["row"]).images.num_rows for shard in numbers)

    def __len__(self) -> int:
        """The number of samples; reads two columns of every images table."""
        return self.count()


def _map_places(table: pa.Table) -> list[Place | None]:
    """Where the map of each row is; None where there is none."""
    columns = (table.column(name).to_pylist() for name in ("map_offset", "map_size"))
    return [None if offset is None else Place(offset, size) for offset, size in zip(*columns, strict=True)]
