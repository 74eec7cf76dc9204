"""`blocks`: each record is a piece of text, or bytes, that ends at a line end."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial

from mincer.errors import Where
from mincer.flow.ports import BadRecord, Batch
from mincer.limits import parse_size
from mincer.sources.encoding import check_encoding, check_errors
from mincer.sources.file_source import FileSource, PieceSplit, undecodable
from mincer.sources.paths import Paths
from mincer.sources.pieces import BLOCK_BYTES, LineReader, Piece

__all__ = ["BlockSource", "BlockSplit"]


class BlockSource(FileSource):
    """See `mincer.sources.blocks`."""

    def __init__(
        self,
        paths: Paths,
        *,
        size: str | int = "1MB",
        encoding: str | None = "utf-8",
        errors: str = "strict",
        tag: str | None = None,
    ) -> None:
        name = None if encoding is None else check_encoding(encoding)
        super().__init__(paths, encoding=name, tag=tag)
        self.errors = check_errors(errors)
        self.grid_bytes = parse_size(size, "size")

    def split(self, pieces: tuple[Piece, ...]) -> BlockSplit:
        return BlockSplit(pieces, self.tag, self.grid_bytes, self.encoding, self.errors)


class BlockSplit(PieceSplit):
    """Blocks of lines: those whose first bytes lie in the same multiple of the size, so
    the blocks of a file are the same however it is split."""

    def __init__(
        self,
        pieces: tuple[Piece, ...],
        tag: str | None,
        size: int,
        encoding: str | None,
        errors: str,
    ) -> None:
        super().__init__(pieces, tag)
        self.block_bytes = size
        self.encoding = encoding
        self.errors = errors

    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        # Small blocks travel together: what is done once a batch costs some µs.
        keys: list[int] = []
        values: list[str | bytes] = []
        held_bytes = 0
        ordinal = first
        with LineReader(piece, self.encoding, self.block_bytes) as reader:
            path = reader.path
            for block in reader:
                value: str | bytes | None = None
                flaw: BadRecord | None = None
                if ordinal not in skip:
                    try:
                        value = self._decode(reader, block.data)
                    except UnicodeDecodeError as error:
                        at = block.offset + error.start
                        flaw = BadRecord(ordinal, undecodable(path, at, error))
                if value is not None:
                    keys.append(block.offset)
                    values.append(value)
                    held_bytes += block.used_bytes
                if values and (value is None or held_bytes >= BLOCK_BYTES):
                    at_first = ordinal - len(values) + (value is not None)
                    yield _batch(path, at_first, keys, values, held_bytes)
                    keys, values, held_bytes = [], [], 0
                if flaw is not None:
                    raise flaw
                ordinal += 1
            if values:
                yield _batch(path, ordinal - len(values), keys, values, held_bytes)
        return ordinal

    def _decode(self, reader: LineReader, data: bytes) -> str | bytes:
        if self.encoding is None:
            return data
        return data.decode(reader.codec, self.errors)


def _batch(
    path: str, first: int, keys: list[int], values: list[str | bytes], size: int
) -> Batch:
    return Batch(first, keys, values, size, partial(_locate, path, keys))


def _locate(path: str, keys: list[int], index: int) -> Where:
    return Where(path, keys[index])
