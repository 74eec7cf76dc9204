"""Errors of attempts that could not tell what happened: their child was ended."""

from __future__ import annotations

import os

import mincer
from mincer.errors import OverMemoryError, TimedOutError, WorkerDiedError
from mincer.ids import TaskId

__all__ = ["died", "over_memory", "own_stack", "timed_out"]

#: Where mincer's own files lie: its frames are not the user's.
_HOME = os.path.dirname(os.path.abspath(mincer.__file__ or ""))
#: What is often behind the end of a child.
_HINTS = {
    "signal SIGKILL": "Often the system, out of memory: fewer workers, or memory=…",
    "signal SIGSEGV": "Often a library written in C.",
}


def died(task: TaskId, how: str) -> WorkerDiedError:
    """`how`: "signal SIGKILL", "exit code 3"."""
    return WorkerDiedError(
        f"the child process that ran {task} died: {how}", hint=_HINTS.get(how)
    )


def over_memory(task: TaskId, used_bytes: int, limit_bytes: int) -> OverMemoryError:
    return OverMemoryError(
        f"{task} used {used_bytes / 1e6:.0f} MB of memory; "
        f"its limit is {limit_bytes / 1e6:.0f} MB",
        hint="One record, its pairs and what your functions hold may need a quarter of "
        f'the limit. Give more: memory="{2 * limit_bytes / 1e6:.0f}MB".',
    )


def timed_out(task: TaskId, limit_s: float | None, stack: str) -> TimedOutError:
    """`stack`: where it was, as `faulthandler` writes it."""
    return TimedOutError(
        f"{task} ran longer than task_timeout={limit_s:g}",
        user_traceback=own_stack(stack),
        hint="Give it more time, or find out what it waits for.",
    )


def own_stack(stack: str) -> str:
    """A stack as `faulthandler` wrote it, most recent call first, cut to the user's
    frames, in the order of a traceback."""
    frames = [line for line in stack.splitlines() if line.startswith("  File ")]
    ours = next((n for n, line in enumerate(frames) if _HOME in line), len(frames))
    return "\n".join(reversed(frames[:ours]))
