"""Which config is meant, what its digest covers, and which are never run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from annotators.mmpose.configs import DEFAULT, OURS, facts_file, find, package_configs
from humanverse.errors import UserError
from tests.annotators.mmpose.tiny import HRNET, needs_mmpose


def written(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_the_default_is_ours() -> None:
    found = find(DEFAULT)
    assert found.path.parent == OURS.resolve() and found.name == DEFAULT and len(found.sha256) == 64


@needs_mmpose
def test_configs_of_the_package_are_found_by_name() -> None:
    found = find(HRNET)
    assert found.name == HRNET and ".mim/configs/body_2d_keypoint" in found.path.as_posix()
    assert all(not name.startswith("default_runtime") for name in package_configs())


@needs_mmpose
def test_a_name_that_is_nearly_right_is_answered_with_those_that_are() -> None:
    with pytest.raises(UserError, match=rf"no config 'td-hm_hrnet-w32_8xb64_coco-256x192': .*{HRNET}"):
        find("td-hm_hrnet-w32_8xb64_coco-256x192")


def test_without_the_package_only_its_own_names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert package_configs() == {}
    with pytest.raises(
        UserError, match=f"no config 'hrnet': give a path that ends in .py, or a name such as {DEFAULT}$"
    ):
        find("hrnet")


def test_the_digest_is_of_the_text_and_of_what_it_builds_on_wherever_they_lie(tmp_path: Path) -> None:
    base, top = "a = 1\n", "_base_ = ['../base.py']\nb = 2\n"
    for folder in ("one", "two"):
        written(tmp_path / folder / "base.py", base)
        written(tmp_path / folder / "deep" / "top.py", top)
    one, two = (find(str(tmp_path / folder / "deep" / "top.py")) for folder in ("one", "two"))
    assert one.sha256 == two.sha256 and one.name == "top"
    written(tmp_path / "one" / "base.py", "a = 3\n")
    written(tmp_path / "two" / "deep" / "top.py", top + "# told apart\n")
    changed = {find(str(tmp_path / folder / "deep" / "top.py")).sha256 for folder in ("one", "two")}
    assert len(changed | {one.sha256}) == 3


def test_a_line_does_not_move_unseen_from_a_config_into_its_base(tmp_path: Path) -> None:
    written(tmp_path / "base.py", "a = 1\n")
    before = find(written(tmp_path / "top.py", "_base_ = 'base.py'\n"))
    written(tmp_path / "base.py", "")
    assert find(written(tmp_path / "top.py", "_base_ = 'base.py'\na = 1\n")).sha256 != before.sha256


def test_a_config_that_is_no_python_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"broken\.py is no Python that can be read \(.*\(broken\.py, line 2\)\)"):
        find(written(tmp_path / "broken.py", "a = 1\nb = = 2\n"))


def test_nothing_is_run_to_find_a_config(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    find(written(tmp_path / "eager.py", f"open({str(ran)!r}, 'w').close()\n"))
    assert not ran.exists()


@pytest.mark.parametrize("asked", ["https://example.org/a.py", "hf:someone/models@main:a.py"])
def test_none_is_fetched(asked: str) -> None:
    with pytest.raises(UserError, match="a config is a program, and none is fetched"):
        find(asked)


def test_none_of_a_dataset_is_run(tmp_path: Path) -> None:
    dataset = tmp_path / "people"
    inside = written(dataset / "views" / "mine.py", "a = 1\n")
    find(inside)
    written(dataset / "humanverse.json", "{}")
    for asked in (inside, written(tmp_path / "on.py", f"_base_ = [{inside!r}]\n")):
        with pytest.raises(UserError, match=r"lies in the dataset .*people: a config is a program"):
            find(asked)
    (tmp_path / "link.py").symlink_to(inside)
    with pytest.raises(UserError, match="lies in the dataset"):
        find(str(tmp_path / "link.py"))
    with pytest.raises(UserError, match="lies in the dataset"):
        facts_file("views/mine.py", dataset / "config.py")


def test_none_of_the_cache_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="lies in the cache of what was downloaded"):
        find(written(tmp_path / "cache" / "weights" / "a.py", "a = 1\n"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("_base_ = ['gone.py']\n", r"builds on .*gone\.py, which is not there"),
        ("_base_ = ['top.py']\n", r"top\.py builds on itself"),
        ("_base_ = 'a' + '.py'\n", "give _base_ as a plain list of paths"),
        ("_base_ = ['base.yaml']\n", r"give _base_ as paths of \.py files"),
        ("_base_ = ['mmdet::base.py']\n", r"builds on mmdet::base\.py, of a package that is not here"),
        ("with read_base():\n    from .base import *\n", "imports what it builds on: write it with _base_"),
        ("model = (\n", "is no Python that can be read"),
    ],
)
def test_what_it_builds_on_must_be_plain(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(UserError, match=line):
        find(written(tmp_path / "top.py", text))


def test_no_file_no_config(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"no config at .*gone\.py: give the path of a .py file, or .*{DEFAULT}"):
        find(str(tmp_path / "gone.py"))


@needs_mmpose
def test_points_are_described_by_the_package_not_by_the_folder_that_a_command_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = "configs/_base_/datasets/coco.py"
    here = written(tmp_path / named, "raise SystemExit('run')\n")
    monkeypatch.chdir(tmp_path)
    found = facts_file(named, find(HRNET).path)
    assert found != Path(here) and found.as_posix().endswith(f"mmpose/.mim/{named}")
    shutil.copy(found, tmp_path / "mine.py")
    assert facts_file("mine.py", tmp_path / "config.py") == tmp_path / "mine.py"
    with pytest.raises(UserError, match=r"names gone\.py for its points"):
        facts_file("gone.py", tmp_path / "config.py")
