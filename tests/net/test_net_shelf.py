"""A shelf: what was made is laid out whole or as a part, until it is discarded."""

import os

import pytest
from net_outputs import PARTS, keys_in_bytes, laid_out, output_of

from mincer.ids import AttemptId, TaskId
from mincer.net.offers import NotHere
from mincer.net.shelf import Shelf
from mincer.store.disk import FileCache
from mincer.wire import pulls

JOB, TOKEN = "0" * 32, b"t" * 16
KEY = JOB, TOKEN


@pytest.fixture
def shelf():
    files = FileCache()
    yield Shelf(JOB, TOKEN, files)
    files.close()


def attempt(kind, index, number=0, step=0):
    return AttemptId(TaskId(JOB, step, kind, index), number)


def test_what_is_kept_is_served_whole_or_as_a_part(shelf, tmp_path):
    keys = ["a", "b", "c", "d"]
    place = output_of(tmp_path, "mine", keys)
    shelf.put(attempt("map", 0), place)
    whole = shelf.find(pulls.OutputOf(*KEY, (0, "map", 0, 0)))
    with open(place.path, "rb") as file:
        assert laid_out(whole) == [file.read()]
    found = [
        keys_in_bytes(tmp_path, laid_out(shelf.find(segments_of(part))), part)
        for part in range(PARTS)
    ]
    assert sorted(key for some in found for key in some) == keys


def segments_of(part, maps=((0, 0),)):
    return pulls.SegmentsOf(*KEY, 0, part, PARTS, list(maps))


def test_what_is_not_kept_is_told_by_name(shelf, tmp_path):
    shelf.put(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere) as told:
        shelf.find(segments_of(0, [(0, 0), (1, 0), (0, 1)]))
    assert told.value.lost == [(1, 0), (0, 1)]
    with pytest.raises(NotHere, match="is not here"):
        shelf.find(pulls.OutputOf(*KEY, (0, "map", 5, 0)))
    with pytest.raises(NotHere, match="nothing else"):
        shelf.find(pulls.PacketOf(*KEY, 0))


@pytest.mark.parametrize(
    ("step", "part", "parts"), [(9, 0, PARTS), (0, 0, PARTS + 1), (0, PARTS, PARTS)]
)
def test_a_part_that_the_job_has_not_is_not_cut(tmp_path, step, part, parts):
    files = FileCache()
    shelf = Shelf(JOB, TOKEN, files, [PARTS])
    shelf.put(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere, match="no such part"):
        shelf.find(pulls.SegmentsOf(*KEY, step, part, parts, [(0, 0)]))
    files.close()


def test_damage_is_told_as_a_loss(shelf, tmp_path):
    place = output_of(tmp_path, "mine", ["a"])
    shelf.put(attempt("map", 0), place)
    os.truncate(place.path, place.length_bytes - 1)
    with pytest.raises(NotHere) as told:
        shelf.find(segments_of(0))
    assert told.value.lost == [(0, 0)]


def test_who_has_not_the_token_gets_nothing(shelf, tmp_path):
    shelf.put(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    with pytest.raises(NotHere, match="token"):
        shelf.find(pulls.OutputOf(JOB, b"wrong".ljust(16), (0, "map", 0, 0)))


def test_what_is_discarded_is_served_no_more(shelf, tmp_path):
    shelf.put(attempt("map", 0), output_of(tmp_path, "mine", ["a"]))
    shelf.discard(attempt("map", 0))
    shelf.discard(attempt("map", 0))
    with pytest.raises(NotHere):
        shelf.find(segments_of(0))


def test_a_step_that_is_released_gives_back_its_maps_alone(shelf, tmp_path):
    for id in (attempt("map", 0), attempt("map", 0, step=1), attempt("sample", 0)):
        shelf.put(id, output_of(tmp_path, f"{id.task.step}-{id.task.kind}", ["a"]))
    shelf.release(0)
    with pytest.raises(NotHere):
        shelf.find(segments_of(0))
    assert shelf.place(attempt("map", 0, step=1)).length_bytes
    assert shelf.place(attempt("sample", 0)).length_bytes
