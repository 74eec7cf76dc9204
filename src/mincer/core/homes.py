"""Where input is: which worker is given which of the READY maps first."""

# Strategy: a home is what the shell calls a piece of input that some workers have and
# others have not, as a file. Each home has a queue of its READY tasks, and each worker
# a queue of the homes that it has and that may have one: so to find a task for a
# worker costs the same however many there are. What has moved on is dropped when it is
# met, as in plan.py.
#
# It is a preference and no more. A worker without a task of its own takes what nobody
# has, then what others have: no slot waits for a better task. What is tried again goes
# to the next worker, wherever its input is. A worker that is gone still counts as one
# that has its homes: that makes them a second choice for others and nothing else.

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from mincer.core.task import State, Task
from mincer.ids import WorkerId

__all__ = ["Homes"]


class Homes:
    """The homes of the tasks of one phase. `tasks`: these, which may become more."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._home_of: dict[int, int] = {}
        #: Of each home, the tasks that became READY there, by index.
        self._ready: dict[int, deque[int]] = {}
        #: Who has each home.
        self._holders: dict[int, dict[WorkerId, None]] = {}
        #: Of each worker, homes that may have a READY task.
        self._of: dict[WorkerId, deque[int]] = {}
        #: Homes with tasks that nobody had when these came.
        self._nobodys: deque[int] = deque()

    def add(self, first: int, homes: Sequence[int]) -> None:
        """The tasks from `first` on have these homes; a negative one is none."""
        for index, home in enumerate(homes, first):
            if home >= 0:
                self._home_of[index] = home

    def add_ready(self, index: int) -> None:
        """This task is READY now."""
        home = self._home_of.get(index)
        if home is None:
            return
        queue = self._ready.setdefault(home, deque())
        queue.append(index)
        if len(queue) > 1:
            return  # all who have it know
        holders = self._holders.get(home)
        if holders is None:
            self._nobodys.append(home)
        else:
            for worker in holders:
                self._of[worker].append(home)

    def found(self, worker: WorkerId, homes: Iterable[int]) -> None:
        """This worker has these homes."""
        mine = self._of.setdefault(worker, deque())
        for home in homes:
            holders = self._holders.setdefault(home, {})
            if worker not in holders:
                holders[worker] = None
                if self._ready.get(home):
                    mine.append(home)

    def task_at(self, worker: WorkerId) -> int | None:
        """A READY task whose home this worker has."""
        mine = self._of.get(worker)
        while mine:
            index = self._first(mine[0])
            if index is not None:
                return index
            mine.popleft()
        return None

    def task_for(self, worker: WorkerId) -> int | None:
        """The same, else one whose home nobody has."""
        index = self.task_at(worker)
        homes = self._nobodys
        while index is None and homes:
            if homes[0] not in self._holders:
                index = self._first(homes[0])
            if index is None:
                homes.popleft()
        return index

    def is_findable(self, index: int) -> bool:
        """True when those who are to be given this READY task first will find it."""
        home = self._home_of.get(index)
        if home is None:
            return True
        holders = self._holders.get(home)
        queues = [self._nobodys] if holders is None else [self._of[w] for w in holders]
        return index in self._ready[home] and all(home in queue for queue in queues)

    def _first(self, home: int) -> int | None:
        queue = self._ready[home]
        while queue and self._tasks[queue[0]].state is not State.READY:
            queue.popleft()
        return queue[0] if queue else None
