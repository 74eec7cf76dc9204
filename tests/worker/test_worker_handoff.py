"""A part that one step made is a split of the next."""

import pytest

from mincer.errors import SegmentError
from mincer.flow.part import BlockPart
from mincer.ids import AttemptId, TaskId
from mincer.store.disk import AppendFile
from mincer.worker.handoff import PartSplit

MADE_BY = AttemptId(TaskId("job", 0, "reduce", 3), 0)


@pytest.fixture
def split(tmp_path):
    out = AppendFile(str(tmp_path / "out"))
    part = BlockPart(out)
    part.write([1, 2, 3], ["a", "b", "c"])
    part.write([4], ["d"])
    place = out.commit()
    out.close()
    return PartSplit(place, MADE_BY)


def records(split, skip=frozenset()):
    return [
        (batch.first + i, *pair)
        for batch in split.read(skip)
        for i, pair in enumerate(zip(batch.keys, batch.values, strict=True))
    ]


def test_its_records_are_the_pairs(split):
    assert records(split) == [(0, 1, "a"), (1, 2, "b"), (2, 3, "c"), (3, 4, "d")]
    assert str(split) == "output of reduce 3"
    assert str(next(split.read()).locate(1)) == "output of reduce 3 at 1"


def test_records_can_be_left_out(split):
    assert records(split, frozenset({1, 3})) == [(0, 1, "a"), (2, 3, "c")]
    assert records(split, frozenset(range(4))) == []


def test_damage_names_the_attempt_that_made_it(split):
    with open(split.place.path, "r+b") as file:
        file.seek(50)
        file.write(b"!")
    with pytest.raises(SegmentError) as caught:
        records(split)
    assert caught.value.segment == MADE_BY
