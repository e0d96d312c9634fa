"""CSV and TSV as they are found: with or without a header, with stray quotes, with rows that are broken.

The quoting rules are those of Python's ``csv`` module. One thing is added: a quote that would swallow the rows after it
(``"best`` at the beginning of a caption in a file that does not quote) is taken as a plain character, so that one row
stays one row.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources.columns import KNOWN, unify
from humanverse.sources.lines import COMPRESSIONS, MAX_LINE, Line, decode, head
from humanverse.sources.storage import SourceFile, in_order, threads_for
from humanverse.sources.text_formats import TextReader
from schemas.recipe import SourceSettings

PROBED_LINES = 200
MAX_ROW_LINES = 100
"""Lines that one quoted row may span."""

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_OTHER_DELIMITERS = (",", "\t", ";", "|")
_IS_URL = re.compile(r'\s*"?\s*https?://', re.IGNORECASE)

# The module's limit holds for the whole process; a cell may be as long as a line.
csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE))


def _is_url(cell: str) -> bool:
    return _IS_URL.match(cell) is not None


class _Lines:
    """Lines that can be put back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._back: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        return self._back.popleft() if self._back else next(self._lines)

    def put_back(self, lines: Sequence[Line]) -> None:
        self._back.extendleft(reversed(lines))


class _QuotedRow:
    """The lines of one row for ``csv.reader``, which asks for the next one only inside quotes."""

    def __init__(self, first: str, lines: _Lines, reader: DelimitedReader) -> None:
        self.first = first
        self.lines = lines
        self.reader = reader
        self.taken: list[Line] = []
        self.unfinished = False
        self._size = len(first)

    def _belongs(self, line: Line) -> bool:
        """Whether ``line`` can be inside this row's quotes, rather than a row itself."""
        if line is None or len(self.taken) > MAX_ROW_LINES or self._size + len(line) > MAX_LINE:
            return False
        if not self.reader.is_row(decode(line)):
            return True
        return line.count(b'"') % 2 == 1 and not self.reader.is_row(self.first)

    def __iter__(self) -> Iterator[str]:
        yield self.first + "\n"
        for line in self.lines:
            self.taken.append(line)
            if line is None or not self._belongs(line):
                break
            self._size += len(line)
            yield decode(line) + "\n"
        self.unfinished = True


@dataclass(frozen=True)
class DelimitedReader:
    """Rows of one CSV or TSV file.

    Attributes:
        columns: names and types, in the order of the cells.
        delimiter: one character.
        header: whether the first row names the columns.
    """

    columns: pa.Schema
    delimiter: str
    header: bool

    def is_row(self, line: str) -> bool:
        """Whether ``line`` by itself looks like a whole row: the right number of cells, one of them a URL."""
        cells = line.split(self.delimiter)
        return len(cells) == len(self.columns) and any(map(_is_url, cells))

    def records(self, lines: Iterator[Line]) -> Iterator[list[str] | None]:
        """Each row's cells, as many as it has; None for a row of which nothing can be said."""
        return islice(self._all_records(_Lines(lines)), int(self.header), None)

    def _all_records(self, lines: _Lines) -> Iterator[list[str] | None]:
        for line in lines:
            if line is None:
                yield None
            elif not line.strip():
                continue
            elif b'"' in line:
                yield self._quoted(decode(line), lines)
            else:
                yield decode(line).split(self.delimiter)

    def _quoted(self, first: str, lines: _Lines) -> list[str]:
        row = _QuotedRow(first, lines, self)
        try:
            cells = next(csv.reader(row, delimiter=self.delimiter))
        except csv.Error:
            row.unfinished = True
        if not row.unfinished:
            return cells
        lines.put_back(row.taken)
        return first.split(self.delimiter)

    def cells(self, record: list[str] | None) -> Sequence[Any] | None:
        if record is None or len(record) != len(self.columns):
            return None
        return [cell or None for cell in record]


def _plain_suffix(file: SourceFile) -> str:
    name = file.name.lower()
    for suffix in COMPRESSIONS:
        name = name.removesuffix(suffix)
    return name[name.rfind(".") :]


def _guess_delimiter(file: SourceFile, line: str) -> str:
    usual = _DELIMITERS[_plain_suffix(file)]
    if usual in line:
        return usual
    counts = Counter({other: line.count(other) for other in _OTHER_DELIMITERS if other in line})
    return counts.most_common(1)[0][0] if counts else usual


def _header_names(cells: Sequence[str]) -> list[str]:
    """The names in a header; an empty or repeated one becomes ``column_N``, N its position from 0."""
    names: list[str] = []
    for index, cell in enumerate(cells):
        name = cell.strip()
        names.append(name if name and name not in names else f"column_{index}")
    return names


def _guessed_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names for a file without a header: ``url`` for the column with most URLs, ``caption`` for the other of two,
    ``column_N`` for the rest."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    whole = [row for row in rows if len(row) == width]
    urls = [sum(_is_url(row[index]) for row in whole) for index in range(width)]
    names = [f"column_{index}" for index in range(width)]
    if max(urls):
        names[urls.index(max(urls))] = "url"
    if width == 2 and "url" in names:
        names[1 - names.index("url")] = "caption"
    return names


def _columns(names: Sequence[str]) -> pa.Schema:
    return pa.schema([pa.field(name, KNOWN.get(name.lower(), pa.string())) for name in names])


def _probe(file: SourceFile, settings: SourceSettings) -> DelimitedReader:
    lines = head(file, PROBED_LINES)
    first = next((line for line in lines if line is not None), None)
    if first is None:
        raise UserError(f"source {file.url}: it has no rows: leave it out")
    delimiter = settings.delimiter or _guess_delimiter(file, decode(first))
    width = decode(first).count(delimiter) + 1
    unnamed = DelimitedReader(_columns([f"column_{index}" for index in range(width)]), delimiter, header=False)
    rows = [row for row in unnamed.records(iter(lines)) if row is not None]
    header = settings.header if settings.header is not None else not any(map(_is_url, rows[0]))
    names = _header_names(rows[0]) if header else _guessed_names(rows)
    return replace(unnamed, columns=_columns(names), header=header)


def probe_delimited(files: Sequence[SourceFile], settings: SourceSettings) -> list[TextReader]:
    """A reader per file: delimiter by suffix and first line, names from the header or, without one, from the content.

    Raises:
        UserError: if a file is empty, or the files' columns differ.
    """
    readers = list(in_order(lambda file: _probe(file, settings), files, threads_for(files)))
    unify([(file.url, reader.columns) for file, reader in zip(files, readers, strict=True)])
    return [*readers]
