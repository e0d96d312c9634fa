"""``train structure``, ``train refiner``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json
from pipelines.show import train as show

commands = typer.Typer(help="Train the generator on a dataset.", no_args_is_help=True)
app.add_typer(commands, name="train")

Data = Annotated[str, typer.Option("--data", help="The dataset: a folder, or a bucket prefix.")]
Out = Annotated[Path, typer.Option("--out", help="Folder of the run: checkpoints, log, pictures, and the result.")]
Config = Annotated[Path | None, typer.Option("--config", help="Settings as YAML: docs/training.md has all of them.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", help="One setting, for example optimiser.lr=1e-4; may be given often.")
]
Ray = Annotated[
    int | None, typer.Option("--ray", min=1, help="Let Ray start so many processes, and start them again if one dies.")
]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", help="Of a Ray cluster; else RAY_ADDRESS, or this machine alone.")
]


@commands.command()
def structure(
    data: Data,
    out: Out,
    config: Config = None,
    changes: Changes = None,
    ray: Ray = None,
    ray_address: RayAddress = None,
    as_json: Json = False,
) -> None:
    """Train stage 1: text and skeleton to a picture with its depth and normals. The same command again goes on.

    On several GPUs: accelerate launch --multi_gpu $(which humanverse) train structure ...
    """
    _train("structure", data, out, config, changes, ray, ray_address, as_json)


@commands.command()
def refiner(
    data: Data,
    out: Out,
    config: Config = None,
    changes: Changes = None,
    ray: Ray = None,
    ray_address: RayAddress = None,
    as_json: Json = False,
) -> None:
    """Train stage 2: text and maps to a larger picture, by SDXL. The same command again goes on."""
    _train("refiner", data, out, config, changes, ray, ray_address, as_json)


def _train(
    stage: str,
    data: str,
    out: Path,
    config: Path | None,
    changes: list[str] | None,
    workers: int | None,
    address: str | None,
    as_json: bool,
) -> None:
    from humanverse.errors import UserError
    from pipelines.train import is_first, train

    if address and workers is None:
        raise UserError("--ray-address says where, not how many: give --ray N, too")
    result = train(stage, data, out, config, changes or (), workers, address)
    if not is_first():
        return
    if as_json:
        print_json(result.as_json())
    else:
        show.outcome(result)
