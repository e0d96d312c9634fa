"""Which rows of a shard are handed to img2dataset, and under which URL; what is not handed over has its reason here."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from humanverse.fetch.addresses import is_public, parse_address
from humanverse.fetch.failures import FetchError
from humanverse.fetch.urls import parse_url
from pipelines.download.options import ROW
from pipelines.stages.repeats import same_urls
from schemas.ledger import Failure

SCHEMA = pa.schema([pa.field("url", pa.string()), pa.field("caption", pa.string()), pa.field(ROW, pa.int64())])


def judge(text: str | None, allow_private: bool) -> str | Failure:
    """The URL to ask for, in the form that our own fetcher gives it; or why it must not be asked for.

    Only an address that stands in the URL is judged: where names and redirects lead is not known here.
    """
    try:
        url = parse_url(text)
    except FetchError as error:
        return Failure(error.reason, error.detail)
    address = parse_address(url.raw_host or "")
    if address is not None and not allow_private and not is_public(address):
        return Failure("private_address", f"the URL leads to {address}")
    return str(url)


def _first_ones(urls: Sequence[str | None], drop_duplicates: bool) -> list[int]:
    """Positions of the URLs that the gate asks for."""
    repeated = same_urls(urls) if drop_duplicates else {}
    return [index for index in range(len(urls)) if index not in repeated]


def handed_over(table: pa.Table, drop_duplicates: bool, allow_private: bool) -> pa.Table:
    """The list for img2dataset of a shard's rows, with the columns of ``SCHEMA``; may have no rows.

    Args:
        table: from ``ShardRows.load``.
        drop_duplicates: leave repeated URLs out, as the gate does.
        allow_private: hand over addresses that are not public.
    """
    urls = table.column("url").to_pylist()
    judged = {index: judge(urls[index], allow_private) for index in _first_ones(urls, drop_duplicates)}
    wanted = {index: url for index, url in judged.items() if isinstance(url, str)}
    places = pa.array(list(wanted), pa.int64())
    columns = [pa.array(list(wanted.values()), pa.string())]
    columns += [table.column(name).take(places) for name in ("caption", "row")]
    return pa.table(columns, schema=SCHEMA)
