"""Which column of a table is the URL, which the caption, and under what name and type the others pass through."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources.base import table_schema
from humanverse.sources.digests import HASH_NAMES, hash_columns
from schemas.images import RESERVED

URL_NAMES = ("url", "image_url", "img_url", "image_uri", "uri")
CAPTION_NAMES = ("caption", "text", "txt", "alt_text", "alt")

_INT, _FLOAT, _TEXT = pa.int64(), pa.float64(), pa.string()

KNOWN: Mapping[str, pa.DataType] = {
    **dict.fromkeys((*URL_NAMES, *CAPTION_NAMES), _TEXT),
    **dict.fromkeys(
        (
            "sample_id",
            "height",
            "width",
            "original_height",
            "original_width",
            "text_length",
            "word_count",
            "num_tokens_bert",
            "num_tokens_gpt",
            "num_faces",
        ),
        _INT,
    ),
    **dict.fromkeys(
        (
            "similarity",
            "punsafe",
            "pwatermark",
            "aesthetic",
            "aesthetic_score",
            "aesthetic_score_laion_v2",
            "clip_similarity_vitb32",
            "clip_similarity_vitl14",
            "nsfw_score_opennsfw2",
            "nsfw_score_gantman",
            "watermark_score",
            "clip_b32_similarity_score",
            "clip_l14_similarity_score",
        ),
        _FLOAT,
    ),
    **dict.fromkeys(
        (
            "id",
            "uid",
            "key",
            "license",
            "language",
            "nsfw",
            "hash",
            *(name for names in HASH_NAMES.values() for name in names),
            "image_phash",
            "s3_key",
            "mime_type",
            "source",
            "status",
            "error_message",
        ),
        _TEXT,
    ),
}
"""Lower-case names of the columns of LAION, COYO, DataComp, CC3M, CC12M, PD12M and img2dataset, and the type each is read
as from formats without types (CSV, JSON). Such names are lower-cased; all others pass through as they are."""

LEFT_OUT = re.compile(r"exif|__index_level_\d+__", re.IGNORECASE)
"""Columns that never pass through: EXIF holds locations and serial numbers, the other is pandas' own index."""


@dataclass(frozen=True)
class Layout:
    """How a table's columns become ours.

    Attributes:
        url: the source's name of the URL column.
        caption: the source's name of the caption column, or None.
        extra: for each column that passes through, the source's name, and our field.
    """

    url: str
    caption: str | None
    extra: tuple[tuple[str, pa.Field], ...] = ()

    @property
    def fields(self) -> list[pa.Field]:
        return [field for _, field in self.extra]

    @property
    def schema(self) -> pa.Schema:
        return table_schema(self.fields)

    @property
    def wanted(self) -> list[str]:
        """The source's names of all columns to read, each once."""
        names = [self.url, self.caption, *(name for name, _ in self.extra)]
        return list(dict.fromkeys(name for name in names if name is not None))


def find_name(names: Sequence[str], wanted: str) -> str | None:
    """The one of ``names`` that equals ``wanted``, else the first that does but for upper and lower case."""
    if wanted in names:
        return wanted
    return next((name for name in names if name.lower() == wanted.lower()), None)


def _first_found(names: Sequence[str], candidates: Sequence[str]) -> str | None:
    return next((found for candidate in candidates if (found := find_name(names, candidate))), None)


def _mapped(names: Sequence[str], mapping: Mapping[str, str], where: str) -> dict[str, str]:
    found = {}
    for ours, theirs in mapping.items():
        name = find_name(names, theirs)
        if name is None:
            raise UserError(f"source {where}: there is no column {theirs!r} for {ours}; it has {', '.join(names)}")
        found[ours] = name
    return found


def _simple_type(kind: pa.DataType) -> pa.DataType:
    """The type that a column of type ``kind`` is carried in: dictionaries unfolded, text as plain strings."""
    if pa.types.is_dictionary(kind):
        return _simple_type(kind.value_type)
    if pa.types.is_null(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _holds_bytes(kind: pa.DataType) -> bool:
    """Whether values are byte strings of any length, somewhere inside: pictures, not metadata."""
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return True
    return any(_holds_bytes(kind.field(index).type) for index in range(kind.num_fields))


def _unique(name: str, taken: set[str]) -> str:
    candidates = (name, f"source_{name}", *(f"source_{name}_{count}" for count in range(2, 1000)))
    return next(free for free in candidates if free not in taken)


def pass_through(
    columns: pa.Schema, left_out: Container[str | None] = (), renamed: Mapping[str, str] | None = None
) -> tuple[tuple[str, pa.Field], ...]:
    """The columns that are carried along: the source's name of each, and our field.

    Hashes of the pictures (``digests.hash_columns``) are always strings.

    Args:
        columns: the table's names and types.
        left_out: names that are used otherwise.
        renamed: the table's name -> the name that the user wants.
    """
    hashes = hash_columns(columns.names, left_out, renamed or {})
    taken = {*RESERVED, *hashes.values()}
    extra = []
    for name in dict.fromkeys(columns.names):
        kind = columns.field(columns.names.index(name)).type
        if name in hashes:
            extra.append((name, pa.field(hashes[name], _TEXT)))
            continue
        if name in left_out or LEFT_OUT.fullmatch(name) or _holds_bytes(kind):
            continue
        known = name.lower() if name.lower() in KNOWN else name
        ours = _unique((renamed or {}).get(name, known), taken)
        taken.add(ours)
        extra.append((name, pa.field(ours, _simple_type(kind))))
    return tuple(extra)


def layout(columns: pa.Schema, mapping: Mapping[str, str], where: str, left_out: Sequence[str] = ()) -> Layout:
    """Decide how the columns of a table become ours.

    Args:
        columns: the table's names and types.
        mapping: our name -> the table's, from the recipe; goes before what is recognised.
        where: the file, for messages.
        left_out: names of columns that are not carried along.

    Raises:
        UserError: if a mapped column is not there, or no column is recognised as the URL.
    """
    names = columns.names
    mapped = _mapped(names, mapping, where)
    url = mapped.get("url") or _first_found(names, URL_NAMES)
    if url is None:
        raise UserError(
            f"source {where}: no URL column among {', '.join(names) or 'no columns'}; "
            "name it in the recipe: source: {columns: {url: NAME}}"
        )
    caption = mapped.get("caption") or _first_found([name for name in names if name != url], CAPTION_NAMES)
    renamed = {theirs: ours for ours, theirs in mapped.items()}
    return Layout(url, caption, pass_through(columns, (url, caption, *left_out), renamed))


def unify(columns: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """The common columns of a source's files, given as (file, its columns): null, integer and float types are promoted.

    Raises:
        UserError: if a file's columns have other names, or types that do not go together.
    """
    first_file, first = columns[0]
    common = first
    for file, schema in columns[1:]:
        differing = sorted(set(first.names) ^ set(schema.names))
        if differing:
            raise UserError(
                f"source {file}: its columns differ from those of {first_file} ({', '.join(differing)}): "
                "build them as separate sources"
            )
        try:
            common = pa.unify_schemas([_promotable(common), _promotable(schema)], promote_options="permissive")
        except (pa.ArrowTypeError, pa.ArrowInvalid) as error:
            text = str(error).removeprefix("Unable to merge: ")
            raise UserError(f"source {file}: its columns differ from those of {first_file}: {text}") from error
    return common


def _promotable(schema: pa.Schema) -> pa.Schema:
    """Each column once and in its simple type (null stays null, so that it yields to any other)."""
    fields: dict[str, pa.Field] = {}
    for field in schema:
        kind = field.type if pa.types.is_null(field.type) else _simple_type(field.type)
        fields.setdefault(field.name, pa.field(field.name, kind))
    return pa.schema(list(fields.values()))
