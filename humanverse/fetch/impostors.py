"""What comes instead of a picture: told from the first bytes, never from ``Content-Type``."""

from __future__ import annotations

import re

from humanverse.codec.sniff import sniff

HEAD_BYTES = 1024
"""How much of a body is looked at; a known picture is known long before."""

_SIGNATURES = (
    (b"%PDF-", "PDF document"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
    (b"FLV\x01", "Flash video"),
)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has (WHATWG MIME Sniffing, "binary data byte")."""
_MARKUP = (
    (re.compile(rb"<\?xml.*?<svg[\s>]|<svg[\s>]|<!doctype svg", re.DOTALL), "SVG drawing"),
    (
        re.compile(
            rb"<!doctype html|<\?xml.*?<html[\s>]"
            rb"|<(?:html|head|body|title|meta|link|script|style|iframe|div|p|h1|table|a|b|br|font|center)[\s>/]"
            rb"|<!--",
            re.DOTALL,
        ),
        "HTML page",
    ),
    (re.compile(rb"<[?!]?[a-z_]"), "XML document"),
    (re.compile(rb"[{\[]\s*[\"{\[}\]\d-]"), "JSON"),
)


def impostor(head: bytes) -> str | None:
    """What a body is, in a few words, where it is plainly no picture: a page, text, a document, an archive, a video.

    None for pictures, and for all that is not known: the decoder judges it.

    Args:
        head: the body's first ``HEAD_BYTES`` bytes, or all of a shorter one.
    """
    if sniff(head) is not None:
        return None
    for magic, name in _SIGNATURES:
        if head.startswith(magic):
            return name
    if head[4:8] == b"ftyp":
        return "MP4 or QuickTime video"
    return _text(head)


def _text(head: bytes) -> str | None:
    mark = next((mark for mark in _BYTE_ORDER_MARKS if head.startswith(mark)), b"")
    text = head[len(mark) :]
    if mark in (b"\xff\xfe", b"\xfe\xff"):
        text = text.replace(b"\0", b"")
    if not head or _BINARY.search(text):
        return None
    start = text.lstrip().lower()
    return next((name for pattern, name in _MARKUP if pattern.match(start)), "plain text")
