"""A map's table for ranges of keys: chunks sorted and cut, gathered into runs."""

# Strategy: a chunk is small enough to be sorted in the cache (20 k pairs: 770 ns a pair
# with mapfn and encoding, 40 k: 980), but cut into its ranges it would make blocks of
# 60 to 130 pairs, which cost more to read than what is in them. So a chunk is cut and
# encoded at once, which makes it small and lets its objects go while they are warm, and
# the pieces wait until they make blocks worth reading. Pieces are joined as bytes and
# not merged: the sort of the reducer finds the runs in them. Cutting is by bisection of
# the sorted keys, once a range, so that no key is placed by itself.

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise

from mincer.calls import Pair
from mincer.codec.blocks import Piece, encode_pieces, join_pieces
from mincer.codec.keys import canonical, key_hash
from mincer.flow.partitioner import RangePartitioner
from mincer.flow.sorter import sort_by, sort_pairs
from mincer.flow.spiller import Spiller, Weighed
from mincer.flow.weigher import (
    ENTRY_BYTES,
    PAIR_BYTES,
    POINTER_BYTES,
    Weight,
    weigh_column,
)
from mincer.order import Order, order_keys

__all__ = ["RangeTable"]

#: Pairs of a chunk for each range: pieces of fewer cost too much each …
_PIECE_PAIRS = 64
#: … but a chunk should stay in the cache, and be worth sorting by itself.
_CHUNK_PAIRS_MIN = 1 << 13
_CHUNK_PAIRS_MAX = 1 << 14
#: Encoded bytes of a run: 150,000 pairs of a line of text each.
_RUN_BYTES = 16 << 20
#: … but no more than this share of the room, which the chunk needs too.
_RUN_SHARE = 1 / 4
#: Types of keys that need no second look before they are sorted.
_PLAIN = frozenset({str, bytes, int})


class RangeTable:
    """Pairs that nothing groups, on their way to the ranges of `partitioner`."""

    def __init__(
        self,
        spiller: Spiller,
        partitioner: RangePartitioner,
        order: Order,
        room_bytes: float,
    ) -> None:
        self._spiller = spiller
        self._partitioner = partitioner
        self._order = order
        pairs = _PIECE_PAIRS * partitioner.buckets
        self._chunk_pairs = max(_CHUNK_PAIRS_MIN, min(pairs, _CHUNK_PAIRS_MAX))
        self._run_bytes = min(_RUN_BYTES, room_bytes * _RUN_SHARE)
        self._pairs: list[Pair] = []
        #: The encoded pieces of each range.
        self._pieces: list[list[Piece]] = [[] for _ in range(partitioner.buckets)]
        #: What a pair weighs in memory beyond its encoded bytes, at the most.
        self._beyond_bytes = 0.0
        self._held_bytes = 0

    def add(self, window: list[Pair]) -> None:
        self._pairs += window
        if len(self._pairs) >= self._chunk_pairs:
            self._cut()
            if self._held_bytes >= self._run_bytes:
                self._write()

    def weigh(self, weight: Weight) -> float:
        waiting = len(self._pairs) * (sum(weight) + PAIR_BYTES)
        return waiting + self._held_bytes

    def spill(self) -> None:
        if self._pairs:
            self._cut()
        if self._held_bytes:
            self._write()

    def _cut(self) -> None:
        """Sort the chunk and encode each range of it by itself."""
        pairs, self._pairs = self._pairs, []
        keys = [key for key, _ in pairs]
        kinds = set(map(type, keys))
        if not kinds <= _PLAIN:
            keys = list(map(canonical, keys))
            for key in keys:
                key_hash(key)  # what cannot be a key is refused here too
            pairs = [(key, value) for key, (_, value) in zip(keys, pairs, strict=True)]
            kinds = set(map(type, keys))
        compared = order_keys(keys, self._order)
        if compared is keys:
            sort_pairs(pairs, keys, kinds)
            compared = keys = [key for key, _ in pairs]
        else:
            sort_by(compared, pairs)
            sort_by(compared, compared)
            keys = [key for key, _ in pairs]
        values = [value for _, value in pairs]
        # Of several types, not each range need have them all.
        alike = kinds if len(kinds) == 1 else None
        each = weigh_column(keys) + weigh_column(values) + ENTRY_BYTES + POINTER_BYTES
        ends = [bisect_left(compared, cut) for cut in self._partitioner.cuts]
        chunk_bytes = 0
        for bucket, (start, end) in enumerate(pairwise([0, *ends, len(keys)])):
            if start < end:
                for piece in encode_pieces(keys[start:end], values[start:end], alike):
                    self._pieces[bucket].append(piece)
                    chunk_bytes += piece.size_bytes
        beyond = each - chunk_bytes / len(keys)
        self._beyond_bytes = max(self._beyond_bytes, beyond)
        self._held_bytes += chunk_bytes

    def _write(self) -> None:
        """Make one run of the pieces."""
        self._spiller.spill_blocks(map(self._blocks, self._pieces))
        self._held_bytes = 0
        self._beyond_bytes = 0.0

    def _blocks(self, pieces: list[Piece]) -> Iterator[Weighed]:
        """The blocks of one range, whose pieces are no longer kept."""
        for block in join_pieces(pieces):
            # The bytes are known, lest a range of large values pass for an average one.
            weight = block.length_bytes + self._beyond_bytes * block.keys
            yield block, int(weight)
        pieces.clear()
