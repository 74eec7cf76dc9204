"""What every sink can do for a runner that has the pairs in its own process."""

import pytest

from mincer.errors import OutputError
from mincer.sinks.memory import MemorySink

COLUMNS = [(["a", "b"], [1, 2]), (["c"], [3])]


def test_parts_are_written_and_committed():
    sink = MemorySink()
    with sink.writing("job"):
        made = {part: sink.write_part(part, COLUMNS) for part in (0, 1)}
        sink.commit_job(made, {})
    assert [one.pairs for one in made.values()] == [3, 3]
    assert sink.pairs() == [("a", 1), ("b", 2), ("c", 3)] * 2


def test_nothing_is_left_of_what_raises():
    sink = MemorySink()

    def interrupted():
        yield COLUMNS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), sink.writing("job"):
        sink.write_part(0, interrupted())
    with pytest.raises(OutputError, match="no job is writing"):
        sink.open(0, 0)


def test_what_is_in_the_way_is_not_touched():
    sink = MemorySink()
    with sink.writing("job"):
        sink.commit_job({0: sink.write_part(0, COLUMNS)}, {})
    with pytest.raises(OutputError, match="holds the output"), sink.writing("again"):
        pytest.fail("it was opened")
    assert len(sink.pairs()) == 3


def test_a_part_that_cannot_be_written_is_aborted():
    def broken():
        yield from COLUMNS
        raise OSError("no more")

    sink = MemorySink()
    with sink.writing("job"):
        with pytest.raises(OSError, match="no more"):
            sink.write_part(0, broken())
        assert not sink.commit_part(0, 0)
        sink.write_part(0, COLUMNS)


def test_a_part_that_is_gone_is_told():
    class Loses(MemorySink):
        def commit_part(self, part, attempt):
            return False

    sink = Loses()
    with pytest.raises(OutputError, match="part 4"), sink.writing("job"):
        sink.write_part(4, COLUMNS)
