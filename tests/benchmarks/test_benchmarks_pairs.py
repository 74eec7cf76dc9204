"""Ratios of pairs: how many pairs are run, the median, and its interval."""

import random
from statistics import median

import pytest

from benchmarks.pairs import in_turn, interval, pairs_wanted, ratio


def test_the_ratio_is_the_median_of_the_pairwise_ratios():
    # One pair met a machine ten times as slow, another one side of it.
    middle, _ = ratio([(1.0, 2.0), (10.0, 20.0), (9.0, 1.0), (1.2, 2.0), (1.0, 2.5)])
    assert middle == 0.5


@pytest.mark.parametrize(
    ("count", "left_out", "confidence"),
    [(1, 0, 0), (3, 0, 0.75), (7, 0, 1 - 2 / 2**7), (9, 1, 1 - 20 / 2**9)],
)
def test_the_interval_is_as_narrow_as_95_percent_allow(count, left_out, confidence):
    ratios = [float(n) for n in range(count)]
    random.Random(3).shuffle(ratios)
    found = interval(ratios)
    assert (found.low, found.high) == (left_out, count - 1 - left_out)
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize("count", [7, 9, 15])
def test_the_interval_holds_the_true_median_as_often_as_it_says(count):
    rng = random.Random(count)
    held = 0
    for _ in range(4000):
        found = interval([rng.expovariate(1) for _ in range(count)])
        held += found.low <= 0.6931 <= found.high
    assert held / 4000 == pytest.approx(found.confidence, abs=0.012)


class Runs:
    """Programs that take the given seconds, and tell in which order they ran."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.order = ""

    def once(self, name):
        def run():
            self.order += name
            return len(self.order), self.seconds

        return run

    def pairs(self, **more):
        return in_turn(self.once("A"), self.once("B"), lambda ran: ran[1], **more)


@pytest.mark.parametrize(
    ("seconds", "count"), [(0.1, 21), (4.0, 18), (7.0, 10), (9.9, 7), (10.0, 5)]
)
def test_the_shorter_the_runs_the_more_pairs(seconds, count):
    assert pairs_wanted(seconds, seconds) == count
    assert len(Runs(seconds).pairs()) == count


def test_short_runs_are_warmed_up_and_repeated():
    runs = Runs(9.9)
    pairs = runs.pairs()
    assert runs.order == "AB" * 8
    # The first pair does not count.
    assert [first[0] for first, _ in pairs] == [3, 5, 7, 9, 11, 13, 15]


def test_long_runs_all_count():
    runs = Runs(12.0)
    pairs = runs.pairs()
    assert runs.order == "AB" * 5
    assert len(pairs) == 5


def test_a_quick_look_is_short():
    runs = Runs(0.1)
    assert len(runs.pairs(at_most=2)) == 2
    assert runs.order == "AB" * 3


def test_the_median_lies_in_the_interval():
    rng = random.Random(5)
    for count in range(1, 30):
        ratios = [rng.random() for _ in range(count)]
        found = interval(ratios)
        assert found.low <= median(ratios) <= found.high
