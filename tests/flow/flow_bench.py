"""The whole data plane in memory: maps, then reduces, within a room of any size."""

from mincer.context import Context
from mincer.errors import Where
from mincer.flow.budget import Budget
from mincer.flow.mapper import Inexact
from mincer.flow.part import BlockPart, read_part
from mincer.flow.ports import Batch
from mincer.flow.stages import (
    MapAttempt,
    Program,
    map_task,
    reduce_task,
    sample_task,
)
from mincer.store.memory import MemoryScratch, MemorySegment


class Room(Budget):
    """A budget of so many bytes, whatever this process has."""

    def __init__(self, room_bytes=None, tight_every=None):
        super().__init__(None)
        self.room_bytes = float("inf") if room_bytes is None else room_bytes
        self.tight_every = tight_every
        self.looks = 0

    def tight(self):
        self.looks += 1
        return bool(self.tight_every) and self.looks % self.tight_every == 0


class ListRecords:
    """Values in memory as the records of a split; keys are positions."""

    def __init__(self, values, batch=7):
        self.values = list(values)
        self.batch = batch

    def read(self, skip=frozenset()):
        some, first = [], 0
        for n, value in enumerate([*self.values, None]):
            ends = n == len(self.values) or n in skip or len(some) == self.batch
            if ends and some:
                yield batch_of(first, some)
                some = []
            if n in skip:
                continue
            if not some:
                first = n
            some.append(value)


def batch_of(first, values):
    keys = range(first, first + len(values))
    return Batch(first, keys, values, len(values), lambda i: Where("list", first + i))


def nothing(*_):
    return None


def map_attempt(values, room=None, **more):
    records = values if hasattr(values, "read") else ListRecords(values)
    options = {
        "tag": None,
        "budget": room or Room(),
        "context": Context("job", "map 0", 1),
        "publish": nothing,
    }
    return MapAttempt(records=records, **(options | more))


def run_map(step, values, parts=3, cuts=None, room=None, cut_parts=True, **more):
    """One map, again exactly if it must be; (what it made, its output)."""
    for exact in (False, True):
        out = MemorySegment(name="output of a map")
        attempt = map_attempt(values, room, **({"exact": exact} | more))
        try:
            program = Program(step, parts, cuts, cut_parts)
            return map_task(program, attempt, out, None), out
        except Inexact:
            continue
    raise AssertionError("an exact attempt is never inexact")


def run_step(step, splits, parts=3, room_bytes=None, cut_parts=True):
    """The pairs of each part, in order."""
    cuts = None
    if step.sampled:
        attempts = [map_attempt(split) for split in splits]
        program = Program(step, parts, cut_parts=cut_parts)
        cuts = sample_task(program, attempts, len(splits))
    outputs = [
        run_map(step, split, parts, cuts, Room(room_bytes), cut_parts)[1]
        for split in splits
    ]
    return [
        run_reduce(step, outputs, part, parts, cuts, Room(room_bytes), cut_parts)[0]
        for part in range(parts)
    ]


def run_reduce(
    step, outputs, part=0, parts=1, cuts=None, room=None, cut_parts=True, **more
):
    """One reduce; (its pairs, what it made, its scratch files)."""
    out, scratch = MemorySegment(), MemoryScratch()
    made = reduce_task(
        Program(step, parts, cuts, cut_parts, **more),
        part,
        outputs,
        BlockPart(out),
        scratch,
        room or Room(),
        nothing,
    )
    pairs = [
        pair
        for keys, values in read_part(out)
        for pair in zip(keys, values, strict=True)
    ]
    assert all(file.closed for file in scratch.files)
    return pairs, made, scratch
