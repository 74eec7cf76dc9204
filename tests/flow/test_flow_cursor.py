"""Where in its split an attempt is."""

from flow_bench import ListRecords, batch_of, nothing

from mincer.flow.cursor import Cursor, flat


def each(key, value):
    yield key, value


def cursor_at(values, stop, **more):
    cursor = Cursor(more.pop("publish", nothing), **more)
    streams = cursor.streams(ListRecords(values, batch=3).read(), each, None)
    pairs = flat(streams)
    for _ in range(stop):
        next(pairs)
    return cursor, pairs


def test_the_record_in_work_is_known_at_every_moment():
    cursor, pairs = cursor_at("abcdefgh", 0)
    assert cursor.ordinal is None
    assert cursor.where() is None
    for n, letter in enumerate("abcdefgh"):
        next(pairs)
        assert cursor.ordinal == n
        assert (cursor.where().offset, cursor.where().value) == (n, repr(letter))
    assert list(pairs) == []
    assert cursor.ordinal is None
    assert cursor.where() is None
    assert (cursor.records, cursor.bytes_read) == (8, 8)


def test_nothing_is_in_work_before_the_first_record_of_a_batch():
    cursor = Cursor(nothing)
    streams = cursor.streams(iter([batch_of(0, ["a"])]), each, None)
    next(streams)
    assert cursor.ordinal is None


def test_batches_are_published_and_their_end():
    told = []
    cursor, pairs = cursor_at("abcdefgh", 0, publish=lambda *at: told.append(at))
    list(pairs)
    assert told == [(0, 0), (3, 3), (6, 6), (-1, 8)]
    assert cursor.records == 8


def test_a_careful_one_publishes_each_record_first():
    told = []
    _, pairs = cursor_at(
        "abcd", 0, careful=True, publish=lambda at, done: told.append(at)
    )
    for n in range(4):
        next(pairs)
        assert told[-1] == n


def test_last_pairs_follow_all_records():
    for last, expected in ((lambda: [("z", 1)], [("z", 1)]), (lambda: None, [])):
        cursor = Cursor(nothing)
        pairs = flat(cursor.streams(ListRecords("a").read(), each, last))
        assert list(pairs) == [(0, "a"), *expected]


def test_a_limit_cuts_a_batch():
    for limit, expected in (
        (0, ""),
        (2, "ab"),
        (3, "abc"),
        (5, "abcde"),
        (99, "abcdef"),
    ):
        cursor, pairs = cursor_at("abcdef", 0, records_max=limit)
        assert [value for _, value in pairs] == list(expected)
        assert cursor.records == len(expected)
