"""Copies: opened in place of the files, and told of as the files."""

import pytest

import mincer
from mincer.errors import InputError
from mincer.sources.copies import opened_at, using
from mincer.sources.spooled import Spooled


def test_a_path_stands_for_itself_unless_it_has_a_copy():
    assert opened_at("a") == "a"
    with using({"a": "b"}):
        assert (opened_at("a"), opened_at("c")) == ("b", "c")
        with using({}):
            assert opened_at("a") == "a"
        assert opened_at("a") == "b"
    assert opened_at("a") == "a"


def test_after_an_error_there_are_no_copies():
    with pytest.raises(ZeroDivisionError), using({"a": "b"}):
        _ = 1 / 0
    assert opened_at("a") == "a"


def test_a_split_reads_the_copy_and_names_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input").write_bytes(b"a line\n\xff\n")
    (split,) = mincer.sources.text("input").plan()
    (tmp_path / "input").rename(tmp_path / "copy")
    with pytest.raises(InputError, match="cannot read input"):
        list(split.read())
    with using({"input": str(tmp_path / "copy")}):
        reading = split.read()
        assert next(reading).values == ["a line"]
        with pytest.raises(Exception, match="input is not utf-8 at byte 7"):
            next(reading)


def test_what_was_spooled_is_read_from_its_copy(tmp_path):
    (tmp_path / "copy").write_bytes(b"..data")
    with using({"gone": str(tmp_path / "copy")}):
        assert Spooled("gone", 2, 4).load() == b"data"
