from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from humanverse.errors import UserError
from humanverse.sources.columns import layout, unify
from schemas.images import RESERVED

SCHEMAS = Path(__file__).parents[4] / "shared" / "data" / "metadata" / "schemas.json"


def _strings(*names: str) -> pa.Schema:
    return pa.schema([pa.field(name, pa.string()) for name in names])


def _passes(*names: str) -> dict[str, str]:
    return {theirs: field.name for theirs, field in layout(_strings(*names), {}, "t").extra}


def test_laion() -> None:
    found = layout(_strings("SAMPLE_ID", "URL", "TEXT", "HEIGHT", "WIDTH", "NSFW", "similarity"), {}, "t")
    assert (found.url, found.caption) == ("URL", "TEXT")
    assert {theirs: field.name for theirs, field in found.extra} == {
        "SAMPLE_ID": "sample_id",
        "HEIGHT": "source_height",
        "WIDTH": "source_width",
        "NSFW": "nsfw",
        "similarity": "similarity",
    }


def test_datacomp_keeps_what_collides_with_ours_under_another_name() -> None:
    assert _passes("uid", "url", "text", "original_width", "sha256") == {
        "uid": "source_uid",
        "original_width": "source_original_width",
        "sha256": "source_sha256",
    }


def test_hashes_of_the_pictures_pass_as_strings_under_names_of_their_own() -> None:
    assert _passes("url", "MD5", "hash", "image_sha256") == {
        "MD5": "source_md5",
        "hash": "hash",
        "image_sha256": "source_sha256",
    }
    columns = pa.schema([("url", pa.string()), ("md5", pa.binary()), ("sha256", pa.binary(32)), ("md5sum", pa.int64())])
    assert layout(columns, {}, "t").fields == [
        pa.field("source_md5", pa.string()),
        pa.field("source_sha256", pa.string()),
        pa.field("md5sum", pa.int64()),
    ]


def test_a_mapping_says_which_column_is_the_hash_and_which_is_not() -> None:
    mapped = layout(_strings("url", "md5", "mine", "sha256"), {"md5": "mine", "etag": "sha256"}, "t").extra
    assert {theirs: field.name for theirs, field in mapped} == {
        "md5": "md5",
        "mine": "source_md5",
        "sha256": "etag",
    }


def test_the_hashes_in_a_list_that_we_wrote_are_not_mixed_up() -> None:
    assert _passes("url", "sha256", "source_sha256") == {
        "sha256": "source_sha256",
        "source_sha256": "source_source_sha256",
    }


def test_every_published_column_set_is_recognised() -> None:
    if not SCHEMAS.exists():
        pytest.skip(f"{SCHEMAS} is not there")
    for name, columns in json.loads(SCHEMAS.read_text()).items():
        names = [column for column in columns if not column.startswith("_")]
        found = layout(_strings(*names), {}, name)
        assert found.url.lower() == "url"
        assert found.caption is not None
        assert len(found.extra) == len(names) - 2
        assert not RESERVED & {field.name for field in found.fields}


def test_unknown_columns_keep_their_names_and_case() -> None:
    assert _passes("url", "MyScore", "myscore") == {"MyScore": "MyScore", "myscore": "myscore"}


def test_a_column_called_as_the_pictures_in_a_build_gets_another_name() -> None:
    assert _passes("url", "jpeg", "map") == {"jpeg": "source_jpeg", "map": "map"}


def test_no_two_columns_end_under_one_name() -> None:
    names = list(_passes("url", "URL", "NSFW", "nsfw", "WIDTH", "width", "source_width").values())
    assert len(names) == len(set(names)) == 6


def test_exif_pandas_index_and_bytes_do_not_pass() -> None:
    columns = pa.schema(
        [
            pa.field("url", pa.string()),
            pa.field("exif", pa.string()),
            pa.field("__index_level_0__", pa.int64()),
            pa.field("jpg", pa.binary()),
            pa.field("image", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])),
            pa.field("kept", pa.list_(pa.string())),
        ]
    )
    assert [name for name, _ in layout(columns, {}, "t").extra] == ["kept"]


def test_a_mapping_goes_before_what_is_recognised() -> None:
    mapping = {"url": "image_link", "caption": "DESC", "aesthetic": "score", "width": "w"}
    found = layout(_strings("url", "image_link", "desc", "score", "w"), mapping, "t")
    assert (found.url, found.caption) == ("image_link", "desc")
    assert [field.name for field in found.fields] == ["source_url", "aesthetic", "source_width"]


def test_a_mapped_column_that_is_not_there() -> None:
    with pytest.raises(UserError, match="no column 'link' for url; it has a, b"):
        layout(_strings("a", "b"), {"url": "link"}, "t")


def test_no_url_column_lists_what_is_there_and_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"no URL column among a, b; .*columns: \{url: NAME\}"):
        layout(_strings("a", "b"), {}, "t")


def test_dictionaries_and_large_strings_become_plain() -> None:
    columns = pa.schema(
        [
            pa.field("url", pa.string()),
            pa.field("a", pa.dictionary(pa.int8(), pa.large_string())),
            pa.field("b", pa.large_string()),
            pa.field("c", pa.null()),
        ]
    )
    assert [field.type for field in layout(columns, {}, "t").fields] == [pa.string()] * 3


def test_types_of_files_are_promoted() -> None:
    one = pa.schema([("url", pa.string()), ("a", pa.int32()), ("b", pa.null()), ("c", pa.float32())])
    two = pa.schema([("c", pa.float64()), ("url", pa.large_string()), ("a", pa.float64()), ("b", pa.int64())])
    common = unify([("1", one), ("2", two)])
    assert {field.name: field.type for field in common} == {
        "url": pa.string(),
        "a": pa.float64(),
        "b": pa.int64(),
        "c": pa.float64(),
    }


def test_files_whose_columns_differ() -> None:
    with pytest.raises(UserError, match=r"source 2: its columns differ from those of 1 \(a, b\)"):
        unify([("1", _strings("url", "a")), ("2", _strings("url", "b"))])
    with pytest.raises(UserError, match="source 2: its columns differ from those of 1: Field a"):
        unify([("1", _strings("url", "a")), ("2", pa.schema([("url", pa.string()), ("a", pa.int64())]))])
