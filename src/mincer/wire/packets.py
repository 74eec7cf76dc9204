"""The bytes of what goes over a connection: greetings, packets of a line, pulls."""

# Strategy: a message is a head of fixed form, told by its first byte, and perhaps a
# body that is passed on as it is. The head of a packet names the life (incarnation)
# whose line it belongs to, so that what a former life still had under way is not taken
# for news of this one.

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TypeAlias

from mincer.wire.session import Packet

__all__ = [
    "GREETING",
    "PACKET",
    "PULL",
    "Buffer",
    "Message",
    "kind_of",
    "read_packet",
    "write_packet",
]

#: The first byte of a message.
GREETING, PACKET, PULL = b"G", b"P", b"D"

# kind, life, number, sent, received, again
_PACKET = struct.Struct("<cIQQQB")

Buffer: TypeAlias = bytes | memoryview
#: One message: its frames.
Message: TypeAlias = list[Buffer]


def kind_of(message: Sequence[Buffer]) -> bytes:
    """One of the three, or something else, which nobody needs to know."""
    return bytes(message[0][:1]) if message else b""


def write_packet(life: int, packet: Packet) -> Message:
    """The packet as a message."""
    number, sent, received, again, payload = packet
    head = _PACKET.pack(PACKET, life, number, sent, received, again)
    return [head, payload] if number else [head]


def read_packet(message: Sequence[Buffer]) -> tuple[int, Packet] | None:
    """The life and the packet in a message; None if it is none."""
    head = message[0]
    if len(head) != _PACKET.size:
        return None
    kind, life, number, sent, received, again = _PACKET.unpack(head)
    if kind != PACKET or again > 1 or len(message) != (2 if number else 1):
        return None
    payload = bytes(message[1]) if number else b""
    return life, Packet(number, sent, received, bool(again), payload)
