"""Reach: straight to those who have an address, unless it leads nowhere."""

import pytest

from mincer.net.reach import Reach
from mincer.wire import frames, pulls

PEER, HIDDEN, UNKNOWN, ME = 1, 2, 3, 4
KEY = b"k" * 40


@pytest.fixture
def reach():
    made = Reach()
    made.peers[PEER] = frames.MemberTold(PEER, KEY, "tcp://there:1")
    made.peers[HIDDEN] = frames.MemberTold(HIDDEN, KEY, "")
    return made


def test_who_has_an_address_is_asked_straight(reach):
    ask = pulls.Ask(PEER, ME, 7, [0])
    assert reach.is_direct(PEER)
    assert reach.chunk_bytes(PEER) == pulls.CHUNK_BYTES
    assert reach.question(ask) == (PEER, pulls.write_pull(ask))


@pytest.mark.parametrize("member", [HIDDEN, UNKNOWN])
def test_all_others_are_asked_by_the_coordinator(reach, member):
    ask = pulls.Ask(member, ME, 7, [0])
    assert not reach.is_direct(member)
    assert reach.chunk_bytes(member) == pulls.RELAYED_BYTES
    assert reach.question(ask) == (None, pulls.write_pull(ask))


def test_a_way_that_leads_nowhere_is_not_taken_until_the_member_is_another_one(reach):
    reach.relayed.add(PEER)
    assert not reach.is_direct(PEER)
    told = reach.peers[PEER]
    reach.forget(PEER)
    reach.forget(UNKNOWN)
    assert not reach.is_direct(PEER)
    reach.peers[PEER] = told
    assert reach.is_direct(PEER)


def test_after_a_clear_nobody_is_known(reach):
    reach.relayed.add(PEER)
    reach.clear()
    assert (reach.peers, reach.relayed) == ({}, set())
