"""Whole-body keypoints by SimCC networks as ONNX files, as MMPose's deployment tool writes them: DWPose and RTMW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card
from annotators.cache import WeightError
from annotators.engines import onnx_device, onnx_session
from annotators.pose.simcc import averaged, decoded
from annotators.pose.topdown import Crop, around
from annotators.pose.topdown_pose import PoseSettings, TopDownPose
from annotators.run import MOST_PICTURES
from annotators.torch.base import SEVERAL
from annotators.torch.batching import Batches
from annotators.weights import Weight, obtain
from humanverse.errors import one_line
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
"""Of RGB from 0 to 255."""
_NUMBERS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_GPU_BATCH = 64
_PIXELS = 64_000_000
"""Of the inputs of a batch together."""


class SimccSettings(PoseSettings):
    """Attributes:
    flip_test: average what is said of the crop and of its mirror image; takes twice as long.
    batch_size: crops that go through the network together; null is 1 on a CPU and 64 on a GPU. A file whose batch is fixed gets
        batches of that size.
    threads: on a CPU, of one worker.
    """

    flip_test: bool = False
    batch_size: int | None = Field(default=None, ge=1)
    threads: int = Field(default=1, ge=1)


class SimccPose(TopDownPose):
    """The 133 points of each person in the person layer."""

    Settings = SimccSettings
    settings: SimccSettings

    def load(self) -> None:
        """
        Raises:
            UserError: if the GPU that is asked for cannot be used.
            WeightError: if the file is no such network.
        """
        self._network = Network(obtain(self.weights[0]), onnx_device(self.device), self.settings.threads)
        self._batches = Batches(self._most, _PIXELS)

    def where(self) -> str | None:
        return None if self.device == "cpu" else f"device {self.device}: {onnx_device(self.device)} of onnxruntime"

    def deciding(self) -> dict[str, Any]:
        """The settings without those that change a row by rounding alone."""
        return {key: value for key, value in super().deciding().items() if key not in ("batch_size", "threads")}

    @property
    def _most(self) -> int:
        target = onnx_device(self.device) if self.device == "auto" else self.device
        return self.settings.batch_size or (1 if target == "cpu" else _GPU_BATCH)

    @property
    def batch_size(self) -> int:
        return 1 if self._most == 1 else min(MOST_PICTURES, SEVERAL * self._most)

    @property
    def slots(self) -> Sequence[int]:
        return range(len(WHOLEBODY))

    def crop(self, box: np.ndarray) -> Crop:
        return around(box, self._network.size)

    def look(self, shown: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        inputs = [((crop - MEAN) / DEVIATION).transpose(2, 0, 1) for crop in shown]
        return self._batches.run(inputs, lambda at: list(self._points(np.stack([inputs[one] for one in at]))))

    def _points(self, batch: np.ndarray) -> np.ndarray:
        """float64 (n, 133, 3): x, y in pixels of the crops, confidence; of normal pictures (n, 3, height, width)."""
        columns, rows = self._network(batch)
        split = self._network.split
        if self.settings.flip_test:
            mirrored, again = self._network(batch[..., ::-1])
            columns = averaged(columns, mirrored, WHOLEBODY_FLIP, split)
            rows = (rows + again[:, list(WHOLEBODY_FLIP)]) / 2
        return decoded(columns, rows, split)


class Network:
    """An ONNX file that says for each of 133 points which column and which row it lies in.

    Attributes:
        size: (width, height) of the pictures that it is shown.
        split: bins for each of their pixels.

    Args:
        path: of the file.
        device: as ``annotators.engines.onnx_device`` says.
        threads: on the CPU.

    Raises:
        WeightError: if it is no such network; it is asked once to find out.
    """

    def __init__(self, path: Any, device: str, threads: int) -> None:
        try:
            self._session = onnx_session(path, device, threads)
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "onnxruntime":
                raise
            raise WeightError(f"{path} is no ONNX model that can be loaded ({one_line(error, 120)})") from error
        asked = self._session.get_inputs()
        shape = asked[0].shape
        if len(asked) != 1 or len(shape) != 4 or shape[1] != 3 or asked[0].type not in _NUMBERS:
            raise WeightError(f"{path} is not shown pictures (n, 3, height, width): export it with MMPose's mmdeploy")
        if not all(isinstance(side, int) for side in shape[2:]):
            raise WeightError(
                f"{path} does not say how large its pictures are: export it with a fixed height and width"
            )
        self.size = (shape[3], shape[2])
        self._fixed = shape[0] if isinstance(shape[0], int) else None
        self._input, self._number = asked[0].name, _NUMBERS[asked[0].type]
        self.split = self._checked(path)

    def _checked(self, path: Any) -> int:
        """Bins for each pixel, once the answers are seen to be those of 133 points."""
        width, height = self.size
        said = self._ask(np.zeros((self._fixed or 1, 3, height, width), np.float32))
        shapes = [one.shape[1:] for one in said]
        split = shapes[0][-1] // width if len(said) == 2 and shapes[0] else 0
        if not split or shapes != [(len(WHOLEBODY), split * width), (len(WHOLEBODY), split * height)]:
            raise WeightError(
                f"{path} answers {', '.join(str(list(shape)) for shape in shapes)} for each picture, not the columns and rows of "
                "133 points (simcc_x, simcc_y): give a whole-body model of RTMPose, DWPose or RTMW"
            )
        return int(split)

    def __call__(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (n, 133, split x width) and (n, 133, split x height) for normal pictures, float (n, 3, height, width)."""
        size = self._fixed or len(batch)
        parts = [self._ask(_filled(batch[start : start + size], size)) for start in range(0, len(batch), size)]
        columns, rows = (np.concatenate(both)[: len(batch)].astype(np.float32) for both in zip(*parts, strict=True))
        return columns, rows

    def _ask(self, batch: np.ndarray) -> list[np.ndarray]:
        said: list[np.ndarray] = self._session.run(None, {self._input: np.ascontiguousarray(batch, self._number)})
        return said


def _filled(batch: np.ndarray, size: int) -> np.ndarray:
    """``batch`` with its last picture repeated, to so many."""
    return np.concatenate([batch, np.repeat(batch[-1:], size - len(batch), axis=0)])


_PROTOCOL = (
    "each box lengthened to 3:4 and padded by 1.25, affine to 288 x 384 (the file's own size), RGB with ImageNet's mean and "
    "deviation, the most likely column and row, to half a pixel of the crop; a flip test if it is asked for"
)
_OUTPUT = (
    "pixels of the stored picture; confidence is the lower of the peaks of column and row, clipped to [0, 1], no probability; "
    "all 133 are looked for, also those that are hidden or outside the picture"
)
_PACKAGES = {"onnxruntime": "lite", "cv2": ""}


class DwPose(SimccPose):
    """DWPose-l."""

    card = Card(
        kind="pose",
        name="dwpose",
        version=1,
        summary="133 whole-body keypoints by DWPose-l, as ONNX",
        model="yzd-v/DWPose, dw-ll_ucoco_384 (Yang et al., ICCV workshops 2023)",
        licence=(
            "Apache-2.0 (DWPose); COCO-WholeBody, on which it was trained beside UBody, is for non-commercial research only, and "
            "UBody's licence was not looked up"
        ),
        source="https://huggingface.co/yzd-v/DWPose",
        protocol=_PROTOCOL,
        output=_OUTPUT,
        weights=(Weight("hf:yzd-v/DWPose@main:dw-ll_ucoco_384.onnx", "", 134_000_000),),
        needs=("person",),
        packages=_PACKAGES,
        speed="medium",
    )


class Rtmw(SimccPose):
    """RTMW-l."""

    card = Card(
        kind="pose",
        name="rtmw",
        version=1,
        summary="133 whole-body keypoints by RTMW-l, as ONNX",
        model="OpenMMLab MMPose, rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122 (Jiang et al. 2024)",
        licence=(
            "Apache-2.0 (MMPose); trained on fourteen data sets, of which COCO-WholeBody is for non-commercial research only and "
            "the others' licences were not looked up"
        ),
        source="https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose; fetched from a copy on the hub that others keep",
        protocol=_PROTOCOL,
        output=_OUTPUT,
        weights=(
            Weight(
                "hf:SceneWorks/dwpose-onnx@main:rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.onnx",
                "",
                230_000_000,
            ),
        ),
        needs=("person",),
        packages=_PACKAGES,
        speed="medium",
    )
