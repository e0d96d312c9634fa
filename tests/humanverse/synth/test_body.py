import subprocess
import sys

import numpy as np
import pytest

from humanverse.errors import UserError
from humanverse.synth import body
from humanverse.synth.people import looks
from humanverse.synth.randomness import stream
from humanverse.synth.rotations import about


def test_only_adults_are_made():
    with pytest.raises(ValueError, match="only adults"):
        body.load().reference([{"age": 0.5}])


def test_bodies_have_the_size_of_adults():
    shapes = [looks(stream(1, index, "looks")).shape for index in range(12)]
    heights = np.ptp(body.load().reference(shapes).vertices[:, :, 2], axis=1)
    assert ((heights > 1.4) & (heights < 2.05)).all() and np.ptp(heights) > 0.08
    assert np.allclose(body.load().weights.sum(axis=1), 1, atol=1e-4)


def test_joints_follow_the_rotations_of_those_above():
    model = body.load()
    rng = np.random.default_rng(0)
    rotations = np.stack([about(rng.normal(size=3), rng.uniform(0, 30)) for _ in model.bones])[None]
    reference, posed = (
        model.shaped([{"age": 0.8}]).posed(turns)
        for turns in (np.tile(np.eye(3), (*rotations.shape[:2], 1, 1)), rotations)
    )
    expected = np.zeros_like(reference.joints[0])
    for bone, parent in enumerate(model.parents):
        if parent >= 0:
            link = reference.joints[0][bone] - reference.joints[0][parent]
            expected[bone] = expected[parent] + posed.turns[0][parent] @ link
    assert np.allclose(posed.joints[0], expected, atol=1e-5)


def test_left_is_the_side_of_positive_x_and_the_face_looks_along_negative_y():
    model = body.load()
    points = dict(zip(model.points, model.regress(model.reference([{"age": 0.7}]).vertices)[0], strict=True))
    assert points["left_shoulder"][0] > 0.1 and points["right_shoulder"][0] < -0.1
    assert points["nose"][1] < points["left_ear"][1]


def test_nothing_heavy_is_imported_before_it_is_needed():
    code = "import sys, pipelines.synth, humanverse.synth.samples; print({'torch', 'warp', 'anny'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_without_the_packages_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "warp", None)
    with pytest.raises(UserError, match=r"pip install 'humanverse\[synth\]'"):
        body.BodyModel()


def test_the_cache_lies_where_all_of_it_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path))
    assert body.cache_folder() == tmp_path / "anny" and not body.cached()
