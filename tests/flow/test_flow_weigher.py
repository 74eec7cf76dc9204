"""Estimates of memory: near the truth for what pairs are made of."""

import gc
import sys
import tracemalloc

import pytest

from mincer.flow.weigher import weigh, weigh_column, weigh_pairs


class Slotted:
    __slots__ = ("a",)


class Plain:
    def __init__(self):
        self.a = "x" * 1000


@pytest.mark.parametrize("leaf", ["x" * 100, b"y" * 100, 17, 1.5, None, True, 1 + 2j])
def test_leaves_weigh_what_they_take(leaf):
    assert weigh(leaf) == sys.getsizeof(leaf)


def test_containers_weigh_what_is_in_them():
    text = "x" * 1000
    for held in ([text], (text,), {text}, frozenset({text}), {1: text}, [[[text]]]):
        assert 1000 < weigh(held) < 2000
    assert weigh(Plain()) > 1000
    assert weigh(Slotted()) == sys.getsizeof(Slotted())
    assert weigh([]) == sys.getsizeof([])


def test_a_deep_thing_is_weighed_in_bounded_time():
    loop = []
    loop.append(loop)
    assert weigh(loop) > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda n: f"word {n}",
        lambda n: (n, "word"),
        lambda n: [n + i / 7 for i in range(20)],
        lambda n: {"user": f"u{n}", "amount": n + 10**6},
    ],
)
def test_estimates_are_near_the_truth(make):
    gc.collect()  # it empties the lists of free tuples, whose memory is not traced
    tracemalloc.start()
    items = [make(n) for n in range(1000, 3000)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 < weigh_column(items) * len(items) / size < 2.5


def test_columns_and_pairs():
    assert weigh_column([]) == 0
    keys, values = weigh_pairs([("x" * 100, 1), ("y" * 200, 2)])
    assert keys == sys.getsizeof("x" * 150)
    assert values == sys.getsizeof(1)
