"""What has a model on PyTorch, annotators above all: where it runs, with which numbers, in which batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar

from pydantic import Field

from annotators.base import Annotator, Loadable, Settings
from annotators.run import MOST_PICTURES
from annotators.torch.batching import Batches
from annotators.torch.device import Precision, found, precision, resolve, settle
from humanverse.torchvision_operators import prepare_torchvision

T = TypeVar("T")


class TorchSettings(Settings):
    """Attributes:
    batch_size: inputs that go through the model together; null is 1 on a CPU, where more gains nothing, and on a GPU what the
    estimator proposes.
    pixel_budget: of the inputs of a batch together.
    dtype: auto is bfloat16 on a GPU where the model allows it, and else float32.
    compile: whether the model goes through torch.compile, which takes minutes once and pays on long runs.
    threads: on a CPU, of one worker.
    """

    batch_size: int | None = Field(default=None, ge=1)
    pixel_budget: int = Field(default=32_000_000, ge=1)
    dtype: Precision = "auto"
    compile: bool = False
    threads: int = Field(default=1, ge=1)


PACE = ("batch_size", "pixel_budget", "compile", "threads")
"""Settings that change a row by rounding alone, and so are no part of the fingerprint."""

SEVERAL = 4
"""Batches' worth of pictures that are looked at together."""


class OnTorch(Loadable):
    """What has a model on PyTorch: write ``build``."""

    Settings = TorchSettings
    settings: TorchSettings

    halves: ClassVar[bool] = False
    """Whether its answers stay good in bfloat16."""
    gpu_batch: ClassVar[int] = 16
    """Inputs of a batch on a GPU, where nothing else is said."""

    model: Any
    place: str
    """The device, as torch names it; known when loaded."""

    @abstractmethod
    def build(self) -> Any:
        """The model with its weights, a ``torch.nn.Module`` on the CPU; what else is loaded is kept on ``self``.

        It may be in ``self.dtype`` already, and says so by a ``dtype`` of its own; else all of it is cast.
        """

    def load(self) -> None:
        """
        Raises:
            UserError: if the device is not here, or the weights are not there or of another model.
        """
        import torch

        self.place = resolve(self.device)
        settle(self.place, self.settings.threads)
        prepare_torchvision()
        self.dtype = getattr(torch, self._precision)
        built = self.build()
        cast = {} if getattr(built, "dtype", None) == self.dtype else {"dtype": self.dtype}
        self.model = built.to(device=self.place, **cast).eval().requires_grad_(False)
        if self.settings.compile:
            self.model = self.compiled()
        self._batches = Batches(self._most, self.settings.pixel_budget)

    def compiled(self) -> Any:
        """The model through torch.compile; to be overridden where only a part of it can be compiled."""
        import torch

        return torch.compile(self.model)

    def where(self) -> str | None:
        return None if self.device == "cpu" else found(self.device)

    @property
    def _target(self) -> str:
        """The device as asked for, which need not be in this process; ``auto`` is what is here."""
        return resolve(self.device) if self.device == "auto" else self.device

    @property
    def _precision(self) -> str:
        return precision(self.settings.dtype, self._target, self.halves)

    @property
    def _most(self) -> int:
        return self.settings.batch_size or (1 if self._target == "cpu" else self.gpu_batch)

    def deciding(self) -> dict[str, Any]:
        """The settings without ``PACE``, and the precision that ``auto`` is on the device."""
        kept = {key: value for key, value in super().deciding().items() if key not in PACE}
        return {**kept, "dtype": self._precision}

    def through(self, inputs: Sequence[Any], answer: Callable[[Any, list[int]], Sequence[T]]) -> list[T]:
        """Take inputs through the model in batches of equal shape.

        Args:
            inputs: float or uint8 tensors (..., height, width) on the CPU; one for each thing to look at, a picture or a crop.
            answer: what is said of a batch: gets the stacked inputs, on the device and in its precision, and their positions in
                ``inputs``, and gives one answer for each. It runs in inference mode, and brings to the CPU what it gives.

        Returns:
            The answers, in the order of ``inputs``.
        """
        import torch

        def forward(positions: list[int]) -> Sequence[T]:
            with torch.inference_mode():
                batch = torch.stack([inputs[position] for position in positions])
                return answer(batch.to(device=self.place, dtype=self.dtype), positions)

        return self._batches.run(inputs, forward)


class TorchAnnotator(OnTorch, Annotator):
    """Base of the annotators on PyTorch: write ``build`` and ``annotate``, which calls ``through``."""

    @property
    def batch_size(self) -> int:
        """Pictures that it is given at once: of several batches, so that there are some of one shape among them."""
        return 1 if self._most == 1 else min(MOST_PICTURES, SEVERAL * self._most)
