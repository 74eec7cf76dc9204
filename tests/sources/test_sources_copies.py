"""Copies: opened in place of the files, and told of as the files."""

import pytest

import mincer
from mincer.errors import InputError
from mincer.sources.copies import Copy, open_input, opened_at, using
from mincer.sources.spooled import Spooled


def at(path):
    return opened_at(path, 0, 9)


def test_a_path_stands_for_itself_unless_it_has_a_copy():
    assert at("a") == "a"
    with using({"a": Copy("b")}):
        assert (at("a"), at("c")) == ("b", "c")
        with using({}):
            assert at("a") == "a"
        assert at("a") == "b"
    assert at("a") == "a"


def test_after_an_error_there_are_no_copies():
    with pytest.raises(ZeroDivisionError), using({"a": Copy("b")}):
        _ = 1 / 0
    assert at("a") == "a"


def test_a_copy_of_some_ranges_gives_nothing_else(tmp_path):
    (tmp_path / "copy").write_bytes(b"0123456789")
    with using({"a": Copy(str(tmp_path / "copy"), ((2, 5), (7, 9)))}):
        assert opened_at("a", 3, 5) == str(tmp_path / "copy")
        assert opened_at("a", 6, 6) == str(tmp_path / "copy")
        with pytest.raises(InputError, match="byte 5 of a is read"):
            opened_at("a", 3, 8)
        with open_input("a") as file:
            file.seek(7)
            assert file.read(2) == b"78"
            with pytest.raises(InputError, match="byte 9 of a is read"):
                file.read(1)


def test_a_split_reads_the_copy_and_names_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input").write_bytes(b"a line\n\xff\n")
    (split,) = mincer.sources.text("input").plan()
    (tmp_path / "input").rename(tmp_path / "copy")
    with pytest.raises(InputError, match="cannot read input"):
        list(split.read())
    with using({"input": Copy(str(tmp_path / "copy"))}):
        reading = split.read()
        assert next(reading).values == ["a line"]
        with pytest.raises(Exception, match="input is not utf-8 at byte 7"):
            next(reading)


def test_what_was_spooled_is_read_from_its_copy(tmp_path):
    (tmp_path / "copy").write_bytes(b"..data")
    with using({"gone": Copy(str(tmp_path / "copy"))}):
        assert Spooled("gone", 2, 4).load() == b"data"
