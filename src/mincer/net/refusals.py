"""What is told of those who were refused: each once, and of many how many they were."""

# Strategy: a line is for a person, who has one worker with a wrong password. A flood
# must not fill his disk with lines, so after a few of them the rest are counted, and
# the count is told now and then.

from __future__ import annotations

from mincer.net.telling import printable

__all__ = ["Refusals"]

#: So many are told one by one in this time, and none twice.
_LINES_MAX = 5
_PERIOD_S = 10.0


class Refusals:
    """Makes lines of refusals; `now` is never less than it was."""

    def __init__(self) -> None:
        self._since = -1e9
        self._told: set[tuple[str, str]] = set()
        self._lines: list[str] = []
        #: Of those that were not told one by one: how many, and who came last and why.
        self._more = 0
        self._last = ("", "")

    def add(self, who: str, why: str, now: float) -> None:
        """Somebody was refused."""
        self._turn(now)
        one = printable(who), printable(why)
        if one not in self._told and len(self._told) < _LINES_MAX:
            self._told.add(one)
            self._lines.append("refused {}: {}".format(*one))
        else:
            self._more += 1
            self._last = one

    def lines(self, now: float) -> list[str]:
        """What is to be told by now."""
        self._turn(now)
        lines, self._lines = self._lines, []
        return lines

    def deadline(self) -> float:
        """When `lines` has more to tell, if nobody else is refused."""
        return self._since + _PERIOD_S if self._more else float("inf")

    def _turn(self, now: float) -> None:
        if now - self._since < _PERIOD_S:
            return
        if not self._more:
            self._told.clear()
        else:
            who, why = self._last
            many = "once more" if self._more == 1 else f"{self._more:,} times more"
            self._lines.append(f"refused {many}, the last time {who}: {why}")
        self._since = now
        self._more = 0
