"""The sink in memory: the suite, and what is its own."""

import pytest

from mincer import sinks
from mincer.errors import OutputError, UsageError
from mincer.sinks import MemorySink
from mincer.testing import SinkSuite


class TestMemorySink(SinkSuite):
    ships = False
    format = "pickle"

    def make(self, tmp_path):
        return MemorySink(self.format)

    def seen(self, sink):
        return None if sink.manifest is None else sink.pairs()


class TestMemorySinkOfText(TestMemorySink):
    format = "jsonl"


def committed(sink, keys, values):
    sink.prepare("job")
    writer = sink.open(0, 0)
    writer.write(keys, values)
    made = writer.close()
    assert sink.commit_part(0, 0)
    sink.commit_job({0: made}, {"name": "words"})
    return sink


def test_it_keeps_any_value_and_what_the_runner_told():
    sink = committed(MemorySink(), [b"a", (1, 2)], [{1}, 2.5])
    assert sink.pairs() == [(b"a", {1}), ((1, 2), 2.5)]
    assert sink.manifest == {"name": "words"}


def test_what_is_changed_after_it_was_written_does_not_show():
    value = [1]
    sink = committed(MemorySink(), ["a"], [value])
    value.append(2)
    assert sink.pairs() == [("a", [1])]


def test_it_refuses_what_its_format_cannot_hold():
    with pytest.raises(OutputError, match="--format pickle"):
        committed(MemorySink("tsv"), ["a"], [{1}])


def test_an_unknown_format_is_refused():
    with pytest.raises(UsageError, match="tsv, jsonl, pickle, lines"):
        MemorySink("csv")


def test_a_part_that_nobody_committed_is_missed():
    sink = MemorySink()
    sink.prepare("job")
    made = sink.open(0, 0).close()
    with pytest.raises(OutputError, match="part 0"):
        sink.commit_job({0: made}, {})


def test_the_package_has_no_other_names():
    with pytest.raises(AttributeError, match="FolderSink"):
        getattr(sinks, "Folder" + "Sink")
