"""`text`: each line of the files is a record."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from itertools import repeat
from typing import Any, Literal, TypeAlias

from mincer.errors import InputError, UsageError, Where, preview
from mincer.flow.ports import BadRecord, Batch
from mincer.sources.encoding import check_encoding, check_errors, lines_of
from mincer.sources.file_source import FileSource, PieceSplit, undecodable
from mincer.sources.paths import Paths
from mincer.sources.pieces import Block, LineReader, Piece, place_of, starts_of
from mincer.sources.splits import runs

__all__ = ["KeyKind", "TextSource", "TextSplit"]

#: What the key of a line is: its byte offset, (path, offset), or None.
KeyKind: TypeAlias = Literal["offset", "path", "none"]


class TextSource(FileSource):
    """See `mincer.sources.text`."""

    def __init__(
        self,
        paths: Paths,
        *,
        key: KeyKind = "offset",
        encoding: str = "utf-8",
        errors: str = "strict",
        split_size: str | int | None = None,
        tag: str | None = None,
    ) -> None:
        if key not in ("offset", "path", "none"):
            raise UsageError(f'key is "offset", "path" or "none", not {preview(key)}')
        super().__init__(
            paths, encoding=check_encoding(encoding), split_size=split_size, tag=tag
        )
        self.key: KeyKind = key
        self.errors = check_errors(errors)

    def split(self, pieces: tuple[Piece, ...]) -> TextSplit:
        assert self.encoding is not None
        return TextSplit(pieces, self.tag, self.key, self.encoding, self.errors)


class TextSplit(PieceSplit):
    """Lines of text."""

    def __init__(
        self,
        pieces: tuple[Piece, ...],
        tag: str | None,
        key: KeyKind,
        encoding: str,
        errors: str,
    ) -> None:
        super().__init__(pieces, tag)
        self.key = key
        self.encoding = encoding
        self.errors = errors

    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        with LineReader(piece, self.encoding, self.block_bytes) as reader:
            for block in reader:
                if not skip:
                    first = yield from self._read_block(reader, block, first)
                    continue
                lines = lines_of(block.data, reader.newline)
                for start, stop in runs(first, len(lines), skip):
                    part = _part(block, lines, start, stop, reader.newline)
                    yield from self._read_block(reader, part, first + start)
                first += len(lines)
        return first

    def _read_block(
        self, reader: LineReader, block: Block, first: int
    ) -> Generator[Batch, None, int]:
        offset, data, used_bytes = block
        newline = reader.newline
        try:
            text = data.decode(reader.codec, self.errors)
        except UnicodeDecodeError as error:
            # The good lines first: a first try may want no more than those.
            lines = lines_of(data, newline)
            bad = len(lines_of(data[: error.start] + b"?" * len(newline), newline)) - 1
            if bad:
                good = _part(block, lines, 0, bad, newline)
                yield from self._read_block(reader, good, first)
            flaw = undecodable(reader.path, offset + error.start, error)
            raise BadRecord(first + bad, flaw) from error
        # One character is one byte: lines of text are as long as those of bytes.
        alike = text.isascii() and len(text) == len(data)
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        values = text.split("\n")
        ends = len(values) - 1
        if data.endswith(newline):
            values.pop()
        returns = len(data) - len(text)
        starts: Callable[[], Iterable[int]]
        if alike and returns in (0, ends):
            # All lines end alike, in \n or in \r\n.
            starts = partial(starts_of, values, offset, 2 if returns else 1)
        else:
            if self.errors != "strict" or reader.codec != "utf-8":
                values = self._one_a_line(reader, data, values)
            starts = partial(_starts_of_bytes, data, offset, newline)
        yield Batch(
            first,
            self._keys(reader.path, len(values), starts),
            values,
            used_bytes,
            partial(_locate, reader.path, offset, data, newline),
        )
        return first + len(values)

    def _one_a_line(
        self, reader: LineReader, data: bytes, values: list[str]
    ) -> list[str]:
        """`values` if there is one for each line of bytes, else line by line: "replace"
        and "ignore" may swallow a line end, and "+AAo-" is one in UTF-7."""
        lines = lines_of(data, reader.newline)
        if len(values) == len(lines):
            return values
        if self.errors == "strict":
            raise InputError(
                f"{reader.path}: {reader.codec} writes some line ends in its own way",
                where=Where(reader.path),
                hint="Convert it to UTF-8 first.",
            )
        values = [line.decode(reader.codec, self.errors) for line in lines]
        ended = len(values) if data.endswith(reader.newline) else len(values) - 1
        values[:ended] = [value.removesuffix("\r") for value in values[:ended]]
        return values

    def _keys(
        self, path: str, count: int, starts: Callable[[], Iterable[int]]
    ) -> Iterable[Any]:
        if self.key == "offset":
            return starts()
        if self.key == "path":
            return zip(repeat(path, count), starts(), strict=True)
        return repeat(None, count)


def _starts_of_bytes(data: bytes, offset: int, newline: bytes) -> Iterator[int]:
    return starts_of(lines_of(data, newline), offset, len(newline))


def _locate(path: str, offset: int, data: bytes, newline: bytes, index: int) -> Where:
    return place_of(path, offset, data, newline, index)


def _part(
    block: Block, lines: list[bytes], start: int, stop: int, newline: bytes
) -> Block:
    """The lines `start … stop - 1` of `block`, whose lines are `lines`."""
    width = len(newline)
    begin = sum(map(len, lines[:start])) + width * start
    end = begin + sum(map(len, lines[start:stop])) + width * (stop - start)
    data = block.data[begin:end]
    used_bytes = block.used_bytes * len(data) // len(block.data)
    return Block(block.offset + begin, data, used_bytes)
