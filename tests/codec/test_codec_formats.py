"""Columns as the bytes of a part file, and back."""

import io
import itertools
import json
import math
import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mincer.codec import formats
from mincer.codec.formats import (
    CHUNK_BYTES,
    FORMATS,
    TEXT_FORMATS,
    check_format,
    decode,
    encode,
    header,
    read_chunks,
    record_offset,
)
from mincer.errors import Bug, InputError, OutputError, ShipError, UsageError

plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
keys = st.recursive(plain, lambda inner: st.lists(inner, max_size=3).map(tuple))
values = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner)
    ),
    max_leaves=6,
)
pairs = st.lists(st.tuples(keys, values), min_size=1, max_size=20)


def columns(pairs):
    return [key for key, _ in pairs], [value for _, value in pairs]


@pytest.mark.parametrize("format", ["tsv", "jsonl", "pickle"])
@given(pairs=pairs)
def test_pairs_come_back_as_they_were(format, pairs):
    data = encode(format, *columns(pairs))
    assert repr(decode(format, data)) == repr(columns(pairs))


@pytest.mark.parametrize("format", FORMATS)
@given(pairs=pairs, cut=st.integers(0, 20))
def test_what_is_encoded_may_stand_one_behind_another(format, pairs, cut):
    whole = encode(format, *columns(pairs))
    pieces = encode(format, *columns(pairs[:cut])) + encode(
        format, *columns(pairs[cut:])
    )
    assert repr(decode(format, pieces)) == repr(decode(format, whole))
    if format != "pickle":
        assert pieces == whole


@pytest.mark.parametrize("format", FORMATS)
def test_no_pairs_are_no_bytes(format):
    assert encode(format, [], []) == b""
    assert decode(format, b"") == ([], [])


def test_the_look_of_each_format():
    keys, values = ["a", "1", ("x", 2), 3], [1, "two", [1.5, None], {"k": True}]
    assert encode("tsv", keys, values).decode() == (
        'a\t1\n"1"\ttwo\n["x", 2]\t[1.5, null]\n3\t{"k": true}\n'
    )
    assert encode("jsonl", keys, values).decode() == (
        '{"key": "a", "value": 1}\n'
        '{"key": "1", "value": "two"}\n'
        '{"key": ["x", 2], "value": [1.5, null]}\n'
        '{"key": 3, "value": {"k": true}}\n'
    )
    assert encode("lines", keys, values).decode() == (
        '1\ntwo\n[1.5, null]\n{"k": true}\n'
    )


def test_lines_come_back_as_text_without_keys():
    data = encode("lines", ["a", "b", "c"], ["", 1, "x\ny"])
    assert decode("lines", data) == ([None] * 3, ["", "1", '"x\\ny"'])


def test_pickle_holds_what_text_cannot():
    keys, values = [b"a", frozenset([1]), (1,)], [math.inf, {1: {2}}, 10**5000]
    assert decode("pickle", encode("pickle", keys, values)) == (keys, values)
    assert header("pickle") == b"mincer-pairs-1\n"
    assert {header(format) for format in TEXT_FORMATS} == {b""}


def test_the_last_line_end_may_be_missing():
    assert decode("tsv", b"a\t1\nb\t2") == (["a", "b"], [1, 2])


def test_jsonl_of_other_writers():
    data = b'{"value":[2],"key":[1]}\r\n{ "key": null, "value": "\\u00e9" }\n'
    assert decode("jsonl", data) == ([(1,), None], [[2], "é"])


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_what_text_cannot_hold_names_the_value_and_the_way_out(format):
    with pytest.raises(OutputError) as caught:
        encode(format, ["a", "b"], [1, {2}])
    told = str(caught.value)
    assert f"{format} cannot hold the value {{2}} (set)" in told
    assert "--format pickle" in told
    assert ("of the key 'b'" in told) == (format != "lines")


@pytest.mark.parametrize("format", ["tsv", "jsonl"])
def test_what_text_cannot_hold_names_the_key(format):
    with pytest.raises(OutputError, match=r"the key b'\\x01' \(bytes\)"):
        encode(format, ["a", b"\x01"], [1, 2])
    assert encode("lines", ["a", b"\x01"], [1, 2]) == b"1\n2\n"


def test_what_pickle_cannot_hold_names_it():
    with pytest.raises(ShipError, match="generator"):
        encode("pickle", ["a"], [(n for n in "a")])


def test_unknown_formats_are_refused():
    for call in check_format, lambda f: encode(f, [1], [1]), lambda f: decode(f, b""):
        with pytest.raises(UsageError, match="csv"):
            call("csv")


@pytest.mark.parametrize(
    ("format", "bad", "reason"),
    [
        ("tsv", b"no tab", "0 tabs instead of one"),
        ("tsv", b"", "0 tabs"),
        ("tsv", b"a\tb\tc", "2 tabs"),
        ("tsv", b"a\t" + b"9" * 5000, "digits"),
        ("tsv", b"a\t" + b"[" * 100_000, "nested too deep"),
        ("tsv", b"\xff\t1", "byte 0xff is not UTF-8"),
        ("lines", b"a\xff", "byte 0xff is not UTF-8"),
        ("jsonl", b"", "not one JSON object"),
        ("jsonl", b"1", "it is not {"),
        ("jsonl", b'{"key": 1}', "it is not {"),
        ("jsonl", b'{"key": 1, "value": 2, "more": 3}', "it is not {"),
        ("jsonl", b'{"key": 1, "value": 2', "delimiter"),
        ("jsonl", b'{"key": 1, "value": NaN}', "NaN is not JSON"),
        ("jsonl", b'{"key": 1, "value": 2}, {"key": 1, "value": 2}', "not one JSON"),
        ("jsonl", b"[" * 100_000, "nested too deep"),
    ],
)
def test_a_damaged_line_is_named_by_its_offset(format, bad, reason):
    good = encode(format, ["a", "é"], ["x", "y"])
    with pytest.raises(InputError) as caught:
        decode(format, good + bad + b"\n" + good, "out/part-00000", 1000)
    error = caught.value
    assert reason in error.what
    assert error.what.startswith(f"out/part-00000 has a line that is not {format}")
    assert (error.where.source, error.where.offset) == (
        "out/part-00000",
        1000 + len(good),
    )
    assert error.where.value.startswith(repr(bad.decode("utf-8", "replace"))[:50])


def test_a_refusal_that_nothing_explains_is_our_own_mistake():
    with pytest.raises(Bug, match="no item"):
        formats._unfit_pair("tsv", ["a"], [1])
    with pytest.raises(Bug, match="none is refused"):
        formats._first_bad_line(lambda lines: ([], []), ["a"])


def test_offsets_of_records():
    data = "é\n\nab\n".encode()
    assert [record_offset(data, 10, index) for index in range(3)] == [10, 13, 14]


@pytest.mark.parametrize("format", ["tsv", "jsonl"])
def test_a_json_line_is_found_where_two_mistakes_make_up_for_each_other(format):
    data = b'{"key": [1\n2], "value": 3}\n{"key": 1, "value": 2},{}\n'
    with pytest.raises(InputError) as caught:
        decode(format, data)
    assert caught.value.where.offset == 0


# --- files


def chunks(data, format, start=0, end=None):
    return list(read_chunks(io.BytesIO(data), format, "file", start, end))


@given(
    lines=st.lists(st.integers(0, 9), max_size=12),
    ends=st.booleans(),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
@example(lines=[0, 0, 3], ends=True, cuts=[1, 2])
def test_ranges_share_no_line_and_leave_none_out(lines, ends, cuts):
    data = b"\n".join(b"x" * size for size in lines) + (
        b"\n" if ends and lines else b""
    )
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut <= len(data))})
    found = []
    for start, end in itertools.pairwise(bounds):
        for offset, chunk in chunks(data, "lines", start, end):
            assert start <= offset < end
            assert data[offset : offset + len(chunk)] == chunk
            assert offset == 0 or data[offset - 1 : offset] == b"\n"
            found.append(chunk)
    assert b"".join(found) == data


def test_chunks_are_about_a_mib_and_whole_lines():
    line = b"k" * 999 + b"\n"
    data = line * 3000 + b"x" * (2 * CHUNK_BYTES)
    found = chunks(data, "lines")
    assert b"".join(chunk for _, chunk in found) == data
    assert [len(chunk) for _, chunk in found[:2]] == [1_049_000, 1_049_000]
    assert found[2][1].endswith(b"x")
    assert chunks(data, "lines", 5) == chunks(data, "lines", 1000)


def pickle_file(*blocks):
    return header("pickle") + b"".join(encode("pickle", *block) for block in blocks)


def test_pickle_files_are_read_block_by_block():
    blocks = [(["a"], [1]), (["b", "c"], [{2}, 3])]
    found = chunks(pickle_file(*blocks), "pickle")
    assert [decode("pickle", data) for _, data in found] == blocks
    assert [offset for offset, _ in found] == [15, 15 + len(found[0][1])]


def read_all(data):
    return [decode("pickle", one, "file", at) for at, one in chunks(data, "pickle")]


def test_every_cut_of_a_pickle_file_but_between_blocks_is_found():
    data = pickle_file((["a"], [1]), (["b"], [2]))
    between = 15 + (len(data) - 15) // 2
    assert read_all(data[:between]) == [(["a"], [1])]
    for size in set(range(len(data))) - {15, between}:
        with pytest.raises(InputError, match="file is damaged"):
            read_all(data[:size])


def test_every_flipped_byte_of_a_pickle_file_is_found():
    data = pickle_file((["a"], [b"1"]))
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(InputError, match="file is damaged") as caught:
            read_all(flipped)
        assert caught.value.where.offset in (0, 15)


def test_a_large_column_reads_back():
    keys = [os.fsdecode(b"%d/%d" % (n % 7, n)) for n in range(50_000)]
    values = [n * 0.5 if n % 3 else n for n in range(50_000)]
    for format in "tsv", "jsonl":
        data = encode(format, keys, values)
        assert decode(format, data) == (keys, values)
        assert len(data.splitlines()) == 50_000
    first = json.loads(encode("jsonl", keys[:1], values[:1]))
    assert first == {"key": "0/0", "value": 0}
