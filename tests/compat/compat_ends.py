"""Ends of old scripts: clients in threads of this process, scripts as processes."""

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE_S = 30.0
#: Below those from which a machine takes the ports of connections: who connects there
#: while nobody listens cannot meet himself.
_PORTS = range(20_000, 30_000)


def free_port():
    """One that nobody listens at."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port


def listens(port, host="127.0.0.1"):
    """True when somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE_S)
        return probe.connect_ex((host, port)) == 0


def until(something):
    """Wait until it is so."""
    end = time.monotonic() + PATIENCE_S
    while not something():
        assert time.monotonic() < end, "it never came to that"
        select.select([], [], [], 0.01)


class InThread:
    """A call that blocks, in a thread; its error is kept."""

    def __init__(self, call, *arguments, **named):
        self.error = self.result = None

        def run():
            try:
                self.result = call(*arguments, **named)
            except Exception as error:
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def end(self):
        """Wait for its end; return what it returned, or raise what it raised."""
        self.thread.join(PATIENCE_S)
        assert not self.thread.is_alive(), "it never returned"
        if self.error is not None:
            raise self.error
        return self.result


class Processes:
    """Python processes, each in a group of its own; none is left."""

    def __init__(self, folder):
        self._folder = folder
        self._all = []

    def python(self, *words, **environment):
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            cwd=self._folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._all.append(process)
        return process

    def script(self, text, *words, **environment):
        path = self._folder / f"script{len(self._all)}.py"
        path.write_text(text)
        return self.python(path, *words, **environment)

    def end(self):
        for process in self._all:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def ended(process):
    """Wait for its end; return what it wrote, and how it ended."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return out, err, process.returncode
