"""What a driver writes down for the next: a folder, and nothing that it cannot."""

import pytest

from mincer.runners.keepsake import Keepsake, keepsake_of, read_keepsake
from mincer.sinks import FileSink, MemorySink


def test_where_the_result_was_to_go_is_read_as_it_was_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = keepsake_of(FileSink("out", format="jsonl", overwrite=True))
    # Whoever reads it may be in another folder.
    assert read_keepsake(data) == Keepsake(str(tmp_path / "out"), "jsonl", True)


@pytest.mark.parametrize("sink", [None, MemorySink()])
def test_what_is_no_folder_is_not_written_down(sink):
    assert keepsake_of(sink) == b""
    assert read_keepsake(b"") is None


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"folder": 5}', b"\xff"])
def test_what_makes_no_sense_is_nothing(data):
    assert read_keepsake(data) is None
