"""Croissant metadata (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html) of an export for Hugging Face.

Columns of plain values, the picture, and dense maps are fields; the structs of layers are described in the card alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

import humanverse
from humanverse.export.base import Plan, Totals
from humanverse.export.features import IMAGE
from humanverse.plurals import plural

RECORDS = "samples"
FILES = "parquet-files"
PROJECT = "https://github.com/humanverse/humanverse"
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataBiases": "cr:dataBiases",
    "dataCollection": "cr:dataCollection",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "personalSensitiveInformation": "cr:personalSensitiveInformation",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The specification's context, without which tools do not know what the names mean."""


def _data_type(kind: pa.DataType) -> str | None:
    """Croissant's type of a column; None for one that is not described."""
    known = (
        (lambda t: t == IMAGE, "sc:ImageObject"),
        (pa.types.is_boolean, "sc:Boolean"),
        (pa.types.is_integer, "sc:Integer"),
        (pa.types.is_floating, "sc:Float"),
        (lambda t: pa.types.is_string(t) or pa.types.is_large_string(t), "sc:Text"),
    )
    return next((name for test, name in known if test(kind)), None)


def _field(item: pa.Field, data_type: str) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": FILES}, "extract": {"column": item.name}}
    if item.type == IMAGE:
        source["transform"] = {"jsonPath": "bytes"}
    name = f"{RECORDS}/{item.name}"
    return {"@type": "cr:Field", "@id": name, "name": name, "dataType": data_type, "source": source}


def metadata(plan: Plan, schema: pa.Schema, totals: Totals, published: str) -> dict[str, Any]:
    """The JSON-LD document.

    Args:
        schema: of the Parquet files.
        published: the day of the export, ``YYYY-MM-DD``.
    """
    code = f"humanverse {humanverse.__version__}"
    fields = [_field(item, kind) for item in schema if (kind := _data_type(item.type))]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "humanverse-export",
        "description": f"{plural(totals.samples, 'photograph')} of people with captions and annotations, exported by {code}",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "license": plan.settings.licence,
        "url": PROJECT,
        "version": "1.0.0",
        "datePublished": published,
        "creator": {"@type": "sc:Organization", "name": code},
        "citeAs": f"{code}: photographs of people",
        "distribution": [
            {
                "@type": "cr:FileSet",
                "@id": FILES,
                "name": FILES,
                "description": "one Parquet file per shard",
                "encodingFormat": "application/x-parquet",
                "includes": "data/*.parquet",
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": RECORDS,
                "name": RECORDS,
                "description": "one record per picture",
                "key": {"@id": f"{RECORDS}/uid"},
                "field": fields,
            }
        ],
    }
