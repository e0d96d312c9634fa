"""A map of pixels becomes features of the latent's size."""

from __future__ import annotations

import torch
from torch import nn

from humanverse.models.map_embedder import CHANNELS, MapEmbedder
from tests.humanverse.models.tiny import EMBEDDER, noise, seeded, shaken


def test_its_layers_are_the_papers() -> None:
    embedder = MapEmbedder(3, 320)
    layers = [layer for layer in embedder.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [*CHANNELS, 320] == [16, 32, 96, 256, 320]
    assert [layer.stride for layer in layers] == [(1, 1), (2, 2), (2, 2), (2, 2), (1, 1)]
    assert [layer.kernel_size for layer in layers[1:4]] == [(4, 4)] * 3


def test_a_picture_of_1024_pixels_meets_a_latent_of_128() -> None:
    with torch.device("meta"):
        assert MapEmbedder(3, 320)(torch.zeros(1, 3, 1024, 1024)).shape == (1, 320, 128, 128)
        assert MapEmbedder(1, 320)(torch.zeros(2, 1, 768, 1344)).shape == (2, 320, 96, 168)


def test_it_starts_at_zero_and_sees_where_things_are() -> None:
    embedder = seeded(lambda: MapEmbedder(3, 8, EMBEDDER))
    assert not embedder(noise(1, 3, 64, 64)).any()
    shaken(embedder, by=0.2)
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., 40:48, 16:24] = 1
    seen = (embedder(picture) - embedder(torch.zeros(1, 3, 64, 64))).abs().sum(dim=1)[0]
    rows, columns = torch.nonzero(seen, as_tuple=True)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (3, 7, 0, 4), (
        "cell (5, 2), two further on each side"
    )
