"""Input behind URLs, by a storage that is memory, and by one that fails."""

import sys

import pytest

import mincer
from mincer.errors import InputError, UsageError
from mincer.sources.paths import find_files
from mincer.sources.remote import find_remote
from storages import broken, memory

__all__ = ["broken", "memory"]


def lines(key, line):
    yield key, line


def read(source):
    with mincer.Job(lines).run(source, runner="inline") as results:
        return list(results)


def test_one_file(memory):
    memory.pipe("/in/a.txt", b"one\ntwo\n")
    assert read("memory://in/a.txt") == [(0, "one"), (4, "two")]


def test_a_folder_and_a_pattern(memory):
    for name in ("b/2.txt", "a/1.txt", "a/.hidden", "_old/3.txt"):
        memory.pipe(f"/in/{name}", name.encode())
    assert [value for _, value in read("memory://in")] == ["a/1.txt", "b/2.txt"]
    assert [value for _, value in read("memory://in/*/*.txt")] == [
        "_old/3.txt",
        "a/1.txt",
        "b/2.txt",
    ]


def test_a_file_may_be_called_like_a_pattern(memory):
    memory.pipe("/in/[a]*.txt", b"mine")
    memory.pipe("/in/a.txt", b"other")
    assert read("memory://in/[a]*.txt") == [(0, "mine")]


def test_pieces_make_the_whole(memory):
    text = "".join(f"line {n}\n" for n in range(5000))
    memory.pipe("/in", text.encode())
    source = mincer.sources.text("memory://in", split_size="10kB")
    assert len(list(source.plan())) == 5
    assert [value for _, value in read(source)] == text.splitlines()
    assert all(not list(split.extents()) for split in source.plan())


def test_all_kinds_of_files(memory):
    import gzip

    memory.pipe("/a.jsonl", b'{"n": 1}\n{"n": 2}\n')
    memory.pipe("/a.csv", b"n,m\n1,2\n")
    memory.pipe("/a.txt.gz", gzip.compress(b"x\ny\n"))
    sources = mincer.sources
    assert [v for _, v in read(sources.jsonl("memory://a.jsonl"))] == [
        {"n": 1},
        {"n": 2},
    ]
    assert [v for _, v in read(sources.csv("memory://a.csv"))] == [{"n": "1", "m": "2"}]
    assert [v for _, v in read("memory://a.txt.gz")] == ["x", "y"]
    assert read(sources.files("memory://a.csv")) == [("memory:///a.csv", b"n,m\n1,2\n")]
    assert [v for _, v in read(sources.blocks("memory://a.csv"))] == ["n,m\n1,2\n"]


def test_a_file_url_is_a_path(tmp_path):
    (tmp_path / "a.txt").write_text("x\n")
    assert find_files((f"file://{tmp_path}/a.txt",)) == find_files(
        (f"{tmp_path}/a.txt",)
    )


def test_what_is_not_there_is_told(memory):
    with pytest.raises(InputError, match="no such file or folder: memory://nothing"):
        read("memory://nothing")
    with pytest.raises(InputError, match=r"no file matches memory://in/\*"):
        read("memory://in/*")


def test_one_that_was_written_again_is_another(memory):
    memory.pipe("/in", b"one\n")
    source = mincer.sources.text("memory://in")
    source.check()
    memory.pipe("/in", b"two\n")
    source.check = lambda: None
    with pytest.raises(InputError, match="was changed while the job ran"):
        read(source)


def test_without_fsspec_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError) as caught:
        find_remote("s3://bucket/key")
    assert caught.value.hint == 'pip install "mincer[remote]"'


def test_an_unknown_kind_of_url_is_told():
    with pytest.raises(UsageError, match="nothing://x cannot be opened"):
        find_remote("nothing://x")


def test_a_storage_that_fails_is_told(broken):
    with pytest.raises(InputError, match="cannot read broken://gone: no credentials"):
        find_remote("broken://gone")
    with pytest.raises(InputError, match="nobody tells the size of broken://unknown"):
        find_remote("broken://unknown")
    with pytest.raises(InputError, match=r"cannot read broken://a: .*was reset"):
        read("broken://a")
