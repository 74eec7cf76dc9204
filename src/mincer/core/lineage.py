"""What must be made again when an output is lost, or turns out to be another one."""

# Strategy: an output that is lost is made again only when somebody who is not done
# wants it; until then its task stays DONE and lies in the `gone` of the gates it feeds.
# So a worker that dies late in a long pipeline costs what the next step still needs and
# not the whole past. When a task must run again, what is gone at its own gates is made
# again too, and so on down to the input: that is why nothing of a job is released
# before its end (ReleaseStep).
#
# A task that runs again and gives another digest has fooled whoever consumed the old
# output. Whoever runs at the time reads the new one (closing a gate stops them), so
# those are exactly its consumers that are DONE or COMMITTING. They are invalidated:
# made again even if nobody wants their output, since only their own new digest tells if
# the damage goes on. The job cannot finish while such a doubt is open.

from __future__ import annotations

from collections.abc import Callable

from mincer.core.plan import JobTasks
from mincer.core.task import Gate, State, Task, Trigger

__all__ = ["Lineage"]


class Lineage:
    """Opens and closes the gates of one job as outputs come and go."""

    def __init__(self, tasks: JobTasks, stop: Callable[[Task], None]) -> None:
        """`stop` ends the running attempts of a task, without charging anyone."""
        self._tasks = tasks
        self._stop = stop

    def made(self, task: Task) -> None:
        """`task` is DONE: what waited for its output may go on."""
        for gate in task.needs:
            gate.demand -= 1
        for gate in task.feeds:
            self._tasks.supply(gate)
        if task.doubted:
            task.doubted = False
            self._tasks.release(self._tasks.finish)

    def lost(self, task: Task) -> None:
        """The output of a DONE task is not there any more."""
        self._take_away(task)
        if any(gate.demand for gate in task.feeds):
            self._make_again(task, Trigger.OUTPUT_LOST)

    def invalidate(self, task: Task) -> None:
        """A DONE task consumed what is not valid: make it again, wanted or not.

        Its output, if there is one, must have been taken from its keeper already.
        """
        if not any(task in gate.gone for gate in task.feeds):
            self._take_away(task)
        task.doubted = True
        self._tasks.finish.holds += 1
        self._make_again(task, Trigger.INVALIDATED)

    def consumers(self, task: Task) -> list[Task]:
        """Tasks whose winner has consumed an output of `task`."""
        over = (State.DONE, State.COMMITTING)
        return [t for gate in task.feeds for t in gate.waiters if t.state in over]

    def _take_away(self, task: Task) -> None:
        for gate in task.feeds:
            was_open = gate.is_open
            gate.missing += 1
            gate.gone[task] = None
            if was_open:
                self._close(gate)

    def _close(self, gate: Gate) -> None:
        for task in gate.waiters:
            if task.state is State.RUNNING:
                self._stop(task)
            elif task.state is not State.READY:
                continue
            task.move(Trigger.NEED_LOST)

    def _make_again(self, task: Task, trigger: Trigger) -> None:
        """Move `task` from DONE to WAITING, and with it what it needs and is gone."""
        again = [task]
        _forget(task)
        while again:
            task = again.pop()
            task.move(trigger)
            trigger = Trigger.OUTPUT_LOST
            for gate in task.needs:
                gate.demand += 1
                for gone in list(gate.gone):
                    _forget(gone)
                    again.append(gone)
            if all(gate.is_open for gate in task.needs):
                task.move(Trigger.NEEDS_MET)


def _forget(gone: Task) -> None:
    """`gone` is made again: no gate needs to remember it."""
    for gate in gone.feeds:
        del gate.gone[gone]
