"""Objects as records: what each kind means, in which batches, and whose fault it is."""

import itertools
import threading
from collections import OrderedDict, UserDict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_reading import Folder, read, read_split

from mincer import sources
from mincer.errors import InputError, ShipError, UsageError


class DictLike:
    """Nothing but what the two seeds ask for."""

    def __iter__(self):
        return iter(["a", "b"])

    def __getitem__(self, key):
        return key * 2


class Array:
    """Looks like a mapping, but its items are not its keys."""

    def __array__(self):
        return None

    def __iter__(self):
        return iter([2, 0, 1])

    def __getitem__(self, key):
        return [2, 0, 1][key]


def numbered(n):
    return ((f"key {i}", i) for i in range(n))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: ["x", "y"], [(0, "x"), (1, "y")]),
        (lambda: ("x", "y"), [(0, "x"), (1, "y")]),
        (lambda: [("k", "v")], [(0, ("k", "v"))]),
        (list, []),
        (lambda: {"k": 1, "l": 2}, [("k", 1), ("l", 2)]),
        (lambda: UserDict(k=1), [("k", 1)]),
        (lambda: OrderedDict(k=1), [("k", 1)]),
        (DictLike, [("a", "aa"), ("b", "bb")]),
        (lambda: numbered(2), [("key 0", 0), ("key 1", 1)]),
        (lambda: enumerate("xy"), [(0, "x"), (1, "y")]),
        (lambda: {"k": 1}.items(), [("k", 1)]),
        (lambda: deque([("k", 1)]), [("k", 1)]),
        (lambda: iter(()), []),
    ],
)
def test_what_an_object_means(tmp_path, make, expected):
    assert read(sources.items(make()), spool=Folder(tmp_path)) == expected
    source = sources.items(make())
    source.check()
    assert [
        pair
        for split in source.plan()
        for batch in split.read()
        for pair in zip(batch.keys, batch.values, strict=True)
    ] == expected
    assert source.size_bytes is None


@given(n=st.integers(0, 3000), kind=st.sampled_from([list, dict, iter]))
def test_every_item_once_in_order(tmp_path_factory, n, kind):
    spool = Folder(tmp_path_factory.mktemp("spool"))
    source = sources.items(kind(list(enumerate(range(n)))))
    found = read(source, spool=spool)
    if kind is list:
        assert found == list(enumerate(enumerate(range(n))))
    else:
        assert found == list(enumerate(range(n)))


@given(n=st.integers(0, 300), skip=st.sets(st.integers(0, 5)))
def test_skipped_ordinals(n, skip):
    for split in sources.items(list(range(n))).plan():
        expected = [record for record in read_split(split) if record[0] not in skip]
        assert read_split(split, skip) == expected


def counts(obj, spool):
    return [split.count for split in sources.items(obj).plan(spool)]


def test_few_items_are_a_split_each(tmp_path):
    spool = Folder(tmp_path)
    assert counts(list(range(100)), spool) == [1] * 100
    assert counts(numbered(64), spool) == [1] * 64


def test_many_small_items_share_splits(tmp_path):
    spool = Folder(tmp_path)
    for obj in (list(range(100_000)), numbered(100_000)):
        made = counts(obj, spool)
        assert sum(made) == 100_000
        assert len(made) < 400
        # The last to start must not be what all wait for.
        assert max(made) <= 100_000 / 32


def test_large_items_make_small_batches(tmp_path):
    spool = Folder(tmp_path)
    text = [str(number) * 50_000 for number in range(10)] * 1000
    assert all(split.size_bytes < 2**21 for split in sources.items(text).plan(spool))
    # Their size is seen only once they are pickled.
    deep = ((n, [[float(n + i) for i in range(2000)]]) for n in range(3000))
    splits = list(sources.items(deep).plan(spool))
    assert max(split.size_bytes for split in splits) < 2**21
    assert sum(split.count for split in splits) == 3000


def test_the_same_items_make_the_same_splits(tmp_path):
    spool = Folder(tmp_path)
    assert counts(numbered(5000), spool) == counts(numbered(5000), spool)


def test_an_iterable_is_read_as_it_is_planned():
    source = sources.items((n, n) for n in itertools.count())
    splits = list(itertools.islice(source.plan(), 5))
    assert [str(split) for split in splits] == [f"item {n}" for n in range(5)]
    assert splits[3].read().__next__().locate(0).offset == 3


def test_names_and_tags():
    (split,) = sources.items({"k": 1}, tag="t").plan()
    assert split.tag == "t"
    assert sources.items({}).describe() == "items of a dict"
    last = list(sources.items(numbered(65)).plan())[-1]
    assert str(last) == "item 64"
    first = next(sources.items(list(range(1000))).plan())
    assert str(first) == "items 0-3"


@pytest.mark.parametrize(
    ("obj", "shown"),
    [
        (range(5, 9), "item 0 of the range is not a pair (key, value): 5"),
        ({"abc"}, "item 0 of the set is not a pair (key, value): 'abc'"),
        (iter([(1, 2), [3, 4]]), "(key, value): [3, 4]"),
        (iter([(1, 2, 3)]), "(key, value): (1, 2, 3)"),
        (Array(), "item 0 of the Array is not a pair (key, value): 2"),
    ],
)
def test_items_that_are_no_pairs(obj, shown):
    with pytest.raises(InputError) as caught:
        list(sources.items(obj).plan())
    assert shown in caught.value.what
    assert "items(enumerate(x))" in caught.value.hint
    assert caught.value.where.source == "item"


def test_an_iterable_that_raises():
    def broken():
        yield from enumerate(range(17))
        raise LookupError("no more")

    with pytest.raises(InputError, match="the source raised at item 17") as caught:
        list(sources.items(broken()).plan())
    error = caught.value
    assert isinstance(error.__cause__, LookupError)
    assert "in broken" in error.user_traceback
    assert "mincer" not in error.user_traceback.replace(__file__, "")
    assert error.where.offset == 17


def test_keys_that_vanish():
    class Leaky(DictLike):
        def __getitem__(self, key):
            return {"a": 1}[key]

    with pytest.raises(InputError, match="raised at item 1") as caught:
        list(sources.items(Leaky()).plan())
    assert "KeyError: 'b'" in caught.value.user_traceback


def test_what_cannot_travel(tmp_path):
    values = [*range(70), threading.Lock(), 1]
    with pytest.raises(ShipError, match="item 70, of type lock, cannot travel"):
        list(sources.items(values).plan(Folder(tmp_path)))
    (split,) = list(sources.items(values[70:71]).plan())
    assert len(list(split.read())) == 1
    pairs = ((n, threading.Lock() if n == 300 else n) for n in range(400))
    with pytest.raises(ShipError, match="item 300, of type lock"):
        list(sources.items(pairs).plan(Folder(tmp_path)))


def test_what_plain_pickle_refuses_travels(tmp_path):
    class Local:
        pass

    ((_, value),) = read(sources.items([Local()]), spool=Folder(tmp_path))
    assert isinstance(value, Local)


def test_what_can_be_read_once():
    source = sources.items(numbered(3))
    assert len(read(source)) == 3
    with pytest.raises(InputError, match="generator was used up"):
        source.check()
    used = numbered(0)
    assert list(used) == []
    with pytest.raises(InputError, match="generator was used up"):
        sources.items(used).check()
    source = sources.items({"k": 1})
    assert read(source) == read(source)


@pytest.mark.parametrize("wrong", ["abc", b"abc", bytearray(2), 5, None, object()])
def test_what_is_no_iterable_of_items(wrong):
    with pytest.raises(UsageError, match="is no list, mapping or iterable"):
        sources.items(wrong)
