"""Blocks: the lines that start in the same multiple of the size."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import lines_of_file, read, read_split, read_without_bad

from mincer import sources
from mincer.errors import UsageError

DATA = st.lists(
    st.sampled_from([b"a", b"bcdef", b"\n", b"\r\n", "é".encode()]), max_size=40
).map(b"".join)
SIZES = st.integers(1, 40)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("blocks") / "file.txt"


def blocks_of_file(data, size):
    starts = [offset for offset, _ in lines_of_file(data)]
    firsts = [next(group) for _, group in groupby(starts, lambda at: at // size)]
    ends = [*firsts[1:], len(data)]
    return [(at, data[at:end]) for at, end in zip(firsts, ends, strict=False)]


@given(DATA, SIZES, SIZES)
def test_blocks_do_not_depend_on_splits(path, data, size, split_bytes):
    path.write_bytes(data)
    expected = blocks_of_file(data, size)
    source = sources.blocks(path, size=size, encoding=None)
    assert read(source, split_bytes=split_bytes) == expected
    source = sources.blocks(path, size=size)
    assert read(source, split_bytes=split_bytes) == [
        (at, block.decode()) for at, block in expected
    ]


@given(DATA, SIZES, st.sets(st.integers(0, 9)))
def test_skipped_ordinals(path, data, size, skip):
    path.write_bytes(data)
    for split in sources.blocks(path, size=size).plan():
        expected = [record for record in read_split(split) if record[0] not in skip]
        assert read_split(split, skip) == expected


def test_large_blocks_come_alone_and_small_ones_together(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"line\n" * 700_000)
    (split,) = sources.blocks(path, size="2MiB").plan(None, 10**7)
    assert [len(batch.values) for batch in split.read()] == [1, 1]
    (split,) = sources.blocks(path, size="100KB").plan(None, 10**7)
    counts = [len(batch.values) for batch in split.read()]
    assert counts == [11, 11, 11, 2]


def test_a_block_that_is_no_text(path):
    path.write_bytes(b"a\nb\n\xff\nc\n")
    (split,) = sources.blocks(path, size=2).plan()
    records, (error,) = read_without_bad(split)
    assert records == [(0, 0, "a\n"), (1, 2, "b\n"), (3, 6, "c\n")]
    assert error.where.offset == 4
    assert read(sources.blocks(path, size=2, errors="ignore"))[2] == (4, "\n")


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"size": "x"}, {"encoding": "x"}, {"errors": "x"}]
)
def test_arguments_are_checked_by_name(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=name):
        sources.blocks("x", **wrong)
