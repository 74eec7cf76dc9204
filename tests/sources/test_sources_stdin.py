"""The standard input: once, in whole lines, put aside."""

import io

import pytest
from source_reading import Folder, read

from mincer import sources
from mincer.errors import InputError, UsageError
from mincer.sources.stdin import read_stdin


@pytest.fixture
def stdin(monkeypatch):
    def give(data):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    return give


def test_lines(stdin, tmp_path):
    stdin(b"one\r\ntwo\n\nfour")
    source = sources.text("-")
    assert read(source, spool=Folder(tmp_path)) == [
        (0, "one"),
        (5, "two"),
        (9, ""),
        (10, "four"),
    ]
    assert source.size_bytes is None


def test_pieces_are_whole_lines_of_about_a_mib(stdin, tmp_path):
    line = b"x" * 99 + b"\n"
    stdin(line * 30_000)
    pieces = list(read_stdin(Folder(tmp_path), 1000))
    assert [piece.size_bytes for piece in pieces] == [1_048_000, 1_048_000, 904_000]
    assert b"".join(piece.load() for piece in pieces) == line * 30_000


def test_every_source_of_lines_takes_it(stdin):
    stdin(b'{"a": 1}\n')
    assert read(sources.jsonl("-")) == [(0, {"a": 1})]
    stdin(b"one\ntwo\nthree\n")
    assert read(sources.blocks("-", size=5)) == [(0, "one\ntwo\n"), (8, "three\n")]
    stdin(b"a,b\n1,2\n")
    assert read(sources.csv("-")) == [(4, {"a": "1", "b": "2"})]


def test_between_files(stdin, tmp_path):
    (tmp_path / "a").write_text("file\n")
    stdin(b"in\n")
    paths = [tmp_path / "a", "-", tmp_path / "a"]
    found = read(sources.text(paths, key="path"))
    assert found == [
        ((str(tmp_path / "a"), 0), "file"),
        (("stdin", 0), "in"),
        ((str(tmp_path / "a"), 0), "file"),
    ]


def test_nothing(stdin):
    stdin(b"")
    assert read(sources.text("-")) == []


def test_once(stdin):
    stdin(b"one\n")
    assert len(read(sources.text("-"))) == 1
    with pytest.raises(InputError, match="read already"):
        read(sources.text("-"))


def test_a_process_without_one(stdin, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(InputError, match="has none"):
        read(sources.text("-"))


def test_reading_fails(monkeypatch):
    class Broken(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    broken = io.TextIOWrapper(io.BufferedReader(Broken()))
    monkeypatch.setattr("sys.stdin", broken)
    with pytest.raises(InputError, match="cannot read stdin: Input/output error"):
        read(sources.text("-"))


def test_an_encoding_that_cannot_be_cut():
    with pytest.raises(UsageError, match="utf-16"):
        sources.text("-", encoding="utf-16")
