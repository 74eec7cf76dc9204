"""A part of an engine as pairs, and as records of the next step."""

from mincer.codec.blocks import encode_pairs
from mincer.flow.ports import PartMade
from mincer.ids import TaskId
from mincer.runners.engine.parcel import MadePart
from mincer.runners.engine.parts import EarlierPart, columns_of

DATA = encode_pairs(["a", "b"], [1, 2]) + encode_pairs(["c"], [3])
MADE = MadePart(TaskId("job", 0, "reduce", 4), PartMade(3, len(DATA), "0"), None, [])


def test_its_pairs():
    assert list(columns_of(DATA, "it")) == [(["a", "b"], [1, 2]), (["c"], [3])]
    assert list(columns_of(b"", "it")) == []


def test_its_records():
    part = EarlierPart(MADE, DATA)
    assert str(part) == "output of reduce 4"
    assert part.size_bytes == len(DATA)
    assert part.accounts is MADE.accounts

    def records(skip=frozenset()):
        return [
            (ordinal, key, value)
            for batch in part.read(skip)
            for ordinal, _, key, value in batch.records()
        ]

    assert records() == [(0, "a", 1), (1, "b", 2), (2, "c", 3)]
    assert records(frozenset([1])) == [(0, "a", 1), (2, "c", 3)]
