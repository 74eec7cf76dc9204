"""Outputs and scratch files on disk."""

import os

import pytest

from mincer.errors import Bug, SegmentError
from mincer.store import disk
from mincer.store.disk import AppendFile, DiskScratch, FileCache, Place, PlaceReader


@pytest.fixture
def out(tmp_path):
    file = AppendFile(str(tmp_path / "outputs"))
    yield file
    file.close()


@pytest.fixture
def files():
    cache = FileCache()
    yield cache
    cache.close()


def test_outputs_stand_one_behind_another(out, files):
    out.begin()
    assert (out.write(b"abc"), out.write(b"de")) == (0, 3)
    first = out.commit()
    out.begin()
    assert out.write(b"xyz") == 0
    second = out.commit()
    assert (first[1:], second[1:]) == ((0, 5), (5, 3))
    assert PlaceReader(first, files).read(0, 5) == b"abcde"
    assert PlaceReader(second, files).read(1, 2) == b"yz"


def test_nothing_is_opened_once_all_is_closed(out, files):
    out.write(b"data")
    place = out.commit()
    files.close()
    with pytest.raises(SegmentError, match="is not read any more"):
        PlaceReader(place, files).read(0, 4)


def test_a_file_that_is_closed_while_it_is_read(out, files):
    out.write(b"data")
    place = out.commit()
    files.open(place.path).close()
    with pytest.raises(SegmentError, match="cannot be read"):
        PlaceReader(place, files).read(0, 4)


def test_what_was_not_committed_is_cut_off(out, files):
    out.write(b"whole")
    out.commit()
    for _ in range(2):
        out.begin()
        out.write(b"x" * 3_000_000)
    out.abort()
    assert os.path.getsize(out.path) == 5
    out.write(b"next")
    place = out.commit()
    assert place == Place(out.path, 5, 4)
    assert PlaceReader(place, files).read(0, 4) == b"next"


def test_a_file_of_an_earlier_life_is_gone_on_with(out):
    out.write(b"old")
    out.commit()
    again = AppendFile(out.path)
    again.write(b"new")
    assert again.commit() == Place(out.path, 3, 3)
    again.close()


@pytest.mark.parametrize(("offset", "size"), [(0, 6), (5, 1), (-1, 1), (0, -1)])
def test_a_reader_stays_in_its_place(out, files, offset, size):
    out.write(b"abcde")
    out.write(b"fghij")
    reader = PlaceReader(Place(out.path, 0, 5), files)
    out.commit()
    with pytest.raises(SegmentError):
        reader.read(offset, size)
    assert reader.length_bytes == 5


def test_a_reader_tells_what_it_is_called(out, files):
    place = Place(out.path, 0, 5)
    assert PlaceReader(place, files).name == place
    assert PlaceReader(place, files, "map 3").name == "map 3"


def test_what_is_gone_or_cut_is_a_segment_error(out, files, tmp_path):
    with pytest.raises(SegmentError, match="gone"):
        PlaceReader(Place(str(tmp_path / "none"), 0, 5), files).read(0, 5)
    out.write(b"abc")
    out.commit()
    with pytest.raises(SegmentError, match="cut off"):
        PlaceReader(Place(out.path, 0, 9), files).read(0, 9)
    with pytest.raises(SegmentError, match=r"cannot be read|gone"):
        PlaceReader(Place(str(tmp_path), 0, 9), files).read(0, 9)


class ShortReads:
    """A file that gives a byte at a time, as a signal or a huge read may cause."""

    def __init__(self, data):
        self.data = data

    def seek(self, at):
        self.at = at

    def read(self, size):
        self.at += 1
        return self.data[self.at - 1 : self.at] if size else b""


def test_short_reads_are_gone_on_with(files):
    files._files["short"] = reads = ShortReads(b"abcdef")
    assert PlaceReader(Place("short", 1, 4), files).read(0, 4) == b"bcde"
    reads.close = lambda: None


def test_only_some_files_are_kept_open(tmp_path, monkeypatch, files):
    monkeypatch.setattr(disk, "_OPEN_FILES_MAX", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(name.encode())
    opened = [files.open(str(tmp_path / name)) for name in "ab"]
    assert files.open(str(tmp_path / "a")) is opened[0]
    files.open(str(tmp_path / "c"))
    assert (opened[0].closed, opened[1].closed) == (False, True)
    assert files.open(str(tmp_path / "b")).read() == b"b"


def test_a_full_disk_says_what_to_do(out, monkeypatch):
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(out, "_file", full)
        with pytest.raises(SegmentError, match="No space left") as caught:
            out.write(b"x")
    assert "TMPDIR" in caught.value.hint


def test_bytes_that_a_full_disk_refused_are_forgotten(tmp_path, monkeypatch):
    class Full(AppendFile):
        refusing = True

        def _open(self):
            if self.refusing:
                return open("/dev/full", "wb")
            return super()._open()

    out = Full(str(tmp_path / "outputs"))
    out.write(b"x")
    with pytest.raises(SegmentError):
        out.commit()
    out.refusing = False
    out.abort()
    out.write(b"y")
    assert out.commit().length_bytes == 1
    out.close()


def test_scratch_is_written_and_read_in_any_order(tmp_path):
    scratch = DiskScratch(str(tmp_path))
    file = scratch.create()
    assert file.write(b"abc") == 0
    assert file.read(1, 2) == b"bc"
    assert file.write(b"de") == 3
    assert file.read(0, 5) == b"abcde"
    with pytest.raises(Bug, match="ends before"):
        file.read(3, 3)
    scratch.close()
    with pytest.raises(ValueError, match="closed"):
        file.read(0, 1)


def test_scratch_leaves_no_name(tmp_path):
    scratch = DiskScratch(str(tmp_path))
    scratch.create().write(b"x")
    assert os.listdir(tmp_path) == []
    scratch.close()
    scratch.close()
