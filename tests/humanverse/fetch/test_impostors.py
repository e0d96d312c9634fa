from __future__ import annotations

import pytest

from humanverse.fetch.impostors import impostor


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<!DOCTYPE html><html>", "HTML page"),
        (b"\xef\xbb\xbf \r\n<HTML lang=de>", "HTML page"),
        (b"<!-- cached -->", "HTML page"),
        (b"<script>location='/'</script>", "HTML page"),
        (b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="y">', "HTML page"),
        ("\ufeff<html>".encode("utf-16-le"), "HTML page"),
        ("\ufeff<html>".encode("utf-16-be"), "HTML page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing"),
        (b"<?xml version='1.0'?>\n<svg >", "SVG drawing"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "XML document"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "XML document"),
        (b'{"error": "gone"}', "JSON"),
        (b"[]", "JSON"),
        (b"[1, 2]", "JSON"),
        (b"404: Not Found", "plain text"),
        ("nicht da: \u00e4\u00f6".encode(), "plain text"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "PDF document"),
        (b"PK\x03\x04\x14\0", "ZIP archive"),
        (b"\x1f\x8b\x08\0", "gzip data"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "MP4 or QuickTime video"),
        (b"\x1a\x45\xdf\xa3\x01\0", "Matroska or WebM video"),
    ],
)
def test_what_is_plainly_no_picture(head: bytes, expected: str) -> None:
    assert impostor(head) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"GIF89a/*<html><script>*/=1;",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"P3\n2 2\n255\n0 0 0",
        b"\0\0\0\x1cftypavif\0\0\0\0mif1avif",
        b"#?RADIANCE\n",
        b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(20),
        bytes(range(256)),
        b"text, but\0not only",
        b"",
    ],
)
def test_pictures_and_what_is_not_known_are_left_to_the_decoder(head: bytes) -> None:
    assert impostor(head) is None
