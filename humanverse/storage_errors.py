"""What filesystems raise, as words that a user can act on. For sources and datasets alike."""

from __future__ import annotations

from humanverse.errors import one_line

_UNREACHABLE = "its server cannot be reached: check the endpoint and the network"
_ADVICE = {
    "NoCredentialsError": "there are no credentials for it: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    "PartialCredentialsError": "the credentials for it are incomplete",
    "PermissionError": "access is denied: check its permissions and your credentials",
    "FileNotFoundError": "it is not there: check the path",
    "NotADirectoryError": "a file stands where a folder is needed: check the path",
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectTimeoutError": _UNREACHABLE,
    "ClientConnectorError": _UNREACHABLE,
    "ClientConnectorDNSError": "its server's name does not resolve: check the address",
}
_EXTRAS = {"s3fs": "s3", "gcsfs": "gcs"}


def explain(error: Exception) -> str:
    """Why a place cannot be used, and what to do about it, in one line."""
    if isinstance(error, ImportError):
        return _missing_package(error)
    reason = error.strerror if isinstance(error, OSError) else None
    return _ADVICE.get(type(error).__name__) or reason or one_line(error)


def _missing_package(error: ImportError) -> str:
    for package, extra in _EXTRAS.items():
        if package in str(error).lower():
            return f"{package} is not installed: pip install 'humanverse[{extra}]'"
    return one_line(error)
