"""``view``."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import DatasetUrl, Json, app, print_json
from pipelines.show import view as show


@app.command()
def view(
    dataset: DatasetUrl,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Of the view; all are listed if not given.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR", help="A condition on each sample, such as 'width >= 512'; may be repeated (docs/views.md)."
        ),
    ] = None,
    layers: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=NAME", help="Which layer of a kind readers get, and expressions mean."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="VIEW", help="Leave out what this view leaves out, such as dedup.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the view if there is one.")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the view; no picture is touched.")] = False,
    as_json: Json = False,
) -> None:
    """Say which samples of DATASET trainers and exports read, and with which layers. Without options, show the view NAME.

    Expressions are DuckDB's, on columns of the images table (width >= 512) and of layers by their kind
    (person.union_area_ratio > 0.3). A sample of which a layer says nothing is left out. No picture is touched.
    """
    from humanverse.errors import UserError
    from pipelines import view as job

    making = bool(where or layers or exclude)
    if name is None:
        if making or replace or delete:
            raise UserError(f"say which view: humanverse view {dataset} NAME …")
        found = job.look_at_all(dataset)
        print_json({"views": [told.as_json() for told in found]}) if as_json else show.views(found, dataset)
        return
    if delete:
        if making or replace:
            raise UserError("--delete goes with no other option")
        job.delete(dataset, name)
        print_json({"deleted": name}) if as_json else typer.echo(f"{dataset}: the view {name} is deleted")
        return
    if replace and not making:
        raise UserError("--replace with what? Give --where, --layers or --exclude")
    told = (
        job.make(dataset, name, where or (), layers or (), exclude or (), replace)
        if making
        else job.look(dataset, name)
    )
    print_json(told.as_json()) if as_json else show.view(told, dataset)
