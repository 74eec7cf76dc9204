"""A cluster of real processes on loopback: a coordinator here, workers as children."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

from net_sockets import wait

PASSWORD = "correct horse battery staple"
#: What runs as a worker: the command itself.
_COMMAND = [sys.executable, "-m", "mincer", "worker"]


class Worker:
    """A worker process, in a process group of its own."""

    def __init__(self, port, *options, password=PASSWORD, folder=None):
        environment = {**os.environ, "MINCER_PASSWORD": password}
        self.process = subprocess.Popen(
            [*_COMMAND, f"127.0.0.1:{port}", *map(str, options)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=folder,
        )

    def kill(self):
        """Of it and its children nothing is left, and nobody is told."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def end(self):
        """Ask it to leave; return what it has said, and its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        _, said = self.process.communicate(timeout=30)
        return said, self.process.returncode


@contextmanager
def workers(port, count, *options, **more):
    """Some workers, gone at the end."""
    made = [Worker(port, *options, **more) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            if one.process.poll() is None:
                one.process.terminate()
        for one in made:
            one.end()


def joined(serve, count):
    """Wait until so many members are there."""
    wait(lambda: len(serve._coordinator.hub.members) >= count, for_s=30.0)
