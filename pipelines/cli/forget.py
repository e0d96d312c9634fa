"""What must go: ``forget``, ``compact``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import forget as show


@app.command()
def forget(
    dataset: DatasetUrl,
    uid: Annotated[list[str] | None, typer.Option(help="Of a sample; may be given several times.")] = None,
    url: Annotated[
        list[str] | None, typer.Option(help="Of a picture, as in the source; may be given several times.")
    ] = None,
    from_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="uids and URLs, one per line; - is standard input.")
    ] = None,
    similar_to: Annotated[
        list[Path] | None,
        typer.Option(metavar="IMAGE", help="What looks like this picture; may be given several times."),
    ] = None,
    distance: Annotated[
        int, typer.Option(min=0, max=16, help="Bits in which the perceptual hash of what looks so may differ.")
    ] = 4,
    near: Annotated[
        int | None,
        typer.Option(min=0, max=16, metavar="BITS", help="Also what looks like the samples found by uid or URL."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the tombstones.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be forgotten.")] = False,
    as_json: Json = False,
) -> None:
    """Never serve samples of DATASET again, nor take them in again. compact then removes them from the files.

    A picture that is found is forgotten wherever it stands, under whatever URL.
    """
    from pipelines.forget import Request, read_list
    from pipelines.forget import forget as run

    uids, urls = [item.lower().removeprefix("uid:") for item in uid or ()], list(url or ())
    if from_file is not None:
        listed_uids, listed_urls = read_list(from_file)
        uids, urls = uids + listed_uids, urls + listed_urls
    request = Request(tuple(uids), tuple(urls), tuple(similar_to or ()), distance, near, reason)
    result = run(dataset, request, dry_run)
    if as_json:
        print_json(result.as_json())
    else:
        show.forget(result, dataset, dry_run)


@app.command()
def compact(
    dataset: DatasetUrl,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many shards would be written.")] = False,
    as_json: Json = False,
) -> None:
    """Remove what was forgotten from the files of DATASET: pictures, rows, layers, maps, filters.

    Only shards that hold some of it are written anew; readers go on meanwhile.

    Exit code 1: a shard could not be written anew.
    """
    from pipelines.compact import compact as run

    result = run(dataset, dry_run)
    if as_json:
        print_json(result.as_json())
    else:
        show.compact(result, dataset, dry_run)
    if result.failed:
        raise typer.Exit(1)
