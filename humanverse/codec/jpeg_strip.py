"""Take all metadata out of a JPEG without touching its coded pixels.

The marker structure is that of ITU-T T.81, annex B. A stream is either understood in full, and then written anew from
its parsed parts, or not at all: whatever looks unusual (arithmetic coding, DNL, hierarchical or lossless processes,
junk between segments, tables that are missing) yields None, and the caller encodes the picture anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

SOI, EOI, SOS, DQT, DHT, DRI, COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xDD, 0xFE
APP0, APP1, APP2, APP14, APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2

MAX_SEGMENTS = 20_000
"""A file has a few dozen, a thousand at most; millions of empty ones keep a parser busy for a long time."""

PROBE_BYTES = 64

_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
_MARKER_OR_RESTART = re.compile(rb"\xff[^\x00]", re.DOTALL)
_FILL = re.compile(rb"\xff+")
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_CLEAN_JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_EXIF = b"Exif\0"
_ICC = b"ICC_PROFILE\0"
_MPF = b"MPF\0"


@dataclass(frozen=True)
class Component:
    """One component of the frame: its identifier, sampling factors and the quantisation table that it uses."""

    identifier: int
    across: int
    down: int
    quantisation: int


@dataclass
class Stripped:
    """A JPEG that was understood in full.

    Attributes:
        jpeg: the same coded picture and nothing else: no metadata, thumbnails, further pictures or trailing bytes.
        probe: as ``jpeg``, but with no more than the first ``PROBE_BYTES`` of each scan's coded data.
        width: of the frame, in pixels, before any orientation.
        height: likewise.
        components: of the frame, in order.
        scans: how often the picture is passed over; 1 for most baseline files, about 10 for progressive ones.
        exif: the first EXIF segment's payload (a TIFF structure), or None.
        icc: the ICC profile, or None if there is none or its parts do not fit together.
        multi_picture: further pictures follow the first (CIPA DC-007).
        jfif: the stream has a JFIF segment.
        adobe_transform: the Adobe segment's colour transform (0, 1 or 2), or None without that segment.
    """

    jpeg: bytes = b""
    probe: bytes = b""
    width: int = 0
    height: int = 0
    components: tuple[Component, ...] = ()
    scans: int = 0
    exif: bytes | None = None
    icc: bytes | None = None
    multi_picture: bool = False
    jfif: bool = False
    adobe_transform: int | None = None

    @property
    def unambiguous(self) -> bool:
        """Whether all decoders take the components for the same colours.

        Grey always; three components as YCbCr when JFIF or Adobe say so, or the identifiers are JFIF's 1, 2, 3; as
        RGB when Adobe says so and no JFIF segment contradicts.
        """
        if len(self.components) == 1:
            return True
        if len(self.components) != 3:
            return False
        if self.adobe_transform is not None:
            return self.adobe_transform == 1 or (self.adobe_transform == 0 and not self.jfif)
        return [component.identifier for component in self.components] == [1, 2, 3]

    @property
    def evenly_sampled(self) -> bool:
        """Whether each component's samples lie a whole number of times as far apart as the finest component's."""
        across, down = max(c.across for c in self.components), max(c.down for c in self.components)
        return all(across % c.across == 0 and down % c.down == 0 for c in self.components)


class _NotUnderstood(Exception):
    """The stream is broken or uses something that this parser does not know."""


def strip(data: bytes) -> Stripped | None:
    """Parse ``data``, a whole JPEG file, and write it anew without metadata; None if it is not understood in full.

    Raises:
        ValueError: there are more than ``MAX_SEGMENTS`` segments; no other parser should be tried either.
    """
    try:
        return _Parser(data).run()
    except (_NotUnderstood, IndexError):
        return None


@dataclass
class _Parser:
    data: bytes
    at: int = 2
    process: int | None = None
    restart_interval: int = 0
    wide_tables: bool = False
    quantisation: set[int] = field(default_factory=set)
    huffman: set[tuple[int, int]] = field(default_factory=set)
    scanned: set[int] = field(default_factory=set)
    icc_parts: list[tuple[int, int, bytes]] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    coded: set[int] = field(default_factory=set)
    found: Stripped = field(default_factory=Stripped)

    def run(self) -> Stripped:
        if self.data[:2] != b"\xff\xd8":
            raise _NotUnderstood
        for _ in range(MAX_SEGMENTS):
            marker = self.next_marker()
            if marker == EOI:
                return self.finish()
            if APP0 <= marker <= APP15:
                self.application(marker, self.segment())
            elif marker == COM:
                self.segment()
            else:
                handler = _HANDLERS.get(marker)
                if handler is None:
                    raise _NotUnderstood
                handler(self, marker, self.segment())
        raise ValueError(f"more than {MAX_SEGMENTS} segments")

    def finish(self) -> Stripped:
        identifiers = {component.identifier for component in self.found.components}
        if not self.found.scans or self.scanned != identifiers:
            raise _NotUnderstood
        if self.wide_tables and self.process == BASELINE:
            raise _NotUnderstood
        self.found.icc = self.profile()
        head = [b"\xff\xd8", *self.application_segments()]
        self.found.jpeg = b"".join([*head, *self.parts, b"\xff\xd9"])
        shortened = (part[:PROBE_BYTES] if i in self.coded else part for i, part in enumerate(self.parts))
        self.found.probe = b"".join([*head, *shortened, b"\xff\xd9"])
        return self.found

    def application_segments(self) -> list[bytes]:
        kept = [_CLEAN_JFIF] if self.found.jfif else []
        if self.found.adobe_transform is not None:
            kept.append(b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([self.found.adobe_transform]))
        return kept

    def next_marker(self) -> int:
        fill = _FILL.match(self.data, self.at)
        if fill is None:
            raise _NotUnderstood
        self.at = fill.end() + 1
        return self.data[fill.end()]

    def segment(self) -> bytes:
        length = int.from_bytes(self.data[self.at : self.at + 2], "big")
        payload = self.data[self.at + 2 : self.at + length]
        if length < 2 or len(payload) != length - 2:
            raise _NotUnderstood
        self.at += length
        return payload

    def keep(self, marker: int, payload: bytes) -> None:
        self.parts.append(bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload)

    def application(self, marker: int, payload: bytes) -> None:
        found = self.found
        if marker == APP0 and payload.startswith(b"JFIF\0"):
            found.jfif = True
        elif marker == APP1 and payload.startswith(_EXIF) and found.exif is None:
            found.exif = payload[6:]
        elif marker == APP2 and payload.startswith(_ICC) and len(payload) >= 14:
            self.icc_parts.append((payload[12], payload[13], payload[14:]))
        elif marker == APP2 and payload.startswith(_MPF):
            found.multi_picture = True
        elif marker == APP14 and payload.startswith(b"Adobe") and len(payload) >= 12:
            if found.adobe_transform not in (None, payload[11]):
                raise _NotUnderstood
            found.adobe_transform = payload[11]

    def profile(self) -> bytes | None:
        """The ICC profile from its numbered parts (ICC.1, annex B.4), None unless each part is there once."""
        numbers = sorted(number for number, _, _ in self.icc_parts)
        if not numbers or numbers != list(range(1, self.icc_parts[0][1] + 1)):
            return None
        return b"".join(part for _, _, part in sorted(self.icc_parts))

    def quantisation_tables(self, marker: int, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            precision, table = payload[at] >> 4, payload[at] & 15
            if precision > 1 or table > 3:
                raise _NotUnderstood
            self.quantisation.add(table)
            self.wide_tables |= precision == 1
            at += 1 + 64 * (precision + 1)
        if at != len(payload):
            raise _NotUnderstood
        self.keep(marker, payload)

    def huffman_tables(self, marker: int, payload: bytes) -> None:
        at = 0
        while at < len(payload):
            kind, table = payload[at] >> 4, payload[at] & 15
            values = sum(payload[at + 1 : at + 17])
            if kind > 1 or table > 3 or values > 256:
                raise _NotUnderstood
            self.huffman.add((kind, table))
            at += 17 + values
        if at != len(payload):
            raise _NotUnderstood
        self.keep(marker, payload)

    def restart(self, marker: int, payload: bytes) -> None:
        if len(payload) != 2:
            raise _NotUnderstood
        self.restart_interval = int.from_bytes(payload, "big")
        self.keep(marker, payload)

    def frame(self, marker: int, payload: bytes) -> None:
        if self.process is not None or len(payload) < 6 or payload[0] != 8:
            raise _NotUnderstood
        height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
        count = payload[5]
        if not height or not width or not 1 <= count <= 4 or len(payload) != 6 + 3 * count:
            raise _NotUnderstood
        components = tuple(
            Component(payload[at], payload[at + 1] >> 4, payload[at + 1] & 15, payload[at + 2])
            for at in range(6, len(payload), 3)
        )
        if len({component.identifier for component in components}) != count:
            raise _NotUnderstood
        if not all(1 <= c.across <= 4 and 1 <= c.down <= 4 for c in components):
            raise _NotUnderstood
        self.process = marker
        self.found.width, self.found.height, self.found.components = width, height, components
        self.keep(marker, payload)

    def scan(self, marker: int, payload: bytes) -> None:
        if self.process is None or not payload or len(payload) != 4 + 2 * payload[0]:
            raise _NotUnderstood
        count = payload[0]
        chosen = {payload[1 + 2 * i]: payload[2 + 2 * i] for i in range(count)}
        quantisation = {c.identifier: c.quantisation for c in self.found.components}
        if not count or len(chosen) != count or not chosen.keys() <= quantisation.keys():
            raise _NotUnderstood
        if not {quantisation[identifier] for identifier in chosen} <= self.quantisation:
            raise _NotUnderstood
        for tables in chosen.values():
            if not self.tables_of_scan(tables, payload[-3], payload[-1] >> 4) <= self.huffman:
                raise _NotUnderstood
        self.scanned |= chosen.keys()
        self.found.scans += 1
        self.keep(marker, payload)
        self.coded.add(len(self.parts))
        self.parts.append(self.coded_data())

    def tables_of_scan(self, tables: int, first_coefficient: int, earlier_bits: int) -> set[tuple[int, int]]:
        """The Huffman tables, (0 DC | 1 AC, number), that a scan reads for a component with the selector ``tables``."""
        dc, ac = (0, tables >> 4), (1, tables & 15)
        if self.process != PROGRESSIVE:
            return {dc, ac}
        if first_coefficient:
            return {ac}
        return set() if earlier_bits else {dc}

    def coded_data(self) -> bytes:
        pattern = _MARKER_IN_SCAN if self.restart_interval else _MARKER_OR_RESTART
        end = pattern.search(self.data, self.at)
        if end is None:
            raise _NotUnderstood
        coded = self.data[self.at : end.start()]
        if self.restart_interval:
            restarts = b"".join(_RESTART.findall(coded))
            if any(code != 0xD0 + i % 8 for i, code in enumerate(restarts)):
                raise _NotUnderstood
        self.at = end.start()
        return coded


_HANDLERS: dict[int, Callable[[_Parser, int, bytes], None]] = {
    DQT: _Parser.quantisation_tables,
    DHT: _Parser.huffman_tables,
    DRI: _Parser.restart,
    BASELINE: _Parser.frame,
    EXTENDED: _Parser.frame,
    PROGRESSIVE: _Parser.frame,
    SOS: _Parser.scan,
}
