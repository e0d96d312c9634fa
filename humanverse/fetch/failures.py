"""What can go wrong with one URL, in the ledger's words."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Callable
from http import HTTPStatus

import aiohttp

from humanverse.errors import one_line


class FetchError(Exception):
    """Why a URL gave no picture.

    Attributes:
        reason: a key of ``schemas.ledger.REASONS``.
        detail: one line; the same for the same answers, so no address of ours, no port, no time of day.
        again: whether a further attempt may help.
        wait_s: seconds that the server asked us to stay away.
        http_status: of the answer that is the failure; None if there was none.
    """

    def __init__(
        self,
        reason: str,
        detail: str = "",
        *,
        again: bool = False,
        wait_s: float = 0.0,
        http_status: int | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.again = again
        self.wait_s = wait_s
        self.http_status = http_status


class AddressRefused(OSError):
    """The address is not one that we connect to. An ``OSError``, so that connectors clean up after it."""


def status_error(status: int, wait_s: float) -> FetchError:
    """The failure that an HTTP status other than 200 and the redirects stands for.

    Args:
        status: the status code.
        wait_s: what ``Retry-After`` asks for, in seconds; 0 without it.
    """
    detail = f"HTTP {status} {_PHRASES.get(status, '')}".strip()
    if status == 429:
        return FetchError("http_429", detail, again=True, wait_s=wait_s, http_status=status)
    if 400 <= status < 500:
        return FetchError("http_4xx", detail, http_status=status)
    if 500 <= status < 600:
        return FetchError("http_5xx", detail, again=True, wait_s=wait_s, http_status=status)
    return FetchError("http_other", detail, http_status=status)


def classify(error: Exception) -> FetchError:
    """The ledger's reason for an exception of the network stack, up to the answer's headers."""
    if isinstance(error, FetchError):
        return error
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    for classes, build in _TABLE:
        if isinstance(error, classes) or isinstance(cause, classes):
            return build(cause)
    return FetchError("protocol", one_line(error))


def classify_body(error: Exception) -> FetchError:
    """As ``classify``, for what happens while the body is read."""
    if isinstance(error, FetchError):
        return error
    if isinstance(error, _BROKEN_BODY):
        return FetchError("truncated", "the connection ended inside the body", again=True)
    return classify(error)


_PHRASES = {int(status): status.phrase for status in HTTPStatus}
_BROKEN_BODY = (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, OSError)


def _private(error: Exception) -> FetchError:
    return FetchError("private_address", str(error))


def _connect_timeout(error: Exception) -> FetchError:
    return FetchError("timeout", "the connection was not there in time", again=True)


def _tls(error: Exception) -> FetchError:
    text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or one_line(error)
    return FetchError("tls", " ".join(str(text).split()))


def _dns(error: Exception) -> FetchError:
    number = getattr(error, "errno", None)
    return FetchError("dns", _system_text(error), again=number == socket.EAI_AGAIN)


def _proxy(error: Exception) -> FetchError:
    return FetchError("connect", f"proxy: {_system_text(error)}", again=True)


def _proxy_answer(error: Exception) -> FetchError:
    return FetchError("connect", f"proxy: HTTP {getattr(error, 'status', 0)}")


def _connect(error: Exception) -> FetchError:
    return FetchError("connect", _system_text(error), again=True)


def _disconnected(error: Exception) -> FetchError:
    return FetchError("connect", "the server closed the connection without an answer", again=True)


def _invalid(error: Exception) -> FetchError:
    return FetchError("invalid_url", one_line(error))


def _not_http(error: Exception) -> FetchError:
    return FetchError("protocol", " ".join(str(getattr(error, "message", error)).split())[:200])


def _system_text(error: Exception) -> str:
    """What the system says of an error number: libraries add addresses and ports, which change every run."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and number:
        return os.strerror(number)
    return getattr(error, "strerror", None) or one_line(error)


_TABLE: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Exception], FetchError]], ...] = (
    (AddressRefused, _private),
    ((aiohttp.ConnectionTimeoutError, TimeoutError), _connect_timeout),
    (
        (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError, ssl.CertificateError),
        _tls,
    ),
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), _dns),
    (aiohttp.ClientProxyConnectionError, _proxy),
    (aiohttp.ClientHttpProxyError, _proxy_answer),
    (aiohttp.ServerDisconnectedError, _disconnected),
    (OSError, _connect),
    ((aiohttp.InvalidURL, UnicodeError), _invalid),
    (aiohttp.ClientResponseError, _not_http),
)
"""From the top, the first class that fits wins; what fits none is a ``protocol`` failure with its text."""
