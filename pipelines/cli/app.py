"""The application that commands are added to, and what they share."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="humanverse",
    help="Build, check and look at annotated datasets of human images.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

DatasetUrl = Annotated[
    str, typer.Argument(metavar="DATASET", help="A folder, or a bucket prefix such as s3://bucket/people.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def _version(wanted: bool) -> None:
    if wanted:
        import humanverse

        typer.echo(f"humanverse {humanverse.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    pass


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))
