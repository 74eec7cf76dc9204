"""What all sources of files owe: checked first, split by the size of the whole."""

import pickle

import pytest
from source_reading import read

from mincer import sources
from mincer.errors import InputError, UsageError


def test_check_finds_what_is_missing(tmp_path):
    source = sources.text([tmp_path / "none"])
    with pytest.raises(InputError, match="no such file"):
        source.check()


def test_check_fixes_the_files(tmp_path):
    (tmp_path / "a").write_text("1\n")
    source = sources.text(tmp_path)
    source.check()
    (tmp_path / "b").write_text("22\n")
    assert source.size_bytes == 2
    assert [value for s in source.plan() for b in s.read() for value in b.values] == [
        "1"
    ]
    source.check()
    assert source.size_bytes == 5


def test_who_decides_the_size_of_splits(tmp_path):
    (tmp_path / "a").write_bytes(b"12345678\n" * 100_000)
    sizes = [
        [split.size_bytes for split in source.plan(None, split_bytes)]
        for source, split_bytes in [
            (sources.text(tmp_path), None),
            (sources.text(tmp_path), 500_000),
            (sources.text(tmp_path, split_size="400KB"), 500_000),
        ]
    ]
    assert sizes == [
        [262_144, 262_144, 262_144, 113_568],
        [500_000, 400_000],
        [400_000, 400_000, 100_000],
    ]


def test_the_same_input_gives_the_same_splits(tmp_path):
    for name, size in [("a", 900_000), ("b", 10), ("c", 20), ("d", 700_000)]:
        (tmp_path / name).write_bytes(b"123456789\n" * (size // 10))
    names = [[str(split) for split in sources.text(tmp_path).plan()] for _ in range(2)]
    assert names[0] == names[1]
    a, d = tmp_path / "a", tmp_path / "d"
    assert names[0] == [
        f"{a} bytes 0-262144",
        f"{a} bytes 262144-524288",
        f"{a} bytes 524288-786432",
        f"{a} bytes 786432-900000 and 2 more files",
        f"{d} bytes 0-262144",
        f"{d} bytes 262144-524288",
        f"{d} bytes 524288-700000",
    ]


def test_splits_are_small(tmp_path):
    for number in range(1100):
        (tmp_path / str(number)).touch()
    splits = list(sources.text(tmp_path).plan())
    assert [len(split.pieces) for split in splits] == [1024, 76]
    assert len(pickle.dumps(splits[0])) < 200_000
    assert read(sources.text(tmp_path)) == []


def test_descriptions(tmp_path):
    assert sources.text("a/*.txt").describe() == "a/*.txt"
    assert sources.jsonl(["a", "b", "c"]).describe() == "a and 2 more"


def test_tags_are_text():
    with pytest.raises(UsageError, match="tag"):
        sources.files("a", tag=1)
