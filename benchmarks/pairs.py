"""Two programs in turn, A B A B: the median of their ratios, and how sure it is."""

# Strategy: on a machine that others use too, times of the same program differ by a
# third from one minute to the next, but two runs one after the other see much the same
# machine. So only the ratio of neighbours is looked at, and of those the median: one
# disturbed pair does not move it.
#
# The interval is the distribution-free one of the median: from the k-th lowest to the
# k-th highest ratio, for the largest k with which it holds the true median with a
# probability of 95 %. Of 7 pairs that is from the lowest to the highest (98.4 %), of 9
# without both. Of fewer than 6 pairs nothing reaches 95 %: then it is the lowest to the
# highest, and `confidence` says what that is worth (5 pairs: 94 %). A bootstrap was not
# taken: from so few ratios it gives an interval that is too narrow.

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from statistics import median
from typing import TypeVar

__all__ = ["Interval", "in_turn", "interval", "pairs_wanted", "ratio"]

Run = TypeVar("Run")

CONFIDENCE = 0.95
#: Runs below this many seconds are repeated more often, and warmed up: the first one
#: pays for compiling.
SHORT_S = 10.0
PAIRS_SHORT = 7
PAIRS_LONG = 5
#: Where there is time for more, as many as this takes, since a machine that wavers by a
#: fifth needs that many: the median of 7 pairs wavers by a tenth then, of 20 by 6 %.
#: (Of one minute, 7 pairs of 4 s, words of 120 MB gave 0.97 and 1.14 in one hour.)
SHORT_BUDGET_S = 150.0
PAIRS_MAX = 21


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the true median is, with which probability."""

    low: float
    high: float
    confidence: float


def interval(ratios: Sequence[float]) -> Interval:
    """See the head of this file."""
    ordered = sorted(ratios)
    count = len(ordered)
    best = 1
    while best < count - best and _confidence(count, best + 1) >= CONFIDENCE:
        best += 1
    return Interval(ordered[best - 1], ordered[-best], _confidence(count, best))


def _confidence(count: int, k: int) -> float:
    """The probability that the median lies between the k-th lowest and highest."""
    outside = sum(comb(count, below) for below in range(k))
    return max(0.0, 1 - 2 * outside / (1 << count))


def pairs_wanted(first_s: float, second_s: float) -> int:
    """How many pairs of runs that take so long."""
    if max(first_s, second_s) >= SHORT_S:
        return PAIRS_LONG
    fit = int(SHORT_BUDGET_S / (first_s + second_s))
    return min(max(fit, PAIRS_SHORT), PAIRS_MAX)


def in_turn(
    first: Callable[[], Run],
    second: Callable[[], Run],
    seconds_of: Callable[[Run], float],
    *,
    at_most: int | None = None,
) -> list[tuple[Run, Run]]:
    """Run both in turn as often as their length asks for.

    The first pair of short runs is a warm-up, which does not count; of long ones it
    counts. `at_most` limits the pairs, for a quick look.
    """
    tried = (first(), second())
    seconds = [seconds_of(run) for run in tried]
    wanted = pairs_wanted(*seconds)
    if at_most is not None:
        wanted = min(wanted, at_most)
    pairs = [] if max(seconds) < SHORT_S else [tried]
    while len(pairs) < wanted:
        pairs.append((first(), second()))
    return pairs


def ratio(pairs: Sequence[tuple[float, float]]) -> tuple[float, Interval]:
    """The median of first ÷ second, and its interval."""
    ratios = [first / second for first, second in pairs]
    return median(ratios), interval(ratios)
