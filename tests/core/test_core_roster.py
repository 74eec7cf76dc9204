"""Workers: their lives, slots, leases and outputs."""

import pytest
from core_desk import Desk, map_, started

from mincer.core.events import (
    StepPlan,
    WorkerJoined,
    WorkerLeaving,
    WorkerLost,
    WorkerSeen,
)
from mincer.core.roster import Roster
from mincer.ids import WorkerId
from mincer.limits import LEASE_S, WORKER_FAULTS_MAX

MAPS = StepPlan(0)
A, B = WorkerId("a", 0), WorkerId("b", 0)


@pytest.fixture
def roster():
    roster = Roster()
    roster.join(A, 1)
    roster.join(B, 1)
    return roster


def test_a_worker_that_was_never_seen_has_no_lease(roster):
    assert roster.next_expiry is None
    assert roster.expired(1e9) == []


def test_a_lease_ends_after_its_length(roster):
    roster.seen(A, 10.0)
    assert roster.next_expiry == 10.0 + LEASE_S
    assert roster.expired(10.0 + LEASE_S - 0.01) == []
    assert roster.expired(10.0 + LEASE_S) == [A]


def test_a_heartbeat_extends_the_lease_and_the_next_to_expire_comes_first(roster):
    roster.seen(A, 1.0)
    roster.seen(B, 2.0)
    roster.seen(A, 3.0)
    assert roster.next_expiry == 2.0 + LEASE_S
    assert roster.expired(2.5 + LEASE_S) == [B]
    assert roster.expired(3.0 + LEASE_S) == [B, A]


def test_a_lost_worker_is_forgotten_but_for_its_last_life(roster):
    roster.seen(A, 1.0)
    assert roster.remove(A).id == A
    assert roster.remove(A) is None
    assert roster.next_expiry is None
    assert roster.last_life("a") == A
    assert list(roster.idle) == [B]


def test_a_worker_with_many_faults_is_shunned_until_forgiven(roster):
    for _ in range(WORKER_FAULTS_MAX):
        assert A in roster.healthy
        roster.blame(A)
    assert list(roster.healthy) == list(roster.idle) == [B]
    roster.forgive()
    assert set(roster.healthy) == set(roster.idle) == {A, B}


def test_an_expired_lease_loses_the_worker_on_a_tick():
    desk = Desk()
    desk.join("a")
    desk.tell(WorkerSeen(A))
    desk.submit(MAPS, splits=1)
    assert desk.coordinator.deadline() == LEASE_S
    desk.now = LEASE_S
    assert desk.join("b") == []  # no event but a tick ends a lease
    assert started(desk.tick(LEASE_S)) == [map_(0, 1)]
    assert desk.workers[map_(0, 1)] == B


def test_a_worker_seen_in_time_keeps_its_tasks():
    desk = Desk()
    desk.join("a")
    desk.tell(WorkerSeen(A))
    desk.submit(MAPS, splits=1)
    desk.now = LEASE_S - 1
    desk.tell(WorkerSeen(A))
    assert desk.tick(LEASE_S) == []
    assert desk.coordinator.deadline() == 2 * LEASE_S - 1


def test_a_local_worker_never_expires():
    desk = Desk()
    desk.join("a")
    desk.submit(MAPS, splits=1)
    assert desk.coordinator.deadline() is None
    assert desk.tick(1e9) == []


def test_a_late_heartbeat_of_a_lost_worker_is_nothing():
    desk = Desk()
    desk.join("a")
    desk.lose("a")
    assert desk.tell(WorkerSeen(A)) == []
    assert desk.tell(WorkerLeaving(A)) == []
    assert desk.tell(WorkerLost(WorkerId("never", 0), "?")) == []
    assert desk.coordinator.deadline() is None


def test_a_late_join_of_a_life_that_is_over_wakes_no_ghost():
    desk = Desk()
    desk.join("a", incarnation=1)
    desk.lose("a", incarnation=1)
    desk.join("a", incarnation=1)
    desk.join("a", incarnation=0)
    assert not desk.submit(MAPS, splits=1)
    assert started(desk.join("a", incarnation=2)) == [map_(0)]


def test_a_new_life_ends_the_one_before():
    desk = Desk()
    desk.join("a")
    desk.submit(MAPS, splits=1)
    commands = desk.tell(WorkerJoined(WorkerId("a", 1), 1))
    assert started(commands) == [map_(0, 1)]
    assert desk.workers[map_(0, 1)] == WorkerId("a", 1)


def test_a_leaving_worker_gets_nothing_new_and_finishes_what_it_has():
    desk = Desk()
    desk.join("a")
    desk.submit(MAPS, splits=2)
    desk.tell(WorkerLeaving(A))
    assert not started(desk.done(map_(0)))
    assert started(desk.join("b")) == [map_(1)]
    assert desk.snapshot().workers_other == 1
