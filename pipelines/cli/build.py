"""``build``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import build as show


@app.command()
def build(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE... DATASET", help="URL tables (Parquet, CSV, JSONL, text), images or tars; then the place."
        ),
    ],
    recipe: Annotated[Path | None, typer.Option(help="YAML: thresholds, annotators, resources.")] = None,
    preset: Annotated[str, typer.Option(help="What the recipe starts from: lite, paper, modern.")] = "lite",
    from_: Annotated[
        str | None,
        typer.Option("--from", help="Source kind: table, folder, webdataset, img2dataset; guessed if not given."),
    ] = None,
    retry: Annotated[
        str | None,
        typer.Option(
            metavar="REASONS",
            help="Try only rows again that ended so, such as timeout,dns,http_5xx; settings of fetch may be other ones.",
        ),
    ] = None,
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="KIND[/LAYER]=WEIGHTS",
            help="A file or folder of your own, hf:OWNER/REPO@REVISION, or https://…#sha256=… instead of an annotator's.",
        ),
    ] = [],  # noqa: B006
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:0, auto; the recipe's if not given.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Workers of each stage; as many as fit if not given.")
    ] = None,
    local: Annotated[bool, typer.Option("--local", help="In this process, without Ray.")] = False,
    allow_private: Annotated[bool, typer.Option("--allow-private", help="Fetch from private addresses too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if any shard is not committed.")] = False,
    as_json: Json = False,
) -> None:
    """Build DATASET from SOURCE, or go on where it stopped: fetch, keep what shows people, annotate, commit.

    With --retry, only what failed before: those rows get shards of their own, which count instead of the old rows.

    Exit code 1: nothing worked (no shard was committed, or no picture could be had). 2: something to mend, in one line.

    With --retry, that every row fails again is no fault: 0, if a shard was committed or there is nothing to retry.
    """
    from humanverse.errors import UserError
    from pipelines.build import build as run
    from schemas.recipe import load

    if len(places) < 2:
        raise UserError("build needs a SOURCE and a DATASET: humanverse build urls.parquet people/")
    overrides: dict[str, Any] = {"source": {"kind": from_}} if from_ else {}
    if device:
        overrides["resources"] = {"device": device}
    try:
        settings = load(preset, recipe, overrides).with_weights(_weights(weights))
    except ValueError as error:
        raise UserError(str(error)) from error
    reasons = [] if retry is None else [reason.strip().lower() for reason in retry.split(",")]
    result = run(
        places[:-1], places[-1], settings, workers=workers, local=local, allow_private=allow_private, retry=reasons
    )
    if as_json:
        print_json(show.result_json(result))
    else:
        show.result(result, places[-1])
    if result.nothing_worked or (strict and result.lost):
        raise typer.Exit(1)


def _weights(texts: Sequence[str]) -> dict[str, list[str]]:
    from humanverse.errors import UserError

    found: dict[str, list[str]] = {}
    for text in texts:
        layer, equals, given = text.partition("=")
        if not (layer and equals and given):
            raise UserError(
                f"--weights {text}: give KIND=WEIGHTS, or KIND/LAYER=WEIGHTS where there are several of a kind"
            )
        found.setdefault(layer, []).append(given)
    return found
