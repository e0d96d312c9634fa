"""The command line as a user meets it: what goes wrong is one line and exit code 2, and help is quick."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import cli
from tests.datasets import picture
from tests.pipelines.web import write_recipe
from tests.servers import free_port

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    from humanverse.codec import encode_jpeg

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(picture(number), 80))
    return folder


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """The exit code of ``humanverse WORDS`` in this process."""
    monkeypatch.setattr(sys, "argv", ["humanverse", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def build(pictures: Path, target: Path, *words: object) -> list[object]:
    recipe = write_recipe(pictures.parent)
    return ["build", pictures, target, "--recipe", recipe, "--local", *words]


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error; standard output is empty."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("humanverse: "), err
    assert err.count("\n") == 1, err
    return err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["build", "nowhere.parquet", "x", "--local"], "nowhere.parquet: it is not there"),
        (["build", "titles.csv", "x", "--local"], "url"),
        (["build", "empty.csv", "x", "--local"], "empty.csv"),
        (["build", "urls.txt"], "build needs a SOURCE and a DATASET"),
        (["build"], "Missing argument 'SOURCE... DATASET': see humanverse build --help"),
        (["build", "urls.txt", "x", "--sideways"], "No such option: --sideways: see humanverse build --help"),
        (["build", "urls.txt", "x", "--retry"], "requires an argument: see humanverse build --help"),
        (["models", "list", "--sideways"], "No such option: --sideways: see humanverse models list --help"),
        (["--sideways"], "No such option: --sideways: see humanverse --help"),
        (["build", "urls.txt", "x", "--local", "--retry", "DNS, Timeout"], "x is not a dataset yet"),
        (["status", "urls.txt"], "a file stands where a folder is needed: check the path"),
        (["build", "urls.txt", "urls.txt", "--local"], "a file stands where a folder is needed: check the path"),
        (["build", "urls.txt", "x", "--workers", "0"], "--workers"),
        (["build", "urls.txt", "x", "--workers", "many"], "--workers"),
        (["build", "urls.txt", "x", "--preset", "best"], "there is no preset 'best': choose from lite"),
        (["build", "urls.txt", "x", "--from", "sky"], "source.kind"),
        (
            ["build", "urls.txt", "x", "--recipe", "no.yaml"],
            "recipe no.yaml: No such file or directory: check the path",
        ),
        (["build", "urls.txt", "x", "--recipe", "broken.yaml"], "is not YAML"),
        (["build", "urls.txt", "x", "--recipe", "wrong.yaml"], "gate.min_syde: there is no such setting"),
        (["build", "urls.txt", "x", "--recipe", "nobody.yaml"], "no annotator pose=nobody: choose one of"),
        (["build", "urls.txt", "full", "--local"], "is not empty and not a dataset (it holds note.txt)"),
        (["build", "urls.txt", "nowhere://bucket/x", "--local"], "nowhere"),
        (
            ["build", "urls.txt", "x", "--retry", "duplicate"],
            "duplicate cannot be tried again: name some of invalid_url, ",
        ),
        (["build", "urls.txt", "x", "--retry", "dns,,"], "--retry: an empty reason cannot be tried again"),
        (
            ["build", "urls.txt", "x", "--retry", "dns,private_address"],
            "--retry: without --allow-private private_address fails again: give it, or leave private_address out",
        ),
        (
            ["build", "urls.txt", "x", "--local", "--retry", "dns"],
            "x is not a dataset yet: build it without --retry first",
        ),
        (["status", "full"], "is not a dataset (no humanverse.json)"),
        (["verify", "full"], "is not a dataset"),
        (["stats", "nothing-here"], "is not a dataset"),
        (["report", "full"], "is not a dataset"),
        (["annotators", "nobody"], "no annotator nobody"),
        (["models", "list", "nobody"], "no weights for nobody"),
        (["dance"], "No such command 'dance': see humanverse --help"),
    ],
)
def test_an_error_is_one_line(
    words: list[str],
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("urls.txt").write_text("http://127.0.0.1:9/1.jpg\n")
    Path("titles.csv").write_text("title,size\na,1\nb,2\n")
    Path("empty.csv").write_text("")
    Path("broken.yaml").write_text("gate: [1, 2")
    Path("wrong.yaml").write_text("gate: {min_syde: 1}")
    Path("nobody.yaml").write_text("annotators: {pose: nobody}")
    Path("full").mkdir()
    Path("full/note.txt").write_text("not a dataset")
    assert call(monkeypatch, *words) == 2
    assert line in one_error(capsys)
    assert not Path("x").exists()


def test_a_bucket_that_does_not_answer_is_one_line(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    s3fs = pytest.importorskip("s3fs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    assert call(monkeypatch, "status", "s3://bucket/people") == 2
    assert "s3://bucket/people" in one_error(capsys)
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_place_that_is_a_file_is_one_line(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert call(monkeypatch, *build(pictures, tmp_path / "file" / "people")) == 2
    assert "a file stands where a folder is needed" in one_error(capsys)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_place_that_cannot_be_written_is_one_line(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    assert call(monkeypatch, *build(pictures, tmp_path / "locked" / "people")) == 2
    assert "Permission denied" in one_error(capsys)


@pytest.fixture
def small_disk(tmp_path: Path) -> object:
    """A file system of 64 kB, for the tests that may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a small file system here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_run_in_one_line_and_leaves_a_dataset_that_goes_on(
    pictures: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = build(pictures, small_disk / "people")
    assert call(monkeypatch, *words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"humanverse: {small_disk}/people")
    assert "no space left while writing" in last
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    assert call(monkeypatch, *words, "--strict") == 0
    assert call(monkeypatch, "verify", small_disk / "people") == 0


def test_json_is_one_object_on_standard_output(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "people"
    answers = []
    for words in (build(pictures, target), ["status", target], ["verify", target], ["stats", target]):
        assert call(monkeypatch, *words, "--json") == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0]["rows"] == {"kept": 8}
    assert answers[1]["complete"] is answers[2]["sound"] is True
    for name in ("annotators", "models list"):
        assert call(monkeypatch, *name.split(), "--json") == 0
        assert len(json.loads(capsys.readouterr().out)) > 3


def test_exit_codes_of_a_run_in_which_nothing_worked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dead.txt").write_text(f"http://127.0.0.1:{free_port()}/1.jpg\n")
    words = build(tmp_path / "dead.txt", tmp_path / "people", "--allow-private")
    assert call(monkeypatch, *words) == 1
    assert call(monkeypatch, *words) == 0, "all rows have their status: nothing is left to do"
    capsys.readouterr()
    assert call(monkeypatch, *words, "--retry", "timeout, dns") == 0
    assert capsys.readouterr().out.endswith("people: nothing to retry: no row ended with dns or timeout\n")
    assert call(monkeypatch, *words, "--retry", "connect", "--json") == 0, "that it fails again is no fault of the run"
    answer = json.loads(capsys.readouterr().out)
    assert answer["retry"] == {"reasons": ["connect"], "rows": 1, "continued": False}
    assert (answer["planned_shards"], answer["committed"], answer["failures"]) == (1, 1, {"connect": 1})
    assert call(monkeypatch, "status", tmp_path / "people") == 0
    assert "complete; 1 of 1 shard, 1 of 1 supplementary, " in capsys.readouterr().out


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_a_lost_shard_is_an_error_only_if_strict(
    strict: list[str], code: int, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from humanverse.dataset.shard import Shard
    from pipelines.stages.annotate import Annotate

    process = Annotate.process

    def lose_the_first(stage: Annotate, item: Shard) -> Shard:
        if item.number == 0:
            raise ValueError("not this one")
        return process(stage, item)

    monkeypatch.setattr(Annotate, "process", lose_the_first)
    words = build(pictures, tmp_path / "people", *strict)
    assert call(monkeypatch, *words) == code
    monkeypatch.undo()
    assert call(monkeypatch, *words) == 0


def test_ctrl_c_says_how_to_go_on(pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("http://127.0.0.1:9/1.jpg\n" * 5)
    words = [str(word) for word in build(pictures, tmp_path / "people")]
    stop = "import os, signal, sys; from pipelines import cli, opening; sys.argv[0] = 'humanverse'\n"
    stop += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    stop += "opening.open_source = lambda *given: os.kill(os.getpid(), signal.SIGINT)\ncli.main()"
    done = subprocess.run([sys.executable, "-c", stop, *words], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.returncode == 128 + signal.SIGINT
    assert done.stderr == "humanverse: stopped; run the same command again to go on\n"


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    look = "import sys\nfrom pipelines import cli\ntry: cli.main()\nexcept SystemExit as end: assert not end.code\n"
    look += "print('HEAVY', [n for n in ('numpy', 'pyarrow', 'ray', 'cv2', 'pydantic', 'PIL', 'aiohttp', 'fsspec')"
    look += " if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look, *words], capture_output=True, text=True, cwd=REPOSITORY)
    assert done.stdout.splitlines()[-1] == "HEAVY []", done.stderr


def test_without_any_word_there_is_help(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch) in (0, 2)
    out, err = capsys.readouterr()
    assert "build" in out + err
    assert "Traceback" not in err
