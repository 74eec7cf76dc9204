"""One run of a program: its time, and the memory of its whole process tree, from
outside."""

# Strategy: a thread looks at all descendants of this process while the main thread
# waits in wait4, which wakes it the moment the program ends: a wait with a time-out
# polls, and would add up to 50 ms to a run of 100. Nothing else that we start runs at
# the same time, so "our descendants" are the program and what it started; on Linux we
# adopt its orphans too, so that daemons that leave the tree are counted, and ended.
#
# What is counted: the sum of the resident sets (RSS) of all processes at one look, so
# that a page shared by fork counts once for each process; the same by proportional
# sets (PSS), where each page counts once, at fewer looks because one costs a
# millisecond; and the largest RSS of a single process. Files in the page cache are
# not in it, whoever wrote them.

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Ran", "run"]

#: A look at four processes costs some 0.2 ms. Short programs are looked at often,
#: long ones less: their memory does not come and go in 50 ms.
_LOOK_S = 0.01
_LOOK_LATER_S = 0.05
_LATER_S = 2.0
_PSS_LOOK_S = 0.5
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
_MESSAGE_BYTES = 4000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of a program cost."""

    wall_s: float
    #: Of the program and all processes that it waited for.
    cpu_s: float
    exit_code: int
    timed_out: bool
    tree_bytes: int
    #: 0 where the system does not tell.
    tree_pss_bytes: int
    largest_bytes: int
    #: The last of what it wrote to stderr.
    message: str

    @property
    def failed(self) -> bool:
        return self.timed_out or self.exit_code != 0


def run(
    command: Sequence[str],
    *,
    log: Path,
    more_environment: Mapping[str, str] | None = None,
    timeout_s: float = 1800.0,
) -> Ran:
    """Run `command` to its end, its output to the file `log`."""
    _adopt_orphans(True)
    before = set(_descendants())
    with open(log, "wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            env={**os.environ, **(more_environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        look = _Look()
        timed_out = threading.Event()

        def give_up() -> None:
            timed_out.set()
            _end(_new_since(before))

        guard = threading.Timer(timeout_s, give_up)
        guard.start()
        look.start()
        try:
            exit_code, cpu_s = _wait(process)
            wall_s = time.perf_counter() - start
        finally:
            guard.cancel()
            look.stop()
            _end_what_is_left(before)
            _adopt_orphans(False)
    return Ran(
        wall_s,
        cpu_s,
        exit_code,
        timed_out.is_set(),
        look.tree_bytes,
        look.tree_pss_bytes,
        look.largest_bytes,
        log.read_bytes()[-_MESSAGE_BYTES:].decode("utf-8", "replace").strip(),
    )


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    if not hasattr(os, "wait4"):
        before = os.times()
        exit_code = process.wait()
        after = os.times()
        used = (after.children_user + after.children_system) - (
            before.children_user + before.children_system
        )
        return exit_code, used
    _, status, usage = os.wait4(process.pid, 0)
    # The Popen must know, or it would wait for a process that is gone.
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


class _Look(threading.Thread):
    """Keeps the peaks until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.tree_bytes = self.tree_pss_bytes = self.largest_bytes = 0
        self._stopped = threading.Event()

    def run(self) -> None:
        start = time.perf_counter()
        pss_due = start + 0.1
        while True:
            now = time.perf_counter()
            pids = _descendants()
            sizes = [_resident_bytes(pid) for pid in pids]
            self.tree_bytes = max(self.tree_bytes, sum(sizes))
            self.largest_bytes = max(self.largest_bytes, *sizes, 0)
            if now >= pss_due:
                pss_due = now + _PSS_LOOK_S
                pss_bytes = sum(map(_proportional_bytes, pids))
                self.tree_pss_bytes = max(self.tree_pss_bytes, pss_bytes)
            early = now - start < _LATER_S
            if self._stopped.wait(_LOOK_S if early else _LOOK_LATER_S):
                return

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _adopt_orphans(whether: bool) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, int(whether), 0, 0, 0)


def _descendants(of: int | None = None) -> list[int]:
    """All processes below this one, or another. From the kernel's own lists of
    children, where it keeps them: to go through all processes of the machine costs ten
    times as much."""
    found: list[int] = []
    parents = [os.getpid() if of is None else of]
    try:
        while parents:
            children = _children(parents.pop())
            found += children
            parents += children
    except FileNotFoundError:
        try:
            return [child.pid for child in psutil.Process(of).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        if pid == os.getpid():
            raise FileNotFoundError("/proc") from None
        return found  # It ended while we looked.
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
        except OSError:
            if pid == os.getpid() and thread == str(pid):
                raise FileNotFoundError("children") from None
    return found


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (FileNotFoundError, ProcessLookupError):
        pass  # It ended, or this system has no such file.
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _proportional_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # It ended, or this system does not tell.
    return 0


def _new_since(before: set[int]) -> list[int]:
    """Descendants that were not there before, nor were started by one that was (a
    cluster stands while programs are run). Parents come first."""
    spared = {pid for old in before for pid in _descendants(old)} | before
    return [pid for pid in _descendants() if pid not in spared]


def _end(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            psutil.Process(pid).kill()
        except psutil.Error:
            continue  # It ended by itself.


def _end_what_is_left(before: set[int]) -> None:
    """End and reap what the program left behind: it must not disturb the next run."""
    while left := _new_since(before):
        _end(left)
        for pid in left:  # Parents come first: then their children are ours.
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue
