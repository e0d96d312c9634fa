"""Stand-ins are there while MMPose is imported, where nothing real is, and gone afterwards."""

from __future__ import annotations

import importlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from annotators.mmpose.stand_ins import CONTENTS, Absent, standing_in
from tests.annotators.mmpose.tiny import needs_mmpose

ABSENT = "xtcocotools"

needs_absence = pytest.mark.skipif(importlib.util.find_spec(ABSENT) is not None, reason="the real xtcocotools is here")


@needs_absence
def test_they_are_there_for_a_while_and_look_like_modules() -> None:
    with standing_in():
        found = importlib.import_module("xtcocotools.coco")
        assert importlib.util.find_spec("xtcocotools.coco") is not None
        assert importlib.util.find_spec(ABSENT) is not None
        assert importlib.reload(found) is found
        with pytest.raises(ImportError, match="not installed"):
            found.COCO("annotations.json")
    assert not any(name.startswith(ABSENT) for name in sys.modules)
    assert importlib.util.find_spec(ABSENT) is None


@needs_absence
def test_they_go_when_the_import_fails() -> None:
    with pytest.raises(ZeroDivisionError), standing_in():
        importlib.import_module(ABSENT)
        raise ZeroDivisionError
    assert importlib.util.find_spec(ABSENT) is None


@needs_absence
def test_what_is_real_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ABSENT).mkdir()
    (tmp_path / ABSENT / "__init__.py").write_text("")
    (tmp_path / ABSENT / "coco.py").write_text("class COCO: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with standing_in():
        assert importlib.import_module("xtcocotools.coco").COCO is not Absent
        assert importlib.import_module("xtcocotools.cocoeval").COCOeval is Absent
    kept = [name for name in sys.modules if name.startswith(ABSENT)]
    assert sorted(kept) == [ABSENT, "xtcocotools.coco"]
    for name in kept:
        monkeypatch.delitem(sys.modules, name)


def test_a_package_that_lies_somewhere_is_found_where_it_lies() -> None:
    where = CONTENTS["pkg_resources"]["get_distribution"]("pytest").location
    assert (Path(where) / "pytest" / "__init__.py").is_file()
    with pytest.raises(CONTENTS["pkg_resources"]["DistributionNotFound"]):
        CONTENTS["pkg_resources"]["get_distribution"]("no-such-package")


@needs_mmpose
def test_after_mmpose_other_libraries_find_what_is_there_and_only_that() -> None:
    """In a process of its own, in which nothing was imported before."""
    code = f"""
import importlib.util, sys
from annotators.mmpose.configs import find
from annotators.mmpose.estimator import build
import torch
before = {{name: importlib.util.find_spec(name) is None for name in {[n for n in CONTENTS if "." not in n]!r}}}
with torch.device("meta"):
    build(find("vitpose-h-wholebody"))
assert "mmpose.models" in sys.modules
after = {{name: importlib.util.find_spec(name) is None for name in before}}
assert before == after, after
from transformers import YolosForObjectDetection, YolosImageProcessor
from transformers.utils import is_vision_available
assert is_vision_available()
if importlib.util.find_spec("pycocotools"):
    from pycocotools.coco import COCO
    assert COCO.__module__ == "pycocotools.coco"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not re.search("mmpose|mmengine|mmcv|mmdet", done.stderr), done.stderr
