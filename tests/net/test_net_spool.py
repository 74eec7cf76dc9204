"""What is laid aside: given as it came, or a part of it, within a bound for all."""

import os

import pytest
from net_outputs import PARTS, keys_in_bytes, laid_out, output_of

from mincer.errors import JobError, SegmentError
from mincer.net.offers import NotHere
from mincer.net.spool import Room
from mincer.wire import pulls

JOB, TOKEN = "0" * 32, b"t" * 16
KEY = JOB, TOKEN
BLOB = pulls.BlobOf(*KEY, b"d" * 32)
PACKET = pulls.PacketOf(*KEY, 0)
INPUT = pulls.InputOf(*KEY, 0, 10, 20)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """The folders of the room lie in the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def room():
    room = Room(100_000)
    yield room
    room.close()


@pytest.fixture
def spool(room):
    spool = room.spool(JOB, TOKEN)
    yield spool
    spool.close()


def lay_aside(spool, thing, data, chunk_bytes=1000):
    """The last chunk comes first."""
    spool.begin(thing, len(data))
    for at in reversed(range(0, len(data), chunk_bytes)):
        spool.write(thing, at, data[at : at + chunk_bytes])
    spool.whole(thing)


def given(spool, thing):
    (data,) = laid_out(spool.find(thing))
    return data


def output(index, number=0):
    return pulls.OutputOf(*KEY, (0, "map", index, number))


def lay_output_aside(spool, tmp_path, index, keys):
    """What a child wrote; it lies behind something else in its file."""
    place = output_of(tmp_path, f"made-{index}", keys)
    with open(place.path, "rb") as file:
        data = file.read()
    lay_aside(spool, output(index), data)
    return data


def segments(part, *maps):
    return pulls.SegmentsOf(*KEY, 0, part, PARTS, list(maps))


def test_what_was_laid_aside_is_given_as_it_came(spool):
    things = {BLOB: b"the code of a step", PACKET: b"some splits", INPUT: b"x" * 100}
    for thing, data in things.items():
        assert not spool.has(thing)
        lay_aside(spool, thing, data)
        assert spool.has(thing)
    assert {thing: given(spool, thing) for thing in things} == things


def test_what_is_not_whole_is_not_given(spool):
    spool.begin(BLOB, 10)
    spool.write(BLOB, 0, b"half ")
    spool.begin(output(0), 10)
    assert not spool.has(BLOB)
    for thing in (BLOB, PACKET, output(0), segments(0, (0, 0))):
        with pytest.raises(NotHere):
            spool.find(thing)


def test_what_is_empty_is_given_too(spool):
    lay_aside(spool, PACKET, b"")
    assert given(spool, PACKET) == b""


def test_of_an_output_a_part_can_be_had(spool, tmp_path):
    data = {
        index: lay_output_aside(spool, tmp_path, index, keys)
        for index, keys in enumerate((["a", "b", "c"], ["c", "d"], []))
    }
    assert {index: given(spool, output(index)) for index in data} == data
    found = []
    for part in range(PARTS):
        outputs = laid_out(spool.find(segments(part, (0, 0), (1, 0), (2, 0))))
        assert len(outputs) == 3
        found += keys_in_bytes(tmp_path, outputs, part)
    assert sorted(found) == ["a", "b", "c", "c", "d"]


def test_outputs_that_were_not_laid_aside_are_told_by_name(spool, tmp_path):
    lay_output_aside(spool, tmp_path, 0, ["a"])
    with pytest.raises(NotHere) as told:
        spool.find(segments(0, (0, 0), (1, 0), (0, 1)))
    assert told.value.lost == [(1, 0), (0, 1)]


@pytest.mark.parametrize("thing", [BLOB, output(0)])
def test_who_has_not_the_token_gets_nothing(spool, tmp_path, thing):
    lay_aside(spool, BLOB, b"the code")
    lay_output_aside(spool, tmp_path, 0, ["a"])
    other = {BLOB: pulls.BlobOf(JOB, b"x" * 16, BLOB.digest)}
    wrong = other.get(thing, pulls.OutputOf(JOB, b"x" * 16, (0, "map", 0, 0)))
    given(spool, thing)
    with pytest.raises(NotHere, match="token"):
        spool.find(wrong)


def test_all_jobs_together_have_one_bound(room, spool):
    other = room.spool("1" * 32, TOKEN)
    lay_aside(spool, BLOB, b"x" * 60_000)
    thing = pulls.PacketOf("1" * 32, TOKEN, 0)
    with pytest.raises(JobError, match="100,000 bytes, and 60,000 are taken") as told:
        other.begin(thing, 40_001)
    assert "--keep-size" in told.value.hint
    lay_aside(other, thing, b"x" * 40_000)
    assert room.used_bytes == 100_000


def test_a_spool_that_is_closed_gives_back_its_room(room, spool):
    other = room.spool("1" * 32, TOKEN)
    lay_aside(other, pulls.PacketOf("1" * 32, TOKEN, 0), b"x" * 10)
    lay_aside(spool, BLOB, b"x" * 100)
    spool.begin(PACKET, 50)  # and does not come whole
    spool.close()
    spool.close()
    assert room.used_bytes == 10
    other.close()
    assert room.used_bytes == 0


def test_what_begins_to_come_again_takes_its_room_once(room, spool):
    spool.begin(BLOB, 100)
    spool.write(BLOB, 0, b"from who was lost")
    lay_aside(spool, BLOB, b"the code")
    assert room.used_bytes == len(b"the code")
    lay_aside(spool, PACKET, b"some splits")
    assert (given(spool, BLOB), given(spool, PACKET)) == (b"the code", b"some splits")
    spool.close()
    assert room.used_bytes == 0


def test_of_what_is_closed_no_file_is_left(room, spool, tmp_path):
    lay_aside(spool, BLOB, b"the code")
    given(spool, BLOB)
    room.spool("1" * 32, TOKEN)
    spool.close()
    room.close()
    assert os.listdir(tmp_path) == []


def test_a_room_that_nobody_needs_makes_no_folder(tmp_path):
    Room(10).close()
    assert os.listdir(tmp_path) == []


def test_a_disk_that_takes_no_more_is_told(room, spool, tmp_path):
    spool.begin(BLOB, 10)
    (folder,) = tmp_path.iterdir()
    folder.rename(tmp_path / "gone")
    for fail in (
        lambda: spool.write(BLOB, 0, b"data"),
        lambda: spool.begin(PACKET, 10),
        lambda: room.spool("1" * 32, TOKEN),
    ):
        with pytest.raises(SegmentError, match="the disk of"):
            fail()
    (tmp_path / "gone").rename(folder)


def test_a_disk_that_takes_nothing_at_all_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(SegmentError, match="the disk of"):
        Room(10).spool(JOB, TOKEN)
