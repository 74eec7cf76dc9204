"""JSON lines: what `json` says of each line, with its offset."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import lines_of_file, read, read_split, read_without_bad

from mincer import sources
from mincer.flow.ports import BadRecord

LINES = [
    b'{"a": 1}', b"[1, 2]", b'"\\ud800"', b"NaN", b"-Infinity", b"1e999", b"", b"  \t",
    b"12345678901234567890123", b'"\xc3\xa9\xe2\x80\xa8"', b"null", b" 7 ", b"\r",
]  # fmt: skip
BAD = [b"{", b"1 2", b"[1,", b"2]", b'"\xff"', b"nul", b"\x0b", b"\xc2\xa0", b"'a'"]
ENDS = st.sampled_from([b"\n", b"\r\n"])
SIZES = st.integers(1, 60)


def files_of(lines):
    line = st.tuples(st.sampled_from(lines), ENDS).map(b"".join)
    return st.tuples(st.lists(line, max_size=9).map(b"".join), st.booleans()).map(
        lambda made: made[0].removesuffix(b"\n") if made[1] else made[0]
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "file.jsonl"


def json_of_file(data):
    good, bad = [], []
    for at, line in lines_of_file(data):
        if line.strip(b" \t\r"):
            try:
                good.append((at, repr(json.loads(line.decode()))))
            except ValueError:
                bad.append(at)
    return good, bad


@given(files_of(LINES), SIZES, SIZES)
def test_each_line_once(path, data, split_size, block_bytes):
    path.write_bytes(data)
    source = sources.jsonl(path, split_size=split_size)
    found = [(at, repr(value)) for at, value in read(source, block_bytes=block_bytes)]
    assert (found, []) == json_of_file(data)


@given(files_of(LINES + BAD), SIZES)
def test_malformed_lines(path, data, block_bytes):
    path.write_bytes(data)
    good, bad = json_of_file(data)
    for split in sources.jsonl(path).plan():
        records, errors = read_without_bad(split, block_bytes)
        assert [(at, repr(value)) for _, at, value in records] == good
        assert [error.where.offset for error in errors] == bad


@given(files_of(LINES), SIZES, st.sets(st.integers(0, 9)))
def test_skipped_ordinals(path, data, block_bytes, skip):
    path.write_bytes(data)
    for split in sources.jsonl(path).plan():
        expected = [record for record in read_split(split) if record[0] not in skip]
        assert repr(read_split(split, skip, block_bytes)) == repr(expected)


def test_blank_lines_count_as_ordinals(path):
    path.write_bytes(b"\xef\xbb\xbf1\n\n3\n")
    (split,) = sources.jsonl(path).plan()
    assert read_split(split) == [(0, 3, 1), (2, 6, 3)]


def test_what_only_json_takes(path):
    path.write_bytes(b"NaN\n")
    ((_, value),) = read(sources.jsonl(path))
    assert math.isnan(value)


def test_a_malformed_line_is_told(path):
    path.write_bytes(b'{"a": 1}\n{"a": x}\n')
    (split,) = sources.jsonl(path).plan()
    batches = split.read()
    assert next(batches).values == [{"a": 1}]
    with pytest.raises(BadRecord) as caught:
        next(batches)
    error = caught.value.error
    assert caught.value.ordinal == 1
    assert error.what == (f"a line of {path} is not JSON: Expecting value in column 7")
    assert error.where.offset == 9
    assert error.where.value == """b'{"a": x}'"""


def test_deep_nesting_is_a_bad_record(path):
    path.write_bytes(b"[" * 200_000 + b"]" * 200_000 + b"\n2\n")
    (split,) = sources.jsonl(path, split_size="1MB").plan()
    records, (error,) = read_without_bad(split)
    assert records == [(1, 400_001, 2)]
    assert "not JSON" in error.what
