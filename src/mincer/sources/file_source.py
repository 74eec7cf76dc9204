"""What all sources of files share: finding them, cutting them, reading their pieces."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator
from itertools import groupby

from mincer.errors import InputError, UsageError, Where, preview
from mincer.flow.ports import Batch
from mincer.limits import parse_size
from mincer.sources.base import Extent, Source, Split, Spool
from mincer.sources.encoding import is_cuttable
from mincer.sources.input_file import InputFile
from mincer.sources.paths import STDIN, Paths, check_paths, find_files
from mincer.sources.pieces import BLOCK_BYTES, LINES_BYTES, Piece, StdinPiece
from mincer.sources.splits import SizeAt, cut, tapered
from mincer.sources.stdin import read_stdin

__all__ = ["FileSource", "PieceSplit", "check_tag", "undecodable"]


class PieceSplit(Split):
    """Some pieces of files, one after another."""

    block_bytes = LINES_BYTES

    def __init__(self, pieces: tuple[Piece, ...], tag: str | None) -> None:
        self.pieces = pieces
        self.tag = tag
        self.size_bytes = sum(piece.size_bytes for piece in pieces)

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        first = 0
        for piece in self.pieces:
            first = yield from self.read_piece(piece, first, skip)

    @abstractmethod
    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        """Yield the batches of one piece, whose first record has the ordinal `first`;
        return the ordinal that comes next."""

    def extents(self) -> Iterable[Extent]:
        found = [piece.extent() for piece in self.pieces]
        return [extent for extent in found if extent is not None]

    def __str__(self) -> str:
        more = len(self.pieces) - 1
        if not more:
            return str(self.pieces[0])
        return f"{self.pieces[0]} and {more} more file{'s' if more > 1 else ''}"


class FileSource(Source):
    """Files, folders and globs, and the standard input."""

    #: Blocks of a fixed size are cut at multiples of it, and splits with them.
    grid_bytes = 1

    def __init__(
        self,
        paths: Paths,
        *,
        encoding: str | None = None,
        split_size: str | int | None = None,
        tag: str | None = None,
    ) -> None:
        super().__init__(tag=check_tag(tag))
        self.paths = check_paths(paths)
        self.encoding = encoding
        self.split_bytes = (
            None if split_size is None else parse_size(split_size, "split_size")
        )
        self._found: list[InputFile | None] | None = None
        if STDIN in self.paths and not self._cuttable_encoding():
            raise UsageError(
                f"'-' cannot be read as {encoding}: its lines are cut as bytes",
                hint="Save it to a file first, or convert it to UTF-8.",
            )

    def check(self) -> None:
        self._found = find_files(self.paths)

    @property
    def _inputs(self) -> list[InputFile | None]:
        if self._found is None:
            self.check()
        assert self._found is not None
        return self._found

    @property
    def size_bytes(self) -> int | None:
        inputs = self._inputs
        return None if None in inputs else self._known_bytes()

    def _known_bytes(self) -> int:
        return sum(file.size_bytes for file in self._inputs if file is not None)

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        size_at = self._size_at(self.split_bytes or split_bytes)
        for is_stdin, inputs in groupby(self._inputs, lambda file: file is None):
            if is_stdin:
                yield from self.stdin_splits(spool)
                continue
            files = (file for file in inputs if file is not None)
            for pieces in cut(files, size_at, self.is_cuttable, self.grid_bytes):
                yield self.split(pieces)

    def _size_at(self, split_bytes: int | None) -> SizeAt:
        if split_bytes is None:
            return tapered(self._known_bytes())
        return lambda done_bytes: split_bytes

    def _cuttable_encoding(self) -> bool:
        return self.encoding is None or is_cuttable(self.encoding)

    def is_cuttable(self, file: InputFile) -> bool:
        """May this file be read in pieces?"""
        return self._cuttable_encoding()

    def stdin_splits(self, spool: Spool | None) -> Iterator[Split]:
        # Blocks are cut at multiples of their own size; of text, anything will do.
        grid = self.grid_bytes if self.grid_bytes > 1 else BLOCK_BYTES
        piece: StdinPiece
        for piece in read_stdin(spool, grid):
            yield self.split((piece,))

    @abstractmethod
    def split(self, pieces: tuple[Piece, ...]) -> Split:
        """The split that reads these pieces."""

    def describe(self) -> str:
        more = len(self.paths) - 1
        return self.paths[0] + (f" and {more} more" if more else "")


def check_tag(tag: object) -> str | None:
    if tag is None or isinstance(tag, str):
        return tag
    raise UsageError(f"tag is a str, not {preview(tag)}")


def undecodable(path: str, offset: int, error: UnicodeDecodeError) -> InputError:
    """The error for bytes, at `offset` of the file, that are no text."""
    return InputError(
        f"{path} is not {error.encoding} at byte {offset}: {error.reason}",
        where=Where(
            path, offset, value=preview(error.object[error.start : error.start + 40])
        ),
        hint='Name its encoding, for example encoding="latin-1".',
    )
