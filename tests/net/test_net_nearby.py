"""Outputs on this machine: read where they lie, if they are what was committed."""

import os

import pytest
from net_outputs import PARTS, output_of

from mincer.errors import SegmentError
from mincer.flow.run import cut_out
from mincer.ids import AttemptId, TaskId
from mincer.net.nearby import Nearby, place_told
from mincer.store.disk import FileCache, PlaceReader
from mincer.wire.frames import CommitRow, PlaceTold

NEAR, FAR = 5, 6
BY = AttemptId(TaskId("0" * 32, 0, "map", 0), 0)


@pytest.fixture
def files():
    made = FileCache()
    yield made
    made.close()


@pytest.fixture
def near():
    """The members that see the same disks just now."""
    return {NEAR}


@pytest.fixture
def nearby(files, near):
    return Nearby(near.__contains__, files)


@pytest.fixture
def place(tmp_path):
    return output_of(tmp_path, "output", ["a", "b", "c", "d"])


def reader(index=0, step=0):
    return AttemptId(TaskId("0" * 32, step, "reduce", index), 0)


def look(nearby, row, attempt=None):
    """Order an attempt that reads this; where it does."""
    attempt = attempt or reader()
    nearby.ordered(attempt, [row])
    return nearby.place(attempt, row)


def commit(output, files, keeper=NEAR, **more):
    told, digest = place_told(output, files)
    row = {"place": told, "digest": digest} | more
    return CommitRow(0, 0, keeper, output.length_bytes, **row)


def test_it_is_read_where_it_lies(nearby, place, files):
    assert look(nearby, commit(place, files)) == place


def test_files_of_other_machines_are_not_opened(nearby, place, files):
    assert look(nearby, commit(place, files, FAR)) is None


def test_nobody_is_near_who_was_not_asked_to_look(place, files):
    assert look(Nearby(None, files), commit(place, files)) is None


def test_an_output_whose_place_was_not_told_is_pulled(nearby, place, files):
    assert look(nearby, commit(place, files, place=None)) is None


def test_another_file_under_that_path_is_not_read(nearby, place, files, tmp_path):
    row = commit(place, files)
    os.replace(output_of(tmp_path, "another", ["x", "b", "y", "d"]).path, place.path)
    files.close()
    assert look(nearby, row) is None


@pytest.mark.parametrize("kind", ["gone", "folder", "pipe", "short"])
def test_what_is_no_such_file_is_not_read(nearby, place, files, tmp_path, kind):
    row = commit(place, files)
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "short":
        path.write_bytes(b"x")
    there = commit(place, files, place=PlaceTold(os.fsencode(path), 0))
    assert there.digest == row.digest
    assert look(nearby, there) is None


def test_what_was_said_once_is_said_again(nearby, place, files):
    row = commit(place, files)
    look(nearby, row)
    os.remove(place.path)
    assert look(nearby, row, reader(1)) == place
    assert look(nearby, row, reader(step=1)) is None


def test_it_is_settled_when_an_attempt_is_ordered(nearby, near, place, files):
    row = commit(place, files)
    assert look(nearby, row) == place
    near.clear()  # its worker has left, and the coordinator has it
    assert nearby.place(reader(), row) == place
    assert look(nearby, row, reader(1)) is None
    nearby.ended(reader())
    nearby.ended(reader())


def test_one_that_is_gone_is_told_by_who_made_it(nearby, place):
    os.remove(place.path)
    with pytest.raises(SegmentError) as told:
        nearby.part_bytes(BY, place, 0, PARTS)
    assert told.value.segment == BY


def test_the_bytes_of_a_part_are_those_of_its_blocks(nearby, place, files):
    parts = [nearby.part_bytes(BY, place, part, PARTS) for part in range(PARTS)]
    cut = [cut_out(PlaceReader(place, files), part, PARTS) for part in range(PARTS)]
    assert parts == [sum(size for _, size in one.extents) for one in cut]
    assert sum(parts) > 0
