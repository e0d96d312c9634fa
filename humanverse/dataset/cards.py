"""What the JSON files of a dataset have in common: nothing unknown stands in them, and some folders number theirs from 0."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from humanverse.dataset import layout
from humanverse.dataset.create import read_json
from humanverse.errors import DatasetError
from humanverse.storage import Store

Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """A card with known keys alone; it does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


P = TypeVar("P", bound=Strict)


def numbers(store: Store, folder: str) -> list[int]:
    """Numbers of the cards ``000042.json`` in ``folder``, ascending."""
    found = (layout.card_number(name) for name in store.names(folder))
    return sorted(number for number in found if number is not None)


def why_damaged(error: ValidationError) -> str:
    """The first fault that was found in a card, in one line."""
    return " ".join(error.errors()[0]["msg"].split())


def read_plan(store: Store, path: str, kind: type[P]) -> P:
    """The card of what a run has set out to do.

    Raises:
        DatasetError: if it is missing or damaged.
    """
    try:
        return kind.model_validate(read_json(store, path))
    except ValidationError as error:
        raise DatasetError(f"{store.url}/{path} is damaged ({why_damaged(error)}): run humanverse verify") from error
