"""The memory twins do what the disk does."""

import pytest

from mincer.errors import SegmentError
from mincer.store.memory import MemoryScratch, MemorySegment


def test_a_segment_is_written_and_read():
    segment = MemorySegment(name="mine")
    assert (segment.write(b"abc"), segment.write(b"de")) == (0, 3)
    assert segment.read(1, 3) == b"bcd"
    assert (segment.length_bytes, segment.name) == (5, "mine")


@pytest.mark.parametrize(("offset", "size"), [(0, 6), (5, 1), (-1, 1), (0, -1)])
def test_what_is_not_there_is_an_error(offset, size):
    segment = MemorySegment()
    segment.write(b"abcde")
    with pytest.raises(SegmentError):
        segment.read(offset, size)


def test_a_scratch_remembers_its_files():
    scratch = MemoryScratch()
    file = scratch.create()
    assert scratch.files == [file]
    file.close()
    assert file.closed
