"""Tables are aligned, fit where they can, and do nothing to a terminal."""

import pytest

from mincer.cli.table import COLUMNS_MAX, cut, printable, table


def test_columns_are_aligned_and_numbers_set_to_the_right():
    rows = [["a", "1"], ["longer", "200"], ["", "3"]]
    assert table(["NAME", "N"], rows, "N", shrink="NAME") == [
        "NAME      N",
        "a         1",
        "longer  200",
        "          3",
    ]


def test_nothing_stands_at_the_end_of_a_line():
    assert table(["A", "B"], [["x", ""]], "", shrink="A") == ["A  B", "x"]


def test_one_column_gives_way():
    rows = [["x" * 200, "1" * 20], ["y", "2"]]
    lines = table(["NAME", "N"], rows, "N", shrink="NAME")
    assert [len(line) for line in lines] == [COLUMNS_MAX] * 3
    assert lines[1] == "x" * 57 + "…  " + "1" * 20


def test_a_column_that_gives_way_does_not_vanish():
    lines = table(["A", "B"], [["x" * 20, "y" * 90]], "", shrink="A")
    assert lines[1] == "x" * 7 + "…  " + "y" * 90


def test_letters_that_are_wide_are_counted_as_wide():
    rows = [["詞" * 3, "1"], ["abc", "2"]]
    assert table(["NAME", "N"], rows, "N", shrink="NAME") == [
        "NAME    N",
        "詞詞詞  1",
        "abc     2",
    ]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("詞詞", 4, "詞詞"),
        ("詞詞詞", 4, "詞 …"),
        ("", 3, ""),
    ],
)
def test_what_is_too_long_is_cut(text, width, shown):
    assert cut(text, width) == shown


def test_a_name_does_nothing_to_a_terminal():
    name = "a\x1b[2J\r\n\u202eb\tc d"
    assert printable(name) == "a?[2J???b?c d"
    (_, line) = table(["NAME"], [[name]], "", shrink="NAME")
    assert line == "a?[2J???b?c d"
