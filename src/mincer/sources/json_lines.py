"""`jsonl`: each line of the files is a JSON value."""

# Strategy: msgspec decodes a line four times as fast as `json`, and refuses what `json`
# takes (NaN, Infinity, lone surrogates, numbers out of range). So a block goes through
# msgspec, and through `json` line by line only when something in it was refused.

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from mincer.errors import InputError, Where, preview
from mincer.flow.ports import BadRecord, Batch
from mincer.sources.encoding import lines_of
from mincer.sources.file_source import FileSource, PieceSplit
from mincer.sources.paths import Paths
from mincer.sources.pieces import Block, LineReader, Piece, place_of, starts_of

__all__ = ["JsonSource", "JsonSplit"]

_NEWLINE = b"\n"
#: The white space of JSON: a line of nothing else is blank.
_WHITE = b" \t\r\n"


class JsonSource(FileSource):
    """See `mincer.sources.jsonl`."""

    def __init__(
        self,
        paths: Paths,
        *,
        split_size: str | int | None = None,
        tag: str | None = None,
    ) -> None:
        super().__init__(paths, encoding="utf-8-sig", split_size=split_size, tag=tag)

    def split(self, pieces: tuple[Piece, ...]) -> JsonSplit:
        return JsonSplit(pieces, self.tag)


class JsonSplit(PieceSplit):
    """Lines of JSON. Blank lines are no records, but count as ordinals: so a line has
    its number before anything is parsed."""

    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        import msgspec

        decode: Callable[[bytes], Any] = msgspec.json.Decoder().decode
        refusals = (msgspec.MsgspecError, ValueError, RecursionError)
        with LineReader(piece, "utf-8-sig", self.block_bytes) as reader:
            for block in reader:
                lines = lines_of(block.data, _NEWLINE)
                if not skip:
                    try:
                        values = list(map(decode, lines))
                    except refusals:
                        pass
                    else:
                        yield _batch(reader.path, block, lines, values, first, 0)
                        first += len(lines)
                        continue
                yield from _line_by_line(reader.path, block, lines, first, skip)
                first += len(lines)
        return first


def _line_by_line(
    path: str, block: Block, lines: list[bytes], first: int, skip: frozenset[int]
) -> Generator[Batch, None, None]:
    """The batches between blank, skipped and malformed lines."""
    import json

    values: list[Any] = []
    for index, line in enumerate(lines):
        flaw: Exception | None = None
        if first + index not in skip and line.strip(_WHITE):
            try:
                values.append(json.loads(line.decode("utf-8")))
            except (ValueError, RecursionError) as error:
                flaw = error
            else:
                continue
        if values:
            yield _batch(path, block, lines, values, first, index - len(values))
            values = []
        if flaw is not None:
            where = place_of(path, block.offset, block.data, _NEWLINE, index)
            raise BadRecord(
                first + index, _malformed(path, where, line, flaw)
            ) from flaw
    if values:
        yield _batch(path, block, lines, values, first, len(lines) - len(values))


def _batch(
    path: str,
    block: Block,
    lines: list[bytes],
    values: list[Any],
    first: int,
    start: int,
) -> Batch:
    """The batch of `values`, which are those of the lines from `start` on."""
    offset, used_bytes = block.offset, block.used_bytes
    if len(values) != len(lines):
        offset += sum(map(len, lines[:start])) + start
        lines = lines[start : start + len(values)]
        size = sum(map(len, lines)) + len(lines)
        used_bytes = used_bytes * size // max(1, len(block.data))
    keys = starts_of(lines, offset, 1)
    return Batch(
        first + start, keys, values, used_bytes, partial(_locate, path, offset, lines)
    )


def _locate(path: str, offset: int, lines: list[bytes], index: int) -> Where:
    return Where(path, offset + sum(map(len, lines[:index])) + index)


def _malformed(path: str, where: Where, line: bytes, flaw: Exception) -> InputError:
    # "(char 3)" and "line 1" would be of the line alone, and mislead.
    reason = getattr(flaw, "msg", None) or flaw
    column = getattr(flaw, "colno", None)
    at = f" in column {column}" if column else ""
    return InputError(
        f"a line of {path} is not JSON: {reason}{at}",
        where=Where(path, where.offset, value=preview(line)),
        hint="jsonl takes one JSON value a line; a whole file is one with files().",
    )
