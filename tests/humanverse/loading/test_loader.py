"""Loaders: the same batches whoever makes them, going on anywhere, and what is wrong told at once or counted."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from humanverse.dataset import layout, tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import write_view
from humanverse.errors import DatasetError, UserError
from humanverse.loading.order import Mixing
from humanverse.loading.stream import Pace
from humanverse.storage import Store
from pipelines.annotate import annotate
from pipelines.compact import compact
from pipelines.plan_layers import Asked
from tests.datasets import make_dataset
from tests.humanverse.loading.opened import loader, people, same, taken, uids


def forget(url: str, gone: list[str]) -> None:
    tombstones.write(Store(url), tombstones.Tombstones(frozenset(gone)), "asked")


def test_an_epoch_has_each_sample_once_as_documented(tmp_path: Path) -> None:
    url = people(tmp_path)
    own = loader(url, epochs=1)
    batches = taken(own)
    assert own.batches_per_epoch == len(own) == len(batches) == 10
    everything = [
        uid for shard in Dataset(url).shards() for uid in Dataset(url).images(shard).column("uid").to_pylist()
    ]
    assert sorted(chain.from_iterable(uids(batches))) == sorted(everything)
    first = batches[0]
    assert first["image"].shape == first["skeleton"].shape == (2, 3, 72, 96)
    assert first["depth"].shape == first["depth_valid"].shape == (2, 1, 72, 96)
    for name in ("image", "skeleton", "depth"):
        assert first[name].dtype == torch.float32 and first[name].min() >= -1 and first[name].max() <= 1
    assert first["depth_valid"].dtype == torch.bool and first["depth_valid"].all()
    assert first["sizes"].tolist()[0][:2] == [240, 320]
    assert (first["batch"], first["epoch"], batches[-1]["batch"]) == (0, 0, 9)
    assert not first["repeated"].any() and not own.skipped
    assert {source for batch in batches for source in batch["caption_sources"]} == {"source", "caption"}


def test_batches_do_not_depend_on_who_makes_them(tmp_path: Path) -> None:
    url = people(tmp_path)
    whole = taken(loader(url, flip=True), 24)
    for pace in (Pace(threads=1, ahead=1), Pace(threads=3, ahead=5, together=16)):
        again = taken(loader(url, flip=True, pace=pace), 24)
        assert all(same(one, other) for one, other in zip(whole, again, strict=True))
    for of in (2, 3, 4):
        parts = [taken(loader(url, flip=True, rank=rank, world_size=of), 24 // of) for rank in range(of)]
        shared = [parts[number % of][number // of] for number in range(24)]
        assert all(same(one, other) for one, other in zip(whole, shared, strict=True))


def test_batches_of_further_processes_are_the_same(tmp_path: Path) -> None:
    url = people(tmp_path)
    start = {"start": 4}
    expected = loader(url, rank=1, world_size=2)
    taken(expected, start["start"])
    state = expected.state_dict()
    wanted = taken(expected, 5)
    elsewhere = loader(url, rank=1, world_size=2, pace=Pace(threads=1, ahead=1, processes=2))
    elsewhere.load_state_dict(state)
    found = taken(elsewhere, 5)
    assert all(same(one, other) for one, other in zip(wanted, found, strict=True))
    assert elsewhere.state_dict() == expected.state_dict()


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 1), (4, 3)])
def test_a_run_goes_on_exactly_also_with_another_number_of_processes(tmp_path: Path, before: int, after: int) -> None:
    url = people(tmp_path)
    whole = uids(taken(loader(url), 24))
    first = [loader(url, rank=rank, world_size=before) for rank in range(before)]
    for one in first:
        taken(one, 12 // before)
    states = [json.loads(json.dumps(one.state_dict())) for one in first]
    assert all(state == states[0] for state in states) and states[0]["samples"] == 24 and states[0]["epoch"] == 1
    parts = []
    for rank in range(after):
        own = loader(url, rank=rank, world_size=after)
        own.load_state_dict(states[0])
        parts.append(uids(taken(own, 12 // after)))
    assert [parts[number % after][number // after] for number in range(12)] == whole[12:]


def test_iterating_again_goes_on(tmp_path: Path) -> None:
    url = people(tmp_path)
    own = loader(url, epochs=1)
    assert uids(taken(own, 4)) + uids(taken(own)) == uids(taken(loader(url, epochs=1)))
    assert taken(own) == []


def test_epochs_and_seeds_differ_in_order_crops_and_captions(tmp_path: Path) -> None:
    url = people(tmp_path)
    batches = taken(loader(url, buckets=[(64, 64)], epochs=2))
    one, two = ({uid: (b, i) for b in half for i, uid in enumerate(b["uids"])} for half in (batches[:10], batches[10:]))
    assert [b["uids"] for b in batches[:10]] != [b["uids"] for b in batches[10:]]
    corners = [(int(b["sizes"][i, 3]), int(two[uid][0]["sizes"][two[uid][1], 3])) for uid, (b, i) in one.items()]
    assert sum(a != b for a, b in corners) >= 10
    other = taken(loader(url, seed=1, epochs=1))
    assert uids(other) != uids(batches[:10])


def test_flipping_mirrors_half_of_the_samples_and_all_that_belongs_to_them(tmp_path: Path) -> None:
    url = people(tmp_path)
    plain = {uid: (b, i) for b in taken(loader(url, epochs=1)) for i, uid in enumerate(b["uids"])}
    flipped = 0
    for batch in taken(loader(url, flip=True, epochs=1)):
        for place, uid in enumerate(batch["uids"]):
            other, at = plain[uid]
            now, before = batch["image"][place], other["image"][at]
            if not torch.equal(now, before):
                flipped += 1
                torch.testing.assert_close(now, before.flip(-1))
                torch.testing.assert_close(batch["depth"][place], other["depth"][at].flip(-1))
    assert 4 <= flipped <= 16


def test_left_and_right_labels_change_places_in_a_mirrored_picture(tmp_path: Path) -> None:
    url = make_dataset(tmp_path / "people", 1, 8).url
    annotate(url, Asked({"segmentation": "tests.pipelines.toy_parts:Bands"}), local=True)
    path = tmp_path / "people/layers/segmentation/bands/layer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "labels": ["Background", "left-shoe", "Right Shoe"]}))
    options = {"layers": ("segmentation",), "crop": "centre", "epochs": 1}
    plain = {uid: (b, i) for b in taken(loader(url, **options)) for i, uid in enumerate(b["uids"])}
    flipped = 0
    for batch in taken(loader(url, flip=True, **options)):
        for place, uid in enumerate(batch["uids"]):
            other, at = plain[uid]
            if not torch.equal(batch["image"][place], other["image"][at]):
                flipped += 1
                before = other["segmentation"][at].flip(-1)
                swapped = torch.where(before == 1, 2, torch.where(before == 2, 1, before))
                assert torch.equal(batch["segmentation"][place], swapped) and (swapped != before).any()
    assert flipped


def test_a_missing_layer_is_one_line_before_anything_is_read(tmp_path: Path) -> None:
    url = people(tmp_path)
    with pytest.raises(
        DatasetError, match=r"no layer normal in .*; humanverse annotate .*people normal=NAME makes one"
    ):
        loader(url, layers=("normal",))
    with pytest.raises(DatasetError, match="no layer caption/blip-2"):
        loader(url, captions={"caption/blip-2": 1})
    Path(f"{url}/{layout.layer_table('depth/test', 2)}").unlink()
    with pytest.raises(
        DatasetError, match=r"1 shard of .* has no layer depth/test yet \(the first is 2\): run"
    ) as raised:
        loader(url)
    assert "\n" not in str(raised.value)


def test_too_large_batches_and_wrong_ranks_are_refused(tmp_path: Path) -> None:
    url = people(tmp_path)
    with pytest.raises(UserError, match="the largest has 20"):
        loader(url, batch_size=21)
    with pytest.raises(UserError, match="ranks are 0 to 1"):
        loader(url, rank=2, world_size=2)
    with pytest.raises(UserError, match="threads cannot be 0"):
        Pace(threads=0)


def test_what_is_forgotten_during_an_epoch_is_not_served_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", 0.0)
    url = people(tmp_path)
    before = uids(taken(loader(url), 10))
    own = loader(url, pace=Pace(threads=1, ahead=1))
    given = iter(own)
    first = [next(given)["uids"] for _ in range(3)]
    forget(url, [before[8][0]])
    rest = [next(given)["uids"] for _ in range(7)]
    assert first + rest == [*before[:8], [before[8][1]] * 2, before[9]]
    assert own.skipped == {"forgotten": 1}


def test_a_run_with_its_samples_in_a_file_goes_on_after_forgetting_and_compacting(tmp_path: Path) -> None:
    url, path = people(tmp_path), str(tmp_path / "run" / "samples.npz")
    whole = uids(taken(loader(url), 10))
    own = loader(url, index=path)
    taken(own, 4)
    gone = whole[7][0]
    forget(url, [gone])
    compact(url)
    again = loader(url, index=path)
    again.load_state_dict(own.state_dict())
    expected = [*whole[4:7], [whole[7][1]] * 2, *whole[8:]]
    assert uids(taken(again, 6)) == expected and again.skipped == {"forgotten": 1}
    with pytest.raises(UserError, match="other samples than when the run began"):
        loader(url).load_state_dict(own.state_dict())
    with pytest.raises(UserError, match="other buckets"):
        loader(url, index=path, buckets=[64])


def test_a_run_goes_on_while_the_dataset_is_compacted_and_reads_its_tables_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", 0.0)
    url = people(tmp_path)
    whole = uids(taken(loader(url), 70))
    given = iter(loader(url, pace=Pace(threads=1, ahead=1)))
    for _ in range(10):
        next(given)
    gone = whole[9][0]
    forget(url, [gone])
    compact(url)
    looked: list[Any] = []
    place = Dataset._place

    def noted(*asked: Any) -> Any:
        looked.append(asked)
        return place(*asked)

    monkeypatch.setattr(Dataset, "_place", noted)
    rest = [next(given)["uids"] for _ in range(60)]
    read_before = 4
    for now, before in zip(rest[read_before:], whole[10 + read_before :], strict=True):
        assert set(now) == set(before) - {gone}
    assert gone in chain.from_iterable(whole[20:]) and gone not in chain.from_iterable(rest[read_before:])
    assert len(looked) <= 5


def test_another_order_cannot_go_on_and_says_why(tmp_path: Path) -> None:
    url = people(tmp_path)
    own = loader(url)
    taken(own, 3)
    state = own.state_dict()
    with pytest.raises(UserError, match="seed 0, not 1"):
        loader(url, seed=1).load_state_dict(state)
    with pytest.raises(UserError, match="lanes 2, not 4"):
        loader(url, mixing=Mixing(lanes=4, mix=2, block=2, window=2)).load_state_dict(state)
    with pytest.raises(UserError, match="the run has crop random, not centre"):
        loader(url, crop="centre").load_state_dict(state)
    with pytest.raises(UserError, match=r"the run has buckets \[\[\d+, .*\]\], not \[\[8, 8\]\]"):
        loader(url, buckets=8).load_state_dict(state)
    old = {**state, "order": {name: value for name, value in state["order"].items() if name != "buckets"}}
    loader(url).load_state_dict(old)
    with pytest.raises(UserError, match="3 batches are done, which 2 processes"):
        loader(url, rank=0, world_size=2).load_state_dict(state)


def test_batches_of_another_size_go_on_after_as_many_samples_if_they_may(tmp_path: Path) -> None:
    url = people(tmp_path)
    own = loader(url)
    taken(own, 6)
    with pytest.raises(UserError, match="the run has batch_size 2, not 3"):
        loader(url, batch_size=3).load_state_dict(own.state_dict(), resize=False)
    resized = loader(url, batch_size=3)
    resized.load_state_dict(own.state_dict(), resize=True)
    assert resized.state_dict()["samples"] == 12
    whole = loader(url, batch_size=3)
    assert uids(taken(resized, 4)) == uids(taken(whole, 8))[4:]
    with pytest.raises(UserError, match="the run has batch_size 2, not 5"):
        loader(url, batch_size=5).load_state_dict(own.state_dict(), resize=True)
    with pytest.raises(UserError, match="seed 0, not 1"):
        loader(url, batch_size=3, seed=1).load_state_dict(own.state_dict(), resize=True)


@pytest.mark.slow
def test_a_further_process_that_is_killed_is_one_line(tmp_path: Path) -> None:
    given = iter(loader(people(tmp_path), pace=Pace(threads=1, ahead=1, processes=1)))
    next(given)
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid or 0, signal.SIGKILL)
    with pytest.raises(UserError, match=r"a process that makes batches was killed.*: take fewer") as raised:
        for _ in given:
            continue
    assert "\n" not in str(raised.value)


def test_a_view_decides_which_samples_come(tmp_path: Path) -> None:
    url = people(tmp_path)
    write_view(Store(url), "odd", [], where=["row % 2 = 1"])
    wanted = {row["uid"] for s in Dataset(url).shards() for row in Dataset(url).images(s).to_pylist() if row["row"] % 2}
    given = list(chain.from_iterable(uids(taken(loader(url, view="odd", epochs=1)))))
    assert set(given) <= wanted and len(given) == len(wanted) // 2 * 2


def test_samples_in_a_file_are_not_those_of_another_view(tmp_path: Path) -> None:
    url, path = people(tmp_path), str(tmp_path / "samples.npz")
    write_view(Store(url), "odd", [], where=["row % 2 = 1"])
    wanted = uids(taken(loader(url, index=path, view="odd"), 3))
    write_view(Store(url), "odd", [], where=["row % 2 = 0"])
    assert uids(taken(loader(url, index=path, view="odd"), 3)) == wanted
    with pytest.raises(
        UserError, match="has the samples of the view odd, not all samples: give another path, or the same"
    ):
        loader(url, index=path)
    Path(path).unlink()
    loader(url, index=path)
    with pytest.raises(UserError, match="has all samples, not the samples of the view odd"):
        loader(url, index=path, view="odd")


def test_the_skeleton_is_drawn_on_the_people_and_depth_lies_as_stored(tmp_path: Path) -> None:
    """Skeletons of the test data lie in two boxes; its depth grows from the first row to the last."""
    url = people(tmp_path)
    for batch in taken(loader(url), 5):
        lit = (batch["skeleton"][0].amax(dim=0) > -1).numpy()
        columns = np.flatnonzero(lit.any(axis=0)) / 96 * 320
        assert 70 <= columns[0] <= 84 and 257 <= columns[-1] <= 270
        assert not lit[:, int(170 / 320 * 96) : int(190 / 320 * 96)].any()
        rows = batch["depth"][0, 0].mean(dim=1)
        assert (rows.diff() <= 0).all() and rows[0] > 0.9 and rows[-1] < -0.9
