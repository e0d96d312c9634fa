from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from humanverse.errors import UserError
from pipelines.download import environment
from pipelines.download.environment import REQUIREMENTS, given_python, installed_python
from tests.pipelines.download import standin


def test_everything_is_pinned() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pins = dict(line.split("==") for line in lines)
    assert pins["img2dataset"] == "1.47.0"
    assert int(pins["setuptools"].split(".")[0]) < 81
    assert "ray" not in pins


def test_an_interpreter_of_ones_own(tmp_path: Path) -> None:
    python = standin.make(tmp_path / "env")
    assert given_python(str(python), None) == python
    assert environment.python_for(str(python), None) == python


def test_a_relative_path_is_taken_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = standin.make(tmp_path / "env")
    monkeypatch.chdir(tmp_path)
    assert given_python("env/python", None) == python


@pytest.mark.parametrize(
    ("path", "ray", "line"),
    [
        ("nowhere", None, "No such file or directory: give the path"),
        ("/bin/true", None, "is not a Python interpreter"),
        (sys.executable, None, "has no img2dataset: install it there, with the pins of"),
        (
            "standin",
            "0.0.1",
            r"has (no Ray|Ray [\d.]+), this build runs 0\.0\.1: install ray==0\.0\.1 there, or use --local",
        ),
    ],
)
def test_an_interpreter_that_will_not_do_is_one_line(
    path: str, ray: str | None, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = str(standin.make(tmp_path / "env")) if path == "standin" else path
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=line) as caught:
        given_python(given, ray)
    assert "\n" not in str(caught.value)


def test_offline_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path))
    monkeypatch.setenv("HUMANVERSE_OFFLINE", "1")
    with pytest.raises(UserError, match="HUMANVERSE_OFFLINE forbids"):
        installed_python(None)
    assert not list(tmp_path.iterdir())


def test_a_failed_installation_is_one_line_and_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    pins = tmp_path / "pins.txt"
    pins.write_text("humanverse-has-no-such-package==1\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", pins)
    with pytest.raises(UserError, match=r"could not be installed \(.*no-such-package.*\): check the network") as caught:
        installed_python(None)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("ready"))


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="environments: Not a directory: set HUMANVERSE_CACHE to another folder"):
        installed_python(None)


def test_what_is_installed_is_installed_once_and_anew_for_other_pins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path))
    asked: list[str | None] = []

    def install(folder: Path, python: Path, ray: str | None) -> None:
        asked.append(ray)
        python.parent.mkdir(parents=True)

    monkeypatch.setattr(environment, "_install", install)
    assert installed_python("1.0") == installed_python("1.0")
    assert len({installed_python("1.0"), installed_python("2.0"), installed_python(None)}) == 3
    assert asked == ["1.0", "2.0", None]
