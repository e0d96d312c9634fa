"""Both stages, from requests to pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from humanverse.errors import UserError
from humanverse.generation import coding, watermark
from humanverse.generation.request import SEEDS, Generated, Request
from humanverse.generation.skeletons import Size
from humanverse.generation.sources import Place, Source, nearest_size, source_of
from humanverse.loading.buckets import MULTIPLE
from humanverse.plurals import plural

if TYPE_CHECKING:
    import torch

DTYPES = ("float32", "bfloat16", "float16")
"""In which networks can work; VAEs keep single precision, since depth has more than 8 bits."""
SKELETON, RGB, REFINED = "skeleton", "rgb", "refined"
SAME_SHAPE = 0.05
"""Logarithm of two aspect ratios' quotient, up to which they are taken for equal: sides are whole latents."""
REFINING = "refining"
"""Of stage 2's seeds, whose noise would else be stage 1's where their pictures are of one size."""
CODED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"depth": coding.depth_of, "normal": coding.normal_of}
"""Targets that are more than pictures: what is made of float32 (height, width, 3) in [0, 1]."""


class Generator:
    """Makes pictures. Models are loaded when the first is made.

    On a CPU pictures are made one at a time, whatever ``batch`` says, so that each has the same bits in any company (with the
    same number of threads). On a GPU their last bits depend on the batch; what they show does not.

    Args:
        model: of stage 1: a run's folder (its newest weights, averaged if an average is kept), one of its checkpoints, or a
            pipeline's folder.
        refiner: of stage 2, likewise; None for stage 1 alone.
        device: as PyTorch names it; None: a GPU if there is one.
        dtype: of ``DTYPES``; None: bfloat16 on a GPU, else float32.
        mark: whether pictures get the invisible watermark.
        place: where models that are named otherwise lie on this machine.

    Raises:
        UserError: if there are no such models, or no such device.
    """

    def __init__(
        self,
        model: str | Path,
        refiner: str | Path | None = None,
        device: str | None = None,
        dtype: str | None = None,
        mark: bool = True,
        place: Place = lambda base: base,
    ) -> None:
        self.model: Source = source_of(str(model), "structure", place)
        self.refiner: Source | None = None if refiner is None else source_of(str(refiner), "refiner", place)
        self._device, self._dtype, self._mark = device, dtype, mark
        if dtype is not None and dtype not in DTYPES:
            raise UserError(f"dtype {dtype}: choose from {', '.join(DTYPES)}")
        if mark:
            watermark.check()

    @cached_property
    def device(self) -> torch.device:
        """Where pictures are made.

        Raises:
            UserError: if there is no such device.
        """
        import torch

        name = self._device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(name)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            raise UserError(f"device {name} cannot be used here: give cpu, or leave it out") from error
        return device

    @property
    def dtype(self) -> str:
        """In which the networks work."""
        return self._dtype or ("float32" if self.device.type == "cpu" else "bfloat16")

    def facts(self) -> dict[str, Any]:
        """What makes the pictures, as JSON has it: models with SHA-256, and precision."""
        refiner = self.refiner.facts() if self.refiner else None
        return {
            "model": self.model.facts(),
            "refiner": refiner,
            "dtype": self.dtype,
            "device": self.device.type,
            "watermark": self._mark,
        }

    def load(self) -> None:
        """Load the models, and make out what they are, now: a run that goes on may delete the checkpoint that is its newest.

        Raises:
            UserError: if they cannot be loaded.
        """
        self.facts()
        for stage in ("_structural", *(["_refining"] if self.refiner else [])):
            getattr(self, stage)

    def resolved(self, request: Request) -> Request:
        """``request`` with the sizes that it will have.

        Raises:
            UserError: if it cannot be made.
        """
        request.check()
        size = request.size or nearest_size(self.model.sizes, request.skeleton.size)
        _check_step("--size", size, self.model.step)
        if self.refiner is None:
            if request.maps or request.refined_size:
                raise UserError("maps and a refined size are for stage 2: give a refiner, too")
            return replace(request, size=size)
        refined = request.refined_size or of_shape(nearest_size(self.refiner.sizes, size), size)
        _check_step("--refined-size", refined, self.refiner.step)
        _check_shape("the refined picture", refined, size)
        for name, values in request.maps.items():
            _check_shape(f"the {name} map", (values.shape[1], values.shape[0]), size)
        return replace(request, size=size, refined_size=refined)

    def generate(self, requests: Sequence[Request], batch: int = 1) -> list[Generated]:
        """Make pictures.

        Args:
            requests: what is wanted.
            batch: how many are made at once on a GPU; those with other sizes, steps or guidance come apart.

        Returns:
            One for each request, in their order.

        Raises:
            UserError: if one cannot be made.
        """
        return list(self.stream(requests, batch))

    def stream(
        self, requests: Sequence[Request], batch: int = 1, tell: Callable[[float], None] = lambda done: None
    ) -> Iterator[Generated]:
        """As ``generate``, one by one.

        Args:
            tell: is told after each pass of a network how many pictures are done, with fractions.
        """
        wanted = [self.resolved(request) for request in requests]
        at_once = 1 if self.device.type == "cpu" else max(batch, 1)
        done = 0
        for _, group in groupby(wanted, _common):
            for some in _batched(group, at_once):
                with _memory_in_one_line(len(some)):
                    made = self._make(some, _Progress(tell, done, len(some)))
                done += len(some)
                yield from made

    def unread(self, prompt: str) -> str:
        """The end of ``prompt`` that no text encoder reads, since each has a limit of tokens: the longest end; empty if all is
        read."""
        from humanverse.models.texts import unread

        tokenizers = [self._structural.tokenizer]
        if self.refiner is not None:
            tokenizers += [self._refining.tokenizer, self._refining.tokenizer_2]
        return max(
            (unread(tokenizer, prompt) for tokenizer in tokenizers if tokenizer is not None), key=len, default=""
        )

    @cached_property
    def _structural(self) -> Any:
        return self._ready(self.model, "unet")

    @cached_property
    def _refining(self) -> Any:
        assert self.refiner is not None
        return self._ready(self.refiner, "unet", "refiner")

    def _ready(self, source: Source, *networks: str) -> Any:
        """A pipeline whose ``networks`` work in ``dtype``."""
        import torch

        pipeline = source.load(self.device)
        for name in networks:
            torch.nn.Module.to(getattr(pipeline, name), getattr(torch, self.dtype))
        return pipeline

    def _make(self, requests: Sequence[Request], progress: _Progress) -> list[Generated]:
        """Pictures of requests that have all of ``_common`` in common."""
        drawn = [_drawn(request, request.size) for request in requests]
        progress.passes = requests[0].steps * (1 if self.refiner is None else 2)
        pictures = self._structures(requests, drawn, progress)
        rgb = [coding.pixels_of(picture) for picture in pictures.pop(RGB)]
        arrays = {
            name: [CODED.get(name, coding.pixels_of)(one) for one in several] for name, several in pictures.items()
        }
        refined = self._refined(requests, arrays, progress) if self.refiner else [None] * len(requests)
        return [
            self._marked(
                request, drawn[place], rgb[place], refined[place], {name: arrays[name][place] for name in arrays}
            )
            for place, request in enumerate(requests)
        ]

    def _structures(
        self, requests: Sequence[Request], drawn: Sequence[np.ndarray], progress: _Progress
    ) -> dict[str, np.ndarray]:
        """Stage 1: per target float32 (batch, height, width, 3) in [0, 1]."""
        pipeline, first = self._structural, requests[0]
        told = {condition.name for condition in pipeline.unet.conditions}
        if told - {SKELETON} or RGB not in {target.name for target in pipeline.unet.targets}:
            raise UserError(f"{self.model.named} makes no {RGB} of a {SKELETON} alone: give another --model")
        width, height = _sides(first.size)
        wide, high = first.original or (width, height)
        pipeline.progress_bar = progress.count
        made = pipeline(
            prompt=[request.prompt for request in requests],
            conditions={name: list(drawn) for name in told},
            height=height,
            width=width,
            num_inference_steps=first.steps,
            guidance_scale=first.guidance,
            guidance_rescale=first.rescale,
            negative_prompt=first.negative,
            sizes=(high, wide, 0, 0),
            generator=_generators([request.seed for request in requests]),
            output_type="np",
        )
        return {str(name): np.asarray(pictures, np.float32) for name, pictures in made.pictures.items()}

    def _refined(
        self, requests: Sequence[Request], arrays: Mapping[str, Sequence[np.ndarray]], progress: _Progress
    ) -> list[np.ndarray | None]:
        """Stage 2: uint8 (height, width, 3) each."""
        pipeline, first = self._refining, requests[0]
        size = _sides(first.refined_size)
        maps: dict[str, list[np.ndarray]] = {}
        for condition in pipeline.refiner.conditions:
            name = condition.name
            maps[name] = [
                _drawn(request, size) / np.float32(255)
                if name == SKELETON
                else _told(name, request.maps.get(name, arrays[name][place] if name in arrays else None), size)
                for place, request in enumerate(requests)
            ]
        pipeline.progress_bar = progress.count
        made = pipeline(
            prompt=[request.prompt for request in requests],
            maps=maps,
            height=size[1],
            width=size[0],
            num_inference_steps=first.steps,
            guidance_scale=first.guidance,
            negative_prompt=first.negative,
            original_size=first.original and first.original[::-1],
            generator=_generators([refining_seed(request.seed) for request in requests]),
            output_type="np",
        )
        return [coding.pixels_of(picture) for picture in made.images]

    def _marked(
        self,
        request: Request,
        drawn: np.ndarray,
        rgb: np.ndarray,
        refined: np.ndarray | None,
        arrays: Mapping[str, np.ndarray],
    ) -> Generated:
        """The result, with the invisible mark in what could be taken for a photograph."""
        pictures = {RGB: rgb} if refined is None else {RGB: rgb, REFINED: refined}
        held = {name: watermark.embedded(picture) if self._mark else None for name, picture in pictures.items()}
        pictures |= {name: picture for name, picture in held.items() if picture is not None}
        marked = {name: picture is not None for name, picture in held.items()}
        others = {name: array for name, array in arrays.items() if name not in CODED}
        depth, normal = arrays.get("depth"), arrays.get("normal")
        return Generated(request, drawn, pictures[RGB], depth, normal, pictures.get(REFINED), others, marked)


class _Progress:
    """Tells how many pictures are done.

    Args:
        tell: is told.
        done: pictures before these.
        count: of these.
    """

    def __init__(self, tell: Callable[[float], None], done: int, count: int) -> None:
        self._tell, self._done, self._count = tell, done, count
        self._passed, self.passes = 0, 1

    def count(self, steps: Iterable[Any]) -> Iterator[Any]:
        """``steps``, in place of a pipeline's bar."""
        for step in steps:
            yield step
            self._passed += 1
            self._tell(self._done + self._count * self._passed / self.passes)


def of_shape(trained: Size, size: Size) -> Size:
    """About as many pixels as ``trained``, in exactly the shape of ``size``, in whole latents."""
    common = math.gcd(*size)
    width, height = (side // common * MULTIPLE for side in size)
    times = max(round(math.sqrt(trained[0] * trained[1] / (width * height))), 1)
    return times * width, times * height


def _check_step(option: str, size: Size, step: int | None) -> None:
    if step and any(side % step for side in size):
        raise UserError(f"{option} {size[0]}x{size[1]} cannot be made: give multiples of {step} pixels")


def _check_shape(what: str, size: Size, model: Size) -> None:
    """Refuse what would be distorted.

    Raises:
        UserError: if two sizes are not of one shape.
    """
    if abs(math.log(size[0] * model[1] / (size[1] * model[0]))) > SAME_SHAPE:
        raise UserError(
            f"{what} of {size[0]}x{size[1]} has another shape than stage 1's {model[0]}x{model[1]}: make them alike"
        )


def _common(request: Request) -> tuple[Any, ...]:
    """What requests must have in common to be made at once."""
    sizes = (request.size, request.original, request.refined_size)
    return (*sizes, request.steps, request.guidance, request.rescale, request.negative)


def _batched(requests: Iterator[Request], at_once: int) -> Iterator[list[Request]]:
    while some := list(islice(requests, at_once)):
        yield some


def refining_seed(seed: int) -> int:
    """Stage 2's seed, below ``SEEDS``, since PyTorch's generator for the CPU takes no more than 32 bits of one."""
    from humanverse.models.dropout import share

    return int(share(seed, 0, REFINING) * SEEDS)


def _generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One for each, on the CPU, so that noise is the same on any device."""
    import torch

    return [torch.Generator().manual_seed(seed) for seed in seeds]


def _sides(size: Size | None) -> Size:
    """A size that has been made out."""
    assert size is not None
    return size


def _drawn(request: Request, size: Size | None) -> np.ndarray:
    return request.skeleton.drawn(_sides(size))


def _told(name: str, array: np.ndarray | None, size: Size) -> np.ndarray:
    """What stage 2 is told of a map, float32 (height, width, 3) in [0, 1].

    Raises:
        UserError: if there is none.
    """
    if array is None:
        raise UserError(
            f"the refiner is told {name}, which the model does not make: give --{name} FILE, or another --refiner"
        )
    return coding.TOLD.get(name, coding.colour_map)(array, size)


@contextmanager
def _memory_in_one_line(count: int) -> Iterator[None]:
    from humanverse.training.trouble import is_short_memory

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_short_memory(error):
            raise
        smaller = "--batch" if count > 1 else "--size"
        raise UserError(
            f"memory is too small for {plural(count, 'picture')} at once: make {smaller} smaller"
        ) from error
