"""What an export says of itself, read back."""

import json

import pyarrow as pa
import pytest

from humanverse.errors import UserError
from humanverse.export import state
from humanverse.export.base import LISTING
from humanverse.export.state import STATE, ShardState, State
from humanverse.storage import Store


def table(shard, *uids):
    rows = [
        {"uid": uid, "shard": shard, "row": at, "file": "a.tar", "jpg_sha256": uid * 2} for at, uid in enumerate(uids)
    ]
    return pa.Table.from_pylist(rows, schema=LISTING)


@pytest.fixture
def out(tmp_path):
    return Store(tmp_path)


def made():
    shards = {"000000": ShardState(generation=0, samples=3, left_out=1, digest="ab")}
    made_from = {"dataset": "d", "dataset_id": "1f", "settings": {"a": 1}}
    return State(**made_from, export="coco", view=None, layers={}, complete=True, shards=shards)


def test_a_state_is_read_as_it_was_written(out):
    assert state.read(out) is None
    state.write(out, made())
    assert state.read(out) == made().model_copy(update={"time": state.read(out).time})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is damaged: export to another place, or delete it"),
        ("[]", "of another version"),
        ('{"format": 99}', "of another version: export to another place"),
        ('{"format": 2, "dataset": "d"}', "is damaged"),
    ],
)
def test_a_damaged_state_is_one_line(out, text, message):
    out.write(STATE, text.encode())
    with pytest.raises(UserError, match=message) as caught:
        state.read(out)
    assert "\n" not in str(caught.value)


def test_a_listing_is_asked_by_shard_and_by_uid(out):
    with state.listing(out) as listing:
        listing.add(table(0, "aa", "bb"))
        listing.add(table(1))
        listing.add(table(2, "cc", "aa"))
    assert state.pictures(out, 0) == {"aa": "aaaa", "bb": "bbbb"}
    assert state.pictures(out, 1) == {}
    assert state.pictures(out, 2) == {"cc": "cccc", "aa": "aaaa"}
    assert state.listed_uids(out, {"aa", "cc", "dd"}) == {"aa", "cc"}


def test_a_listing_that_breaks_off_leaves_the_old_one(out):
    with state.listing(out) as listing:
        listing.add(table(0, "aa"))
    with pytest.raises(RuntimeError), state.listing(out) as listing:
        listing.add(table(0, "bb"))
        raise RuntimeError
    assert state.listed_uids(out, {"aa", "bb"}) == {"aa"}


def test_without_a_listing_nothing_is_there(out):
    assert state.pictures(out, 0) == {}
    with pytest.raises(ValueError, match="humanverse-export"):
        state.listed_uids(out, {"aa"})


def test_the_state_is_plain_json(out):
    state.write(out, made())
    told = json.loads(out.read(STATE))
    assert told["shards"]["000000"] == {"generation": 0, "samples": 3, "left_out": 1, "digest": "ab"}
    assert (told["format"], told["complete"]) == (2, True)
