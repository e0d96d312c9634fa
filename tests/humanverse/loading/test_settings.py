"""Settings that cannot be are refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from humanverse.errors import UserError
from humanverse.loading.settings import settings_of


def test_the_usual_settings() -> None:
    usual = settings_of()
    assert usual.layers == ("depth", "normal", "pose") and usual.buckets == ((512, 512),)
    assert usual.captions == {"source": 1.0} and usual.caption_layers == ()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"layers": ["person"]}, "cannot give person"),
        ({"layers": ["depth/a", "depth/b"]}, "only one layer of a kind"),
        ({"captions": {"pose": 1}}, "pose is no caption"),
        ({"captions": {"source": -1}}, "cannot be -1"),
        ({"captions": {"source": 0}}, "all captions have weight 0"),
        ({"batch_size": 0}, "batches of 0 samples"),
        ({"buckets": [(512, 100)]}, "multiples of 8"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said) as raised:
        settings_of(**given)
    assert "\n" not in str(raised.value)
