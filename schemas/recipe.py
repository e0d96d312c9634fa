"""The recipe: everything that decides what a build keeps and what it writes, as typed settings.

A recipe is a YAML file; unknown names are errors. ``load`` resolves preset, file and overrides into one ``Recipe``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from schemas import recipe_outpaint
from schemas.given_places import absolute
from schemas.recipe_annotators import AnnotatorSettings, places, spelled_out, with_weights
from schemas.recipe_outpaint import OUTPAINT, OutpaintSettings

PRESETS = ("lite", "paper", "modern")
FETCH_PACE = ("concurrency", "per_host", "per_host_rate", "max_buffered_bytes", "all_failed_from", "img2dataset")
"""The settings of ``fetch`` that do not decide what is written."""
_DEVICE = re.compile(r"auto|cpu|cuda(:[0-9]+)?")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSettings(_Strict):
    """How the source table is read."""

    kind: Literal["auto", "table", "folder", "webdataset", "img2dataset"] = Field(
        default="auto", description="auto looks at what is there; else table, folder, webdataset, img2dataset"
    )
    columns: dict[str, str] = Field(default={}, description="our column name -> the source's")
    header: bool | None = Field(default=None, description="CSV/TSV: does the first line name the columns? null guesses")
    delimiter: str | None = Field(default=None, description="CSV/TSV: null takes it from the suffix and the first line")
    shard_size: int = Field(default=10_000, ge=1, le=1_000_000, description="source rows per shard")


class Img2datasetSettings(_Strict):
    """Only for ``fetch.engine: img2dataset``: docs/fetching.md says what it does otherwise than our own engine."""

    python: str | None = Field(
        default=None,
        description="interpreter of an environment that has img2dataset, and Ray of our version unless --local, on all nodes; "
        "null: one is installed into the cache folder",
    )
    folder: str | None = Field(
        default=None,
        description="where downloads lie until their shards are committed, a folder that all nodes share; null: in the dataset",
    )
    keep: bool = Field(default=False, description="leave the downloads in folder when the build is complete")
    round_shards: int = Field(
        default=100, ge=1, description="shards that are downloaded together, then built, then removed: bounds the disk"
    )

    @model_validator(mode="after")
    def _kept_somewhere(self) -> Img2datasetSettings:
        if self.keep and self.folder is None:
            raise ValueError("keep needs a folder outside the dataset: set fetch.img2dataset.folder")
        return self


class FetchSettings(_Strict):
    """How a URL becomes bytes. Times are in seconds, sizes in bytes."""

    engine: Literal["humanverse", "img2dataset"] = Field(
        default="humanverse", description="who downloads; img2dataset runs in an environment of its own"
    )
    concurrency: int = Field(default=64, ge=1, description="URLs in flight per gate worker")
    per_host: int = Field(default=8, ge=1, description="of them at one host")
    per_host_rate: float | None = Field(
        default=None, gt=0, description="requests per second to one host; null sets no rate"
    )
    host_patience_s: float = Field(
        default=60.0,
        gt=0,
        description="how long a host may answer 429 or 503, or ask to be left alone, before the URLs that wait for it fail",
    )
    timeout_s: float = Field(
        default=30.0, gt=0, description="for one URL: all attempts, redirects and waits, but not the wait for its turn"
    )
    connect_timeout_s: float = Field(default=10.0, gt=0, description="for a name look-up, and for a connection")
    max_bytes: int = Field(default=25_000_000, ge=1, description="of one body")
    max_buffered_bytes: int = Field(
        default=512_000_000,
        ge=1,
        description="of all bodies per gate worker, in flight or not yet looked at; one body may go beyond it",
    )
    max_redirects: int = Field(default=5, ge=0, description="each is checked like a first URL")
    retries: int = Field(default=2, ge=0, description="further attempts after the first")
    backoff_s: float = Field(default=0.5, ge=0, description="before the second attempt; doubles each time")
    user_agent: str = Field(
        default="humanverse/0.1 (+https://github.com/humanverse/humanverse; dataset builder; opt out by X-Robots-Tag: noai)",
        description="say who you are and how to reach you",
    )
    opt_out: bool = Field(default=True, description="honour X-Robots-Tag and TDM-Reservation")
    opt_out_tokens: tuple[str, ...] = Field(
        default=("noai", "noimageai", "noindex", "noimageindex"), description="any of them in X-Robots-Tag is a no"
    )
    robots: bool = Field(
        default=False, description="fetch robots.txt of each host, and obey it under the first word of user_agent"
    )
    all_failed_from: int | None = Field(
        default=20,
        ge=1,
        description="a shard of so many URLs or more that all fail alike (dns, connect, timeout, private_address) is not "
        "committed, since the fault is likely here; null commits it",
    )
    drift: Literal["record", "reject", "ignore"] = Field(
        default="record",
        description="where the bytes are not those of the source's md5 or sha256 column: note it, reject the row, or do not look",
    )
    proxy: str | None = Field(default=None, description="http://host:port; names are then resolved by the proxy")
    img2dataset: Img2datasetSettings = Img2datasetSettings()


class ImageSettings(_Strict):
    """How bytes become the stored JPEG. Names and meanings of ``resize`` are img2dataset's."""

    max_pixels: int = Field(default=100_000_000, ge=1, description="read from the header, before decoding")
    resize: Literal["no", "keep_ratio", "keep_ratio_largest", "center_crop", "border"] = Field(
        default="no",
        description="no; keep_ratio: shorter side to size; keep_ratio_largest: longer side; center_crop; border",
    )
    size: int = Field(default=1024, ge=1, description="pixels, for any resize but no")
    only_shrink: bool = Field(default=True, description="never enlarge (img2dataset's resize_only_if_bigger)")
    quality: int = Field(default=95, ge=1, le=100, description="of JPEGs that must be encoded anew")
    background: tuple[int, int, int] = Field(default=(255, 255, 255), description="behind alpha, and of borders")
    blur_faces: bool = Field(
        default=False,
        description="store no recognisable face: needs person and pose annotators, which see the pictures as they were",
    )


class GateSettings(_Strict):
    """What is worth keeping bytes for (HyperHuman section 4). A null threshold is not applied.

    ``person_area``: ``union`` compares the area that all counted people cover together, ``each`` that of every one.
    """

    min_side: int = Field(default=200, ge=1, description="of the stored image, pixels")
    person_score: float = Field(default=0.4, ge=0, le=1, description="a box counts as a person from here")
    min_people: int = Field(default=1, ge=0, description="fewer is too_few_people")
    max_people: int | None = Field(default=3, ge=0, description="more is too_many_people")
    person_area: Literal["union", "each"] = Field(default="union", description="what min_area_ratio is compared with")
    min_area_ratio: float | None = Field(default=0.15, ge=0, le=1, description="of the picture")
    min_aesthetic: float | None = Field(default=None, description="needs an aesthetic annotator; the paper has 4.5")
    max_unsafe: float | None = Field(default=None, ge=0, le=1, description="needs a safety annotator")
    drop_duplicates: bool = Field(default=True, description="same URL or same bytes within a shard")
    placeholder_urls: int | None = Field(
        default=10,
        ge=2,
        description="the same bytes from so many different URLs of a shard are a placeholder, and no row has them; null: off",
    )

    similar_distance: int | None = Field(
        default=None,
        ge=0,
        le=16,
        description="bits in which a perceptual hash may differ from that of an earlier kept picture of the shard, to be the "
        "same picture again; 4 finds what was resized or compressed anew; null: off",
    )

    @model_validator(mode="after")
    def _somebody_can_pass(self) -> GateSettings:
        if self.max_people is not None and self.min_people > self.max_people:
            raise ValueError(
                f"min_people {self.min_people} is more than max_people {self.max_people}: nothing can pass"
            )
        return self


class BlockSettings(_Strict):
    """What must not get in: text files (paths or fsspec URLs, ``.gz`` too) with one entry per line and ``#`` comments.

    Lists may change while a build goes on; what was kept before stays.
    """

    urls: tuple[str, ...] = Field(default=(), description="lists of URLs that are not contacted")
    domains: tuple[str, ...] = Field(
        default=(), description="lists of domains that are not contacted, nor what lies below them; or of IP addresses"
    )
    hashes: tuple[str, ...] = Field(
        default=(),
        description="lists of SHA-256 of the bytes (64 hex digits; no MD5), or of uids (uid: and 32 hex digits)",
    )
    phashes: tuple[str, ...] = Field(default=(), description="lists of perceptual hashes (16 hex digits)")
    phash_distance: int = Field(
        default=4, ge=0, le=16, description="bits in which a perceptual hash may differ from a blocked one"
    )


class StageResources(_Strict):
    """What one worker of a stage takes from the cluster, and how many there are (null: one per CPU, or per GPU)."""

    workers: int | None = Field(default=None, ge=1, description="null: as many as fit")
    cpus: float = Field(default=0.5, gt=0, description="of one worker; fractions are for Ray's accounting")
    gpus: float = Field(default=0.0, ge=0, description="of one worker; 0.25 puts four on a GPU")


class Resources(_Strict):
    """Stages are ``gate`` (fetch, decode, people gate), ``annotate`` (all further layers) and ``commit``."""

    gate: StageResources = StageResources(cpus=0.5)
    annotate: StageResources = StageResources(cpus=0.4)
    device: str = Field(
        default="cpu",
        description="where the estimators run: cpu, cuda, cuda:0, or auto: a GPU if there is one; those of lite run on the CPU",
    )
    heartbeat_s: float = Field(default=120.0, gt=0, description="say so when nothing moved for this long")

    @field_validator("device")
    @classmethod
    def _known_device(cls, value: str) -> str:
        if not _DEVICE.fullmatch(value):
            raise ValueError(
                f"there is no device {value!r}: give cpu, cuda, cuda:0 and so on for one GPU of several, or auto"
            )
        return value


class Recipe(_Strict):
    """A build, resolved."""

    source: SourceSettings = SourceSettings()
    fetch: FetchSettings = FetchSettings()
    image: ImageSettings = ImageSettings()
    gate: GateSettings = GateSettings()
    block: BlockSettings = BlockSettings()
    annotators: dict[str, AnnotatorSettings]
    outpaint: OutpaintSettings | None = None
    resources: Resources = Resources()

    @field_validator("annotators", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        return spelled_out(value)

    @field_validator("outpaint", mode="before")
    @classmethod
    def _its_name_alone(cls, value: Any) -> Any:
        return recipe_outpaint.spelled_out(value)

    @model_validator(mode="after")
    def _gate_has_estimators(self) -> Recipe:
        for threshold, kind in (("min_aesthetic", "aesthetic"), ("max_unsafe", "safety")):
            if getattr(self.gate, threshold) is not None and kind not in self.annotators:
                raise ValueError(f"gate.{threshold} needs an annotator of kind {kind}")
        if self.image.blur_faces and "pose" not in self.annotators:
            raise ValueError("image.blur_faces needs an annotator of kind pose beside that of kind person")
        if "person" not in self.annotators:
            raise ValueError("annotators needs a person entry: the gate counts people with it")
        return self

    def deciding(self) -> dict[str, Any]:
        """The settings that decide what is written, as JSON values: all but ``resources``, how fast we fetch,
        and block-lists, which may grow."""
        settings = self.model_dump(mode="json", exclude={"resources": True, "block": True, "fetch": set(FETCH_PACE)})
        settings["annotators"] = {kind: item.deciding() for kind, item in sorted(self.annotators.items())}
        settings["outpaint"] = self.outpaint and self.outpaint.deciding()
        return settings

    @property
    def layers(self) -> dict[str, AnnotatorSettings]:
        """Every layer that a build makes, ``<kind>/<name>``; of several of one kind the first is what others read."""
        return {layer: item for _, layer, item in places(self.annotators)}

    def with_weights(self, weights: Mapping[str, Sequence[str]]) -> Recipe:
        """The recipe with weights that stand in for its annotators' own; arguments and errors as of
        ``schemas.recipe_annotators.with_weights``, where ``outpaint`` is a place too if there is one."""
        of_layers = dict(weights)
        grower = self.outpaint
        if grower and OUTPAINT in of_layers:
            grower = grower.model_copy(update={"weights": tuple(map(absolute, of_layers.pop(OUTPAINT)))})
        return self.model_copy(update={"annotators": with_weights(self.annotators, of_layers), "outpaint": grower})


_IN_YAML = {
    "extra_forbidden": "there is no such setting",
    "tuple_type": "must be a list, such as [one, another]",
    "model_type": "must be a mapping of settings",
    "dict_type": "must be a mapping of settings",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
}
"""By the type of an error, what is said of it in words of YAML instead of Python's."""
_OF_ANOTHER = ("extra_forbidden", "missing", "value_error")
"""Types of an error that is not about the value at its place alone, or whose words are ours."""
_SHOWN = 40
"""Characters of a value that are repeated."""


def explain(error: ValidationError, section: Sequence[str] = (), of: type[BaseModel] | None = None) -> str:
    """The first thing that ``error`` is about, as ``setting: what is wrong``.

    Args:
        section: the names above the settings that were checked.
        of: what they were checked by, so that an unknown one is answered with those that there are.
    """
    first = error.errors(include_url=False)[0]
    name = ".".join((*section, *map(str, first["loc"])))
    message = _IN_YAML.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "tuple_type" and isinstance(first["input"], str | int | float):
        message = f"must be a list, such as [{first['input']}]"
    elif first["type"] not in _OF_ANOTHER and isinstance(first["input"], str | int | float):
        message += f", not {_shown(first['input'])}"
    if of and first["type"] == "extra_forbidden" and len(first["loc"]) == 1:
        message += f": choose one of {', '.join(of.model_fields)}" if of.model_fields else ", and no other"
    return f"{name}: {message}" if name else message


def _shown(value: str | int | float) -> str:
    """``value`` as YAML has it, in one line, its end left out if it is long."""
    text = " ".join((str(value).lower() if isinstance(value, bool) else str(value)).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``over`` on ``base``, section by section; a section of two mappings is merged, anything else replaced."""
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict) and key != "columns":
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def preset_text(name: str) -> str:
    """The YAML of a preset.

    Raises:
        ValueError: if there is no such preset.
    """
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}: choose from {', '.join(PRESETS)}")
    return resources.files("schemas").joinpath("presets", f"{name}.yaml").read_text(encoding="utf-8")


def read_yaml(path: str | Path) -> dict[str, Any]:
    """The recipe file at ``path`` as a mapping, not yet checked.

    Raises:
        ValueError: if it cannot be read, is not YAML, or is not a mapping.
    """
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"recipe {path}: {error.strerror or error}: check the path") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"recipe {path} is not UTF-8 text") from error
    except yaml.YAMLError as error:
        raise ValueError(f"recipe {path} is not YAML: {' '.join(str(error).split())}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ValueError(f"recipe {path} must be a mapping of sections, not a {type(data).__name__}")
    return data


def load(preset: str = "lite", path: str | Path | None = None, overrides: dict[str, Any] | None = None) -> Recipe:
    """The preset, the file on it, the overrides on both; checked.

    An annotator that the file sets to null is taken out. The file may name its own preset with ``preset: NAME``.

    Raises:
        ValueError: with one line that names the setting and what is wrong with it.
    """
    from_file = read_yaml(path) if path else {}
    settings = yaml.safe_load(preset_text(from_file.pop("preset", preset)))
    where = f"recipe {path}" if path else "recipe"
    for layer in (from_file, overrides or {}):
        settings = _merge(settings, layer)
    annotators = settings.get("annotators")
    if isinstance(annotators, dict):
        settings["annotators"] = {kind: item for kind, item in annotators.items() if item is not None}
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        raise ValueError(f"{where}: {explain(error)}") from error
