"""Ten thousand splits of one record each: a small source, and nothing to do."""

import os

import mincer
from mincer.flow.ports import Batch


class Number(mincer.sources.Split):
    def __init__(self, number):
        self.number = number

    def read(self, skip=frozenset()):
        if 0 not in skip:
            yield Batch(0, [self.number], [None], 1, None)

    def __str__(self):
        return f"number {self.number}"


class Numbers(mincer.sources.Source):
    size_bytes = None

    def __init__(self, count):
        super().__init__()
        self.count = count

    def check(self):
        pass

    def plan(self, spool=None, split_bytes=None):
        yield from map(Number, range(self.count))


def mapfn(key, value):
    return ()


job = mincer.Job(mapfn)
source = Numbers(int(os.environ["BENCH_INPUT"]))
