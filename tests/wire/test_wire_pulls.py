"""Pulls as bytes: heads of bounded size, and chunks behind them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.wire import pulls
from mincer.wire.packets import PULL

JOB, TOKEN = "0" * 32, b"t" * 16
HEADS = [
    pulls.Open(1, 2, 3, pulls.BlobOf(JOB, TOKEN, b"d" * 32)),
    pulls.Open(1, 2, 3, pulls.PacketOf(JOB, TOKEN, 4), 1 << 18),
    pulls.Open(0, 2, 3, pulls.InputOf(JOB, TOKEN, 4, 0, 2**40)),
    pulls.Open(1, 2, 3, pulls.SegmentsOf(JOB, TOKEN, 0, 1, 8, [(0, 0), (1, 2)])),
    pulls.Open(1, 2, 3, pulls.OutputOf(JOB, TOKEN, (0, "reduce", 1, 0))),
    pulls.Opened(1, 2, 3, [5, 0, 2**40]),
    pulls.Ask(1, 2, 3, [0, 1, 2]),
    pulls.Close(1, 2, 3),
    pulls.Unopened(1, 2, 3),
    pulls.Denied(1, 2, 3, "it is gone", False, [(1, 1)]),
]


@pytest.mark.parametrize("head", HEADS, ids=lambda head: type(head).__name__)
def test_what_was_written_is_read(head):
    assert pulls.read_pull(pulls.write_pull(head)) == (head, None)


def test_a_chunk_has_its_bytes_behind_it():
    head = pulls.Chunk(1, 2, 3, 4, True)
    message = pulls.write_pull(head, memoryview(b"data"))
    assert pulls.read_pull(message) == (head, b"data")
    assert pulls.read_pull(message[:1]) is None
    assert pulls.read_pull([*pulls.write_pull(HEADS[0]), b"data"]) is None


@given(st.binary(max_size=100))
def test_garbage_is_none(data):
    found = pulls.read_pull([PULL + data])
    assert found is None or pulls.read_pull(pulls.write_pull(*found)) == found


@pytest.mark.parametrize(
    "head",
    [
        ["ask", 1, 2, 3, [0] * 65],
        ["ask", -1, 2, 3, [0]],
        ["open", 1, 2, 3, ["blob", "not a job", TOKEN, b"d" * 32]],
        ["open", 1, 2, 3, ["blob", JOB, b"short", b"d" * 32]],
        ["open", 1, 2, 3, ["blob", JOB, TOKEN, b"d" * 32], 2**30],
        ["open", 1, 2, 3, ["anything", JOB, TOKEN]],
        ["denied", 1, 2, 3, "x" * 5000],
    ],
)
def test_what_passes_its_bounds_is_none(head):
    assert pulls.read_pull([PULL + msgspec.msgpack.encode(head)]) is None


def test_a_chunk_with_its_head_is_a_message_that_may_pass():
    largest = pulls.Chunk(2**31, 2**31, 2**62, 2**31, True)
    message = pulls.write_pull(largest, bytes(pulls.CHUNK_BYTES))
    assert sum(map(len, message)) <= pulls.MESSAGE_BYTES_MAX
