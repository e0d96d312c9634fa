from __future__ import annotations

from typing import Any

import pytest

from humanverse.errors import UserError
from pipelines.download.options import NOT_HONOURED, check, disallowed, options
from schemas.recipe import FETCH_PACE, FetchSettings, load

OTHER: dict[str, Any] = {
    "per_host": 9,
    "per_host_rate": 1.0,
    "host_patience_s": 1.0,
    "connect_timeout_s": 1.0,
    "max_bytes": 1,
    "max_buffered_bytes": 1,
    "max_redirects": 0,
    "backoff_s": 0.1,
    "robots": True,
    "proxy": "http://p:1",
}
MAPPED = {"concurrency", "timeout_s", "retries", "user_agent", "opt_out", "opt_out_tokens"}
AFTERWARDS = {"all_failed_from", "drift"}


def recipe(**fetch: Any) -> Any:
    return load(overrides={"fetch": {"engine": "img2dataset", **fetch}})


@pytest.mark.parametrize("name", NOT_HONOURED)
def test_a_setting_that_cannot_be_honoured_is_named(name: str) -> None:
    with pytest.raises(UserError, match=rf"cannot honour fetch\.{name}: ") as caught:
        check(recipe(**{name: OTHER[name]}))
    assert "\n" not in str(caught.value)


def test_all_of_them_are_named_at_once() -> None:
    settings = load(overrides={"fetch": {"robots": True, "per_host": 1}, "block": {"domains": ["d.txt"]}})
    with pytest.raises(UserError, match=r"fetch\.per_host, fetch\.robots, block\.domains"):
        check(settings)


def test_the_defaults_are_fine_and_so_is_what_has_a_counterpart() -> None:
    check(recipe())
    check(recipe(concurrency=7, timeout_s=5, retries=0, user_agent="me/1", opt_out=False, all_failed_from=None))


def test_every_setting_is_mapped_refused_or_used_afterwards() -> None:
    own = {"engine", "img2dataset"}
    assert {*FetchSettings.model_fields} == {*NOT_HONOURED, *MAPPED, *AFTERWARDS, *own}
    assert "img2dataset" in FETCH_PACE and "engine" not in FETCH_PACE


def test_options() -> None:
    settings = load(
        overrides={
            "source": {"shard_size": 77},
            "fetch": {"concurrency": 9, "timeout_s": 4.5, "retries": 3, "user_agent": "Me/2 (+mail)"},
        }
    )
    found = options(settings, processes=3, on_ray=False)
    expected = {
        "number_sample_per_shard": 77,
        "thread_count": 9,
        "processes_count": 3,
        "timeout": 4.5,
        "retries": 3,
        "user_agent_token": "me",
        "distributor": "multiprocessing",
        "disable_all_reencoding": True,
        "resize_mode": "no",
        "incremental_mode": "incremental",
        "save_additional_columns": ["row"],
        "disallowed_header_directives": ["noai", "noimageai", "noindex", "noimageindex", "none"],
    }
    assert {name: found[name] for name in expected} == expected
    assert options(settings, 1, on_ray=True)["distributor"] == "ray"


def test_opt_outs() -> None:
    assert disallowed(FetchSettings(opt_out=False)) == []
    assert disallowed(FetchSettings(opt_out_tokens=("NoAI",))) == ["noai"]
