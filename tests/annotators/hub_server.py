"""A model hub in a thread: as much of its protocol as the hub's client uses to fetch a repository or one file of it."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

COMMIT = "3f" * 20


@contextmanager
def hub(repositories: Mapping[str, Mapping[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Serve repositories (``owner/name`` -> path -> bytes), each with the branch ``main`` at ``COMMIT``.

    Yields:
        The address, and the requests so far, as ``GET /path``.
    """
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def answer(self, code: int, body: bytes, **headers: str) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path}")
            words = path.strip("/").split("/")
            api = words[:2] == ["api", "models"]
            owner, name, verb, revision, *rest = [*words[2 if api else 0 :], *[""] * 4]
            files = repositories.get(f"{owner}/{name}")
            if files is None:
                self.answer(404, b"", X_Error_Code="RepoNotFound")
            elif revision not in ("main", COMMIT):
                self.answer(404, b"", X_Error_Code="RevisionNotFound")
            elif api and verb == "revision":
                told = {"id": f"{owner}/{name}", "sha": COMMIT, "siblings": [{"rfilename": one} for one in files]}
                self.answer(200, json.dumps(told).encode(), Content_Type="application/json")
            elif api:
                tree = [{"type": "file", "oid": _tag(data), "size": len(data), "path": p} for p, data in files.items()]
                self.answer(200, json.dumps(tree).encode(), Content_Type="application/json")
            elif (data := files.get("/".join(rest).rstrip("/"))) is not None:
                self.answer(200, data, ETag=f'"{_tag(data)}"', X_Repo_Commit=COMMIT)
            else:
                self.answer(404, b"", X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def _tag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()
