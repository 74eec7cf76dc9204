"""Where lines end, by encoding."""

import pytest

from mincer.errors import UsageError
from mincer.sources.encoding import (
    check_encoding,
    check_errors,
    codec_of,
    find_newline,
    is_cuttable,
    lines_of,
    newline_of,
)


@pytest.mark.parametrize(
    ("name", "codec", "cuttable"),
    [
        ("utf-8", "utf-8", True),
        ("UTF8", "utf-8", True),
        ("utf-8-sig", "utf-8-sig", True),
        ("latin-1", "iso8859-1", True),
        ("ascii", "ascii", True),
        ("cp1252", "cp1252", True),
        ("gb18030", "gb18030", True),
        ("shift_jis", "shift_jis", True),
        ("cp037", "cp037", False),
        ("utf-16", "utf-16", False),
        ("utf-32-be", "utf-32-be", False),
        ("utf-7", "utf-7", False),
        ("iso-2022-jp", "iso2022_jp", False),
        ("hz", "hz", False),
    ],
)
def test_encodings(name, codec, cuttable):
    assert check_encoding(name) == codec
    assert is_cuttable(codec) is cuttable


@pytest.mark.parametrize("wrong", ["x", "", None, 8, "rot13", "zlib", "hex"])
def test_what_is_no_encoding(wrong):
    with pytest.raises(UsageError, match="encoding"):
        check_encoding(wrong)


def test_errors():
    assert check_errors("replace") == "replace"
    with pytest.raises(UsageError, match="errors"):
        check_errors("none")


@pytest.mark.parametrize(
    "name", ["utf-8", "iso8859-1", "gb18030", "shift_jis", "cp932"]
)
def test_in_cuttable_encodings_the_byte_is_a_line_end(name):
    """Whatever character is encoded, the byte 0x0A is in none but the line end."""
    others = "".join(map(chr, range(0x110000))).replace("\n", "")
    assert b"\n" not in others.encode(name, "ignore")


@pytest.mark.parametrize(
    ("encoding", "head", "expected"),
    [
        ("utf-8", b"abc", ("utf-8", 0)),
        ("utf-8", b"\xef\xbb\xbfa", ("utf-8", 0)),
        ("utf-8-sig", b"\xef\xbb\xbfa", ("utf-8", 3)),
        ("utf-8-sig", b"abc", ("utf-8", 0)),
        ("utf-16", b"\xff\xfea\0", ("utf-16-le", 2)),
        ("utf-16", b"\xfe\xff\0a", ("utf-16-be", 2)),
        ("utf-16", b"a\0", ("utf-16-le", 0)),
        ("utf-32", b"\xff\xfe\0\0", ("utf-32-le", 4)),
        ("utf-32", b"\0\0\xfe\xff", ("utf-32-be", 4)),
        ("iso8859-1", b"\xef\xbb\xbf", ("iso8859-1", 0)),
    ],
)
def test_marks(encoding, head, expected):
    assert codec_of(encoding, head) == expected


def test_line_ends_are_whole_units():
    newline = newline_of("utf-16-le")
    data = "\u0a01\u0100\n\u0a0a\n".encode("utf-16-le")
    assert data.find(newline) == 1
    assert find_newline(data, newline) == 4
    assert find_newline(data, newline, 6) == 8
    assert lines_of(data, newline) == [b"\x01\n\0\x01", b"\n\n"]
    assert lines_of(b"a\n\nb", b"\n") == [b"a", b"", b"b"]
    assert lines_of(b"", b"\n") == []
