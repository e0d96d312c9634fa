"""Skeletons by the words of a user: a drawn one, keypoints in a file, or a sample of a dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from humanverse.dataset.find import Wanted, find
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError, one_line
from humanverse.generation import keypoints
from humanverse.generation.marks import FORMATS
from humanverse.generation.skeletons import Drawing, People, Skeleton
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY

POSE, CAPTION = "pose", "caption"
MARK = "#"
"""Between a file or dataset and what of it is meant."""
DARK = 48
"""A pixel whose brightest channel is below this counts as black."""
LEAST_BLACK = 0.5
"""Fraction of a drawn skeleton that must be black; photographs are refused."""


def read(words: str, layer: str = POSE) -> list[Skeleton]:
    """The skeletons that ``words`` name.

    Args:
        words: a picture, ``FILE.json`` (all pictures in it), ``FILE.json#PICTURE`` or ``DATASET#UID``.
        layer: the pose layer of a dataset, ``pose`` where there is one, or ``pose/NAME``.

    Raises:
        UserError: if there are none.
    """
    whole = Path(words)
    if whole.is_file():
        return _of_file(whole, None)
    place, mark, item = words.rpartition(MARK)
    if not mark:
        what = "name a sample of it" if whole.is_dir() else "there is no such file: give one"
        raise UserError(f"--pose {words}: {what}, FILE.json#PICTURE or DATASET#UID")
    if Path(place).is_file():
        return _of_file(Path(place), item)
    return [of_sample(Dataset(place), item, layer)]


def _of_file(path: Path, item: str | None) -> list[Skeleton]:
    if path.suffix.lower() == ".json":
        return [*keypoints.read(path, item)]
    if item is not None:
        raise UserError(
            f"--pose {path}{MARK}{item}: only files of keypoints have several pictures: leave out {MARK}{item}"
        )
    return [of_picture(path)]


def of_picture(path: Path) -> Drawing:
    """A picture of drawn skeletons.

    Raises:
        UserError: if it cannot be read, or looks like a photograph.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=FORMATS) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UserError(
            f"{path} is no picture that can be read ({one_line(error, 120)}): give a PNG or keypoints"
        ) from error
    if float((pixels.max(axis=2) < DARK).mean()) < LEAST_BLACK:
        raise UserError(
            f"{path} looks like a photograph, which shows no model its people: give a skeleton drawn on black, "
            "or keypoints as JSON"
        )
    return Drawing(pixels, source={"kind": "picture", "file": str(path)})


def of_sample(dataset: Dataset, uid: str, layer: str = POSE) -> People:
    """The people of a sample, and what is said of it: by its source, else by a caption layer.

    Raises:
        UserError: if there is no such sample or layer, or it has nobody.
    """
    name = dataset.resolve(layer)
    url = dataset.store.url
    shards = [match.shard for matches in find(dataset, Wanted(uids=frozenset({uid}))) for match in matches]
    if not shards:
        raise UserError(f"{url} has no sample {uid}: name one by its uid, 32 hex digits")
    images = dataset.images(shards[0], ["uid", "url", "caption", "width", "height"])
    here = pc.equal(images.column("uid"), uid)
    (row,) = images.filter(here).to_pylist()
    (pose,) = dataset.layer(name, shards[0], images, ["status", "reason", "keypoints"]).filter(here).to_pylist()
    if pose["status"] != OK or not pose["keypoints"]:
        reason = pose["reason"] or "it has nobody"
        raise UserError(f"{name} of {uid} says nothing ({reason}): take another sample")
    people = [np.array(person, np.float32).reshape(len(WHOLEBODY), 3) for person in pose["keypoints"]]
    source = {"kind": "sample", "dataset": url, "uid": uid, "url": row["url"], "pose_layer": name}
    said = row["caption"] or _caption(dataset, shards[0], uid)
    return People.of(people, (row["width"], row["height"]), said or "", {**source, "caption": said})


def _caption(dataset: Dataset, shard: int, uid: str) -> str | None:
    """What the first caption layer that has something to say says of a sample."""
    layers = [layer for layer in dataset.layers() if layer.startswith(f"{CAPTION}/")]
    for layer in layers:
        if shard in dataset.layer_shards(layer):
            table = dataset.layer(layer, shard, columns=["status", "text"])
            for row in table.filter(pc.equal(table.column("uid"), uid)).to_pylist():
                if row["status"] == OK and row["text"]:
                    return str(row["text"])
    return None
