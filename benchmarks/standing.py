"""A standing coordinator with two workers that have joined, while a race is run."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Standing", "standing_cluster"]

_WORKERS = 2
_JOIN_S_MAX = 60.0
_END_S_MAX = 90.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How programs reach it, and the process of the coordinator."""

    environment: dict[str, str]
    coordinator: int

    def peak_bytes(self) -> int:
        """The most that the coordinator has had in memory so far; 0: nobody tells."""
        try:
            with open(f"/proc/{self.coordinator}/status") as file:
                for line in file:
                    if line.startswith("VmHWM:"):
                        return int(line.split()[1]) * 1024
        except OSError:
            pass
        return 0


@contextmanager
def standing_cluster(folder: Path) -> Iterator[Standing]:
    """Start it, on loopback; workers do not read each other's files, so that all that
    goes between them goes over CURVE. `folder`: for what the processes say."""
    environment = {
        "MINCER_PASSWORD": secrets.token_hex(16),
        "MINCER_ADDRESS": f"127.0.0.1:{_free_port()}",
        # Children import the job file, which looks for its input; they read splits.
        "BENCH_INPUT": ".",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with open(folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mincer", *arguments],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    try:
        coordinator = start("serve", "serve")
        for number in range(_WORKERS):
            start(f"worker-{number}", "worker", "-n", "1", "--no-local-reads")
        _wait_for_workers(folder)
        yield Standing(environment, coordinator.pid)
    finally:
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(started):
            process.wait(_END_S_MAX)


def _wait_for_workers(folder: Path) -> None:
    end = time.monotonic() + _JOIN_S_MAX
    logs = [folder / f"worker-{number}.log" for number in range(_WORKERS)]
    while not all(b"joined" in log.read_bytes() for log in logs):
        if time.monotonic() > end:
            raise TimeoutError(f"the workers do not join: see {logs[0]}")
        time.sleep(0.05)


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
