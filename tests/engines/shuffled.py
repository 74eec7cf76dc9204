"""Two gigabytes through an engine's shuffle, and how much memory its processes take."""

import random
import threading

import psutil

import mincer

__all__ = ["SHUFFLED_BYTES", "Watched", "check"]

SPLITS, RECORDS, RECORD_BYTES, KEYS = 80, 250_000, 100, 20_000
SHUFFLED_BYTES = SPLITS * RECORDS * RECORD_BYTES


def mapfn(position, seed):
    chance = random.Random(seed)
    text = "x" * (RECORD_BYTES - 8)
    for n in range(RECORDS):
        yield chance.randrange(KEYS), f"{n:07d}{text}"


def reducefn(key, values):
    first = 0
    for value in values:
        first += int(value[:7])
    return len(values), first


JOB = mincer.Job(mapfn, reducefn, parts=64)


class Watched:
    """The most that each of some processes has had, looked at from outside.

    `is_it`: tells of a process whether it is one of them; `of_memory`: what of its
    memory counts.
    """

    def __init__(self, is_it, of_memory=lambda process: process.memory_info().rss):
        self.peaks = {}
        self._is_it = is_it
        self._of_memory = of_memory
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self):
        while not self._over.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                try:
                    if self._is_it(process):
                        size = self._of_memory(process)
                        self.peaks[process.pid] = max(
                            size, self.peaks.get(process.pid, 0)
                        )
                except psutil.Error:
                    continue

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()


def check(runner):
    """Run it; look at what came of it."""
    count = first = 0
    with JOB.run(list(range(SPLITS)), runner=runner, progress=False) as results:
        for _, (n, total) in results:
            count += n
            first += total
        assert len(results) == KEYS
        assert results.report.bytes_shuffled >= SHUFFLED_BYTES
    assert count == SPLITS * RECORDS
    assert first == SPLITS * RECORDS * (RECORDS - 1) // 2
