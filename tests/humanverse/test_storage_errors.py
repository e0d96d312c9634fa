"""Each storage error says what to do, and packages are named by the extra that brings them."""

from __future__ import annotations

import pytest

from humanverse.storage_errors import explain


class NoCredentialsError(Exception):
    """As botocore names it."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ImportError("Please install gcsfs to access Google Storage"),
            "gcsfs is not installed: pip install 'humanverse[gcs]'",
        ),
        (ImportError("Install s3fs to access S3"), "s3fs is not installed: pip install 'humanverse[s3]'"),
        (ImportError("adlfs is needed"), "ImportError: adlfs is needed"),
        (NoCredentialsError("Unable to locate credentials"), "there are no credentials for it: set AWS_ACCESS_KEY_ID"),
        (PermissionError(13, "Permission denied"), "access is denied: check its permissions"),
        (NotADirectoryError(20, "Not a directory"), "a file stands where a folder is needed: check"),
        (ValueError("two\nlines"), "ValueError: two lines"),
    ],
)
def test_it_says_what_to_do(error: Exception, said: str) -> None:
    assert explain(error).startswith(said)
