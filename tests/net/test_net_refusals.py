"""Lines of refusals: the first few as they come, a flood as a number."""

import pytest

from mincer.net.refusals import Refusals


@pytest.fixture
def refusals():
    return Refusals()


def test_each_is_told_once_and_then_counted(refusals):
    refusals.add("10.0.0.1", "no key", 0.0)
    assert refusals.lines(0.0) == ["refused 10.0.0.1: no key"]
    assert refusals.deadline() == float("inf")
    refusals.add("10.0.0.1", "no key", 1.0)
    refusals.add("10.0.0.2", "no key", 2.0)
    assert refusals.lines(2.0) == ["refused 10.0.0.2: no key"]
    assert refusals.deadline() == 10.0
    assert refusals.lines(9.9) == []
    assert refusals.lines(10.0) == ["refused once more, the last time 10.0.0.1: no key"]
    assert refusals.lines(30.0) == []


def test_a_flood_is_a_number(refusals):
    lines = []
    for n in range(30_000):
        refusals.add(f"10.0.{n // 250}.{n % 250}", "no key", n / 1000)
        lines += refusals.lines(n / 1000)
    assert len(lines) == 5 + 2
    assert lines[5] == ("refused 9,995 times more, the last time 10.0.39.249: no key")
    assert "10,000 times more" in lines[6]


def test_after_a_quiet_time_all_is_told_again(refusals):
    refusals.add("10.0.0.1", "no key", 0.0)
    refusals.lines(0.0)
    refusals.add("10.0.0.1", "no key", 11.0)
    assert refusals.lines(11.0) == ["refused 10.0.0.1: no key"]


def test_what_somebody_says_of_himself_orders_nothing(refusals):
    refusals.add("a\nb\x1b[2J", "is \x07", 0.0)
    assert refusals.lines(0.0) == ["refused a?b?[2J: is ?"]
