"""Outputs on this machine: read where they lie, if they are what was committed."""

import os

import pytest
from net_outputs import PARTS, output_of

from mincer.flow.run import cut_out
from mincer.net.nearby import Nearby, place_told
from mincer.store.disk import FileCache, PlaceReader
from mincer.wire.frames import CommitRow, PlaceTold

NEAR, FAR = 5, 6


@pytest.fixture
def files():
    made = FileCache()
    yield made
    made.close()


@pytest.fixture
def nearby(files):
    return Nearby(lambda member: member == NEAR, files)


@pytest.fixture
def place(tmp_path):
    return output_of(tmp_path, "output", ["a", "b", "c", "d"])


def commit(output, files, keeper=NEAR, **more):
    told, digest = place_told(output, files)
    row = {"place": told, "digest": digest} | more
    return CommitRow(0, 0, keeper, output.length_bytes, **row)


def test_it_is_read_where_it_lies(nearby, place, files):
    assert nearby.place(0, commit(place, files)) == place


def test_files_of_other_machines_are_not_opened(nearby, place, files):
    assert nearby.place(0, commit(place, files, FAR)) is None


def test_nobody_is_near_who_was_not_asked_to_look(place, files):
    assert Nearby(None, files).place(0, commit(place, files)) is None


def test_an_output_whose_place_was_not_told_is_pulled(nearby, place, files):
    assert nearby.place(0, commit(place, files, place=None)) is None


def test_another_file_under_that_path_is_not_read(nearby, place, files, tmp_path):
    row = commit(place, files)
    os.replace(output_of(tmp_path, "another", ["x", "b", "y", "d"]).path, place.path)
    files.close()
    assert nearby.place(0, row) is None


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
    assert nearby.place(0, there) is None


def test_what_was_said_once_is_said_again(nearby, place, files):
    row = commit(place, files)
    nearby.place(0, row)
    os.remove(place.path)
    assert nearby.place(0, row) == place
    assert nearby.place(1, row) is None


def test_the_bytes_of_a_part_are_those_of_its_blocks(nearby, place, files):
    parts = [nearby.part_bytes(place, part, PARTS) for part in range(PARTS)]
    cut = [cut_out(PlaceReader(place, files), part, PARTS) for part in range(PARTS)]
    assert parts == [sum(size for _, size in one.extents) for one in cut]
    assert sum(parts) > 0
