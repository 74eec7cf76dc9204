"""`files`: each file, as bytes, is a record."""

from __future__ import annotations

from collections.abc import Generator

from mincer.errors import UsageError, Where
from mincer.flow.ports import Batch
from mincer.sources.compressed import InputStream
from mincer.sources.file_source import FileSource, PieceSplit
from mincer.sources.input_file import InputFile
from mincer.sources.paths import STDIN, Paths
from mincer.sources.pieces import Piece, check_same
from mincer.sources.splits import FilePiece

__all__ = ["WholeFileSource", "WholeFileSplit"]


class WholeFileSource(FileSource):
    """See `mincer.sources.files`."""

    def __init__(self, paths: Paths, *, tag: str | None = None) -> None:
        super().__init__(paths, tag=tag)
        if STDIN in self.paths:
            raise UsageError(
                "files('-'): stdin is not a file of known size",
                hint="Save it to a file, or read it with text('-') or blocks('-').",
            )

    def is_cuttable(self, file: InputFile) -> bool:
        return False

    def split(self, pieces: tuple[Piece, ...]) -> WholeFileSplit:
        return WholeFileSplit(pieces, self.tag)


class WholeFileSplit(PieceSplit):
    """Whole files; a batch is one of them, so only one is in memory."""

    def read_piece(
        self, piece: Piece, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        assert isinstance(piece, FilePiece)
        path = piece.path
        if first not in skip:
            with InputStream(path) as file:
                check_same(piece, file)
                data = file.read()
                check_same(piece, file)
            yield Batch(first, (path,), [data], piece.size_bytes, lambda _: Where(path))
        return first + 1
