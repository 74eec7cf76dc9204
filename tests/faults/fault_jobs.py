"""Jobs whose exact result is known: each record goes out once, under its own number."""

import os
import signal

import mincer

KEYS = 6007


def counted(lines):
    """What the jobs make of `lines`, in plain Python: the oracle."""
    groups = {}
    for line in lines:
        groups.setdefault(int(line) % KEYS, []).append(int(line))
    return {key: sorted(values) for key, values in groups.items()}


def numbered(offset, line):
    mincer.count("records")
    yield int(line) % KEYS, int(line)


def gathered(key, values):
    mincer.count("keys")
    mincer.count("values", len(values))
    return sorted(values)


def itself(offset, line):
    mincer.count("records")
    yield int(line), int(line)


def again(key, numbers):
    """A second step: takes apart what `gathered` made."""
    params = mincer.context().params
    kills_once(params["marker"], params["fatal"], key)
    for number in numbers:
        yield number % 7, number


def kills_once(marker, number, line):
    """Kill this process at the record `number`, unless `marker` says that one did."""
    if int(line) == number:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def large_and_deadly(offset, line):
    """Much to spill before the end comes, in the middle of the split."""
    params = mincer.context().params
    kills_once(params["marker"], params["fatal"], line)
    mincer.count("records")
    yield int(line) % KEYS, (int(line), line * 2000)


def first_of_each(key, values):
    mincer.count("keys")
    mincer.count("values", len(values))
    return sorted(number for number, _ in values)


def deadly_reduce(key, values):
    params = mincer.context().params
    kills_once(params["marker"], params["fatal"], min(values))
    return gathered(key, values)
