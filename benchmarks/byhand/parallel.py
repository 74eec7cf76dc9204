"""Two forked processes that take pieces of work off a shared counter."""

from __future__ import annotations

import marshal
import multiprocessing
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["emptied", "fan", "run_form"]

PROCESSES = 2


def fan(work: Callable[..., Any], pieces: list[Any], *more: Any) -> list[Any]:
    """Call work(iterator of pieces, number, *more) in two processes; their results."""
    # Fork: what a careful programmer takes on Linux, and the cheapest there is.
    forked = multiprocessing.get_context("fork")
    following = forked.Value("i", 0)

    def take() -> Iterator[Any]:
        while True:
            with following.get_lock():
                place = following.value
                following.value += 1
            if place >= len(pieces):
                return
            yield pieces[place]

    def child(out: Connection, number: int) -> None:
        out.send_bytes(marshal.dumps(work(take(), number, *more)))
        out.close()

    started = []
    for number in range(PROCESSES):
        into, out = forked.Pipe(False)
        process = forked.Process(target=child, args=(out, number))
        process.start()
        out.close()
        started.append((process, into))
    results = []
    for process, into in started:
        results.append(marshal.loads(into.recv_bytes()))
        process.join()
        if process.exitcode:
            sys.exit(f"a child ended with {process.exitcode}")
    return results


def emptied(folder: str) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def run_form(forms: dict[str, Callable[[list[str], str], None]]) -> None:
    """The command line of every program here: FORM OUT INPUT..."""
    if len(sys.argv) < 3 or sys.argv[1] not in forms:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(forms)} OUT INPUT...")
    forms[sys.argv[1]](sys.argv[3:], sys.argv[2])
