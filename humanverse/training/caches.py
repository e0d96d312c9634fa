"""Which layers of latents and of states a run may use in place of its VAE and text encoder.

Only those that say what these would say, but for rounding to float16: of the same encoder, told by its weights, of the same
bucket and crop, and of the very layer that is trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from humanverse.dataset.selection import Selection
from humanverse.loading.buckets import check_buckets
from humanverse.loading.cached import LATENT, PROMPT
from humanverse.loading.settings import CENTRE, POSE, SOURCE, kind_of
from humanverse.models import identity
from humanverse.training.encoding import Encoding
from humanverse.training.pictures import PICTURES
from humanverse.training.settings import TrainSettings

Card = Mapping[str, Any]
Check = Callable[[Card], str | None]
"""Why a layer with this ``layer.json`` cannot be used; None if it can."""


@dataclass(frozen=True)
class Caches:
    """What a run uses.

    Attributes:
        latents: picture -> its layer of latents.
        prompts: caption -> its layer of states; of all captions or of none.
        layers: that a loader must still give.
        said: lines about what is used, and about what is there and is not, and why.
    """

    layers: tuple[str, ...]
    latents: Mapping[str, str] = field(default_factory=dict)
    prompts: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, ...] = ()


def find(
    selection: Selection,
    settings: TrainSettings,
    encoding: Encoding,
    layers: tuple[str, ...],
    shards: Iterable[int] | None = None,
) -> Caches:
    """The layers of ``selection``'s dataset that a run may use.

    Args:
        layers: that the stage is made from.
        shards: that the run's samples are in; None: all that the dataset has now.
    """
    if not settings.data.cache:
        return Caches(layers)
    trained = selection.dataset.shards() if shards is None else shards
    search = _Search(selection, settings, encoding, layers, frozenset(trained))
    latents = search.latents()
    prompts = search.prompts()
    used = [*latents.values(), *prompts.values()]
    said = [f"encoded beforehand: {', '.join(used)}"] if used else []
    said += [f"not used: {layer}, {why}" for layer, why in search.refused.items() if layer not in used]
    return Caches(search.still_needed(latents), latents, prompts, tuple(said))


class _Search:
    """Looks through a dataset's layers, and remembers why it refuses some."""

    def __init__(
        self,
        selection: Selection,
        settings: TrainSettings,
        encoding: Encoding,
        layers: tuple[str, ...],
        shards: frozenset[int],
    ) -> None:
        self._selection, self._settings, self._encoding, self._shards = selection, settings, encoding, shards
        self._layers = {kind_of(layer): layer for layer in layers}
        self._digests: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    def latents(self) -> dict[str, str]:
        """By picture."""
        checks: list[Check] = [self._crop, self._buckets, lambda card: self._encoder(LATENT, card)]
        found: dict[str, str] = {}
        for name in self._encoding.pictures:
            kind = PICTURES[name].kind
            own = checks if not kind else [*checks, self._made_from(kind, self._layers[kind])]
            for layer in self._good(LATENT, name, own):
                found.setdefault(name, layer)
        return found

    def prompts(self) -> dict[str, str]:
        """By caption; empty if one of them has none."""
        found: dict[str, str] = {}
        if self._encoding.text is None:
            return found
        for name in self._settings.data.captions:
            checks: list[Check] = [lambda card: self._encoder(PROMPT, card)]
            of = SOURCE if name == SOURCE else kind_of(name)
            own = checks if name == SOURCE else [*checks, self._made_from(of, name)]
            for layer in self._good(PROMPT, of, own):
                found.setdefault(name, layer)
        lacking = [name for name in self._settings.data.captions if name not in found]
        if lacking:
            self.refused |= dict.fromkeys(found.values(), f"as there is none that can be used of {', '.join(lacking)}")
            return {}
        return found

    def still_needed(self, latents: Mapping[str, str]) -> tuple[str, ...]:
        """The stage's layers without those that only latents were made of; where the loss is masked, maps say what is valid."""
        done = {PICTURES[name].kind for name in latents}
        if self._settings.masked_loss:
            done &= {POSE}
        return tuple(layer for kind, layer in self._layers.items() if kind not in done)

    def _good(self, kind: str, of: str, checks: list[Check]) -> Iterator[str]:
        """The layers of a kind that all of the run's shards have, made of ``of``, that pass."""
        dataset = self._selection.dataset
        for layer in (layer for layer in dataset.layers() if kind_of(layer) == kind):
            card = dataset.layer_card(layer)
            if card.get("of") != of:
                continue
            why = None if self._shards <= dataset.layer_shards(layer) else "not made for all shards yet"
            why = why or next((fault for check in checks if (fault := check(card))), None)
            if why is None:
                yield layer
            else:
                self.refused[layer] = why

    def _crop(self, card: Card) -> str | None:
        data = self._settings.data
        if data.crop != CENTRE:
            return f"made of the middle of pictures, and crops are random: data.crop={CENTRE} uses it"
        return "made of pictures that are not mirrored, and data.flip mirrors some" if data.flip else None

    def _buckets(self, card: Card) -> str | None:
        own, asked = card["settings"]["buckets"], [list(size) for size in check_buckets(self._settings.data.buckets)]
        return None if own == asked else f"made for buckets {own}, not {asked}"

    def _encoder(self, kind: str, card: Card) -> str | None:
        what, of = {
            LATENT: ("VAE", lambda: identity.of_vae(self._encoding.vae)),
            PROMPT: ("text encoder", lambda: identity.of_text(*(self._encoding.text or ()))),
        }[kind]
        if kind not in self._digests:
            self._digests[kind] = of()
        return None if card["encoder"] == self._digests[kind] else f"made by another {what}"

    def _made_from(self, kind: str, layer: str) -> Check:
        """Refuses what was not made from ``layer`` as it is now."""
        wanted = self._selection.resolve(layer)
        now = self._selection.dataset.layer_card(wanted).get("fingerprint")

        def fault(card: Card) -> str | None:
            read = card.get("reads", {}).get(kind)
            same = read == wanted and card.get("needs", {}).get(kind) == now
            return None if same else f"made from {read}{' as it was' if read == wanted else f', not {wanted}'}"

        return fault
