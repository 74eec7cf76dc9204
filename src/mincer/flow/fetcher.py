"""Read what the maps made for one part, in passes of a few buckets."""

# Strategy: the indexes say what each bucket needs in memory before anything is read. A
# pass is as many consecutive buckets as fit into the room together, so no run is read
# twice. A bucket that does not fit by itself is a pass of its own, and a stream.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from mincer.codec.blocks import Block
from mincer.flow.ports import SegmentReader
from mincer.flow.run import RunSlice, open_runs

__all__ = ["PartInput", "Pass"]


class Pass(NamedTuple):
    """Consecutive buckets that are worked on together."""

    first: int
    last: int
    weight_bytes: int
    keys: int
    values: int


class PartInput:
    """All runs of one part, in the order of their maps.

    `readers`: the outputs of the maps, in the order of the maps, so that equal keys
    keep the order of the input. `first … last - 1` are the buckets of the part.
    """

    def __init__(self, readers: Iterable[SegmentReader], first: int, last: int) -> None:
        self._runs: list[RunSlice] = []
        self._needs = [[0, 0, 0] for _ in range(last - first)]
        for reader in readers:
            for run in open_runs(reader, first, last):
                self._add(run)

    def _add(self, run: RunSlice) -> None:
        used = False
        for need, bucket in zip(self._needs, run.buckets, strict=True):
            if bucket.keys:
                used = True
                need[0] += bucket.weight_bytes
                need[1] += bucket.keys
                need[2] += bucket.values
        if used:
            self._runs.append(run)

    def passes(self, room_bytes: float) -> list[Pass]:
        """Cut the part into passes of at most `room_bytes`, where buckets allow it."""
        passes: list[Pass] = []
        for bucket, (weight, keys, values) in enumerate(self._needs):
            if not keys:
                continue
            if passes and passes[-1].weight_bytes + weight <= room_bytes:
                before = passes[-1]
                passes[-1] = Pass(
                    before.first,
                    bucket + 1,
                    before.weight_bytes + weight,
                    before.keys + keys,
                    before.values + values,
                )
            else:
                passes.append(Pass(bucket, bucket + 1, weight, keys, values))
        return passes

    def blocks(self, one: Pass) -> Iterator[Block]:
        """The blocks of a pass that fits into memory, map by map."""
        for run in self._runs:
            yield from run.blocks(one.first, one.last)

    def stream(self, one: Pass) -> Iterator[Block]:
        """The blocks of a pass, a block in memory at a time."""
        for run in self._runs:
            for bucket in range(one.first, one.last):
                yield from run.stream(bucket)
