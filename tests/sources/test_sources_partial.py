"""A partial copy reads as the file where it has its bytes, and raises where not."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import InputError
from mincer.sources.partial import check_range, open_partial

DATA = bytes(range(256)) * 300
SIZE = len(DATA)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A file of which 100…200 and 40,000…60,000 are there, and the rest is zeros."""
    path = tmp_path_factory.mktemp("partial") / "copy"
    path.write_bytes(bytes(SIZE))
    with open(path, "r+b") as file:
        for start, end in RANGES:
            file.seek(start)
            file.write(DATA[start:end])
    return str(path)


RANGES = ((100, 200), (40_000, 60_000))


@given(st.integers(0, SIZE), st.integers(0, 30_000))
def test_what_is_there_is_read_and_nothing_else(path, at, size):
    with open_partial(path, "the file", RANGES) as file:
        file.seek(at)
        end = min(at + size, SIZE)
        is_there = any(start <= at and end <= stop for start, stop in RANGES)
        if is_there or at >= end:
            assert file.read(size) == DATA[at:end]
        else:
            with pytest.raises(InputError, match="was not sent to this worker"):
                file.read(size)


def test_the_first_byte_that_is_missing_is_named(path):
    with open_partial(path, "the file", RANGES) as file:
        file.seek(150)
        assert file.read(50) == DATA[150:200]
        with pytest.raises(InputError, match="byte 200 of the file") as told:
            file.read(1)
    assert told.value.where.offset == 200
    assert "extents()" in told.value.hint


def test_lines_are_read_to_their_ends(path):
    with open_partial(path, "the file", RANGES) as file:
        file.seek(40_000)
        line = file.readline()
        assert line == DATA[40_000 : 40_000 + len(line)]
        assert line.endswith(b"\n")
        file.seek(199)
        with pytest.raises(InputError, match="byte 200"):
            file.readline()


def test_a_whole_copy_is_a_file_like_any_other(path):
    with open_partial(path, "the file", [(0, SIZE)]) as file:
        assert file.peek(4)[:4] == bytes(4)
        assert len(file.read()) == SIZE
        assert file.read() == file.read(5) == b""
        assert file.tell() == SIZE
        assert os.fstat(file.fileno()).st_size == SIZE
    with open_partial(path, "the file", RANGES) as file:
        raw = file.raw
        raw.seek(100)
        assert raw.read(9) == DATA[100:109]
        with pytest.raises(InputError, match="byte 200"):
            raw.read()


def test_a_range_is_there_as_a_whole_or_not():
    check_range("the file", RANGES, 100, 200)
    check_range("the file", RANGES, 50_000, 50_001)
    for start, end in ((99, 101), (100, 201), (300, 301), (150, 50_000)):
        with pytest.raises(InputError):
            check_range("the file", RANGES, start, end)
