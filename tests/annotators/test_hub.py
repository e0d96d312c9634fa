"""Weights from a model hub: fetched by the hub's own client, held to their commit and SHA-256, and used without a network."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotators import hub as hubs
from annotators.cache import Weight, WeightError
from annotators.weights import from_path, obtain, pinned, standing_in
from tests.annotators.hub_server import COMMIT, hub

FILES = {
    "config.json": b'{"model_type": "none"}',
    "model.safetensors": b"tensors" * 100,
    "pytorch_model.bin": b"pickle",
    "README.md": b"about",
    "onnx/model.onnx": b"graph",
}
OLD = {"config.json": b"{}", "pytorch_model.bin": b"pickle of old"}
PARTS = {
    "model.safetensors.index.json": b'{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}',
    "model-1.safetensors": b"one",
}
TINY = "hf:own/tiny@main"


class Machine:
    """A machine with an empty home, on which programs run that see one hub."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home, self.endpoint = home, endpoint

    def run(self, *lines: str, offline: bool = False) -> list[str]:
        """What a program of ``lines`` prints; a WeightError is a line as well."""
        body = "\n".join(f"    {line}" for line in lines)
        program = (
            "import os\nfrom annotators.cache import Weight, WeightError\nfrom annotators.weights import *\n"
            f"try:\n{body}\nexcept WeightError as error:\n    print(error)\n"
        )
        env = {
            **os.environ,
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(self.home / "hf"),
            "HUMANVERSE_CACHE": str(self.home / "cache"),
            "HUMANVERSE_OFFLINE": "1" if offline else "",
            "NO_PROXY": "*",
        }
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Machine, list[str]]]:
    with hub({"own/tiny": FILES, "own/old": OLD, "own/parts": PARTS}) as (endpoint, asked):
        yield Machine(tmp_path, endpoint), asked


def folder_digest(files: dict[str, bytes]) -> str:
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_repository_is_fetched_once_and_held_to_what_came(served: tuple[Machine, list[str]]) -> None:
    machine, asked = served
    look = (
        f"print(find(Weight({TINY!r}, '', 0)))",
        f"found = pinned(Weight({TINY!r}, '', 0))",
        "print(found.spec, found.sha256, found.size)",
        "folder = obtain(found)",
        "print(sorted(os.listdir(folder)))",
    )
    before, name, there = machine.run(*look)
    taken = {name: FILES[name] for name in ("config.json", "model.safetensors")}
    assert before == "None" and there == "['config.json', 'model.safetensors']"
    assert name == f"hf:own/tiny@{COMMIT} {folder_digest(taken)} {sum(map(len, taken.values()))}"
    fetched = [line for line in asked if line.startswith("GET /own")]
    assert len(fetched) == 2
    again = machine.run(*look, offline=True)
    assert again[1:] == [name, there] and again[0].endswith(f"snapshots/{COMMIT}")
    assert [line for line in asked if line.startswith("GET /own")] == fetched


def test_what_was_changed_after_it_was_pinned_is_not_used(served: tuple[Machine, list[str]]) -> None:
    machine, _ = served
    (line,) = machine.run(
        f"found = pinned(Weight({TINY!r}, '', 0))",
        "file = obtain(found) / 'model.safetensors'",
        "file.resolve().write_bytes(b'other' * 100)",
        "obtain(found)",
    )
    assert line.startswith(f"hf:own/tiny@{COMMIT}, in ") and "was changed or damaged" in line


def test_one_file_and_pickles_where_there_is_nothing_else(served: tuple[Machine, list[str]]) -> None:
    machine, _ = served
    file, old = machine.run(
        "print(obtain(Weight('hf:own/tiny@main:onnx/model.onnx', '', 0)).read_bytes())",
        "print(sorted(os.listdir(obtain(Weight('hf:own/old@main', '', 0)))))",
    )
    assert (file, old) == ("b'graph'", "['config.json', 'pytorch_model.bin']")


@pytest.mark.parametrize(
    ("spec", "offline", "line"),
    [
        ("hf:own/none@main", False, "hf:own/none@main: the hub has no such repository"),
        ("hf:own/tiny@other", False, "hf:own/tiny@other: the hub has no such repository, revision or file"),
        ("hf:own/tiny@main:gone.bin", False, "the hub has no such repository, revision or file"),
        ("hf:own/parts@main", False, "there are no weights in that repository, or not all parts of them"),
        (
            TINY,
            True,
            "HUMANVERSE_OFFLINE forbids to fetch them: unset it, or give your own: --weights KIND=FOLDER",
        ),
        ("hf:tiny", False, "write hf:OWNER/REPO@REVISION"),
    ],
)
def test_what_cannot_be_had_is_one_line(served: tuple[Machine, list[str]], spec: str, offline: bool, line: str) -> None:
    (told,) = served[0].run(f"obtain(Weight({spec!r}, '', 0))", offline=offline)
    assert told.startswith(f"weights {spec}") and line in told


def test_a_hub_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with hub({}) as (endpoint, _):
        pass
    (told,) = Machine(tmp_path, endpoint).run(f"obtain(Weight({TINY!r}, '', 0))")
    assert told.startswith(f"weights {TINY} could not be downloaded (") and told.endswith(
        "check the network (with HUMANVERSE_OFFLINE=1 no server is asked)"
    )


def test_specs_that_a_user_names() -> None:
    card = Weight("hf:own/tiny@main", "", 9)
    assert standing_in([card], "hf:me/mine@v1") == {card: Weight("hf:me/mine@v1", "", 0)}
    url = "https://example.org/a.safetensors"
    assert standing_in([card], f"{url}#sha256={'0' * 64}") == {card: Weight(url, "0" * 64, 0)}
    with pytest.raises(WeightError, match="add #sha256="):
        standing_in([card], url)
    assert (card.file_name, card.label) == ("tiny", "hf:own/tiny@main")
    with pytest.raises(WeightError, match="SHA-256 must be known beforehand"):
        pinned(Weight(url, "", 0))


def test_folders_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    own = tmp_path / "mine"
    (own / "onnx").mkdir(parents=True)
    card = Weight("hf:own/tiny@main", "", 9)
    with pytest.raises(WeightError, match=r"the folder \S+ lacks weights, such as model.safetensors"):
        standing_in([card], own)
    for name, data in FILES.items():
        (own / name).write_bytes(data)
    given = from_path(own)
    assert given.sha256 == folder_digest({name: FILES[name] for name in ("config.json", "model.safetensors")})
    assert obtain(given) == own and given.label == "mine"
    (own / "model.safetensors").write_bytes(b"other")
    with pytest.raises(WeightError, match="was changed or damaged"):
        obtain(given)


def test_parts_that_an_index_names(tmp_path: Path) -> None:
    for name, data in PARTS.items():
        (tmp_path / name).write_bytes(data)
    assert hubs.missing_parts(tmp_path) == ["model-2.safetensors"]
