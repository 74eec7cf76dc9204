"""Blocks of whole lines: cut by where lines start, from files and from stdin."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import lines_of_file

from mincer.errors import InputError
from mincer.sources.paths import find_files
from mincer.sources.pieces import (
    LineReader,
    StdinPiece,
    cut_lines,
    place_of,
    starts_of,
)
from mincer.sources.splits import FilePiece

DATA = st.lists(
    st.sampled_from([b"a", b"bcdef", b"\n", b"\r\n"]), max_size=40
).map(b"".join)  # fmt: skip
SIZES = st.integers(1, 40)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("pieces") / "file.txt"


def piece_of(path, start=0, end=None):
    (file,) = find_files((str(path),))
    return FilePiece(*file, start, file.size_bytes if end is None else end)


@given(DATA, SIZES)
def test_blocks_hold_the_lines_that_start_in_them(data, size):
    found = list(cut_lines(io.BytesIO(data), 0, len(data), size, b"\n"))
    assert b"".join(block for _, block in found) == data
    for at, block in found:
        starts = [at + offset for offset, _ in lines_of_file(block)]
        assert {start // size for start in starts} == {at // size}


@given(DATA, st.integers(0, 50), st.integers(1, 50), SIZES)
def test_a_piece_has_the_lines_that_start_in_it(path, data, start, length, size):
    path.write_bytes(data)
    start, end = min(start, len(data)), min(start + length, len(data))
    with LineReader(piece_of(path, start, end), None, size) as reader:
        blocks = list(reader)
    found = [
        (block.offset + offset, line)
        for block in blocks
        for offset, line in lines_of_file(block.data)
    ]
    assert found == [line for line in lines_of_file(data) if start <= line[0] < end]
    assert [block.used_bytes for block in blocks] == [len(b.data) for b in blocks]


def test_starts_and_places():
    data = b"ab\n\ncde"
    assert list(starts_of(data.split(b"\n"), 10, 1)) == [10, 13, 14]
    assert [place_of("a", 10, data, b"\n", n).offset for n in range(3)] == [10, 13, 14]


def test_a_long_line_is_read_by_one_piece_only(path, monkeypatch):
    path.write_bytes(b"x" * 100_000 + b"\ny\n")
    read_bytes = 0
    for start in range(0, 100_003, 1000):
        piece = piece_of(path, start, min(start + 1000, 100_003))
        with LineReader(piece, None) as reader:
            list(reader)
            read_bytes += reader._file.position_bytes - start
    # The line once, and of each other piece about its own length.
    assert read_bytes < 2 * 100_003 + 200


def test_a_file_that_changed_before(path):
    path.write_bytes(b"one\n")
    piece = piece_of(path)
    path.write_bytes(b"one\ntwo\n")
    with pytest.raises(InputError, match="had 4 bytes and has 8"):
        LineReader(piece, "utf-8")


def test_a_file_of_the_same_size_written_again(path):
    path.write_bytes(b"one\n")
    piece = piece_of(path)
    os.utime(path, ns=(piece.mtime_ns + 1, piece.mtime_ns + 1))
    with pytest.raises(InputError, match="changed while the job ran"):
        LineReader(piece, "utf-8")


def test_a_file_that_changes_meanwhile(path):
    path.write_bytes(b"one\ntwo\n")
    with LineReader(piece_of(path), "utf-8", 2) as reader:
        blocks = iter(reader)
        assert next(blocks).data == b"one\n"
        with path.open("ab") as file:
            file.write(b"three\n")
        with pytest.raises(InputError, match="changed while the job ran"):
            list(blocks)


def test_stdin(path):
    piece = StdinPiece(0, 10, b"\xef\xbb\xbfone\ntwo")
    with LineReader(piece, "utf-8-sig", 5) as reader:
        blocks = list(reader)
    assert [(block.offset, block.data) for block in blocks] == [
        (3, b"one\n"),
        (7, b"two"),
    ]
    assert sum(block.used_bytes for block in blocks) == 10
    with LineReader(StdinPiece(0, 3, b"\xef\xbb\xbf"), "utf-8-sig") as reader:
        assert list(reader) == []
    assert str(piece) == "stdin bytes 0-10"
