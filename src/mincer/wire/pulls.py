"""How anything large travels: whoever needs it pulls it, a chunk at a time."""

# Strategy: code, input, segments and results are all the same to the network: bytes
# that one member has and another wants. The one who wants opens a pull by naming the
# thing, is told how long it is, and asks for its chunks by number, some at a time. So
# nobody is sent more than he asked for, a lost message costs one question more, and who
# serves keeps nothing that it cannot make again: if it has forgotten a pull, that is
# opened again. Pulls do not go over lines (session.py): these keep what they send.
#
# The same messages go from worker to worker and by way of the coordinator, which puts
# in who asks, looks at the head alone, and passes on the rest.

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct

from mincer.codec.keys import PARTS_MAX
from mincer.wire.bounds import AttemptName, Count, Digest, Job, Line, Small, Token
from mincer.wire.packets import PULL, Buffer, Message

__all__ = [
    "CHUNK_BYTES",
    "MESSAGE_BYTES_MAX",
    "QUESTIONS",
    "RELAYED_BYTES",
    "Ask",
    "BlobOf",
    "Chunk",
    "Close",
    "Denied",
    "Head",
    "InputOf",
    "Open",
    "Opened",
    "OutputOf",
    "PacketOf",
    "SegmentsOf",
    "Thing",
    "Unopened",
    "read_pull",
    "write_pull",
]

#: Of any message; what is larger closes the connection, before anybody is known.
MESSAGE_BYTES_MAX = (1 << 20) + 4096
#: The data of a message, and where the coordinator has it in between.
CHUNK_BYTES = 1 << 20
RELAYED_BYTES = 1 << 18


class _Thing(Struct, frozen=True, array_like=True):
    """What can be pulled. `token`: proves that the one who asks works for the job."""

    job: Job
    token: Token


class BlobOf(_Thing, frozen=True, tag="blob"):
    """The functions of a step, or the user's modules."""

    digest: Digest


class PacketOf(_Thing, frozen=True, tag="packet"):
    """Some splits, as the driver packed them."""

    packet: Small


class InputOf(_Thing, frozen=True, tag="input"):
    """Some bytes of an input file, which the driver has."""

    file: Small
    start: Count
    end: Count


class SegmentsOf(_Thing, frozen=True, tag="segments"):
    """What these maps (index, number of the attempt) made for one part, one behind
    another, each an output of its own (see `mincer.flow.run.cut_out`)."""

    step: Small
    part: Small
    parts: Annotated[int, Meta(ge=1, le=PARTS_MAX)]
    maps: Annotated[list[tuple[Small, Small]], Meta(max_length=20_000)]


class OutputOf(_Thing, frozen=True, tag="output"):
    """All that an attempt made."""

    attempt: AttemptName


Thing: TypeAlias = BlobOf | PacketOf | InputOf | SegmentsOf | OutputOf


class _Head(Struct, frozen=True, array_like=True):
    """`by` asks `to`; members are told by their numbers, the coordinator is 0."""

    to: Small
    by: Small
    #: The number that the one who asks gave to this pull.
    pull: Count


class Open(_Head, frozen=True, tag="open"):
    """Tell how long this is, and get ready to give its chunks."""

    thing: Thing
    chunk_bytes: Annotated[int, Meta(ge=1 << 10, le=CHUNK_BYTES)] = CHUNK_BYTES
    #: Chunks may be packed: who asks is on another machine.
    may_pack: bool = False


class Opened(_Head, frozen=True, tag="opened"):
    """The sizes of the outputs in it, one behind another; of other things, one size."""

    sizes: Annotated[list[Count], Meta(max_length=20_000)]


class Ask(_Head, frozen=True, tag="ask"):
    """Give these chunks."""

    chunks: Annotated[list[Small], Meta(max_length=64)]


class Chunk(_Head, frozen=True, tag="chunk"):
    """A chunk; its bytes stand behind the head."""

    chunk: Small
    #: They are packed: see `packing.py`.
    is_packed: bool = False


class Close(_Head, frozen=True, tag="close"):
    """Nothing more is wanted of this pull."""


class Unopened(_Head, frozen=True, tag="unopened"):
    """This pull is not known, or not any more: open it again."""


class Denied(_Head, frozen=True, tag="denied"):
    """It cannot be had here; `lost`: the maps of it that are gone."""

    why: Line
    #: Who was asked is not there, and perhaps not for ever.
    is_gone: bool = False
    lost: Annotated[list[tuple[Small, Small]], Meta(max_length=20_000)] = []


Head: TypeAlias = Open | Opened | Ask | Chunk | Close | Unopened | Denied

#: What those say who pull; the others are replies.
QUESTIONS = (Open, Ask, Close)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Head).decode


def write_pull(head: Head, data: Buffer | None = None) -> Message:
    """The head, and the bytes of a chunk, as a message."""
    start = PULL + _encode(head)
    return [start] if data is None else [start, data]


def read_pull(
    message: Sequence[Buffer],
) -> tuple[Head, Buffer | None] | None:
    """What `write_pull` was given; None if it is none of that."""
    if message[0][:1] != PULL:
        return None
    try:
        head = _decode(memoryview(message[0])[1:])
    except (msgspec.DecodeError, ValueError):
        return None
    if len(message) != (2 if isinstance(head, Chunk) else 1):
        return None
    return head, message[1] if isinstance(head, Chunk) else None
