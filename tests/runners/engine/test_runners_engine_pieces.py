"""Outputs on their way: cut into parts, and read again in whatever order they come."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import SegmentError
from mincer.runners.engine import pieces
from mincer.runners.engine.pieces import Arrivals, BytesReader, HeldFile, cut_pieces


@pytest.fixture
def held(tmp_path):
    file = HeldFile(str(tmp_path))
    yield file
    file.close()


def test_what_is_written_is_read(held):
    assert (held.write(b"abc", b"d"), held.write(b"ef")) == (0, 4)
    assert held.length_bytes == 6
    assert held.read(2, 3) == b"cde"
    held.write(b"gh")
    assert held.all() == b"abcdefgh"


def test_what_was_written_may_be_forgotten(held):
    held.write(b"a long first try")
    held.read(0, 3)
    held.begin()
    assert held.write(b"next") == 0
    assert held.all() == b"next"


def test_what_is_large_goes_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "_IN_MEMORY_BYTES", 10)
    file = HeldFile(str(tmp_path))
    file.write(b"x" * 8)
    assert not file._file._rolled
    file.write(b"y" * 8)
    assert file._file._rolled
    assert file.all() == b"x" * 8 + b"y" * 8
    file.close()


def test_bytes_are_read_within_their_bounds():
    reader = BytesReader("it", b"abcdef")
    assert reader.length_bytes == 6
    assert reader.read(2, 3) == b"cde"
    for offset, size in ((4, 3), (-1, 2), (0, -1)):
        with pytest.raises(SegmentError):
            reader.read(offset, size)


@given(
    st.lists(st.lists(st.binary(max_size=20), max_size=5), min_size=1, max_size=5),
    st.integers(0, 2**32),
)
def test_chunks_may_come_in_any_order(tmp_path_factory, outputs, seed):
    arrivals = Arrivals(str(tmp_path_factory.mktemp("arrivals")))
    chunks = [
        (index, number, data)
        for index, some in enumerate(outputs)
        for number, data in enumerate(some)
    ]
    random.Random(seed).shuffle(chunks)
    for index, number, data in chunks:
        arrivals.add(7, index, number, data)
        arrivals.add(8, index, number, b"of another part")
    readers = arrivals.readers(7)
    wholes = {n: b"".join(some) for n, some in enumerate(outputs) if some}
    assert [reader.name for reader in readers] == list(wholes)
    for reader, whole in zip(readers, wholes.values(), strict=True):
        assert reader.length_bytes == len(whole)
        for start in range(len(whole) + 1):
            for end in range(start, len(whole) + 1, 3):
                assert reader.read(start, end - start) == whole[start:end]
        with pytest.raises(SegmentError):
            reader.read(1, len(whole))
    assert arrivals.readers(9) == []
    arrivals.close()


def test_chunks_together_are_what_was_cut(held):
    from mincer.flow.budget import Budget
    from mincer.flow.partitioner import HashPartitioner
    from mincer.flow.spiller import Spiller

    spiller = Spiller(held, HashPartitioner(5))
    keys = [f"key {n}" for n in range(3000)]
    spiller.spill(keys, list(range(3000)), grouped=False)
    spiller.close()
    whole = {part: data for part, (data,) in cut_pieces(held, 5)}
    chunked = {part: list(chunks) for part, chunks in cut_pieces(held, 5, 1000)}
    assert {part: b"".join(chunks) for part, chunks in chunked.items()} == whole
    assert all(len(chunk) <= 1000 for chunk in chunked[0][:-1])
    assert Budget(None).room_bytes > 0
