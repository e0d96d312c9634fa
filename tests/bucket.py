"""A real S3 server on this machine for tests: SeaweedFS in one process, with credentials."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port

KEY, SECRET = "humanverse", "humanverse-secret"
PARTS = ("master", "volume", "filer", "s3")
START_S = 60


def credentials(endpoint: str) -> dict[str, str]:
    """The environment in which fsspec and botocore find the server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a server with an empty store; ``bucket`` exists in it.

    Raises:
        TimeoutError: with the server's last words, if it does not answer.
    """
    import s3fs

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        config = Path(folder) / "s3.json"
        keys = {"accessKey": KEY, "secretKey": SECRET}
        config.write_text(json.dumps({"identities": [{"name": "test", "credentials": [keys], "actions": ["Admin"]}]}))
        ports = {f"{part}.port{kind}": free_port() for part in PARTS for kind in ("", ".grpc")}
        where = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", f"-s3.config={config}"]
        log = Path(folder) / "log"
        with log.open("wb") as out:
            weed = str(Path(sys.executable).with_name("weed"))
            command = [weed, "server", "-s3", *where, *(f"-{name}={port}" for name, port in ports.items())]
            server = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder)
        endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        try:
            fs = s3fs.S3FileSystem(key=KEY, secret=SECRET, endpoint_url=endpoint, use_listings_cache=False)
            _wait(fs, server, log)
            yield endpoint
        finally:
            server.kill()
            server.wait()


@contextmanager
def bucket_here() -> Iterator[str]:
    """The URL of a bucket, which this process and those that it starts find by their environment."""
    import fsspec

    with s3_server() as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in credentials(endpoint).items():
            patch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        yield "s3://bucket"


def _wait(fs: object, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            fs.mkdir("bucket")  # type: ignore[attr-defined]
            fs.pipe_file("bucket/ready", b"1")  # type: ignore[attr-defined]
            fs.rm("bucket/ready")  # type: ignore[attr-defined]
            return
        except FileExistsError:
            return
        except Exception:
            time.sleep(0.3)
    raise TimeoutError(log.read_text()[-2000:])
