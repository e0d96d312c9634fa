"""Arrow types as datasets names them."""

import pyarrow as pa
import pytest

from humanverse.export.features import IMAGE, card_features, feature, with_features

FIELDS = [
    pa.field("picture", IMAGE),
    pa.field("text", pa.string()),
    pa.field("long_text", pa.large_string()),
    pa.field("half", pa.float16()),
    pa.field("single", pa.float32()),
    pa.field("double", pa.float64()),
    pa.field("small", pa.int8()),
    pa.field("hash", pa.uint64()),
    pa.field("yes", pa.bool_()),
    pa.field("day", pa.date32()),
    pa.field("time", pa.timestamp("us")),
    pa.field("price", pa.decimal128(10, 2)),
    pa.field("box", pa.list_(pa.float32(), 4)),
    pa.field("boxes", pa.list_(pa.list_(pa.float32(), 4))),
    pa.field("many", pa.large_list(pa.int64())),
    pa.field("said", pa.struct([pa.field("score", pa.float32()), pa.field("words", pa.list_(pa.string()))])),
]


@pytest.mark.parametrize("item", FIELDS, ids=lambda item: item.name)
def test_a_type_is_the_one_that_datasets_makes_of_it(item):
    import datasets

    plain = item.type if item.type != IMAGE else pa.string()
    expected = datasets.Features.from_arrow_schema(pa.schema([("x", plain)])) if item.type != IMAGE else None
    wanted = expected["x"] if expected else datasets.Image()
    assert datasets.Features.from_dict({"x": feature(item.type)})["x"] == wanted
    assert datasets.Features._from_yaml_list(card_features([item]))[item.name] == wanted


def test_the_schema_is_the_one_that_datasets_would_write():
    import datasets

    known = with_features(pa.schema(FIELDS))
    features = datasets.Features.from_arrow_schema(known)
    assert features["picture"] == datasets.Image()
    assert features.arrow_schema.field("boxes").type == known.field("boxes").type
    assert set(features) == {item.name for item in FIELDS}
