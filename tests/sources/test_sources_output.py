"""The pairs of an earlier job as a source."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import read, read_split, read_without_bad

from mincer.codec.formats import FORMATS
from mincer.errors import InputError, UsageError
from mincer.flow.ports import BadRecord
from mincer.sinks import FileSink
from mincer.sources import output


def write(folder, parts, format="tsv"):
    """What a job leaves that made these parts, each written two pairs at a time."""
    sink = FileSink(folder, format)
    sink.prepare("ab" * 16)
    made = {}
    for number, pairs in enumerate(parts):
        writer = sink.open(number, 0)
        for at in range(0, len(pairs), 2):
            keys, values = zip(*pairs[at : at + 2], strict=True)
            writer.write(list(keys), list(values))
        made[number] = writer.close()
        assert sink.commit_part(number, 0)
    sink.commit_job(made, {"job": "ab" * 16, "name": "words"})
    return folder


def damage(folder, data, part=0):
    """Put these bytes in the place of a part, and its new size in the manifest."""
    (folder / f"part-{part:05}").write_bytes(data)
    manifest = json.loads((folder / "_SUCCESS").read_bytes())
    manifest["parts"][part]["bytes"] = len(data)
    (folder / "_SUCCESS").write_text(json.dumps(manifest))


PARTS = [
    [("a", 1), ("b", [2, 3]), (("c", 1), "x")],
    [],
    [(None, 1.5), (7.5, {"k": None})],
]


@pytest.mark.parametrize("format", ["tsv", "jsonl", "pickle"])
def test_pairs_come_back_in_the_order_of_the_parts(tmp_path, format):
    source = output(write(tmp_path / "out", PARTS, format))
    assert read(source) == PARTS[0] + PARTS[2]
    assert source.size_bytes == sum(
        (tmp_path / "out" / f"part-{part:05}").stat().st_size for part in range(3)
    )


def test_pickle_brings_back_any_value(tmp_path):
    pairs = [(b"a", {1, 2}), (frozenset([1]), (1, [2]))]
    assert read(output(write(tmp_path / "out", [pairs], "pickle"))) == pairs


def test_lines_are_text_without_keys(tmp_path):
    source = output(write(tmp_path / "out", [[("k", "x y"), ("l", 5)]], "lines"))
    assert read(source) == [(None, "x y"), (None, "5")]


@pytest.mark.parametrize("format", FORMATS)
def test_an_output_without_pairs_has_no_splits(tmp_path, format):
    source = output(write(tmp_path / "out", [[], []], format))
    source.check()
    assert list(source.plan()) == []


def test_other_files_in_the_folder_are_not_read(tmp_path):
    write(tmp_path / "out", [[("a", 1)]])
    (tmp_path / "out" / "part-00001").write_text("b\t2\n")
    assert read(output(tmp_path / "out")) == [("a", 1)]


def test_it_has_a_tag_and_says_what_it_is(tmp_path):
    write(tmp_path / "out", [[("a", 1)], [("b", 2)]])
    source = output(str(tmp_path / "out"), tag="users")
    (split,) = source.plan()
    assert (source.tag, split.tag) == ("users", "users")
    assert source.describe() == f"the output in {tmp_path}/out"
    assert str(split) == f"{tmp_path}/out/part-00000 … part-00001"


def test_a_whole_part_is_called_by_its_name(tmp_path):
    folder = write(tmp_path / "out", [[("a", 1)]])
    source = output(folder)
    assert source.size_bytes is None
    assert list(map(str, source.plan())) == [f"{folder}/part-00000"]


def test_it_is_read_where_it_was_when_the_job_began(tmp_path, monkeypatch):
    write(tmp_path / "out", [[("a", 1)]])
    monkeypatch.chdir(tmp_path)
    source = output("out")
    (split,) = source.plan()
    monkeypatch.chdir("/")
    assert read_split(split) == [(0, "a", 1)]


# --- splits


@pytest.mark.parametrize("format", ["tsv", "jsonl", "lines", "pickle"])
@given(sizes=st.lists(st.integers(0, 12), max_size=5), split_bytes=st.integers(1, 300))
def test_splits_hold_each_pair_once_and_in_order(
    tmp_path_factory, format, sizes, split_bytes
):
    parts = [[(f"k{n}/{i}", "v" * i) for i in range(n)] for n in sizes]
    source = output(write(tmp_path_factory.mktemp("o") / "out", parts, format))
    found = [value for _, value in read(source, split_bytes=split_bytes)]
    assert found == [value for part in parts for _, value in part]


def test_small_parts_share_a_split_and_large_ones_are_cut(tmp_path):
    small, large = [("a", 1)], [(f"k{n:03}", n % 10) for n in range(100)]
    source = output(write(tmp_path / "out", [small, small, large, small]))
    source.check()
    splits = list(source.plan(split_bytes=400))
    assert [split.size_bytes for split in splits] == [358, 354]
    folder = tmp_path / "out"
    assert list(map(str, splits)) == [
        f"{folder}/part-00000 … part-00002",
        f"{folder}/part-00002 … part-00003",
    ]
    assert [len(read_split(split)) for split in splits] == [52, 51]


def test_a_range_of_a_part_says_so(tmp_path):
    folder = write(tmp_path / "out", [[(f"k{n:03}", n % 10) for n in range(100)]])
    titles = [str(split) for split in output(folder).plan(split_bytes=400)]
    assert titles == [
        f"{folder}/part-00000 bytes 0-350",
        f"{folder}/part-00000 bytes 350-700",
    ]


def test_pickle_parts_are_not_cut(tmp_path):
    source = output(write(tmp_path / "out", [PARTS[0], PARTS[2]], "pickle"))
    source.check()
    assert len(list(source.plan(split_bytes=1))) == 2


# --- records that are left out, and records that are none


@pytest.mark.parametrize("format", ["tsv", "pickle"])
@given(skip=st.frozensets(st.integers(0, 11)))
def test_records_that_are_skipped_leave_a_gap(tmp_path_factory, format, skip):
    parts = [[(f"k{n}", n) for n in range(5)], [(f"k{n}", n) for n in range(5, 9)]]
    source = output(write(tmp_path_factory.mktemp("o") / "out", parts, format))
    (split,) = source.plan()
    expected = [(n, f"k{n}", n) for n in range(9) if n not in skip]
    assert read_split(split, skip) == expected


def test_records_say_where_they_are(tmp_path):
    folder = write(tmp_path / "out", [[("é", 1), ("b", 2), ("c", 3)]])
    (split,) = output(folder).plan()
    first, second = split.read(frozenset([1]))
    assert (first.first, second.first) == (0, 2)
    where = second.locate(0)
    assert (where.source, where.offset) == (f"{folder}/part-00000", 9)
    assert (where.key, where.value) == ("'c'", "3")
    assert first.size_bytes + second.size_bytes <= 13


def test_the_size_of_the_batches_is_that_of_the_split(tmp_path):
    folder = write(tmp_path / "out", PARTS)
    (split,) = output(folder).plan()
    assert sum(batch.size_bytes for batch in split.read()) == split.size_bytes


def test_a_malformed_line_is_a_bad_record_that_can_be_left_out(tmp_path):
    folder = write(tmp_path / "out", [[("a", 1)], [("b", 2)]])
    damage(folder, b"a\t1\nbroken\nc\t3\n\xff\t4\n")
    (split,) = output(folder).plan()
    records, errors = read_without_bad(split)
    assert records == [(0, "a", 1), (2, "c", 3), (4, "b", 2)]
    assert [error.where.offset for error in errors] == [4, 15]
    assert "0 tabs instead of one" in errors[0].what
    assert "not UTF-8" in errors[1].what


def test_malformed_lines_at_both_ends_of_a_part(tmp_path):
    folder = write(tmp_path / "out", [[("a", 1)]])
    damage(folder, b"broken\nbroken\na\t1\nb\t2\n")
    (split,) = output(folder).plan()
    assert read_without_bad(split)[0] == [(2, "a", 1), (3, "b", 2)]
    damage(folder, b"a\t1\nbroken")
    (split,) = output(folder).plan()
    assert read_without_bad(split)[0] == [(0, "a", 1)]


def test_the_records_before_a_malformed_one_are_given_first(tmp_path):
    folder = write(tmp_path / "out", [[("a", 1)]])
    damage(folder, b"a\t1\nb\t2\nbroken\n")
    (split,) = output(folder).plan()
    batches = split.read()
    assert next(batches).values == [1, 2]
    with pytest.raises(BadRecord) as caught:
        next(batches)
    assert caught.value.ordinal == 2


def test_a_damaged_block_is_an_input_error(tmp_path):
    folder = write(tmp_path / "out", [[("a", 1)]], "pickle")
    data = bytearray((folder / "part-00000").read_bytes())
    data[-1] ^= 1
    damage(folder, bytes(data))
    with pytest.raises(InputError, match="part-00000 is damaged"):
        read(output(folder))


# --- folders that are no output


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        output(tmp_path / "out").check()


def test_a_folder_that_is_not_complete(tmp_path):
    folder = write(tmp_path / "out", PARTS)
    os.unlink(folder / "_SUCCESS")
    with pytest.raises(InputError, match="not the complete output of a job") as caught:
        output(folder).check()
    assert "_SUCCESS" in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"])
def test_a_folder_that_another_system_wrote(tmp_path, data):
    (tmp_path / "_SUCCESS").write_bytes(data)
    (tmp_path / "part-00000").write_text("a\t1\n")
    with pytest.raises(InputError, match="was not written by mincer") as caught:
        output(tmp_path).check()
    assert f"mincer.sources.text('{tmp_path}/part-*')" in str(caught.value)


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Not a directory"):
        output(tmp_path / "file").check()


def test_a_part_that_was_cut_off(tmp_path):
    folder = write(tmp_path / "out", PARTS)
    os.truncate(folder / "part-00002", 3)
    with pytest.raises(InputError, match="part-00002 has 3 bytes, and the job wrote"):
        output(folder).check()


def test_a_part_that_is_missing(tmp_path):
    folder = write(tmp_path / "out", PARTS)
    os.unlink(folder / "part-00001")
    with pytest.raises(InputError, match="part-00001: No such file"):
        output(folder).check()


@pytest.mark.parametrize("change", [os.unlink, lambda path: os.truncate(path, 1)])
def test_a_part_that_changes_after_the_check(tmp_path, change):
    folder = write(tmp_path / "out", [[("a", 1)]])
    (split,) = output(folder).plan()
    change(folder / "part-00000")
    with pytest.raises(InputError, match="part-00000"):
        read_split(split)


def test_arguments_are_checked():
    with pytest.raises(UsageError, match="not the path"):
        output(["out"])
    with pytest.raises(UsageError, match="tag"):
        output("out", tag=1)
