"""A job file whose result is known, and which can be held at any moment of it.

Each record goes out once, under its own number; each attempt tells in a log when it
begins and ends, and where. `-D hold=NAME,NAME@HOST` names moments: who gets to one
first (on that host) says so, with a file, and waits until another file lets it go; all
others pass. No result depends on any of that.
"""

import json
import os
import random
import re
import signal
import threading
import time

import mincer

KEYS = 11
RECORDS = 240
#: Lines of six digits: twelve splits of twenty records.
SPLIT_BYTES = 140


def write_input(path, records=RECORDS):
    path.write_text("".join(f"{n:06}\n" for n in range(records)), "ascii")


source = mincer.sources.text(
    os.environ.get("MINCER_TEST_INPUT", "nowhere"), split_size=SPLIT_BYTES
)


# --- moments


def _marks():
    return mincer.context().params["marks"]


def _where():
    return os.environ.get("MINCER_TEST_HOST", "here")


def _host_is_slow():
    return _where() in mincer.context().params.get("slow", "").split(",")


def log(word):
    """One line, whole, whoever writes at the same time."""
    now = mincer.context()
    row = [time.monotonic(), word, now.task, now.attempt, _where(), os.getpid()]
    with open(os.path.join(_marks(), "log"), "ab", buffering=0) as file:
        file.write((json.dumps(row) + "\n").encode())


def is_first(moment):
    """True for the first who gets to a moment that was named, and told by a file."""
    if moment not in mincer.context().params.get("hold", "").split(","):
        return False
    told = json.dumps([_where(), mincer.context().task, os.getpid()])
    unnamed = os.path.join(_marks(), f"{moment}.{os.getpid()}")
    with open(unnamed, "w", encoding="ascii") as file:
        file.write(told)
    try:
        os.link(unnamed, os.path.join(_marks(), f"{moment}.here"))
    except FileExistsError:
        return False
    finally:
        os.unlink(unnamed)
    return True


def held(moment):
    """Wait here, if it is a moment that was named and nobody was here before."""
    for one in (moment, f"{moment}@{_where()}"):
        if is_first(one):
            wait_for(f"{one}.go")


def wait_for(name):
    while not os.path.exists(os.path.join(_marks(), name)):
        threading.Event().wait(0.01)


# --- what a job is made of


class Numbered:
    """The mapper: each record under its own number."""

    def __init__(self):
        log("map begins")
        held("map-begin")

    def __call__(self, offset, line):
        number = int(line)
        held(f"record-{number}")
        threading.Event().wait(0.1 if _host_is_slow() else 0.003)
        mincer.count("records")
        yield number % KEYS, number

    def close(self):
        held("map-end")
        log("map ends")


class Gathered:
    """The reducer: the numbers of a key in order."""

    def __init__(self):
        log("reduce begins")
        held("reduce-begin")

    def __call__(self, key, values):
        held("reduce-key")
        mincer.count("values", len(values))
        return sorted(values)

    def close(self):
        held("reduce-end")
        log("reduce ends")


job = mincer.Job(Numbered, Gathered, parts=4, max_attempts=2)


# --- what is heavy to carry


class Heavy(Numbered):
    """Each number with 20 KB that nothing makes smaller."""

    def __call__(self, offset, line):
        chance = random.Random(int(line))
        for key, number in super().__call__(offset, line):
            yield key, (number, chance.randbytes(20_000))


class Lightened(Gathered):
    def __call__(self, key, values):
        return super().__call__(key, [number for number, _ in values])


heavy = mincer.Job(Heavy, Lightened, parts=4, max_attempts=2)


# --- what hangs


def spins():
    while True:
        pass


def waits():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()  # a deadlock, with itself


def in_c():
    """One call of C that keeps Python's lock."""
    re.match(r"(a|a)*b", "a" * 60)


def deaf():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    spins()


_HANGS = {one.__name__: one for one in (spins, waits, in_c, deaf)}


class Hanging(Numbered):
    """Hangs at a record: the first who gets there, or with `-D always=yes` all."""

    def __call__(self, offset, line):
        params = mincer.context().params
        at = f"record-{int(line)}"
        hangs = _HANGS[params["how"]]
        if at == params["hold"] and (is_first(at) or "always" in params):
            log("hangs")
            hangs()
        mincer.count("records")
        yield int(line) % KEYS, int(line)


hanging = mincer.Job(Hanging, Gathered, parts=2, max_attempts=2, task_timeout=2)
patient = mincer.Job(Hanging, Gathered, parts=2, max_attempts=2)


# --- two workers at the same time


def meets(number, line):
    """Two records that are worked on at the same time on two hosts, or never."""
    if int(line) % (RECORDS // 2):
        return
    open(os.path.join(_marks(), f"{_where()}.met"), "w").close()
    while sum(name.endswith(".met") for name in os.listdir(_marks())) < 2:
        threading.Event().wait(0.01)
    yield int(line), _where()


meeting = mincer.Job(meets)
