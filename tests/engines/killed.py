"""A job whose workers are killed in the middle of its shuffle, and what it makes."""

import os
import signal
from pathlib import Path

import mincer

__all__ = ["check"]

RECORDS, KEYS = 40_000, 997
SOURCE = mincer.sources.items(list(range(RECORDS)))


def mapfn(key, n):
    mincer.count("records")
    yield n % KEYS, n


class DiesOnce:
    """A reducer. The first whose part holds key 5 calls `die` there, after others have
    consumed what maps made."""

    def __init__(self):
        self.marks = Path(mincer.context().params["marks"])
        self.kind = mincer.context().params["kill"]

    def __call__(self, key, values):
        mincer.count("keys")
        if key == 5:
            self.die()
        return sum(values)

    def die(self):
        try:
            (self.marks / "died").touch(exist_ok=False)
        except FileExistsError:
            return
        if self.kind == "parent":  # the executor, and this Python with it
            os.kill(executor_pid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)


def executor_pid():
    """The JVM above this Python worker."""
    pid = os.getppid()
    while "java" not in Path(f"/proc/{pid}/comm").read_text():
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
    return pid


JOB = mincer.Job(mapfn, DiesOnce, parts=8)


def check(runner, marks, kill="self"):
    """Run it; look at what came of it."""
    params = {"marks": str(marks), "kill": kill}
    with JOB.run(SOURCE, runner=runner, params=params, progress=False) as results:
        assert (marks / "died").exists()
        expected = {k: sum(range(k, RECORDS, KEYS)) for k in range(KEYS)}
        assert results.to_dict() == expected
        assert results.counters == {"records": RECORDS, "keys": KEYS}
