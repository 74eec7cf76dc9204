"""Whole files as bytes, by path."""

import gzip

import pytest
from source_reading import read, read_split

from mincer import sources
from mincer.errors import InputError, UsageError


def test_whole_files_by_path(tmp_path):
    (tmp_path / "a").write_bytes(b"one\n\xfftwo")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "c").write_bytes(b"")
    (tmp_path / "d.gz").write_bytes(b"")
    source = sources.files(tmp_path, tag="t")
    assert read(source) == [
        (str(tmp_path / "a"), b"one\n\xfftwo"),
        (str(tmp_path / "b.gz"), b"packed"),
        (str(tmp_path / "c"), b""),
        (str(tmp_path / "d.gz"), b""),
    ]
    (split,) = source.plan()
    assert split.tag == "t"
    assert [ordinal for ordinal, _, _ in read_split(split, {1, 2})] == [0, 3]
    (first, *_) = split.read()
    assert str(first.locate(0)) == str(tmp_path / "a")


def test_large_files_are_not_cut(tmp_path):
    (tmp_path / "a").write_bytes(b"x\n" * 500)
    (tmp_path / "b").write_bytes(b"y\n" * 500)
    splits = list(sources.files(tmp_path).plan(None, 10))
    assert [len(read_split(split)) for split in splits] == [1, 1]


def test_a_file_that_changes(tmp_path):
    (tmp_path / "a").write_bytes(b"x\n")
    (split,) = sources.files(tmp_path).plan()
    (tmp_path / "a").write_bytes(b"x\ny\n")
    with pytest.raises(InputError, match="changed"):
        read_split(split)


def test_stdin_is_no_file():
    with pytest.raises(UsageError, match="stdin"):
        sources.files("-")
