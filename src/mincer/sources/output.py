"""The pairs that an earlier job wrote to a folder, as the records of another."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

from mincer.codec.formats import (
    TEXT_FORMATS,
    Columns,
    decode,
    read_chunks,
    record_offset,
)
from mincer.codec.manifest import MANIFEST, Manifest
from mincer.errors import InputError, UsageError, Where, preview
from mincer.flow.ports import BadRecord, Batch
from mincer.sources.base import Extent, Source, Split, Spool
from mincer.sources.copies import open_input
from mincer.sources.file_source import check_tag
from mincer.sources.splits import split_size
from mincer.urls import (
    absolute,
    as_path,
    below,
    is_remote,
    open_file,
    size_of,
    status_of_file,
)

__all__ = ["OutputSource", "output", "split_of_part"]


def output(folder: str | os.PathLike[str], *, tag: str | None = None) -> OutputSource:
    """The (key, value) pairs in a folder that a job wrote, whatever their format.

    Of format `lines` only the values were written: keys are None, and values are the
    lines as text. Of tsv and jsonl, an array is a tuple in a key and a list in a value.
    """
    return OutputSource(folder, tag=tag)


class OutputSource(Source):
    """Reads what the manifest lists, and nothing else that lies in the folder."""

    def __init__(
        self, folder: str | os.PathLike[str], *, tag: str | None = None
    ) -> None:
        super().__init__(tag=check_tag(tag))
        if not isinstance(folder, str | os.PathLike):
            raise UsageError(f"output: {preview(folder)} is not the path of a folder")
        self.folder = as_path(folder)
        self._root = absolute(self.folder)
        self._manifest: Manifest | None = None

    def check(self) -> None:
        self._manifest = None
        manifest = self._read_manifest()
        for part in manifest.parts:
            path = below(self._root, part.name)
            try:
                size_bytes = size_of(path)
            except OSError as error:
                raise _unreadable(path, error) from error
            if size_bytes != part.size_bytes:
                raise _changed(path, part.size_bytes, size_bytes)
        self._manifest = manifest

    @property
    def size_bytes(self) -> int | None:
        if self._manifest is None:
            return None
        return sum(part.size_bytes for part in self._manifest.parts)

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        if self._manifest is None:
            self.check()
        assert self._manifest is not None
        manifest = self._manifest
        aim_bytes = split_bytes or split_size(self.size_bytes or 0)
        group: list[_Piece] = []
        for piece in self._pieces(manifest, aim_bytes):
            if group and sum(map(_length, group)) + _length(piece) > aim_bytes:
                yield OutputSplit(group, manifest.format, self.tag)
                group = []
            group.append(piece)
        if group:
            yield OutputSplit(group, manifest.format, self.tag)

    def describe(self) -> str:
        return f"the output in {self.folder}"

    def _pieces(self, manifest: Manifest, aim_bytes: int) -> Iterator[_Piece]:
        """The parts that hold pairs; those of text that are large, in ranges."""
        for part in manifest.parts:
            size_bytes = part.size_bytes
            ranges = 1
            if manifest.format in TEXT_FORMATS:
                ranges = max(1, -(-size_bytes // aim_bytes))
            path = below(self._root, part.name)
            for index in range(ranges if part.pairs else 0):
                start = size_bytes * index // ranges
                end = size_bytes * (index + 1) // ranges
                yield _Piece(path, size_bytes, start, end)

    def _read_manifest(self) -> Manifest:
        try:
            with open_file(below(self._root, MANIFEST)) as file:
                data = file.read()
        except FileNotFoundError as error:
            # Of a storage without folders, nobody can tell.
            if is_remote(self._root) or os.path.isdir(self._root):
                raise InputError(
                    f"{self.folder} is not the complete output of a job: it has no "
                    f"{MANIFEST}",
                    hint="Did the job fail, or does it still run? Other files are read "
                    "with mincer.sources.text.",
                ) from error
            raise InputError(f"there is no folder {self.folder}") from error
        except OSError as error:
            raise _unreadable(self.folder, error) from error
        try:
            return Manifest.from_json(data)
        except ValueError as error:
            raise InputError(
                f"{self.folder} was not written by mincer: {MANIFEST} cannot be read "
                f"({error})",
                hint=f"As text it is read with  "
                f"mincer.sources.text({below(self.folder, 'part-*')!r}).",
            ) from error


class _Piece(NamedTuple):
    """A range of a part file, and how long the file is that it belongs to."""

    path: str
    file_bytes: int
    start: int
    end: int


def _length(piece: _Piece) -> int:
    return piece.end - piece.start


class OutputSplit(Split):
    """Pieces of part files, read one after another."""

    def __init__(self, pieces: list[_Piece], format: str, tag: str | None) -> None:
        self.tag = tag
        self.size_bytes = sum(map(_length, pieces))
        self._pieces = pieces
        self._format = format

    def __str__(self) -> str:
        first, last = self._pieces[0], self._pieces[-1]
        if len(self._pieces) > 1:
            return f"{first.path} … {os.path.basename(last.path)}"
        if _length(first) < first.file_bytes:
            return f"{first.path} bytes {first.start}-{first.end}"
        return first.path

    def extents(self) -> Iterable[Extent]:
        for piece in self._pieces:
            if is_remote(piece.path):
                continue  # all can read it
            start, end = max(0, piece.start - 1), piece.end
            try:
                mtime_ns = os.stat(piece.path).st_mtime_ns
            except OSError:
                mtime_ns = 0  # whoever reads it has the error
            yield Extent(piece.path, start, end, piece.file_bytes, mtime_ns)

    def read(self, skip: frozenset[int] = frozenset()) -> Iterator[Batch]:
        """See `mincer.flow.ports.Records.read`."""
        first = 0
        for piece in self._pieces:
            for chunk in self._chunks(piece):
                first += yield from self._batches(chunk, first, skip)

    def _chunks(self, piece: _Piece) -> Iterator[_Chunk]:
        try:
            with open_input(piece.path) as file:
                size_bytes = status_of_file(file).st_size
                if size_bytes != piece.file_bytes:
                    raise _changed(piece.path, piece.file_bytes, size_bytes)
                chunks = read_chunks(
                    file, self._format, piece.path, piece.start, piece.end
                )
                for offset, data in chunks:
                    yield _Chunk(piece.path, offset, data, self._format in TEXT_FORMATS)
        except OSError as error:
            raise _unreadable(piece.path, error) from error

    def _batches(
        self, chunk: _Chunk, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        """Yield the pairs of a chunk as batches without gaps; return how many records
        it has, left out or not."""
        try:
            keys, values = decode(self._format, chunk.data, chunk.path, chunk.offset)
        except InputError:
            if not chunk.is_text:
                raise
            return (yield from self._good_lines(chunk, first, skip))
        left_out = sorted(n - first for n in skip if first <= n < first + len(keys))
        start = 0
        for stop in (*left_out, len(keys)):
            if start < stop:
                columns = keys[start:stop], values[start:stop]
                yield chunk.batch(first, start, columns, len(keys))
            start = stop + 1
        return len(keys)

    def _good_lines(
        self, chunk: _Chunk, first: int, skip: frozenset[int]
    ) -> Generator[Batch, None, int]:
        """The same for a chunk that has a line which is not of the format."""
        lines = chunk.data.removesuffix(b"\n").split(b"\n")
        offset, start = chunk.offset, 0
        keys: list[Any] = []
        values: list[Any] = []
        for index, line in enumerate(lines):
            bad: InputError | None = None
            if first + index not in skip:
                try:
                    (key,), (value,) = decode(
                        self._format, line + b"\n", chunk.path, offset
                    )
                    keys.append(key)
                    values.append(value)
                except InputError as error:
                    bad = error
            if bad is not None or first + index in skip:
                if keys:
                    yield chunk.batch(first, start, (keys, values), len(lines))
                keys, values, start = [], [], index + 1
            if bad is not None:
                raise BadRecord(first + index, bad)
            offset += len(line) + 1
        if keys:
            yield chunk.batch(first, start, (keys, values), len(lines))
        return len(lines)


def split_of_part(path: str, format: str, tag: str | None) -> OutputSplit:
    """The pairs of one part file, whole as it is now."""
    try:
        size_bytes = size_of(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return OutputSplit([_Piece(path, size_bytes, 0, size_bytes)], format, tag)


class _Chunk(NamedTuple):
    """Some lines of a part file, or a block."""

    path: str
    offset: int
    data: bytes
    is_text: bool

    def batch(self, first: int, start: int, columns: Columns, records: int) -> Batch:
        """The records `start…` of this chunk, which has `records` of them; the first
        of all has ordinal `first` in the split."""
        keys, values = columns

        def locate(index: int) -> Where:
            offset = self.offset
            if self.is_text:
                offset = record_offset(self.data, offset, start + index)
            shown = preview(keys[index]), preview(values[index])
            return Where(self.path, offset, *shown)

        used_bytes = len(self.data) * len(keys) // records
        return Batch(first + start, keys, values, used_bytes, locate)


def _changed(path: str, expected_bytes: int, found_bytes: int) -> InputError:
    return InputError(
        f"{path} has {found_bytes:,} bytes, and the job wrote {expected_bytes:,}",
        hint="It was changed or cut off. Run the job that wrote it again.",
    )


def _unreadable(path: str, error: OSError) -> InputError:
    return InputError(f"cannot read {path}: {error.strerror or error}")
