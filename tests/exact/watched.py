"""Run a command and watch the memory of its processes, from outside."""

import subprocess
import sys
import threading
from dataclasses import dataclass

import psutil

LOOK_S = 0.01


@dataclass
class Watched:
    stdout: str
    stderr: str
    returncode: int
    #: Peaks of resident memory, in bytes.
    driver_peak: int
    child_peak: int
    #: How many children there were at once, at most.
    children: int


def run_watched(*arguments, timeout_s=1800):
    """Run a Python program; where it prints `done` its own peak is taken, and it is
    told to go on."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = _Watch(process.pid)
    errors = []
    drain = threading.Thread(target=lambda: errors.append(process.stderr.read()))
    drain.start()
    guard = threading.Timer(timeout_s, process.kill)
    guard.start()
    said = []
    for line in process.stdout:
        if line == "done\n":
            watch.stop()
            process.stdin.write("go on\n")
            process.stdin.flush()
        else:
            said.append(line)
    process.wait()
    guard.cancel()
    watch.stop()
    drain.join()
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
    return Watched(
        "".join(said),
        errors[0],
        process.returncode,
        watch.driver_peak,
        watch.child_peak,
        watch.children,
    )


class _Watch:
    def __init__(self, pid):
        self.driver_peak = self.child_peak = self.children = 0
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self):
        children = []
        turn = 0
        while not self._over.wait(LOOK_S):
            try:
                driver = self._process.memory_info().rss
                self.driver_peak = max(self.driver_peak, driver)
                if not children or not turn % 10:
                    children = self._process.children(recursive=True)
                turn += 1
                self.children = max(self.children, len(children))
                for child in children:
                    if child.is_running():
                        peak = child.memory_info().rss
                        self.child_peak = max(self.child_peak, peak)
            except psutil.NoSuchProcess:
                turn = 0

    def stop(self):
        self._over.set()
        self._thread.join()
