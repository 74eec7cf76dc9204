"""`csv`: each row of the files is a dict, by the header of its file."""

# Strategy: most rows are one line, so a block of lines is parsed at once. A block
# without a quote is split by the delimiter alone. One with quotes goes through the
# standard `csv`, with a sentinel as its last line: if it comes back as a row, no
# quote was open at the end; else the last row goes on in the next block. A file
# larger than a split is cut only when no quoted field holds a line end, and when
# `csv` cannot disagree about what is quoted. The driver finds that out by searching
# for quotes, at GB/s: they come in pairs on each line, and each that opens stands
# where a field begins. (To parse the file on the driver would be as slow as reading
# it there.)
#
# The ordinal of a row counts rows, blank ones included, headers not. Its key is the
# byte offset of its first line, cut or not.

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from io import StringIO
from itertools import repeat
from typing import NamedTuple, TypeAlias, cast

from mincer.errors import InputError, UsageError, Where, preview
from mincer.flow.ports import BadRecord, Batch
from mincer.sources.base import Extent, Split, Spool
from mincer.sources.compressed import InputStream
from mincer.sources.encoding import check_encoding, lines_of
from mincer.sources.file_source import FileSource, PieceSplit, undecodable
from mincer.sources.input_file import InputFile
from mincer.sources.paths import Paths
from mincer.sources.pieces import BLOCK_BYTES, Block, LineReader, Piece, starts_of
from mincer.sources.splits import FilePiece
from mincer.sources.stdin import claim_stdin, stdin_pieces

__all__ = ["CsvSource", "CsvSplit"]

#: A line that no file has, and no open quote lets through as a row of its own.
_SENTINEL = "\x1e\x1fend\x1f\x1e"

#: A row, or what is wrong with it.
Row: TypeAlias = list[str] | InputError


class CsvSource(FileSource):
    """See `mincer.sources.csv`."""

    def __init__(
        self,
        paths: Paths,
        *,
        delimiter: str = ",",
        encoding: str = "utf-8",
        split_size: str | int | None = None,
        tag: str | None = None,
    ) -> None:
        if (
            not isinstance(delimiter, str)
            or len(delimiter) != 1
            or not delimiter.isascii()
            or delimiter in '"\r\n'
        ):
            raise UsageError(
                f"delimiter is one ASCII character, not {preview(delimiter)}",
                hint='For example delimiter=";" or "\\t".',
            )
        name = check_encoding(encoding)
        if name == "utf-8":
            # A spreadsheet writes a mark, and nobody wants it in the first name.
            name = "utf-8-sig"
        super().__init__(paths, encoding=name, split_size=split_size, tag=tag)
        self.delimiter = delimiter

    def is_cuttable(self, file: InputFile) -> bool:
        if not super().is_cuttable(file):
            return False
        assert self.encoding is not None
        whole = FilePiece(*file, 0, file.size_bytes)
        with LineReader(whole, self.encoding) as reader:
            return all(
                _ends_rows(block.data, self.delimiter, self.encoding)
                for block in reader
            )

    def split(self, pieces: tuple[Piece, ...]) -> CsvSplit:
        assert self.encoding is not None
        return CsvSplit(pieces, self.tag, self.delimiter, self.encoding)

    def stdin_splits(self, spool: Spool | None) -> Iterator[Split]:
        """Whole rows, told by `csv` itself; the first is the header of all."""
        header: list[str] | None = None
        rows = _rows_of_stdin(self.delimiter)
        assert self.encoding is not None
        for piece in stdin_pieces(rows, spool):
            split = CsvSplit((piece,), self.tag, self.delimiter, self.encoding)
            split.header = header
            header = header or split.header_of(piece)
            # Nothing but blank lines so far: there is no header, and no row either.
            if header is not None:
                yield split


def _ends_rows(data: bytes, delimiter: str, encoding: str) -> bool:
    """True when every line end in `data`, which begins a row, ends a row for sure."""
    parts = data.split(b'"')
    if len(parts) == 1:
        return True
    # In the East Asian encodings a byte above 0x3F may be half of a character.
    if delimiter > "?" and encoding != "utf-8-sig" and not encoding.startswith("iso"):
        return False
    if len(parts) % 2 == 0 or b"\n" in b"".join(parts[1::2]):
        return False
    # What stands before the quotes that open; nothing, when two quotes mean one.
    before = list(filter(None, parts[:-1:2]))
    joined = b'"'.join([*before, b""])
    opened = joined.count(delimiter.encode("ascii") + b'"') + joined.count(b'\n"')
    return opened == len(before)


def _rows_of_stdin(delimiter: str) -> Iterator[bytes]:
    """Bytes of stdin, about a MiB each, that end where a row ends."""
    import csv

    stream = claim_stdin()
    held: list[bytes] = []
    held_bytes = 0

    def lines() -> Iterator[str]:
        nonlocal held_bytes
        for line in iter(stream.readline, b""):
            held.append(line)
            held_bytes += len(line)
            # Where rows end is the same for any encoding in which lines can be cut.
            yield line.decode("latin-1")

    rows = csv.reader(lines(), delimiter=delimiter)
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            # The split that holds it will say so, with the place.
            continue
        if held and (row is None or held_bytes >= BLOCK_BYTES):
            yield b"".join(held)
            held.clear()
            held_bytes = 0
        if row is None:
            return


class _Rows(NamedTuple):
    """The rows of some lines; `rest` is what the last row, not ended, begins with."""

    rows: list[Row]
    starts: list[int]
    rest: bytes
    used_bytes: int


class CsvSplit(PieceSplit):
    """Rows of files, each by its own header."""

    #: The header, when it is not the first row of the file (stdin).
    header: list[str] | None = None

    def __init__(
        self, pieces: tuple[Piece, ...], tag: str | None, delimiter: str, encoding: str
    ) -> None:
        super().__init__(pieces, tag)
        self.delimiter = delimiter
        self.encoding = encoding

    def extents(self) -> Iterable[Extent]:
        for piece in self.pieces:
            extent = piece.extent()
            if extent is None:
                continue
            if self.header is None and piece.start:
                yield extent._replace(start=0, end=self._head_bytes(extent))
            yield extent

    def _head_bytes(self, extent: Extent) -> int:
        """How much of a file is read for its header: the block with the first line
        that is not blank, and those before it."""
        at = 0
        try:
            with InputStream(extent.path) as file:
                while data := file.read(self.block_bytes):
                    at += len(data)
                    # A mark only makes the first block longer, and is in it.
                    if data.removeprefix(BOM_UTF8).strip(b"\r\n"):
                        break
        except InputError:
            pass  # whoever reads the file has the error
        return min(at, extent.file_bytes)

    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        header = self.header
        if header is None and isinstance(piece, FilePiece) and piece.start:
            header = self.header_of(piece._replace(start=0, end=piece.file_bytes))
        with LineReader(piece, self.encoding, self.block_bytes) as reader:
            for parsed in self._parse(reader):
                rows, starts = parsed.rows, parsed.starts
                if header is None:
                    at = next((i for i, row in enumerate(rows) if row), None)
                    if at is None:
                        continue
                    header = _checked(rows[at], reader.path)
                    del rows[: at + 1], starts[: at + 1]
                if rows:
                    yield from _batches(reader.path, header, parsed, first, skip)
                first += len(rows)
        return first

    def header_of(self, piece: Piece) -> list[str] | None:
        """The first row of `piece` that is not blank."""
        with LineReader(piece, self.encoding, self.block_bytes) as reader:
            for parsed in self._parse(reader):
                for row in parsed.rows:
                    if row:
                        return _checked(row, piece.path)
        return None

    def _parse(self, reader: LineReader) -> Iterator[_Rows]:
        rest = b""
        for block in reader:
            if rest:
                start = block.offset - len(rest)
                block = Block(start, rest + block.data, block.used_bytes)
            parsed = self._rows_of(reader, block)
            rest = parsed.rest
            yield parsed
            start_of_rest = block.offset + len(block.data) - len(rest)
        if rest:
            flaw = InputError(
                f"{reader.path}: a quote is opened here and never closed",
                where=Where(reader.path, start_of_rest, value=preview(rest)),
            )
            yield _Rows([flaw], [start_of_rest], b"", 0)

    def _rows_of(self, reader: LineReader, block: Block) -> _Rows:
        newline = reader.newline
        lines = lines_of(block.data, newline)
        starts = list(starts_of(lines, block.offset, len(newline)))
        decoded = True
        try:
            text = block.data.decode(reader.codec)
        except UnicodeDecodeError as error:
            decoded = False
            try:
                text = block.data.decode(reader.codec, "surrogateescape")
            except UnicodeDecodeError:
                at = block.offset + error.start
                raise undecodable(reader.path, at, error) from error
        rows: list[Row]
        rest = b""
        if '"' not in text:
            split_lines = text.replace("\r\n", "\n").split("\n")
            if block.data.endswith(newline):
                split_lines.pop()
            delimiter = self.delimiter
            rows = [line.split(delimiter) if line else [] for line in split_lines]
        else:
            rows, first_lines, ended = self._quoted(text, reader.path, starts)
            if not ended:
                rest = block.data[starts[first_lines[-1]] - block.offset :]
                rows.pop()
                first_lines.pop()
            if len(first_lines) != len(lines):
                starts = [starts[index] for index in first_lines]
        if not decoded:
            rows = [
                _flaw_of_text(row, reader, start)
                for row, start in zip(rows, starts, strict=True)
            ]
        return _Rows(rows, starts, rest, block.used_bytes)

    def _quoted(
        self, text: str, path: str, starts: list[int]
    ) -> tuple[list[Row], list[int], bool]:
        """The rows, the line on which each begins, and whether the last has ended."""
        import csv

        if not text.endswith("\n"):
            text += "\n"
        # Not `splitlines`, and no translation: a line ends at \n and nothing else.
        lines = StringIO(text + _SENTINEL, newline="\n")
        reader = csv.reader(lines, delimiter=self.delimiter)
        rows: list[Row] = []
        begin = [0]
        while True:
            try:
                for row in reader:
                    rows.append(row)
                    begin.append(reader.line_num)
                break
            except csv.Error as error:
                where = Where(path, starts[begin[-1]])
                line = text.split("\n")[begin[-1]]
                rows.append(self._refused(path, where, line, error))
                begin.append(reader.line_num)
        begin.pop()
        if rows[-1] == [_SENTINEL]:
            del rows[-1], begin[-1]
            return rows, begin, True
        return rows, begin, isinstance(rows[-1], InputError)

    def _refused(self, path: str, where: Where, line: str, error: Exception) -> Row:
        if '"' not in line:
            # A lone \r, or a long field: in a block without quotes it is no error.
            return line.removesuffix("\r").split(self.delimiter)
        return InputError(
            f"a row of {path} is not CSV: {error}",
            where=Where(path, where.offset, value=preview(line)),
            hint="Is a quote never closed? If the field is that long, call "
            "csv.field_size_limit(N) at the top of the job file.",
        )


def _batches(
    path: str,
    header: list[str],
    parsed: _Rows,
    first: int,
    skip: frozenset[int],
) -> Iterator[Batch]:
    """The batches between blank, skipped and malformed rows."""
    rows, starts, _, used_bytes = parsed
    if not skip and set(map(type, rows)) == {list} and _widths(rows) == {len(header)}:
        yield _batch(path, header, rows, starts, first, used_bytes)
        return
    start = 0
    for index, row in enumerate([*rows, []]):
        flaw: InputError | None = None
        if first + index not in skip and row:
            flaw = _flaw_of(row, header, path, index, starts)
            if flaw is None:
                continue
        if index > start:
            size = used_bytes * (index - start) // len(rows)
            run = slice(start, index)
            yield _batch(path, header, rows[run], starts[run], first + start, size)
        if flaw is not None:
            raise BadRecord(first + index, flaw)
        start = index + 1


def _widths(rows: list[Row]) -> set[int]:
    return {len(row) for row in rows if isinstance(row, list)}


def _flaw_of(
    row: Row, header: list[str], path: str, index: int, starts: list[int]
) -> InputError | None:
    if isinstance(row, InputError):
        return row
    if len(row) == len(header):
        return None
    return InputError(
        f"a row of {path} has {len(row)} fields, and its header names {len(header)}",
        where=Where(path, starts[index], value=preview(row)),
        hint="Is the delimiter right? delimiter=',' is the default.",
    )


def _batch(
    path: str,
    header: list[str],
    rows: list[Row],
    starts: list[int],
    first: int,
    used_bytes: int,
) -> Batch:
    # By map: no Python code runs for a row. (None of them is an error any more.)
    values = list(map(dict, map(zip, repeat(header), cast("list[list[str]]", rows))))
    return Batch(first, starts, values, used_bytes, partial(_locate, path, starts))


def _locate(path: str, starts: list[int], index: int) -> Where:
    return Where(path, starts[index])


def _flaw_of_text(row: Row, reader: LineReader, start: int) -> Row:
    """The row, or an error when it holds bytes that are no text."""
    if isinstance(row, InputError):
        return row
    try:
        "".join(row).encode("utf-8")
    except UnicodeEncodeError:
        return InputError(
            f"a row of {reader.path} is not {reader.codec}",
            where=Where(reader.path, start, value=preview(row)),
            hint='Name its encoding, for example encoding="latin-1".',
        )
    return row


def _checked(row: Row, path: str) -> list[str]:
    if isinstance(row, InputError):
        raise row
    twice = sorted({name for name in row if row.count(name) > 1})
    if twice:
        raise InputError(
            f"the header of {path} names {preview(twice[0])} more than once",
            where=Where(path, 0, value=preview(row)),
            hint="A dict would lose all but one of them. Rename the column.",
        )
    return row
