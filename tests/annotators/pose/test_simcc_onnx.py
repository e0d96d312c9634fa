"""DWPose and RTMW as ONNX files: rows on photographs, points where a network that knows them puts them, files of all sorts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from annotators import registry
from annotators.cache import WeightError
from annotators.pose.simcc_onnx import DEVIATION, MEAN, DwPose, SimccPose
from annotators.pose.topdown import around
from annotators.weights import standing_in
from humanverse.errors import UserError
from schemas.skeletons import WHOLEBODY_FLIP
from tests.annotators.added import photographs_here
from tests.annotators.pose import tiny
from tests.annotators.pose.people import POINTS, dots_are_found, found, person, rows_hold, waves

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
SIZE = (48, 64)


def loaded(path: Path, **settings: Any) -> DwPose:
    made = DwPose(DwPose.Settings(**settings), weights=standing_in(DwPose.card.weights, path))
    made.load()
    return made


class Knowing:
    """In the network's place: says where the points are that it was told, in pixels of the crop; of every second batch, as of the
    mirror image."""

    size, split = SIZE, 2

    def __init__(self, points: np.ndarray, flips: bool) -> None:
        self.shown: list[np.ndarray] = []
        mirrored = np.column_stack([SIZE[0] - 1 - points[:, 0], points[:, 1]])[list(WHOLEBODY_FLIP)]
        self._told = [points, mirrored] if flips else [points]

    def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        points = self._told[len(self.shown) % len(self._told)]
        self.shown.append(batch)
        columns, rows = (
            np.exp(-((np.arange(2 * length) - 2 * points[:, [axis]]) ** 2) / 8) for axis, length in enumerate(SIZE)
        )
        return np.stack([columns] * len(batch)), np.stack([rows] * len(batch))


@needs_photographs
@pytest.mark.parametrize(("name", "batch"), [("dwpose", "batch"), ("rtmw", 1)])
def test_rows_on_photographs(tmp_path: Path, name: str, batch: int | str) -> None:
    rows_hold(tmp_path, name, tiny.simcc(tmp_path / "tiny.onnx", batch=batch), range(POINTS))


@pytest.mark.parametrize(
    "box", [(100, 50, 300, 450), (0, 0, 640, 480), (600, 30, 640, 60), (200, 200, 203, 209), (9, 7, 9, 7)]
)
@pytest.mark.parametrize("flip_test", [False, True])
def test_points_come_back_where_they_are(tmp_path: Path, box: tuple[float, ...], flip_test: bool) -> None:
    """Exactly, with and without the mirror image, at borders, for tiny boxes and for an empty one."""
    points = np.random.default_rng(0).integers((6, 6), (2 * SIZE[0] - 8, 2 * SIZE[1] - 8), (POINTS, 2)) / 2
    annotator = loaded(tiny.simcc(tmp_path / "tiny.onnx"), flip_test=flip_test)
    annotator._network = Knowing(points, flip_test)  # type: ignore[assignment]
    (keypoints,) = found(annotator, np.zeros((480, 640, 3), np.uint8), person(box))
    expected = around(np.array(box), SIZE).to_picture(points)
    np.testing.assert_allclose(keypoints[:, :2], expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(keypoints[:, 2], 1, atol=1e-6)


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_dot_in_a_picture_is_found_where_it_is(tmp_path: Path, flip_test: bool) -> None:
    """To a pixel and a half of the crop, through the whole file: how bright a column is tells where the dot is."""
    annotator = loaded(tiny.simcc(tmp_path / "tiny.onnx"), flip_test=flip_test)
    dots_are_found(annotator, lambda wide: 1.5 * wide / SIZE[0])


def test_the_network_is_shown_normal_pictures_and_their_mirror_images(tmp_path: Path) -> None:
    annotator = loaded(tiny.simcc(tmp_path / "tiny.onnx"), flip_test=True)
    annotator._network = knowing = Knowing(np.full((POINTS, 2), 20.0), True)  # type: ignore[assignment]
    crop = waves(64, 48)
    annotator.look([crop])
    plain, mirrored = knowing.shown
    np.testing.assert_allclose(plain[0].transpose(1, 2, 0), (crop.astype(np.float32) - MEAN) / DEVIATION, atol=1e-5)
    np.testing.assert_array_equal(mirrored, plain[..., ::-1])


@pytest.mark.parametrize(
    ("batch", "half", "split"), [(1, False, 2), (3, False, 2), ("batch", True, 2), ("batch", False, 3)]
)
def test_files_of_all_sorts_say_the_same(tmp_path: Path, batch: int | str, half: bool, split: int) -> None:
    """A batch that is fixed to one or three, 16 bits, another split: the points are those of the plain file."""
    plain = loaded(tiny.simcc(tmp_path / "plain.onnx"), batch_size=8)
    other = loaded(tiny.simcc(tmp_path / "other.onnx", batch=batch, half=half, split=split), batch_size=8)
    crops = [waves(64 + number, 48 + number)[number:, number:] for number in range(7)]
    for one, another in zip(plain.look(crops), other.look(crops), strict=True):
        np.testing.assert_allclose(another[:, :2], one[:, :2], rtol=0, atol=1.0 if half else 1e-6)
        np.testing.assert_allclose(another[:, 2], one[:, 2], atol=2e-3 if half else 1e-6)


def test_people_of_many_pictures_go_through_together(tmp_path: Path) -> None:
    annotator = loaded(tiny.simcc(tmp_path / "tiny.onnx"), batch_size=4)
    sizes: list[int] = []
    network = annotator._network

    def counted(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes.append(len(batch))
        return network(batch)

    counted.split, counted.size = network.split, network.size  # type: ignore[attr-defined]
    annotator._network = counted  # type: ignore[assignment]
    crops = [waves(64, 48)] * 6
    together = annotator.look(crops)
    assert sizes == [4, 2] and annotator.batch_size == 16
    np.testing.assert_allclose(np.stack(list(together)), np.stack([annotator.look(crops[:1])[0]] * 6), atol=1e-6)


def test_batches_that_do_not_fit_are_halved(tmp_path: Path) -> None:
    annotator = loaded(tiny.simcc(tmp_path / "tiny.onnx"), batch_size=8)
    network = annotator._network

    class Small:
        size, split = network.size, network.split

        def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if len(batch) > 2:
                raise RuntimeError("[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 1")
            return network(batch)

    annotator._network = Small()  # type: ignore[assignment]
    assert len(annotator.look([waves(64, 48)] * 5)) == 5 and annotator._batches.most == 2


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ({"points": 17}, r"answers \[17, 96\], \[17, 128\] for each picture, not the columns and rows of 133 points"),
        ({"sides": False}, "does not say how large its pictures are"),
    ],
)
def test_other_networks_are_refused_in_one_line(tmp_path: Path, made: dict[str, Any], told: str) -> None:
    with pytest.raises(WeightError, match=told):
        loaded(tiny.simcc(tmp_path / "other.onnx", **made))


def test_a_file_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(WeightError, match=r"broken\.onnx is no ONNX model that can be loaded") as told:
        loaded(path)
    assert "\n" not in str(told.value)


def test_settings_that_change_no_row_are_no_part_of_the_fingerprint() -> None:
    assert DwPose(DwPose.Settings(batch_size=8, threads=2)).deciding() == {"min_person_score": 0.3, "flip_test": False}


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    annotator = DwPose(device="cuda")
    assert annotator.batch_size == 64
    with pytest.raises(UserError, match="use --device cpu"):
        annotator.where()


@pytest.mark.parametrize("name", ["dwpose", "rtmw"])
def test_both_are_such_estimators(name: str) -> None:
    found_class = registry.get("pose", name)
    assert issubclass(found_class, SimccPose) and found_class.card.weights[0].spec.endswith(".onnx")


@pytest.mark.slow
@needs_photographs
def test_a_file_of_the_real_size_runs(tmp_path: Path) -> None:
    """288 x 384, as DWPose-l and RTMW-l are, with a simple graph in the network's place."""
    rows_hold(tmp_path, "dwpose", tiny.simcc(tmp_path / "full.onnx", size=(288, 384)), range(POINTS), flip_test=True)
