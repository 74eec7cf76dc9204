"""Runs and their index: every cut and every flipped bit is found."""

from itertools import pairwise

import pytest

from mincer.errors import SegmentError
from mincer.flow.partitioner import HashPartitioner
from mincer.flow.run import cut_out, index_digest, open_runs, part_bounds
from mincer.flow.spiller import Spiller
from mincer.store.memory import MemorySegment

PARTS = 3


def output(runs=2):
    out = MemorySegment(name="an output")
    spiller = Spiller(out, HashPartitioner(PARTS))
    for run in range(runs):
        keys = [f"key {n}" for n in range(40)]
        spiller.spill(keys, [[run, n] for n in range(40)], grouped=True)
    spiller.close()
    return out


def pairs_of(out, stream=False):
    found = []
    buckets = HashPartitioner(PARTS).buckets
    for run in open_runs(out, 0, buckets):
        if stream:
            blocks = [b for n in range(buckets) for b in run.stream(n)]
        else:
            blocks = list(run.blocks(0, buckets))
        for keys, counts, values in blocks:
            at = 0
            for key, count in zip(keys, counts, strict=True):
                found.append((key, values[at : at + count]))
                at += count
    return sorted(found)


def test_all_is_there_again():
    expected = sorted((f"key {n}", [run, n]) for n in range(40) for run in (0, 1))
    assert pairs_of(output()) == pairs_of(output(), stream=True) == expected
    assert pairs_of(output(0)) == []


def cut(out, part, parts):
    """The part as whoever pulls it has it."""
    found = cut_out(out, part, parts)
    made = MemorySegment(name="a part")
    made.write(*[out.read(at, size) for at, size in found.extents], found.tail)
    assert made.length_bytes == found.length_bytes
    return made


@pytest.mark.parametrize("parts", [1, PARTS])
@pytest.mark.parametrize("runs", [0, 1, 3])
def test_a_part_that_was_cut_out_reads_as_in_the_whole(parts, runs):
    out = output(runs)
    for part in range(parts):
        first, last = part_bounds(part, parts, HashPartitioner(PARTS).buckets)
        blocks = [
            [block for run in open_runs(one, first, last) for block in all_of(run)]
            for one in (out, cut(out, part, parts))
        ]
        assert blocks[0] == blocks[1]


def all_of(run):
    return list(run.blocks(0, len(run.buckets)))


def test_a_run_that_has_nothing_for_a_part_is_not_in_it():
    out = MemorySegment(name="an output")
    spiller = Spiller(out, HashPartitioner(PARTS))
    for key in ("a", "b", "c", "d"):
        spiller.spill([key], [1], grouped=False)
    spiller.close()
    found = []
    for part in range(PARTS):
        bounds = part_bounds(part, PARTS, HashPartitioner(PARTS).buckets)
        runs = open_runs(cut(out, part, PARTS), *bounds)
        assert all(all_of(run) for run in runs)
        found += [key for run in runs for block in all_of(run) for key in block.keys]
    assert sorted(found) == ["a", "b", "c", "d"]


def test_a_part_that_was_cut_out_holds_no_other():
    part = cut(output(), 1, PARTS)
    with pytest.raises(SegmentError, match="holds the buckets"):
        open_runs(part, *part_bounds(0, PARTS, HashPartitioner(PARTS).buckets))


def test_small_blocks_of_one_value_a_key_come_as_one():
    out = MemorySegment(name="an output")
    partitioner = HashPartitioner(PARTS)
    spiller = Spiller(out, partitioner)
    keys = [f"key {n}" for n in range(400)]
    lists = [[n] * (1 + (n == 7)) for n in range(400)]  # one key has two values
    for values, grouped in [(list(range(400)), False), (lists, True)]:
        spiller.spill(keys, values, grouped=grouped)
    spiller.close()
    whole, split = open_runs(out, 0, partitioner.buckets)
    (block,) = whole.blocks(0, partitioner.buckets)
    assert block.counts is None
    assert sorted(zip(block.keys, block.values, strict=True)) == sorted(
        zip(keys, range(400), strict=True)
    )
    blocks = list(split.blocks(0, partitioner.buckets))
    assert [block.counts is None for block in blocks] == [True, False, True]
    assert sum(len(block.keys) for block in blocks) == 400


def test_extents_are_where_the_blocks_of_a_part_lie():
    out, partitioner = output(), HashPartitioner(PARTS)
    found = [
        [run.extent for run in open_runs(out, *partitioner.bounds(part))]
        for part in range(PARTS)
    ]
    assert all(len(of_part) == 2 for of_part in found)
    for run, of_run in enumerate(zip(*found, strict=True)):
        assert all(start < end for start, end in of_run)
        assert all(one[1] == two[0] for one, two in pairwise(of_run))
        if run:
            assert of_run[0][0] == found[-1][run - 1][1]
    assert found[0][0][0] == 0
    out.data = bytes(out.length_bytes)
    with pytest.raises(SegmentError, match="checksum"):
        open_runs(out, 0, 1)


def test_the_digest_tells_one_output_from_another():
    assert index_digest(output()) == index_digest(output())
    told = {index_digest(output(runs)) for runs in range(4)}
    assert len(told) == 4

    other = MemorySegment(name="an output")  # as long, and one value is another
    spiller = Spiller(other, HashPartitioner(PARTS))
    for run in range(2):
        keys = [f"key {n}" for n in range(40)]
        spiller.spill(keys, [[run + 1, n] for n in range(40)], grouped=True)
    spiller.close()
    assert other.length_bytes == output().length_bytes
    assert index_digest(other) != index_digest(output())


def test_parts_are_slices_of_it():
    out = output()
    partitioner = HashPartitioner(PARTS)
    count = 0
    for part in range(PARTS):
        first, last = partitioner.bounds(part)
        for run in open_runs(out, first, last):
            assert len(run.buckets) == last - first
            count += sum(bucket.keys for bucket in run.buckets)
            assert list(run.blocks(0, 1)) == list(run.stream(0))
    assert count == 80


def test_every_flipped_byte_is_found():
    whole = output(1)
    for at in range(0, len(whole.data), 3):
        broken = MemorySegment(name="an output")
        broken.data = bytearray(whole.data)
        broken.data[at] ^= 0x11
        with pytest.raises(SegmentError) as caught:
            pairs_of(broken)
        assert caught.value.segment == "an output"


@pytest.mark.parametrize("where", ["start", "end"])
def test_every_cut_is_found(where):
    whole = output(1)
    for size in range(0, len(whole.data), 8):
        cut = MemorySegment(name="an output")
        data = whole.data
        cut.data = data[size + 1 :] if where == "start" else data[:size]
        with pytest.raises(SegmentError) as caught:
            pairs_of(cut)
        assert caught.value.segment == "an output"


def test_blocks_must_be_those_of_the_index():
    """As when blocks of another run, whole by themselves, stand in their place."""
    out = output(1)
    (run,) = open_runs(out, 0, HashPartitioner(PARTS).buckets)
    full = next(n for n, bucket in enumerate(run.buckets) if bucket.keys)
    bucket = run.buckets[full]
    run.buckets[full] = bucket._replace(keys=bucket.keys + 1)
    with pytest.raises(SegmentError, match="its index promises"):
        list(run.stream(full))


def test_a_wrong_range_of_buckets_is_refused():
    with pytest.raises(SegmentError):
        open_runs(output(), 0, 252)
