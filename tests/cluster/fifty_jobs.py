"""The job of fifty workers: a record is a task of its own, of 8 ms of processor."""

import json
import os
import time

import mincer

KEYS = 199
MAPS = 5_000
PARTS = 20
_LINE = "{:07}\n"
_MAP_CPU_S = 0.008


def write_input(path):
    path.write_text("".join(map(_LINE.format, range(MAPS))), "ascii")


source = mincer.sources.text(
    os.environ.get("MINCER_TEST_INPUT", "nowhere"), split_size=len(_LINE.format(0))
)


def log(word):
    """One line, whole, whoever writes at the same time."""
    now = mincer.context()
    row = [word, now.task, now.attempt, os.environ.get("MINCER_TEST_HOST", "")]
    path = now.params["log"]
    with open(path, "ab", buffering=0) as file:
        file.write((json.dumps(row) + "\n").encode())


def work(seconds):
    """Use the processor for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Numbered:
    def __call__(self, offset, line):
        log("map begins")
        work(_MAP_CPU_S)
        mincer.count("records")
        yield int(line) % KEYS, int(line)

    def close(self):
        log("map ends")


class Gathered:
    """A reducer that takes its time, so that it can be killed at work."""

    def __init__(self):
        log("reduce begins")

    def __call__(self, key, values):
        work(_MAP_CPU_S)
        mincer.count("values", len(values))
        return sorted(values)

    def close(self):
        log("reduce ends")


job = mincer.Job(Numbered, Gathered, parts=PARTS)
