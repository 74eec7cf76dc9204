"""Packets as bytes: what was written is read, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.wire.packets import (
    GREETING,
    PACKET,
    PULL,
    kind_of,
    read_packet,
    write_packet,
)
from mincer.wire.session import Packet

counts = st.integers(0, 2**64 - 1)
packets = st.builds(
    lambda number, sent, received, again, payload: Packet(
        number, sent, received, again, payload if number else b""
    ),
    *(counts, counts, counts, st.booleans(), st.binary()),
)


@given(st.integers(0, 2**32 - 1), packets)
def test_what_was_written_is_read(life, packet):
    message = write_packet(life, packet)
    assert kind_of(message) == PACKET
    assert read_packet(message) == (life, packet)
    assert read_packet([memoryview(part) for part in message]) == (life, packet)


@given(st.lists(st.binary(max_size=64), min_size=1, max_size=3))
def test_garbage_is_no_packet(message):
    found = read_packet(message)
    assert found is None or write_packet(*found) == message


def test_a_packet_with_a_body_too_many_or_too_few_is_none():
    head, body = write_packet(1, Packet(1, 1, 0, payload=b"x"))
    assert read_packet([head]) is None
    assert read_packet([head, body, body]) is None
    (beat,) = write_packet(1, Packet(0, 1, 0))
    assert read_packet([beat, body]) is None


@pytest.mark.parametrize("message", [[], [b""], [b"?x"]])
def test_of_other_messages_the_kind_is_none_of_ours(message):
    assert kind_of(message) not in (GREETING, PACKET, PULL)
