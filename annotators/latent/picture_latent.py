"""The latent of a picture, or of one of its maps, by the VAE of a latent diffusion model: a cache for the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from annotators.base import Picture, Row, Unavailable
from annotators.cache import WeightError
from annotators.latent.shown import Shown
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.diffusion import part
from annotators.weights import obtain
from humanverse.errors import UserError
from humanverse.loading.buckets import check_buckets

VAE = "AutoencoderKL"


class LatentSettings(TorchSettings):
    """Attributes:
    buckets: of the training, as its ``data.buckets``: sides, or [width, height]. Each picture gets one of them.
    """

    buckets: tuple[tuple[int, int], ...] = Field(default=((512, 512),), validate_default=True)

    @field_validator("buckets", mode="before")
    @classmethod
    def _sizes(cls, given: Any) -> Any:
        sizes = [given] if isinstance(given, int) else given
        try:
            return check_buckets([tuple(one) if isinstance(one, list) else one for one in sizes])
        except (UserError, TypeError) as error:
            raise ValueError(str(error)) from error


class PictureLatent(TorchAnnotator):
    """Give the card, and ``of``."""

    looks = False
    gpu_batch = 16
    Settings = LatentSettings
    settings: LatentSettings
    of: ClassVar[str] = "rgb"
    """Of which picture, of ``humanverse.training.pictures.PICTURES``; its kind of layer is the card's only need."""

    def describes(self) -> dict[str, Any]:
        """Of what they are, by which encoder, how many channels, and how many pixels of a side a cell stands for."""
        from humanverse.models import identity

        vae = self._vae()
        return {
            **super().describes(),
            "of": self.of,
            "encoder": identity.of_vae(vae),
            "channels": int(vae.config.latent_channels),
            "shrinks": _shrinks(vae),
        }

    def build(self) -> Any:
        vae = self._vae()
        self._shown = Shown(self.of, self.settings.buckets)
        for width, height in self.settings.buckets:
            if width % _shrinks(vae) or height % _shrinks(vae):
                raise WeightError(
                    f"a bucket of {width}x{height} has no whole latent: sides are multiples of {_shrinks(vae)}"
                )
        return vae

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        answers: list[Row | Unavailable] = []
        inputs = []
        for index, picture in enumerate(pictures):
            if picture.size is None:
                raise ValueError("the picture has no size that can be read")
            crop = self._shown.crop(picture.size)
            seen = self._shown.pixels(picture, {kind: rows[index] for kind, rows in needs.items()}, crop)
            if isinstance(seen, Unavailable):
                answers.append(seen)
                continue
            inputs.append(seen)
            answers.append({"map_box": list(crop.box), "bucket_width": crop.size[0], "bucket_height": crop.size[1]})
        latents = iter(self.through(inputs, lambda batch, _: self._latents(batch)))
        return [answer if isinstance(answer, Unavailable) else {**answer, "map": next(latents)} for answer in answers]

    def _latents(self, batch: Any) -> list[np.ndarray]:
        """float32 (height, width, channels) each: the middle of the VAE's posterior."""
        middle = self.model.encode(batch).latent_dist.mode()
        return list(middle.float().permute(0, 2, 3, 1).cpu().numpy())

    def _vae(self) -> Any:
        """On the CPU, float32."""
        return part(VAE, obtain(self.weights[0]), "vae")


def _shrinks(vae: Any) -> int:
    return 2 ** (len(vae.config.block_out_channels) - 1)
