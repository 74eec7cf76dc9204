"""CSV: what the standard `csv` says, by the header, with each row's offset."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import Folder, read, read_split, read_without_bad

from mincer import sources
from mincer.errors import InputError, UsageError
from mincer.flow.ports import BadRecord

SIZES = st.integers(1, 60)
FIELDS = st.sampled_from(
    [
        "a",
        "",
        "é",
        "x y",
        'say "hi"',
        "1,5",
        "two\nlines",
        "two\r\nlines",
        "\u2028",
        "'",
    ]
)
PLAIN = st.sampled_from(["a", "", "é", "x y", "\u2028", "'"])
QUOTED = st.sampled_from(["a", "é", 'say "hi"', "1,5", '"', ",", '","'])


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("csv") / "file.csv"


def tables(fields):
    return st.lists(st.tuples(fields, fields, fields), max_size=8)


def written(rows, end="\n", quoting=csv.QUOTE_MINIMAL):
    file = io.StringIO()
    writer = csv.writer(file, lineterminator=end, quoting=quoting)
    writer.writerow(["k", "l,m", "n"])
    writer.writerows(rows)
    return file.getvalue().encode()


def dicts(rows):
    return [dict(zip(["k", "l,m", "n"], row, strict=True)) for row in rows]


@pytest.mark.parametrize("fields", [FIELDS, PLAIN, QUOTED], ids=["any", "plain", "q"])
@given(data=st.data(), end=st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read(path, fields, data, end):
    rows = data.draw(tables(fields))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    content = written(rows, end, quoting)
    if data.draw(st.booleans()):
        content = content.removesuffix(end.encode())
    path.write_bytes(content)
    source = sources.csv(path, split_size=data.draw(SIZES))
    found = read(source, block_bytes=data.draw(SIZES))
    assert [row for _, row in found] == dicts(rows)
    # Each key is where its row begins: what is read from there on are the rows left.
    for index, (at, _) in enumerate(found):
        rest = csv.reader(io.StringIO(content[at:].decode(), newline=""))
        assert list(rest) == [list(row) for row in rows[index:]]


@given(tables(FIELDS), SIZES, st.sets(st.integers(0, 9)))
def test_skipped_ordinals(path, rows, block_bytes, skip):
    path.write_bytes(written(rows))
    for split in sources.csv(path).plan():
        expected = [record for record in read_split(split) if record[0] not in skip]
        assert read_split(split, skip, block_bytes) == expected


@given(
    st.lists(
        st.sampled_from(
            [b'"', b'""', b",", b"\n", b"a", b"\r\n", b'"b"', "é".encode()]
        ),
        max_size=40,
    ).map(b"".join),
    SIZES,
    SIZES,
)
def test_cutting_changes_nothing_even_where_quotes_are_odd(
    path, body, split_size, block_bytes
):
    path.write_bytes(b"h\n" + body)
    (whole,) = sources.csv(path, split_size="1MB").plan()
    rows, errors = read_without_bad(whole)
    found, told = [], []
    for split in sources.csv(path, split_size=split_size).plan():
        records, flaws = read_without_bad(split, block_bytes)
        found += [record[1:] for record in records]
        told += [flaw.where.offset for flaw in flaws]
    assert found == [record[1:] for record in rows]
    assert told == [flaw.where.offset for flaw in errors]


def splits_of(path, content):
    path.write_bytes(content)
    return len(list(sources.csv(path, split_size=100).plan()))


def test_which_files_are_cut(path):
    rows = b"1,2\n" * 100
    assert splits_of(path, b"a,b\n" + rows) > 1
    assert splits_of(path, b'"a","b"\n"x","y""z"\n"",""\n' + rows) > 1
    assert splits_of(path, b'a,b\n"x\ny",1\n' + rows) == 1
    # `csv` takes a quote in the middle of a field as it is: the pairs do not tell.
    assert splits_of(path, b'a,b\n5",1\n' + rows) == 1
    assert splits_of(path, b'a,b\n5" and 6",1\n' + rows) == 1
    assert splits_of(path, b'a,b\n"x"y"z",1\n' + rows) == 1


def test_each_file_has_its_own_header(tmp_path):
    (tmp_path / "a").write_bytes(b"x;y\n1;2\n")
    (tmp_path / "b").write_bytes(b"\n\nz\r\n\r\n3\r\n")
    (tmp_path / "c").write_bytes(b"\xef\xbb\xbfw\n4")
    (tmp_path / "d").write_bytes(b"")
    source = sources.csv(tmp_path, delimiter=";", tag="t")
    assert read(source) == [
        (4, {"x": "1", "y": "2"}),
        (7, {"z": "3"}),
        (5, {"w": "4"}),
    ]
    (split,) = source.plan()
    assert split.tag == "t"


def test_rows_of_another_length(path):
    path.write_bytes(b"a,b\n1,2\n1\n1,2,3\n\n3,4\n")
    (split,) = sources.csv(path).plan()
    batches = split.read()
    assert next(batches).values == [{"a": "1", "b": "2"}]
    with pytest.raises(BadRecord) as caught:
        next(batches)
    error = caught.value.error
    assert caught.value.ordinal == 1
    assert error.what == f"a row of {path} has 1 fields, and its header names 2"
    assert error.where.offset == 8
    records, errors = read_without_bad(split)
    assert [ordinal for ordinal, _, _ in records] == [0, 4]
    assert len(errors) == 2


def test_a_quote_that_is_never_closed(path):
    path.write_bytes(b'a,b\n1,"2\n3,4\n')
    (split,) = sources.csv(path).plan()
    _, (error,) = read_without_bad(split, block_bytes=6)
    assert "never closed" in error.what
    assert error.where.offset == 4


def test_a_quote_that_is_not_closed_for_long(path):
    path.write_bytes(b'a,b\n1,"2\n' + b"3,4\n" * 60_000)
    (split,) = sources.csv(path).plan()
    batches = split.read()
    with pytest.raises(BadRecord, match="field larger") as caught:
        list(batches)
    assert "field_size_limit" in caught.value.error.hint


def test_a_lone_return_and_a_long_field_are_data(path):
    long = "x" * 200_000
    path.write_bytes(f'a,b\n1\r2,3\n{long},4\n"q",5\n'.encode())
    assert [row["a"] for _, row in read(sources.csv(path))] == ["1\r2", long, "q"]


def test_rows_that_are_no_text(path):
    path.write_bytes(b'a,b\n1,"\xff"\n2,"\xc3\xa9\n"\n')
    (split,) = sources.csv(path).plan()
    records, (error,) = read_without_bad(split)
    assert [row for _, _, row in records] == [{"a": "2", "b": "é\n"}]
    assert error.where.offset == 4
    assert "encoding=" in error.hint
    path.write_bytes("a\nb\n".encode("utf-16") + b"\x00")
    (split,) = sources.csv(path, encoding="utf-16").plan()
    with pytest.raises(InputError, match="truncated"):
        read_split(split)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "cp1252", "shift_jis"])
def test_other_encodings(path, encoding):
    text = 'a,b\n"x\ny",1\nz,2\n' * 9
    path.write_bytes(text.encode(encoding))
    assert len(read(sources.csv(path, encoding=encoding, split_size=8))) == 26


def test_compressed(path):
    packed = path.with_suffix(".gz")
    packed.write_bytes(gzip.compress(b"a\n1\n2\n"))
    assert read(sources.csv(packed, split_size=1)) == [(2, {"a": "1"}), (4, {"a": "2"})]


def test_a_header_that_names_a_column_twice(path):
    path.write_bytes(b"a,b,a\n1,2,3\n")
    with pytest.raises(InputError, match="'a' more than once"):
        read(sources.csv(path))


def test_a_header_alone(path):
    path.write_bytes(b"a,b\n")
    assert read(sources.csv(path)) == []


@given(rows=tables(FIELDS))
def test_stdin(tmp_path_factory, rows):
    spool = Folder(tmp_path_factory.mktemp("spool"))
    with pytest.MonkeyPatch.context() as patch:
        content = io.BytesIO(written(rows))
        patch.setattr("sys.stdin", io.TextIOWrapper(content))
        patch.setattr("mincer.sources.csv_rows.BLOCK_BYTES", 10)
        found = read(sources.csv("-"), spool=spool)
    assert [row for _, row in found] == dicts(rows)


def test_stdin_that_begins_with_blank_lines_and_has_odd_rows(tmp_path, monkeypatch):
    content = b"\n\n\n\na,b\n1\r2,3\n" + b'4,"5\n6"\n'
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    monkeypatch.setattr("mincer.sources.csv_rows.BLOCK_BYTES", 2)
    found = read(sources.csv("-"), spool=Folder(tmp_path))
    assert found == [
        (8, {"a": "1\r2", "b": "3"}),
        (14, {"a": "4", "b": "5\n6"}),
    ]


def test_a_delimiter_that_may_be_half_of_a_character(path):
    content = 'a|b\n"1"|2\n' * 9
    path.write_bytes(content.encode("gbk"))
    cut = {"delimiter": "|", "split_size": 10}
    assert len(list(sources.csv(path, **cut, encoding="gbk").plan())) == 1
    assert len(list(sources.csv(path, **cut).plan())) > 1


def test_a_header_that_is_no_text(path):
    path.write_bytes(b"a,\xff\n1,2\n")
    with pytest.raises(InputError, match="is not utf-8"):
        read(sources.csv(path))


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": ""},
        {"delimiter": ", "},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "é"},
        {"delimiter": None},
        {"encoding": "x"},
        {"split_size": -1},
    ],
)
def test_arguments_are_checked_by_name(wrong):
    (name,) = wrong
    with pytest.raises(UsageError, match=name):
        sources.csv("x", **wrong)
