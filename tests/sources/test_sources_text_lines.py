"""Each line exactly once, with its offset, whatever is cut where."""

import bz2
import gzip
import lzma

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from source_reading import (
    lines_of_file,
    read,
    read_split,
    read_without_bad,
    text_lines_of_file,
)

from mincer import sources
from mincer.errors import InputError, UsageError
from mincer.flow.ports import BadRecord

FRAGMENTS = [
    b"a", b"bcd", b"\n", b"\n", b"\r\n", b"\r", b" ", "é".encode(), "日本".encode(),
    "😀".encode(), "\u2028".encode(), "\x85".encode(), b"\x0b", b"\x0c", b"\x1c",
    b"\xef\xbb\xbf", b"\0",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(b"".join)
SIZES = st.integers(1, 60)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("text") / "file.txt"


@given(TEXTS, SIZES, SIZES)
def test_each_line_once_with_its_offset(path, data, split_size, block_bytes):
    path.write_bytes(data)
    source = sources.text(path, split_size=split_size)
    assert read(source, block_bytes=block_bytes) == text_lines_of_file(data)


@given(st.lists(st.sampled_from(["ab", "\n", "\r\n", "\r", "ÿ"])), SIZES, SIZES)
def test_a_code_page(path, pieces, split_size, block_bytes):
    data = "".join(pieces).encode("cp1252")
    path.write_bytes(data)
    source = sources.text(path, split_size=split_size, encoding="cp1252")
    expected = [(at, line.decode("cp1252")) for at, line in lines_of_file(data)]
    assert read(source, block_bytes=block_bytes) == expected


@pytest.mark.parametrize(
    ("encoding", "mark", "codec"),
    [
        ("utf-16", "\ufeff", "utf-16-le"),
        ("utf-16", "\ufeff", "utf-16-be"),
        ("utf-16", "", "utf-16-le"),
        ("utf-16-be", "", "utf-16-be"),
        ("utf-32", "\ufeff", "utf-32-be"),
        ("utf-32-le", "", "utf-32-le"),
        ("cp037", "", "cp037"),
    ],
)
@given(pieces=st.lists(st.sampled_from(["ab", "\n", "\r\n", "\r", "ਊ", "Ċ", "😀"])))
def test_encodings_of_other_line_ends(path, encoding, mark, codec, pieces):
    if codec == "cp037":
        pieces = [piece for piece in pieces if piece.isascii()]
    text = "".join(pieces)
    path.write_bytes((mark + text).encode(codec))
    expected, offset = [], len(mark.encode(codec))
    for line in text.split("\n"):
        expected.append((offset, line))
        offset += len((line + "\n").encode(codec))
    if not expected[-1][1]:
        expected.pop()
    ended = len(text.split("\n")) - 1
    expected = [
        (at, line.removesuffix("\r") if index < ended else line)
        for index, (at, line) in enumerate(expected)
    ]
    source = sources.text(path, encoding=encoding, split_size=1)
    assert read(source, block_bytes=7) == expected
    assert len(list(source.plan())) == 1


@given(TEXTS, SIZES, st.sets(st.integers(0, 12)))
def test_skipped_ordinals_are_left_out_and_the_rest_keep_theirs(
    path, data, block_bytes, skip
):
    path.write_bytes(data)
    for split in sources.text(path, split_size="1MB").plan():
        whole = read_split(split)
        expected = [record for record in whole if record[0] not in skip]
        assert read_split(split, skip, block_bytes) == expected


@given(
    st.lists(
        st.sampled_from([b"a", b"\n", b"\r\n", b"\xff", b"\xc3", "é".encode(), b"\xe6"])
    ).map(b"".join),
    SIZES,
)
def test_lines_that_are_no_text(path, data, block_bytes):
    path.write_bytes(data)
    good, bad = [], 0
    for at, line in lines_of_file(data):
        try:
            good.append((at, line.decode()))
        except UnicodeDecodeError:
            bad += 1
    records, errors = [], []
    for split in sources.text(path).plan():
        found, flaws = read_without_bad(split, block_bytes)
        records += [record[1:] for record in found]
        errors += flaws
    assert records == good
    assert len(errors) == bad
    for treatment in ("replace", "ignore"):
        source = sources.text(path, errors=treatment)
        assert read(source, block_bytes=block_bytes) == [
            (at, line.decode("utf-8", treatment)) for at, line in lines_of_file(data)
        ]


def test_an_encoding_error_names_file_and_offset(path):
    path.write_bytes(b"good\nba\xffd\n")
    (split,) = sources.text(path).plan()
    batches = split.read()
    assert next(batches).values == ["good"]
    with pytest.raises(BadRecord) as caught:
        next(batches)
    error = caught.value.error
    assert caught.value.ordinal == 1
    assert isinstance(error, InputError)
    assert error.where.source == str(path)
    assert error.where.offset == 7
    assert "encoding=" in error.hint


COMPRESS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.mark.parametrize("ending", COMPRESS)
@given(data=TEXTS, block_bytes=SIZES)
def test_compressed_is_as_plain(path, ending, data, block_bytes):
    packed = path.with_suffix(ending)
    packed.write_bytes(COMPRESS[ending](data))
    source = sources.text(packed, split_size=1)
    assert read(source, block_bytes=block_bytes) == text_lines_of_file(data)
    (split,) = source.plan()
    used = sum(batch.size_bytes for batch in split.read())
    assert used <= split.size_bytes == packed.stat().st_size


def test_keys(tmp_path):
    path = tmp_path / "a"
    path.write_bytes("é\nb\n".encode())
    assert read(sources.text(path, key="path")) == [
        ((str(path), 0), "é"),
        ((str(path), 3), "b"),
    ]
    assert read(sources.text(path, key="none")) == [(None, "é"), (None, "b")]


def test_ordinals_go_on_from_file_to_file(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text("1\n2\n")
    (split,) = sources.text(tmp_path).plan()
    assert [ordinal for ordinal, _, _ in read_split(split)] == [0, 1, 2, 3, 4, 5]
    assert read_split(split, {1, 3, 4})[1] == (2, 0, "1")
    assert str(split) == f"{tmp_path / 'a'} and 2 more files"


def test_blocks_are_used_up_as_they_are_read(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\n" * 9)
    (split,) = sources.text(path).plan()
    split.block_bytes = 10
    assert sum(batch.size_bytes for batch in split.read()) == split.size_bytes


def test_a_line_end_that_hides_in_an_encoding(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one+AAo-two\n")
    with pytest.raises(InputError, match="line ends in its own way"):
        read(sources.text(path, encoding="utf-7"))
    assert read(sources.text(path, encoding="utf-7", errors="replace")) == [
        (0, "one\ntwo")
    ]


def test_tag(tmp_path):
    (tmp_path / "a").write_text("x\n")
    (split,) = sources.text(tmp_path / "a", tag="users").plan()
    assert split.tag == "users"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "line"},
        {"encoding": "utf-9"},
        {"encoding": "rot13"},
        {"encoding": None},
        {"errors": "hide"},
        {"errors": 1},
        {"split_size": "big"},
        {"split_size": 0},
        {"tag": 3},
    ],
)
def test_arguments_are_checked_by_name(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=name):
        sources.text("x", **wrong)
