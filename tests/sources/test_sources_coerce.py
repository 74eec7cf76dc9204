"""What may be given as a source, as the interface says it."""

from pathlib import Path

import pytest
from source_reading import read

from mincer import sources
from mincer.errors import InputError, UsageError
from mincer.sources.coerce import as_source
from mincer.sources.memory import ItemSource
from mincer.sources.text_lines import TextSource
from mincer.sources.union import UnionSource


class Results:
    """What says itself how it is a source."""

    def as_source(self):
        return sources.items(["a result"])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("line\n")
    return path


def test_paths(path):
    for obj in (path, str(path), [path], [str(path)], (path,)):
        source = as_source(obj)
        assert isinstance(source, TextSource)
        assert read(source) == [(0, "line")]
    assert read(as_source([path, str(path)])) == [(0, "line"), (0, "line")]


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ([], []),
        ([1, "a"], [(0, 1), (1, "a")]),
        ((("k", "v"),), [(0, ("k", "v"))]),
        ({"k": "v"}, [("k", "v")]),
        ({}, []),
        (iter([("k", "v")]), [("k", "v")]),
        (Results(), [(0, "a result")]),
        ([Results(), sources.items({"k": 1})], [(0, "a result"), ("k", 1)]),
    ],
)
def test_objects(obj, expected):
    assert read(as_source(obj)) == expected


def test_sources_stay_what_they_are(path):
    source = sources.jsonl(path)
    assert as_source(source) is source
    mixed = as_source([source, str(path), sources.items([1])])
    assert isinstance(mixed, UnionSource)
    assert [type(one).__name__ for one in mixed.sources] == [
        "JsonSource",
        "TextSource",
        "ItemSource",
    ]


def test_tags(path):
    tags = frozenset({"users", "orders"})
    source = as_source({"users": [7], "orders": sources.text(path, tag="mine")}, tags)
    source.check()
    assert [split.tag for split in source.plan()] == ["users", "orders"]
    tagged = [sources.items([1], tag="users"), sources.items([2], tag="orders")]
    assert [split.tag for split in as_source(tagged, tags).plan()] == [
        "users",
        "orders",
    ]
    one = as_source(sources.items([1], tag="users"), frozenset({"users"}))
    assert isinstance(one, ItemSource)


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        ({"a": [1]}, "no source for the mapfn 'b'"),
        ({"a": [1], "b": [2], "c": [3]}, "no mapfn for the source 'c'"),
        ({"a": [1], "c": [3]}, "mapfn 'b'; no mapfn for the source 'c'"),
        ([1, 2], "no source for the mapfn 'a', 'b'; a source without a name"),
        ([sources.items([], tag="a")], "no source for the mapfn 'b'"),
    ],
)
def test_tags_that_do_not_match(obj, message):
    with pytest.raises(UsageError) as caught:
        as_source(obj, frozenset({"a", "b"}))
    assert message in caught.value.what
    assert caught.value.hint.endswith("{'a': …, 'b': …}")


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (5, "5, of type int, is no source"),
        (None, "None, of type NoneType, is no source"),
        (b"path", "of type bytes, is no source"),
        (print, "is no source"),
        ({"a": sources.items([])}, "needs a job with a dict of mapfns"),
        ([sources.items([]), 5], "a list of sources holds 5, of type int"),
    ],
)
def test_what_is_no_source(obj, message):
    with pytest.raises(UsageError, match=message):
        as_source(obj)


def test_a_str_is_a_path_and_never_characters(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        as_source(str(tmp_path / "none")).check()
    assert as_source(Path("x")).paths == ("x",)
