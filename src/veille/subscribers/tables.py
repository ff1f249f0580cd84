"""CSV as spreadsheets write it: byte order marks, UTF-16, Windows-1252, semicolons, cells with line breaks.

A file is read three times as a stream (which encoding? is it a table? its lines), so that a million lines need no
more memory than ten, and nothing is imported of a table that turns out broken at its end.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.i18n import why
from veille.subscribers.cells import Header, Reader, Row, Rules, read_header

CSV_LIMIT = 4 * 1024**3  # bytes
_PIECE = 1 << 20  # bytes
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_DELIMITERS = ";\t,|"
_SEP = re.compile(r'"?sep=(.)"?', re.IGNORECASE)  # Excel's own first line


@dataclass(frozen=True)
class Refused:
    """A line that is not imported.

    Args:
        line: its first line in the file, from 1.
        reason: for people; never with an address.
        cells: as they stand, for the report that somebody mends.
    """

    line: int
    reason: str
    cells: tuple[str, ...] = field(repr=False)


class Table:
    """An open CSV file with a column of addresses.

    Args:
        file: the path as the person typed it, for messages.

    Raises:
        ContentError: the file cannot be read as such a table at all.
    """

    def __init__(self, path: Path, file: str, rules: Rules) -> None:
        self._file = file
        self._text = _opened(path, file)
        try:
            self._above, self.delimiter = self._dialect()
            self.names, self._line = self._first()
            self.header: Header = read_header(self.names, file, self._line)
            self._reader = Reader(self.header, rules)
            self.lines = self._check_form()
        except BaseException:
            self._text.close()
            raise

    def __enter__(self) -> Table:
        """Use it with `with`: the file is closed at the end."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the file."""
        self._text.close()

    def __iter__(self) -> Iterator[Row | Refused]:
        """Every line that is not empty, in order."""
        for line, cells in self._records():
            try:
                yield self._reader.row(cells)
            except ValueError as error:
                yield Refused(line, str(error), tuple(cells))

    def finding(self, refused: Refused) -> Finding:
        """A refused line as a message of file:line."""
        return Finding(self._file, refused.line, None, _("this line was refused"), refused.reason, "csv-row")

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(first line, cells) behind the header."""
        for line, cells in self._all():
            if line > self._line and any(cell.strip() for cell in cells):
                yield line, cells

    def _all(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self._lines(), delimiter=self.delimiter)
        line = 1 + self._above
        try:
            for cells in reader:
                yield line, cells
                line = 1 + self._above + reader.line_num
        except csv.Error:  # a quote that is opened and never closed swallows more than a cell can hold
            raise self._broken(line) from None

    def _lines(self) -> Iterator[str]:
        """The text from the start, behind what stands above the table."""
        self._text.seek(0)
        for number, text in enumerate(iter(lambda: self._text.readline(_PIECE), "")):
            if len(text) == _PIECE:
                raise self._broken(number + 1)
            if number >= self._above:
                yield text

    def _dialect(self) -> tuple[int, str]:
        """How many lines stand above the table, and what separates its cells."""
        self._text.seek(0)
        first = self._text.readline(_PIECE).strip("\r\n")
        if match := _SEP.fullmatch(first):
            return 1, match[1]
        plain = re.sub('"[^"]*("|$)', "", first)
        return 0, max(_DELIMITERS, key=lambda sign: (plain.count(sign), sign == ","))

    def _first(self) -> tuple[Sequence[str], int]:
        for line, cells in self._all():
            if any(cell.strip() for cell in cells):
                return cells, line
        return (), 1

    def _check_form(self) -> int:
        """Read to the end. Returns how many lines there are to import."""
        count, last, cells = 0, self._line, list[str]()
        for record in self._records():
            count, (last, cells) = count + 1, record
        if any("\n" in cell or "\r" in cell for cell in cells) and self._quotes_are_odd():
            raise self._broken(last)
        return count

    def _quotes_are_odd(self) -> bool:
        self._text.seek(0)
        return sum(piece.count('"') for piece in iter(lambda: self._text.read(_PIECE), "")) % 2 == 1

    def _broken(self, line: int) -> ContentError:
        message, hint = _("the table ends in the middle of a cell"), _("look for a quotation mark too many")
        return ContentError([Finding(self._file, line, None, message, hint, "csv-form")])


def _opened(path: Path, file: str) -> TextIO:
    """The text of a file, or of what comes through a pipe, so that it can be read again from its start."""
    content = _seekable(path, file)
    try:
        return io.TextIOWrapper(content, _encoding(content, file), newline="")
    except BaseException:
        content.close()
        raise


def _seekable(path: Path, file: str) -> BinaryIO:
    try:
        content: BinaryIO = path.open("rb")
        if not stat.S_ISREG(os.fstat(content.fileno()).st_mode):
            with content as pipe:
                content = tempfile.TemporaryFile()  # noqa: SIM115 (the table closes it)
                shutil.copyfileobj(pipe, content, _PIECE)
        if content.seek(0, os.SEEK_END) > CSV_LIMIT:
            content.close()
            raise OSError(0, _("the file is larger than 4 GB"))
    except OSError as error:
        raise ContentError([Finding(file, None, None, why(error), code="csv-unreadable")]) from None
    return content


def _encoding(content: BinaryIO, file: str) -> str:
    """By its mark, by its zeros, or the first that all of its bytes fit into."""
    content.seek(0)
    start = content.read(4096)
    marked = [name for mark, name in _MARKS if start.startswith(mark)]
    zeros = [start[i] == 0 for i in range(min(len(start), 4))]  # a header begins with letters of ASCII
    if zeros in ([False, True] * 2, [True, False] * 2):
        marked = ["utf-16-le" if zeros[1] else "utf-16-be"]
    for name in marked or ("utf-8", "cp1252"):
        if _fits(content, name):
            return name
    raise ContentError(
        [
            Finding(
                file=file,
                line=None,
                field=None,
                message=_("the file is neither UTF-8, UTF-16 nor Windows-1252 text"),
                hint=_("export it again as CSV UTF-8"),
                code="csv-encoding",
            )
        ]
    )


def _fits(content: BinaryIO, encoding: str) -> bool:
    content.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while piece := content.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
