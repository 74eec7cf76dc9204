"""An output as it was asked for: a folder, a sink, or nothing; else it is told."""

import pytest

from mincer.errors import UsageError
from mincer.sinks import FileSink, MemorySink
from mincer.sinks.asked import sink_of


def test_a_folder_gets_files(tmp_path):
    sink = sink_of(tmp_path / "out", None, False)
    assert isinstance(sink, FileSink)
    assert (sink.folder, sink.format) == (str(tmp_path / "out"), "tsv")
    sink = sink_of("out", "jsonl", True)
    assert (sink.format, sink.overwrite) == ("jsonl", True)


def test_a_sink_of_ones_own_is_taken_as_it_is():
    sink = MemorySink()
    assert sink_of(sink, None, False) is sink
    assert sink_of(None, None, False) is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("out", "xml", False), "format must be one of tsv"),
        (("out", None, 1), "overwrite must be True or False"),
        ((None, "tsv", False), "without an output"),
        ((None, None, True), "without an output"),
        ((MemorySink(), "tsv", False), "for an output that is a folder"),
        ((5, None, False), "must be the path of a folder"),
        (("", None, False), "must be the path of a folder"),
    ],
)
def test_what_makes_no_sense_is_told(given, told):
    with pytest.raises(UsageError, match=told):
        sink_of(*given)
