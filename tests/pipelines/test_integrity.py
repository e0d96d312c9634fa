"""Builds that must keep things out: block-lists, drifted pictures, placeholders; from URLs and from what is there already."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.codec import decode_rgb
from humanverse.codec.phash import phash
from humanverse.dataset.blocklists import history
from humanverse.dataset.stats import stats
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.build import build
from schemas.recipe import load
from tests.compare import assert_identical, contents
from tests.humanverse.sources.test_tars import write_tar
from tests.pipelines.web import picture, write_recipe
from tests.servers import Server, redirect, reply, serve

PLACEHOLDER, SMALL_PLACEHOLDER = picture(100), picture(4)
SIZE = 20
"""Rows of a shard."""


@dataclass(frozen=True)
class Web:
    """A list of 40 rows, its servers, and block-lists.

    Attributes:
        folder: with ``urls.parquet`` and one list of each kind, ``<kind>.txt``.
        forbidden: the server that no request may reach.
    """

    folder: Path
    server: Server
    forbidden: Server

    def build(self, target: Path, local: bool = True, retry: Sequence[str] = (), **sections: Any) -> None:
        block = {kind: [str(self.folder / f"{kind}.txt")] for kind in ("urls", "domains", "hashes", "phashes")}
        overrides = {"block": block, "source": {"shard_size": SIZE}, **sections}
        recipe = load(path=write_recipe(self.folder), overrides=overrides)
        result = build(
            [str(self.folder / "urls.parquet")],
            str(target),
            recipe,
            local=local,
            workers=1,
            allow_private=True,
            retry=retry,
        )
        assert not result.lost

    @property
    def requests(self) -> set[str]:
        return {seen.target for seen in self.server.seen}


def digest(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with serve({}, address="127.0.0.2") as forbidden:
        routes = {f"/{number}": reply(200, picture(number)) for number in range(40, 60)}
        routes |= {f"/gone/{number}": reply(200, PLACEHOLDER) for number in range(10)}
        routes |= {
            "/hop": redirect(forbidden.url("/1", host="127.0.0.2")),
            "/listed": reply(200, picture(60)),
            "/broken": reply(200, b"\xff\xd8\xff"),
        }
        with serve(routes) as server:
            made = Web(folder, server, forbidden)
            _write_list(made)
            (folder / "domains.txt").write_text("127.0.0.2 # never\n")
            (folder / "urls.txt").write_text(server.url("/40") + "\n")
            (folder / "hashes.txt").write_text(hashlib.sha256(picture(41)).hexdigest() + "\n")
            (folder / "phashes.txt").write_text(f"{phash(decode_rgb(picture(42))):016x}\n")
            yield made


def _write_list(web: Web) -> None:
    """Shard 0: everything that is kept out, and five pictures. Shard 1: five pictures, and rows of no interest."""
    rows = [
        (web.server.url("/40"), digest(picture(40))),
        (web.server.url("/41"), None),
        (web.server.url("/42"), digest(picture(42))),
        (web.forbidden.url("/0", host="127.0.0.2"), None),
        (web.server.url("/hop"), None),
        (web.server.url("/45"), digest(picture(45)).upper()),
        (web.server.url("/46"), digest(picture(45))),
        (web.server.url("/47"), "unknown"),
        (web.server.url("/broken"), digest(picture(43))),
        (web.server.url("/listed"), digest(picture(60))),
        *((web.server.url(f"/gone/{number}"), digest(picture(number))) for number in range(10)),
    ]
    rows += [(web.server.url(f"/{number}"), None) for number in (48, 50, 51, 52, 53)]
    rows += [(web.server.url(f"/missing/{number}"), None) for number in range(15)]
    table = pa.table({"url": [url for url, _ in rows], "md5": [md5 for _, md5 in rows]})
    pq.write_table(table, web.folder / "urls.parquet")


@pytest.fixture(scope="module")
def built(web: Web, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("built") / "people"
    web.build(target)
    return target


def ledger(target: Path, shard: int = 0) -> list[dict[str, Any]]:
    return humanverse.open(str(target)).ledger(shard).to_pylist()


def test_each_list_keeps_out_what_it_names_and_says_so(built: Path, web: Web) -> None:
    told = [(row["status"], row["reason"], row["detail"]) for row in ledger(built)[:5]]
    whole = hashlib.sha256(picture(41)).hexdigest()
    assert told == [
        ("rejected", "blocked", f"URL {web.server.url('/40')} (urls.txt)"),
        ("rejected", "blocked", f"hash {whole[:16]} (hashes.txt)"),
        ("rejected", "blocked", f"phash {phash(decode_rgb(picture(42))):016x}, 0 bits away (phashes.txt)"),
        ("rejected", "blocked", "domain 127.0.0.2 (domains.txt)"),
        ("rejected", "blocked", "domain 127.0.0.2 (domains.txt)"),
    ]
    assert web.forbidden.accepted == 0
    assert "/40" not in web.requests
    assert {"/41", "/42", "/hop"} <= web.requests
    assert verify(humanverse.open(str(built))).findings == ()


def test_drift_stands_in_the_ledger_with_every_row_that_can_be_compared(built: Path) -> None:
    rows = ledger(built)
    compared = {row["row"]: row["drifted"] for row in rows if row["drifted"] is not None}
    assert compared == {2: False, 5: False, 6: True, 8: True, 9: False, **dict.fromkeys(range(10, 20), True)}
    assert (rows[8]["status"], rows[8]["reason"]) == ("failed", "corrupt")
    samples = {sample.columns["row"]: sample.columns for sample in humanverse.open(str(built))}
    assert [samples[row]["drifted"] for row in (5, 6, 7, 20)] == [False, True, None, None]
    assert samples[5]["source_md5"] == digest(picture(45)).upper()
    assert samples[7]["source_md5"] == "unknown"
    counted = stats(humanverse.open(str(built)))["counts"]["ledger.source_hash"]
    assert counted == {"drifted": sum(compared.values()), "as listed": 3}


def test_bytes_of_ten_urls_are_a_placeholder(built: Path) -> None:
    rows = ledger(built)[10:]
    assert {(row["reason"], row["detail"]) for row in rows} == {("placeholder", "same bytes as 10 URLs of this shard")}
    assert {row["status"] for row in rows} == {"rejected"}


def test_ray_gives_what_one_process_gives(built: Path, web: Web, tmp_path: Path) -> None:
    web.build(tmp_path / "ray", local=False)
    assert_identical(tmp_path / "ray", built)


def test_drift_can_be_rejected_or_ignored(web: Web, tmp_path: Path) -> None:
    web.build(tmp_path / "reject", fetch={"drift": "reject"}, gate={"placeholder_urls": None})
    rows = ledger(tmp_path / "reject")
    found = f"md5 {digest(picture(46))[:12]}…, listed {digest(picture(45))[:12]}…"
    assert (rows[6]["status"], rows[6]["reason"], rows[6]["detail"]) == ("rejected", "drifted", found)
    assert {row["reason"] for row in rows[10:]} == {"drifted"}
    assert [rows[index]["reason"] for index in (5, 7)] == [None, None]
    web.build(tmp_path / "ignore", fetch={"drift": "ignore"}, gate={"placeholder_urls": None})
    rows = ledger(tmp_path / "ignore")
    assert {row["drifted"] for row in rows} == {None}
    assert [rows[index]["reason"] for index in (6, 10, 11)] == [None, None, "duplicate"]


def test_what_drifted_can_be_tried_again_under_other_settings(web: Web, tmp_path: Path) -> None:
    target, gate = tmp_path / "people", {"placeholder_urls": None}
    web.build(target, fetch={"drift": "reject"}, gate=gate)
    web.build(target, fetch={"drift": "record"}, gate=gate, retry=["drifted"])
    rows = ledger(target, 2)
    assert [row["row"] for row in rows] == [6, *range(10, 20)]
    assert [row["reason"] for row in rows] == [None, None, *["duplicate"] * 9]
    assert {row["drifted"] for row in rows} == {True}
    assert verify(humanverse.open(str(target))).findings == ()


def test_what_was_blocked_can_be_tried_again_under_other_lists(built: Path, web: Web, tmp_path: Path) -> None:
    target = Path(shutil.copytree(built, tmp_path / "people"))
    domains = {"domains": [str(web.folder / "domains.txt")]}
    web.build(target, block={**domains, "urls": [], "hashes": [], "phashes": []}, retry=["blocked"])
    found = [(row["row"], row["reason"]) for row in ledger(target, 2)]
    assert found == [(0, None), (1, None), (2, None), (3, "blocked"), (4, "blocked")]
    assert web.forbidden.accepted == 0
    assert verify(humanverse.open(str(target))).findings == ()


def test_a_placeholder_is_not_tried_again(built: Path, web: Web, tmp_path: Path) -> None:
    """Among fewer rows it would pass."""
    target = Path(shutil.copytree(built, tmp_path / "people"))
    with pytest.raises(UserError, match="placeholder cannot be tried again"):
        web.build(target, retry=["placeholder"])


def test_a_build_goes_on_with_a_grown_list(built: Path, web: Web, tmp_path: Path) -> None:
    target = tmp_path / "people"
    shutil.copytree(built, target)
    (target / "ledger/000001.parquet").unlink()
    before = {path: data for path, data in contents(target).items() if "000000." in path}
    grown = tmp_path / "domains.txt"
    grown.write_text("127.0.0.2\n127.0.0.1\n")
    web.build(target, block={"domains": [str(grown)]})
    assert {row["reason"] for row in ledger(target, 1)} == {"blocked"}
    after = contents(target)
    assert {path: after[path] for path in before} == before, "what was kept is not touched"
    past = history(humanverse.open(str(target)).store)
    assert [[one["kind"] for one in item["lists"]] for item in past] == [
        ["urls", "domains", "hashes", "phashes"],
        ["domains"],
    ]
    assert past[1]["lists"][0]["entries"] == 2
    assert verify(humanverse.open(str(target))).findings == ()


def test_a_malformed_list_is_refused_before_anything_is_written(web: Web, tmp_path: Path) -> None:
    bad = tmp_path / "domains.txt"
    bad.write_text("good.example\nhttp://bad.example/\n")
    with pytest.raises(UserError, match=rf"block\.domains: {bad}, line 2: not a domain"):
        web.build(tmp_path / "x", block={"domains": [str(bad)]})
    assert not (tmp_path / "x").exists()


def test_pictures_that_are_there_already_are_kept_out_as_well(tmp_path: Path) -> None:
    source, lists = tmp_path / "source", tmp_path / "urls.txt"
    source.mkdir()
    data = [picture(number) for number in (40, 41, 42, 43)] + [PLACEHOLDER] * 3 + [SMALL_PLACEHOLDER] * 3
    rows = [
        {"url": f"http://a.example/{number}", "key": f"{number:09}", "status": "success", "error_message": None,
         "width": None if number == 3 else 96, "md5": digest(picture(41) if number == 1 else picture(40))}
        for number in range(len(data))
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), source / "00000.parquet")
    write_tar(source / "00000.tar", {f"{number:09}.jpg": jpeg for number, jpeg in enumerate(data)})
    lists.write_text("http://A.example:80/0\n")
    overrides = {
        "source": {"shard_size": SIZE},
        "gate": {"placeholder_urls": 3},
        "block": {"urls": [str(lists)]},
    }
    build([str(source)], str(tmp_path / "d"), load(path=write_recipe(tmp_path), overrides=overrides), local=True)
    found = [(row["reason"], row["drifted"]) for row in ledger(tmp_path / "d")]
    reencoded, untouched = (None, None), (None, True)
    assert found[:4] == [("blocked", None), (None, False), reencoded, untouched]
    assert found[4:] == [("placeholder", None)] * 6


def test_a_folder_with_one_picture_many_times(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.jpg").write_bytes(PLACEHOLDER)
    (folder / "other.jpg").write_bytes(picture(40))
    recipe = load(path=write_recipe(tmp_path), overrides={"source": {"shard_size": SIZE}})
    build([str(folder)], str(tmp_path / "d"), recipe, local=True)
    assert [row["reason"] for row in ledger(tmp_path / "d")] == ["placeholder"] * 10 + [None]
