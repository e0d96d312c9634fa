"""``annotate`` and ``drop`` as they are typed: options, what is told, exit codes."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from humanverse.errors import UserError
from pipelines.cli import app
from tests.pipelines.layers import TOYS, digests, place, rows, tables, uid_of

__all__ = ["place"]
SAYS = f"caption={TOYS}:Says"


def typed(*words: str) -> tuple[int, str]:
    """Exit code and standard output."""
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, UserError):
        raise done.exception
    return done.exit_code, done.stdout


def test_what_was_done_is_told(place: Path) -> None:
    code, out = typed("annotate", str(place), SAYS, "quality", "--local")
    written = sum(len(data) for layer in ("caption/says", "quality/pixels") for data in tables(place, layer).values())
    assert code == 0
    assert out.splitlines()[:2] == [
        "caption/says: 21 ok, 0 failed, 0 unavailable",
        "quality/pixels: 21 ok, 0 failed, 0 unavailable",
    ]
    assert out.splitlines()[2].startswith(f"{place}: 3 shards got caption/says, quality/pixels in ")
    assert f"0 had, 0 have not; {written / 1000:.1f} kB written" in out
    assert typed("annotate", str(place), SAYS, "--local") == (
        0,
        f"{place}: all 3 shards have caption/says: nothing to do\n",
    )


def test_as_json(place: Path) -> None:
    code, out = typed("annotate", str(place), "quality", "--local", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["done"], found["already_there"], found["lost"]) == (3, 0, {})
    assert found["layers"] == {"quality/pixels": {"ok": 21}}
    assert found["bytes"] == sum(len(data) for data in tables(place, "quality/pixels").values())


def test_names_settings_and_what_is_read(place: Path) -> None:
    options = ("--as", "caption=loud", "--set", "caption.word=THERE", "--set", "caption.seconds=0", "--local")
    assert typed("annotate", str(place), SAYS, *options)[0] == 0
    assert all(row["text"].startswith("THERE") for row in rows(place, "caption/loud").values())
    tells = ("annotate", str(place), f"safety={TOYS}:Tells", "--reads", "caption=loud", "--local")
    assert typed(*tells)[0] == 0
    assert json.loads((place / "layers/safety/tells/layer.json").read_text())["reads"] == {"caption": "caption/loud"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("quality", "quality=pixels"), "two layers of kind quality: run the command once for each, with --as"),
        (
            ("safety=falconsai", "safety=falconsai"),
            "two layers of kind safety: run the command once for each, with --as",
        ),
        (("quality", "--as", "quality"), "--as quality: give KIND=NAME, once for each kind"),
        (("quality", "--as", "quality=a", "--as", "quality=b"), "--as quality=b: give KIND=NAME, once for each kind"),
        (("quality", "--set", "side=3"), "--set side=3: give KIND.KEY=VALUE, such as person.min_score=0.3"),
        (("quality", "--set", "quality.side=[1"), "--set quality.side=[1: the value is not YAML"),
        (("quality", "--reads", "=x"), "--reads =x: give KIND=NAME, once for each kind"),
        (("quality", "--out", "x.html"), "--out is where the page of --sample goes"),
        (("quality", "--device", "tpu"), "--device tpu: give cpu, cuda"),
    ],
)
def test_wrong_words_are_one_line(place: Path, words: tuple[str, ...], line: str) -> None:
    before = digests(place)
    with pytest.raises(UserError) as caught:
        typed("annotate", str(place), *words, "--local")
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
    assert digests(place) == before


def test_two_annotators_of_a_kind_need_no_names(place: Path) -> None:
    with pytest.raises(UserError, match=r"^two layers of kind safety: run the command once for each$"):
        typed("annotate", str(place), "safety=falconsai", "safety=marqo")


def test_the_annotator_that_the_documentation_writes(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "layers.md").read_text()
    (tmp_path / "my_captions.py").write_text(page.partition("```python\n")[2].partition("```")[0])
    monkeypatch.syspath_prepend(tmp_path)
    words = ("caption=my_captions:Shout", "--set", "caption.scale=OF 255", "--local")
    assert f'{words[0]} {words[1]} "{words[2]}"' in page
    assert typed("annotate", str(place), *words)[0] == 0
    for row in rows(place, "caption/shout").values():
        assert row["text"].startswith("2 PEOPLE, BRIGHTNESS ") and row["text"].endswith(" OF 255")


def test_why_rows_failed_and_what_to_do_is_told(place: Path) -> None:
    bad = uid_of(place, 0, 0)
    words = ("annotate", str(place), f"caption={TOYS}:Misspells", "--set", f"caption.uid={bad!r}", "--local")
    code, out = typed(*words)
    assert code == 0
    reason = "not a row of its kind: it has 'txt', and a caption row has text, language, method"
    assert out.splitlines()[:2] == ["caption/says: 20 ok, 1 failed, 0 unavailable", f"  1 x {reason}"]
    assert out.splitlines()[-1].endswith(f"then make it again after humanverse drop {place} caption=says")
    typed("drop", str(place), "caption=says")
    assert json.loads(typed(*words, "--json")[1])["reasons"] == {"caption/says": {reason: 1}}


def test_the_second_layer_of_a_kind_is_looked_at_by_the_command_that_is_told(place: Path) -> None:
    out = typed("annotate", str(place), SAYS, "--set", "caption.word=WOMBAT", "--local")[1]
    assert "WOMBAT" not in report(place, f"humanverse report {place}")
    command = out.splitlines()[-1].partition("to look at it: ")[2]
    page = report(place, command)
    assert "WOMBAT" in page and "--layers caption=says</code>" in page
    with pytest.raises(UserError, match=r"one caption layer: choose caption/says or caption/test"):
        typed("report", str(place), "--layers", "caption=says", "--layers", "caption=test")
    with pytest.raises(UserError, match=r"no layer caption/none"):
        typed("report", str(place), "--layers", "caption=none")


def report(place: Path, command: str) -> str:
    """The page that ``humanverse report ...`` writes."""
    assert typed(*shlex.split(command)[1:])[0] == 0
    return place.with_name("people-report.html").read_text()


@pytest.mark.parametrize("words", [(), ("--sample", "2")])
def test_a_gpu_that_is_not_used_is_said(place: Path, words: tuple[str, ...]) -> None:
    command = ["annotate", str(place), "quality", "--local", *words, "--device"]
    done = CliRunner().invoke(app, [*command, "cuda"])
    line = "device cuda: not used by quality=pixels, which can run on the CPU only"
    assert done.exit_code == 0 and done.stderr.splitlines().count(line) == 1
    assert "not used" not in CliRunner().invoke(app, [*command, "cpu"]).stderr


def test_exit_codes(place: Path) -> None:
    (place / "images/000001.tar").write_bytes(b"")
    assert typed("annotate", str(place), SAYS, "--local")[0] == 0
    code, out = typed("annotate", str(place), SAYS, "--local", "--strict")
    assert code == 1
    assert "shard 1: " in out and out.endswith("run the same command again to do what is not done\n")
    bad = (f"caption={TOYS}:Raises", "--as", "caption=bad", "--set", "caption.uid=''")
    assert typed("annotate", str(place), *bad, "--local")[0] == 1


def test_a_layer_that_says_nothing_is_named_though_others_worked(place: Path) -> None:
    bad = (f"caption={TOYS}:Raises", "--as", "caption=bad", "--set", "caption.uid=''", "--local")
    code, out = typed("annotate", str(place), "quality", *bad)
    assert code == 1 and "quality/pixels: 21 ok" in out
    assert "  caption/bad says nothing: every row that could say something failed" in out.splitlines()
    typed("drop", str(place), "caption=bad")
    code, out = typed("annotate", str(place), "quality", *bad, "--json")
    assert code == 1 and json.loads(out)["silent"] == ["caption/bad"]
    one = (f"caption={TOYS}:Raises", "--as", "caption=one", "--set", f"caption.uid={uid_of(place, 0, 0)!r}", "--local")
    code, out = typed("annotate", str(place), *one, "--json")
    assert code == 0 and json.loads(out)["silent"] == []


def test_a_sample_is_looked_at(place: Path, tmp_path: Path) -> None:
    before, bad = digests(place), uid_of(place, 0, 0)
    words = ("annotate", str(place), f"caption={TOYS}:Raises", "--set", f"caption.uid={bad!r}", "--sample", "21")
    code, out = typed(*words)
    assert code == 0
    assert out.splitlines()[:2] == [
        "caption/says: 20 ok, 1 failed, 0 unavailable",
        "  1 x ZeroDivisionError: by nought at all",
    ]
    assert out.splitlines()[-1] == f"page: {tmp_path / 'people-preview-caption-says.html'}"
    found = json.loads(typed(*words, "--json", "--out", str(tmp_path / "x.html"))[1])
    assert (found["samples"], found["all_samples"], found["page"]) == (21, 21, str(tmp_path / "x.html"))
    assert digests(place) == before


def test_a_layer_is_dropped(place: Path) -> None:
    before = digests(place)
    typed("annotate", str(place), SAYS, "--local")
    code, out = typed("drop", str(place), "caption=says")
    assert code == 0 and out.startswith(f"{place}: dropped layer caption/says: 4 files, ")
    assert digests(place) == before
    found = json.loads(typed("drop", str(place), "person=test", "--force", "--json")[1])
    assert (found["layer"], found["files"], len(found["notes"])) == ("person/test", 4, 2)


def test_errors_end_with_exit_code_2_and_no_traceback(place: Path) -> None:
    program = str(Path(sys.executable).with_name("humanverse"))
    done = subprocess.run(
        [program, "annotate", str(place), "posture"], capture_output=True, text=True, env={**os.environ}
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("humanverse: there is no kind 'posture': choose from person, pose")
    assert done.stderr.count("\n") == 1


def test_weights_for_a_kind_that_is_not_in_the_command(place: Path, tmp_path: Path) -> None:
    for given, line in (
        (
            "persn=models/yolos",
            "--weights persn=models/yolos: there is no kind persn in this command: it has person, text",
        ),
        ("person=models/yolos", "no weights at models/yolos"),
    ):
        with pytest.raises(UserError, match=f"^{line}"):
            typed(
                "annotate", str(place), "person=yolos-tiny", "--as", "person=x", "text", "--weights", given, "--local"
            )
    (tmp_path / "a=b.onnx").write_bytes(b"mine")
    with pytest.raises(UserError, match=r"^--weights \S+: say for which of person, text"):
        typed("annotate", str(place), "person=yolos-tiny", "text", "--weights", str(tmp_path / "a=b.onnx"), "--local")
