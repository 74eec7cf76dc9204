"""The side that is pulled from: a thing laid out as pieces, read a chunk at a time."""

# Strategy: what is offered lies in files already, and is never put together: a layout
# says which bytes of which file stand where, and a chunk is read from there when it is
# asked for. A layout can be made again at any time, so few are kept, and who asks for a
# chunk of one that is not is told to open it again.

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from mincer.errors import SegmentError
from mincer.flow.ports import SegmentReader
from mincer.wire import pulls
from mincer.wire.packing import pack
from mincer.wire.pulls import Head, Thing

__all__ = ["Bytes", "NotHere", "Offers", "Piece", "Reply"]

#: Pulls that are served at a time; one more and the oldest has to be opened again.
_LAYOUTS_MAX = 256
#: After a chunk that packing did not make smaller, so many are sent as they are.
_PLAIN = 16


class Bytes:
    """A `SegmentReader` of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self.name: object = "bytes"
        self._data = data

    @property
    def length_bytes(self) -> int:
        return len(self._data)

    def read(self, offset: int, size: int) -> bytes:
        return self._data[offset : offset + size]


class Piece(NamedTuple):
    """Some bytes of what a reader reads."""

    reader: SegmentReader
    offset: int
    size: int


#: What is offered: outputs one behind another, each as pieces one behind another.
Outputs: TypeAlias = list[list[Piece]]
Reply: TypeAlias = tuple[Head, bytes | None]


class NotHere(Exception):
    """What is asked for cannot be given; `lost`: the maps of it that are gone."""

    def __init__(self, why: str, lost: list[tuple[int, int]] | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.lost = lost or []


class _Layout:
    def __init__(self, outputs: Outputs, chunk_bytes: int, may_pack: bool) -> None:
        self.chunk_bytes = chunk_bytes
        self._may_pack = may_pack
        #: So many chunks are not tried to be packed, after one that was not worth it.
        self._plain = 0
        self.sizes = [sum(piece.size for piece in output) for output in outputs]
        self._pieces = [piece for output in outputs for piece in output if piece.size]
        self._ends: list[int] = []
        end = 0
        for piece in self._pieces:
            end += piece.size
            self._ends.append(end)

    def packed(self, number: int) -> tuple[bytes, bool]:
        """A chunk, and whether it is packed."""
        data = self.chunk(number)
        if self._may_pack and not self._plain:
            packed = pack(data)
            if packed is not None:
                return packed, True
            self._plain = _PLAIN
            return data, False
        self._plain = max(0, self._plain - 1)
        return data, False

    def chunk(self, number: int) -> bytes:
        at = number * self.chunk_bytes
        end = min(at + self.chunk_bytes, self._ends[-1] if self._ends else 0)
        found = []
        nth = bisect_right(self._ends, at)
        while at < end:
            reader, offset, size = self._pieces[nth]
            into = at - (self._ends[nth] - size)
            taken = min(end, self._ends[nth]) - at
            found.append(reader.read(offset + into, taken))
            at += taken
            nth += 1
        return found[0] if len(found) == 1 else b"".join(found)


class Offers:
    """Answers those who pull. `find` lays out a thing, or raises `NotHere`."""

    def __init__(self, find: Callable[[Thing], Outputs]) -> None:
        self._find = find
        self._layouts: OrderedDict[tuple[int, int], _Layout] = OrderedDict()
        #: Bytes of chunks that were given.
        self.given_bytes = 0

    def answer(self, head: Head) -> list[Reply]:
        """The replies to one message of `head.by`."""
        who = head.by, head.pull
        match head:
            case pulls.Open():
                return [self._open(head)]
            case pulls.Ask(chunks=chunks):
                layout = self._layouts.get(who)
                if layout is None:
                    return [(pulls.Unopened(head.by, head.to, head.pull), None)]
                self._layouts.move_to_end(who)
                return self._chunks(head, layout, chunks)
            case pulls.Close():
                self._layouts.pop(who, None)
        return []

    def serves(self, head: Head) -> bool:
        """True when this pull was opened here, and is remembered."""
        return (head.by, head.pull) in self._layouts

    def forget(self) -> None:
        """Something that was offered is no longer there: lay out all anew."""
        self._layouts.clear()

    def _open(self, head: pulls.Open) -> Reply:
        try:
            outputs = self._find(head.thing)
        except NotHere as error:
            way = head.by, head.to, head.pull
            return pulls.Denied(*way, error.why[:4000], lost=error.lost), None
        layout = _Layout(outputs, head.chunk_bytes, head.may_pack)
        self._layouts[head.by, head.pull] = layout
        if len(self._layouts) > _LAYOUTS_MAX:
            self._layouts.popitem(last=False)
        return pulls.Opened(head.by, head.to, head.pull, layout.sizes), None

    def _chunks(
        self, head: pulls.Ask, layout: _Layout, chunks: list[int]
    ) -> list[Reply]:
        replies: list[Reply] = []
        for number in chunks:
            try:
                data, is_packed = layout.packed(number)
            except SegmentError as error:
                del self._layouts[head.by, head.pull]
                why = error.what[:4000]
                return [(pulls.Denied(head.by, head.to, head.pull, why), None)]
            self.given_bytes += len(data)
            chunk = pulls.Chunk(head.by, head.to, head.pull, number, is_packed)
            replies.append((chunk, data))
        return replies
