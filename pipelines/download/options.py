"""The recipe's ``fetch`` settings as img2dataset's options, and those of them that it has nothing for."""

from __future__ import annotations

from typing import Any

from humanverse.errors import UserError
from humanverse.fetch.optout import product_name
from schemas.recipe import FetchSettings, Recipe

ROW = "row"
"""The column of the URL lists that carries a row's position in the source through img2dataset."""

NOT_HONOURED = (
    "per_host",
    "per_host_rate",
    "host_patience_s",
    "connect_timeout_s",
    "max_bytes",
    "max_buffered_bytes",
    "max_redirects",
    "backoff_s",
    "robots",
    "proxy",
)
"""Settings of ``fetch`` that img2dataset cannot follow. Their defaults are left alone: they ask for no more than usual."""

WARNING = (
    "img2dataset downloads: it does not check where names and redirects lead, bounds neither a body's size nor its time as a "
    "whole, and does not read TDM-Reservation (docs/fetching.md)"
)


def check(recipe: Recipe) -> None:
    """Raise UserError if the recipe asks for what img2dataset cannot do."""
    defaults = {name: field.get_default() for name, field in FetchSettings.model_fields.items()}
    wanted = [f"fetch.{name}" for name in NOT_HONOURED if getattr(recipe.fetch, name) != defaults[name]]
    wanted += [f"block.{name}" for name in ("urls", "domains") if getattr(recipe.block, name)]
    if wanted:
        raise UserError(
            f"fetch.engine img2dataset cannot honour {', '.join(wanted)}: leave it out of the recipe, "
            "or use fetch.engine humanverse"
        )


def disallowed(settings: FetchSettings) -> list[str]:
    """The directives of ``X-Robots-Tag`` that img2dataset shall honour; ``none`` stands for ``noindex``."""
    if not settings.opt_out:
        return []
    tokens = [token.lower() for token in settings.opt_out_tokens]
    return [*tokens, *(["none"] if "noindex" in tokens else [])]


def options(recipe: Recipe, processes: int, on_ray: bool) -> dict[str, Any]:
    """img2dataset's options for URL lists with the columns ``url``, ``caption`` and ``ROW``; places not among them.

    Pictures stay as they came, and each list becomes one shard.

    Args:
        recipe: of the build.
        processes: how many download at once, each one shard; on Ray the cluster's CPUs say so.
        on_ray: whether Ray distributes the shards.
    """
    fetch = recipe.fetch
    return {
        "input_format": "parquet",
        "output_format": "webdataset",
        "url_col": "url",
        "caption_col": "caption",
        "save_additional_columns": [ROW],
        "resize_mode": "no",
        "disable_all_reencoding": True,
        "extract_exif": False,
        "compute_hash": None,
        "number_sample_per_shard": recipe.source.shard_size,
        "incremental_mode": "incremental",
        "distributor": "ray" if on_ray else "multiprocessing",
        "processes_count": processes,
        "thread_count": fetch.concurrency,
        "timeout": fetch.timeout_s,
        "retries": fetch.retries,
        "user_agent_token": product_name(fetch.user_agent),
        "disallowed_header_directives": disallowed(fetch),
    }
