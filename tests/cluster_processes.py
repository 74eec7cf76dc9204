"""Workers of a cluster as real processes on loopback."""

import os
import signal
import subprocess
import sys
import time

from required import lacking

PASSWORD = "correct horse battery staple"
_JOIN_S = 30.0
_END_S = 30.0


#: Run the rest, for which the folder that comes first is an empty one. (No more
#: processes than without: `exec` all the way.)
_HIDING = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']


def needs_hiding(folder):
    """Skip a test where this machine cannot hide a folder from a process."""
    try:
        subprocess.run([*_HIDING, str(folder), "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        lacking("root", f"folders cannot be hidden from processes here: {error}")


class Workers:
    """Some worker processes, each in a process group of its own; gone at the end."""

    def __init__(
        self, port, count, *options, password=PASSWORD, folder=None, hidden=None
    ):
        """`hidden`: a folder that they find empty: they have a view of the disks of
        their own, as workers on another machine."""
        self._command = [sys.executable, "-m", "mincer", "worker", f"127.0.0.1:{port}"]
        self._command += map(str, options)
        if hidden is not None:
            self._command = [*_HIDING, str(hidden), *self._command]
        self._environment = {**os.environ, "MINCER_PASSWORD": password}
        self._folder = folder
        self.processes = []
        for _ in range(count):
            self.start()

    def start(self):
        """Start one more."""
        process = subprocess.Popen(
            self._command,
            env=self._environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=self._folder,
        )
        self.processes.append(process)
        return process

    def kill(self, process):
        """Of it and its children nothing is left, and nobody is told."""
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.processes.remove(process)

    def wait_for(self, serve, count=None):
        """Wait until so many have joined."""
        members = serve._coordinator.hub.members
        end = time.monotonic() + _JOIN_S
        while len(members) < (count or len(self.processes)):
            assert time.monotonic() < end, "the workers do not join"
            for process in self.processes:
                assert process.poll() is None, process.communicate()
            serve._coordinator._thread.join(0.02)

    def end(self):
        """Ask all to leave; return what each has said, and its exit code."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        told = []
        for process in self.processes:
            _, said = process.communicate(timeout=_END_S)
            told.append((said, process.returncode))
        self.processes.clear()
        return told

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.end()
