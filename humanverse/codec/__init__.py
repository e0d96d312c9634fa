"""From downloaded bytes to the stored JPEG, and from the stored JPEG to pixels."""

from humanverse.codec.jpeg import decode_rgb, encode_jpeg
from humanverse.codec.prepare import Prepared, header_size, prepare
from humanverse.codec.sniff import sniff

__all__ = ["Prepared", "decode_rgb", "encode_jpeg", "header_size", "prepare", "sniff"]
