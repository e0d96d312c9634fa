from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources import open_source
from schemas.images import RESERVED, SCHEMA, with_source_columns
from schemas.recipe import SourceSettings
from tests.humanverse.sources.test_tars import write_tar
from tests.servers import serve_folder

METADATA = Path(__file__).parents[4] / "shared" / "data" / "metadata"


def _kind(spec: Path | str | list[str], **settings: str) -> str:
    spec = str(spec) if isinstance(spec, Path) else spec
    return open_source(spec, SourceSettings(**settings)).kind  # type: ignore[arg-type]


def _parquet(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"url": ["http://a"]}), path)
    return path


def test_a_folder_of_tables(tmp_path: Path) -> None:
    _parquet(tmp_path / "deep" / "part-0.snappy.parquet")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "README.md").write_text("# about")
    assert _kind(tmp_path) == "table"


def test_a_folder_of_tars(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", {"a.jpg": b"x"})
    assert _kind(tmp_path) == "webdataset"


def test_a_folder_of_pictures_with_captions(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.txt").write_text("a caption")
    assert _kind(tmp_path) == "folder"
    assert _kind(tmp_path / "a.jpg") == "folder"
    assert _kind(tmp_path / "a.txt") == "table"


def test_a_parquet_beside_a_tar_is_no_img2dataset_without_its_columns(tmp_path: Path) -> None:
    write_tar(tmp_path / "0.tar", {"a.jpg": b"x"})
    _parquet(tmp_path / "0.parquet")
    with pytest.raises(UserError, match="it could be table or webdataset: say which"):
        _kind(tmp_path)
    assert _kind(tmp_path, kind="webdataset") == "webdataset"
    assert _kind(tmp_path, kind="table") == "table"


def test_pictures_beside_a_table_are_for_the_user_to_choose(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    (tmp_path / "a.txt").write_text("a caption")
    (tmp_path / "list.csv").write_text("url\nhttp://a\n")
    with pytest.raises(UserError, match="it could be table or folder"):
        _kind(tmp_path)


def test_nothing_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(UserError, match=r"nothing there can be read: it takes \.parquet"):
        _kind(tmp_path)


def test_parquet_and_text_do_not_mix(tmp_path: Path) -> None:
    _parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("url\nhttp://a\n")
    with pytest.raises(UserError, match=r"mixes Parquet and text \(a\.parquet, b\.csv\)"):
        _kind(tmp_path)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("table", "--from table needs"),
        ("webdataset", "--from webdataset needs .tar"),
        ("img2dataset", "--from img2dataset needs .parquet"),
    ],
)
def test_a_kind_that_is_not_there(tmp_path: Path, kind: str, says: str) -> None:
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match=says):
        _kind(tmp_path, kind=kind)


def test_a_list_of_globs_is_one_source_in_sorted_order(tmp_path: Path) -> None:
    for name in "cab":
        (tmp_path / f"{name}.txt").write_text(f"http://{name}\n")
    source = open_source([str(tmp_path / "c.txt"), str(tmp_path / "[ab].txt")], SourceSettings())
    assert next(iter(source.shards(10))).load()["url"].to_pylist() == ["http://a", "http://b", "http://c"]


def test_a_list_on_a_web_server(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("url,text\nhttp://a,x\nhttp://b,y\n")
    with serve_folder(tmp_path) as web:
        source = open_source(f"{web}/list.csv?download=1", SourceSettings())
        rows = [row["caption"] for shard in source.shards(1) for row in shard.load().to_pylist()]
        assert rows == ["x", "y"]
        with pytest.raises(UserError, match="it is not there"):
            open_source(f"{web}/nothing.csv", SourceSettings())


@pytest.mark.skipif(not METADATA.exists(), reason=f"{METADATA} is not there")
@pytest.mark.parametrize(
    ("name", "rows", "extra"),
    [
        ("coyo700m_readme_rows.parquet", 7, 15),
        ("img2dataset_test_1000.parquet", 1_000, 0),
        ("img2dataset_test_1000.txt", 1_000, 0),
        ("img2dataset_test_bbox.parquet", 1, 1),
        ("img2dataset_unique_images.txt", 54, 0),
        ("mixed_urls.parquet", 264, 2),
        ("photos_laion400m_schema.parquet", 106, 6),
    ],
)
def test_real_lists(name: str, rows: int, extra: int) -> None:
    source = open_source(str(METADATA / name), SourceSettings())
    table = pa.concat_tables([shard.load() for shard in source.shards(100)])
    assert (source.count(), len(table), len(source.extra_fields)) == (rows, rows, extra)
    assert all(url.startswith("http") for url in table["url"].to_pylist())
    assert (table["caption"].null_count == 0) is name.endswith(".parquet")
    assert not RESERVED & {field.name for field in source.extra_fields}
    assert len(set(with_source_columns(source.extra_fields).names)) == len(SCHEMA) + extra
