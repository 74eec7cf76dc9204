"""Orders and replies are the same at the other end of the pipe."""

import pickle
import threading

import pytest
from job_folder import ListSplit

from mincer.core.events import Fault
from mincer.errors import JobError, ShipError, UsageError
from mincer.flow.ports import MapMade, PartMade, ReduceMade
from mincer.ids import AttemptId, TaskId
from mincer.store.disk import Place
from mincer.worker.orders import (
    AttemptMade,
    AttemptsUnbegun,
    AttemptUnmade,
    MapOrder,
    Modules,
    ReduceOrder,
    SampleOrder,
    StepFiles,
    pack,
    pack_reply,
    pack_splits,
    unpack,
    unpack_reply,
)

PLACE = Place("path", 3, 4)
FILES = StepFiles(
    "code", Modules("zip", "digest", "folder"), "folder", "scratch", cuts=PLACE
)
MAPS = [
    MapOrder(
        attempt=AttemptId(TaskId("job", 1, "map", index), number),
        files=FILES,
        split=(b"splits", index),
        skip=(index,) * number,
        careful=bool(number),
    )
    for index, number in [(0, 0), (7, 1), (3, 2)]
]


def travelled(message):
    return pickle.loads(pickle.dumps(message))


@pytest.mark.parametrize(
    "orders",
    [
        MAPS,
        MAPS[1:2],
        [SampleOrder(MAPS[0].attempt, FILES, [(b"s", 0)])],
        [ReduceOrder(one.attempt, FILES, "log", 2) for one in MAPS],
    ],
    ids=["maps", "one map", "a sample", "reduces"],
)
def test_orders_travel(orders):
    assert unpack(travelled(pack(orders))) == orders


def test_what_maps_have_in_common_travels_once():
    many = [MapOrder(MAPS[0].attempt, FILES, (b"s", 0)) for _ in range(100)]
    assert len(pickle.dumps(pack(many))) < len(pickle.dumps(many)) / 2


@pytest.mark.parametrize(
    "reply",
    [
        AttemptMade(MAPS[1].attempt, PLACE, 5, MapMade(1, 2, 3, 4, 5, 6, 7)),
        AttemptMade(
            MAPS[1].attempt,
            None,
            5,
            MapMade(1, 2, 3, 4, 5, 6, 7, PartMade(1, 2, 3)),
            {"counted": 3},
            cpu_s=1.0,
            wall_s=2.0,
            ended=3.0,
        ),
        AttemptMade(MAPS[1].attempt, PLACE, 5, ReduceMade(1, 2, PartMade(1, 2, 3))),
        AttemptsUnbegun((MAPS[1].attempt, MAPS[2].attempt)),
    ],
    ids=["a map", "a map that made a part", "a reduce", "nothing"],
)
def test_replies_travel(reply):
    attempts = [order.attempt for order in MAPS]
    assert unpack_reply(travelled(pack_reply(1, reply)), attempts) == reply


def unpacked(packed):
    return [pickle.loads(packet)[nth] for packet, nth in packed]


def test_small_splits_are_pickled_together():
    splits = [ListSplit([n]) for n in range(9)]
    packed = pack_splits(splits)
    assert len({id(packet) for packet, _ in packed}) == 1
    assert [one.values for one in unpacked(packed)] == [[n] for n in range(9)]


def test_large_splits_are_pickled_apart():
    splits = [ListSplit([bytes([n]) * 100_000]) for n in range(3)]
    packed = pack_splits(splits)
    assert all(100_000 < len(packet) < 101_000 for packet, _ in packed)
    assert [one.values for one in unpacked(packed)] == [one.values for one in splits]


def test_a_split_that_cannot_travel_is_told_without_the_others():
    lock = ListSplit([threading.Lock()])
    with pytest.raises(ShipError) as alone:
        pack_splits([lock])
    with pytest.raises(ShipError) as among_others:
        pack_splits([ListSplit([1]), lock])
    assert among_others.value.what == alone.value.what


def test_one_split_planned_twice_is_refused():
    """It may have been changed between, and both would be what it is now."""
    split = ListSplit([1])
    with pytest.raises(UsageError, match="planned one split twice"):
        pack_splits([split, ListSplit([2]), split])


def test_a_failure_travels():
    reply = AttemptUnmade(MAPS[1].attempt, Fault.RAISED, JobError("no"), 7)
    told = unpack_reply(travelled(pack_reply(1, reply)), [])
    assert (told.attempt, told.fault, told.record) == (reply.attempt, reply.fault, 7)
    assert told.error.what == "no"
