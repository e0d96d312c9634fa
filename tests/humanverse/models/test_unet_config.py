"""The plain UNet's configuration inside a model's."""

from __future__ import annotations

from typing import Any

import pytest

from humanverse.errors import UserError
from humanverse.models.unet_config import as_json, of_latents_time_and_text
from tests.humanverse.models import tiny


def test_it_is_as_json_gives_it_back_and_without_notes() -> None:
    assert as_json({"block_out_channels": (1, 2), "_diffusers_version": "0"}) == {"block_out_channels": [1, 2]}
    config = tiny.unet().config
    assert of_latents_time_and_text(config) == {key: as_json(config)[key] for key in config if not key.startswith("_")}


@pytest.mark.parametrize("more", [{"addition_embed_type": "text_time"}, {"class_embed_type": "timestep"}])
def test_a_backbone_with_further_inputs_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"{next(iter(more))} = .*Stable Diffusion 2"):
        of_latents_time_and_text({**tiny.SD2, **more})
