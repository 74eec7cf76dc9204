"""Group a bucket that does not fit into memory: by keys that do, and by streams."""

# Strategy: three ways, the first that serves.
# 1. A pass over the keys alone counts their values. A key above a quarter of the room
#    is
#    heavy: its values go to disk as they come, and the reducer streams them from there.
# 2. What is left after the heavy keys, if it fits, is grouped in memory meanwhile; if
#    not
#    it is dealt by another hash into pieces, and each piece is a smaller bucket.
# 3. Keys that share their whole hash cannot be dealt: they are grouped some at a
#    time, each time in one more pass over the piece.
# Nothing but the counts of the keys is held while the bucket is read. A dict of counts
# that would not fit itself (very many keys) sends the bucket to the dealing first.

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from mincer.codec.blocks import Block, encoded, iterate_blocks
from mincer.flow.grouper import Groups
from mincer.flow.ports import Scratch, ScratchFile
from mincer.flow.spiller import cut_columns
from mincer.flow.weigher import ENTRY_BYTES
from mincer.values import FileValues

__all__ = ["Bundle", "Piles", "overflow"]

#: Pieces that a bucket is dealt into: a prime that is not one of the bucket counts.
_PIECES = 61
_DEPTH_MAX = 3
#: Bytes of one key in the dict of counts: entry, key and count.
_COUNTED_BYTES = ENTRY_BYTES + 100

Stream = Callable[[], Iterator[Block]]


class Bundle(NamedTuple):
    """What can be reduced together: groups in memory, and keys that are streamed."""

    groups: Groups
    streamed: list[tuple[Any, FileValues]]


class Piles:
    """Many growing lists of values in one file on disk, each read again by itself."""

    def __init__(self, scratch: Scratch) -> None:
        self._file: ScratchFile = scratch.create()
        self._gathered: dict[Any, tuple[list[Any], list[Any]]] = {}
        self._gathered_values = 0
        self._places: dict[Any, list[tuple[int, int]]] = {}
        self.counts: Counter[Any] = Counter()
        self.keys: Counter[Any] = Counter()

    def add(self, pile: Any, key: Any, values: list[Any]) -> None:
        """Put the values of `key` upon `pile`."""
        gathered = self._gathered.get(pile)
        if gathered is None:
            gathered = self._gathered[pile] = ([], [])
        keys, lists = gathered
        keys.append(key)
        lists.append(values)
        self.counts[pile] += len(values)
        self.keys[pile] += 1
        self._gathered_values += len(values)

    def flush_if(self, values_max: int) -> None:
        """Write what is gathered when it is more than `values_max` values."""
        if self._gathered_values > values_max:
            self.flush()

    def flush(self) -> None:
        for pile, (keys, lists) in self._gathered.items():
            for some, counts, values, _ in cut_columns(keys, lists, grouped=True):
                block = encoded(some, counts, values)
                at = self._file.write(*block.buffers)
                self._places.setdefault(pile, []).append((at, block.length_bytes))
        self._gathered.clear()
        self._gathered_values = 0

    def blocks(self, pile: Any) -> Iterator[Block]:
        """The blocks of a pile, in the order in which they were put there."""
        for at, size in self._places.get(pile, ()):
            yield from iterate_blocks(self._file.read, at, at + size)

    def values(self, pile: Any) -> FileValues:
        """The values of a pile that holds one key."""

        def chunks() -> Iterator[list[Any]]:
            return (block.values for block in self.blocks(pile))

        return FileValues(self.counts[pile], chunks)

    def close(self) -> None:
        self._file.close()


def overflow(
    stream: Stream,
    keys: int,
    values: int,
    weight_bytes: float,
    room_bytes: float,
    scratch: Scratch,
    depth: int = 0,
) -> Iterator[Bundle]:
    """Yield the groups of a bucket that weighs more than the room, in bundles.

    A bundle must be used up before the next is asked for. `stream()` reads the bucket
    from its start; `keys` counts a key once for each block that holds it.
    """
    each = weight_bytes / max(1, values)
    if keys * _COUNTED_BYTES > room_bytes and depth < _DEPTH_MAX:
        yield from _deal(stream, each, room_bytes, scratch, depth)
        return
    counts: Counter[Any] = Counter()
    for block in stream():
        for key, count in _counted(block):
            counts[key] += count
    heavy = {key for key, n in counts.items() if n * each > room_bytes / 4}
    rest = sum(n for key, n in counts.items() if key not in heavy) * each
    if rest <= room_bytes:
        groups = Groups()
        yield from _heavy_and(stream, heavy, groups, scratch)
    elif depth < _DEPTH_MAX:
        yield from _heavy_and(stream, heavy, None, scratch)
        light = partial(_without, stream, heavy)
        yield from _deal(light, each, room_bytes, scratch, depth)
    else:
        yield from _heavy_and(stream, heavy, None, scratch)
        for some in _batches(counts, heavy, room_bytes / each):
            groups = Groups()
            for block in _only(stream, some):
                groups.add(block)
            yield Bundle(groups, [])


def _heavy_and(
    stream: Stream,
    heavy: set[Any],
    groups: Groups | None,
    scratch: Scratch,
) -> Iterator[Bundle]:
    """One pass: heavy keys to disk, the others into `groups`, if they fit there."""
    piles = Piles(scratch)
    try:
        for block in stream():
            light: list[tuple[Any, list[Any]]] = []
            for key, values in _grouped(block):
                if key in heavy:
                    piles.add(key, key, values)
                elif groups is not None:
                    light.append((key, values))
            piles.flush()
            if light and groups is not None:
                groups.add(_block_of(light))
        yield Bundle(
            groups or Groups(), [(key, piles.values(key)) for key in piles.counts]
        )
    finally:
        piles.close()


def _deal(
    stream: Stream, each: float, room_bytes: float, scratch: Scratch, depth: int
) -> Iterator[Bundle]:
    """Deal the groups into pieces by another hash; then each piece is a bucket."""
    gathered_max = max(64, int(room_bytes / 4 / each))
    divisor = _PIECES**depth
    piles = Piles(scratch)
    try:
        for block in stream():
            for key, values in _grouped(block):
                # Python's own hash: it need not agree with another process here.
                piles.add(hash(key) // divisor % _PIECES, key, values)
            piles.flush_if(gathered_max)
        piles.flush()
        for piece in sorted(piles.counts):
            weight = piles.counts[piece] * each
            read = partial(piles.blocks, piece)
            if weight <= room_bytes:
                groups = Groups()
                for block in read():
                    groups.add(block)
                yield Bundle(groups, [])
            else:
                yield from overflow(
                    read,
                    piles.keys[piece],
                    piles.counts[piece],
                    weight,
                    room_bytes,
                    scratch,
                    depth + 1,
                )
    finally:
        piles.close()


def _counted(block: Block) -> Iterable[tuple[Any, int]]:
    return zip(block.keys, block.counts or [1] * len(block.keys), strict=True)


def _grouped(block: Block) -> Iterator[tuple[Any, list[Any]]]:
    at = 0
    for key, count in _counted(block):
        yield key, block.values[at : at + count]
        at += count


def _block_of(groups: list[tuple[Any, list[Any]]]) -> Block:
    lists = [values for _, values in groups]
    return Block(
        [key for key, _ in groups],
        list(map(len, lists)),
        list(chain.from_iterable(lists)),
    )


def _without(stream: Stream, heavy: set[Any]) -> Iterator[Block]:
    for block in stream():
        yield _block_of([group for group in _grouped(block) if group[0] not in heavy])


def _only(stream: Stream, some: set[Any]) -> Iterator[Block]:
    for block in stream():
        yield _block_of([group for group in _grouped(block) if group[0] in some])


def _batches(
    counts: Counter[Any], heavy: set[Any], values_max: float
) -> Iterator[set[Any]]:
    """Cut the keys that are not heavy (there are some) into sets that fit the room."""
    some: set[Any] = set()
    held = 0
    for key, count in counts.items():
        if key in heavy:
            continue
        if some and held + count > values_max:
            yield some
            some, held = set(), 0
        some.add(key)
        held += count
    yield some
