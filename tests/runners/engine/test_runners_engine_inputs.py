"""Splits on their way into an engine: joined where small, packed when asked for."""

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.errors import InputError
from mincer.flow.ports import BadRecord
from mincer.runners.engine.inputs import DriverSpool, Inputs, Several, joined
from mincer.sources import items, jsonl
from mincer.sources.base import Split

MB = 1_000_000


class OfSize(Split):
    def __init__(self, size_bytes, tag=None):
        self.size_bytes = size_bytes
        self.tag = tag

    def read(self, skip=frozenset()):
        return iter(())

    def __str__(self):
        return "a split"


def flat(splits):
    return [
        one for some in splits for one in (getattr(some, "_splits", None) or [some])
    ]


@given(st.lists(st.integers(0, 3 * MB), max_size=60), st.integers(1, 8))
def test_all_splits_stay_in_their_order(sizes, slots):
    splits = [OfSize(size) for size in sizes]
    assert flat(joined(splits, slots)) == splits


@given(st.lists(st.integers(0, 30 * MB), max_size=60), st.integers(1, 8))
def test_what_is_joined_leaves_each_slot_its_share(sizes, slots):
    for some in joined([OfSize(size) for size in sizes], slots):
        if isinstance(some, Several):
            assert some.size_bytes <= 16 << 20
            if any(one.size_bytes > 1 << 20 for one in some._splits):
                inside = some._splits[1:-1]
                assert sum(s.size_bytes for s in inside) <= sum(sizes) / (4 * slots)


def test_a_slot_has_few_large_tasks():
    splits = [OfSize(5 * MB) for _ in range(24)]
    assert len(joined(splits, slots=2)) == 8
    assert len(joined(splits, slots=6)) == 24
    tapered = [OfSize(n * MB) for n in [7] * 8 + [4] * 8 + [2] * 16]
    assert len(joined(tapered, slots=2)) <= 9


def test_each_slot_has_several_to_do():
    splits = [OfSize(MB) for _ in range(200)]
    assert len(joined(splits, slots=4)) >= 48
    assert len(joined(splits, slots=1)) <= 16


def test_they_are_counted():
    assert len(joined([OfSize(0) for _ in range(256)], slots=2)) == 32


def test_those_of_other_tags_stay_apart():
    splits = [OfSize(10, tag) for tag in "a" * 20 + "b" * 20]
    assert [some.tag for some in joined(splits, 1)] == ["a"] * 7 + ["b"] * 7


def read_all(split, skip=frozenset()):
    return [
        (ordinal, value)
        for batch in split.read(skip)
        for ordinal, _, _, value in batch.records()
    ]


def test_records_of_several_are_told_apart():
    splits = list(items(list("abcdefgh" * 100)).plan())[:3]
    several = Several(splits)
    found = read_all(several)
    values = [value for split in splits for _, value in read_all(split)]
    assert [value for _, value in found] == values
    ordinals = [ordinal for ordinal, _ in found]
    assert ordinals == sorted(set(ordinals))
    left_out = frozenset(ordinals[1::2])
    assert read_all(several, left_out) == found[::2]
    assert str(several) == "items 0-3 and 2 more"


def test_a_bad_record_of_several_is_known(tmp_path):
    paths = []
    for name in "ab":
        paths.append(tmp_path / name)
        paths[-1].write_text('{"n": 1}\n{"n":\n{"n": 3}\n')
    splits = [split for path in paths for split in jsonl(path).plan()]
    several = Several(splits)
    with pytest.raises(BadRecord) as first:
        read_all(several)
    skip = {first.value.ordinal}
    with pytest.raises(BadRecord) as second:
        read_all(several, frozenset(skip))
    assert isinstance(second.value.error, InputError)
    skip.add(second.value.ordinal)
    assert len(read_all(several, frozenset(skip))) == 4


def test_bytes_of_the_driver_go_along():
    with DriverSpool() as spool:
        splits = list(items({"a": 1, "b": 2}).plan(spool))
        inputs = Inputs(splits)
        assert len(inputs) == len(splits)
        for one, split in zip(inputs, splits, strict=True):
            ((path, offset, data),) = one.own_bytes
            (extent,) = split.extents()
            assert (path, offset, offset + len(data)) == extent[:3]
        assert [one.own_bytes for one in inputs[1:]] == [inputs[1].own_bytes]
        assert os.path.exists(path)
    assert not os.path.exists(path)


def test_a_spool_that_nobody_needs_makes_no_file():
    with DriverSpool() as spool:
        assert spool._folder is None


def test_files_are_read_by_who_maps_them(tmp_path):
    path = tmp_path / "a"
    path.write_text('{"n": 1}\n')
    (one,) = Inputs(list(jsonl(path).plan()))
    assert one.own_bytes == ()
    packet, nth = one.packed
    assert read_all(pickle.loads(packet)[nth]) == [(0, {"n": 1})]
