"""How far a job is: bars on a terminal, else a plain line now and then."""

# Strategy: the view has no clock and no thread. The runner calls it a few times a
# second, and `Progress.elapsed_s` is all the time it knows, so what it shows for a
# given sequence of `Progress` is always the same. rich is imported (50 ms) once a job
# has run for half a second on a terminal: shorter jobs show nothing. On `close` the
# bars vanish, so that pairs and the summary may follow on the same terminal.

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO

from mincer.cli.figures import duration, number, size

if TYPE_CHECKING:
    from types import TracebackType

    import rich.progress

    from mincer.runners.base import Progress

__all__ = ["ProgressView"]

#: A job that is done sooner shows no bars.
_BARS_AFTER_S = 0.5
#: A log wants to be short: a plain line at most this often.
_LINE_EVERY_S = 5.0


class ProgressView:
    """Shows each `Progress` that it is called with, until it is closed.

    A stream that cannot be written to any more ends the view, never the job.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bars: _Bars | None = None
        self._closed = False
        self._line_due_s = _LINE_EVERY_S
        self._notes_shown: set[str] = set()
        self._eta = _Eta()
        self._terminal = (
            self._stream is not None
            and self._stream.isatty()
            and os.environ.get("TERM") != "dumb"
        )

    def __call__(self, progress: Progress) -> None:
        if self._closed or self._stream is None:
            return
        try:
            self._show(progress)
        except (OSError, ValueError):
            # The stream went away (`2>&1 | head`): that must not cost the job.
            self._closed, self._bars = True, None

    def close(self) -> None:
        """Take the bars away. Nothing is shown afterwards; may be called again."""
        self._closed = True
        bars, self._bars = self._bars, None
        if bars is not None:
            # A stream that went away shows no bars either.
            with contextlib.suppress(OSError, ValueError):
                bars.close()

    def __enter__(self) -> ProgressView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _show(self, progress: Progress) -> None:
        left_s = self._eta.left_s(progress)
        for note in progress.notes:
            if note not in self._notes_shown:
                self._notes_shown.add(note)
                self._note(note)
        if progress.phase in ("done", "failed"):
            return  # The summary, or the error, says it better.
        if self._terminal:
            if self._bars is None and progress.elapsed_s >= _BARS_AFTER_S:
                self._bars = _Bars(self._stream)
            if self._bars is not None:
                self._bars.show(progress, left_s)
        elif progress.elapsed_s >= self._line_due_s:
            self._line_due_s = progress.elapsed_s + _LINE_EVERY_S
            self._write(line(progress, left_s))

    def _note(self, note: str) -> None:
        if self._bars is not None:
            self._bars.note(note)
        else:
            self._write(f"note: {note}")

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class _Eta:
    """When the phase that runs will end, if it goes on as it did."""

    def __init__(self) -> None:
        self._phase: tuple[str, int] | None = None
        self._begun_s = 0.0
        self._begun_at = 0.0

    def left_s(self, progress: Progress) -> float | None:
        """Seconds until the end of the phase, when its total is known."""
        done = _share(progress)
        if done is None:
            return None
        if self._phase != (progress.phase, progress.step):
            self._phase = (progress.phase, progress.step)
            self._begun_s, self._begun_at = progress.elapsed_s, done
        gained = done - self._begun_at
        if gained <= 0:
            return None
        return (progress.elapsed_s - self._begun_s) * (1 - done) / gained


def _share(progress: Progress) -> float | None:
    """The part of the running phase that is done, 0 to 1."""
    if progress.phase == "mapping":
        # Bytes move within a split too; but only the first step reads input.
        if progress.bytes_total and progress.step == 1:
            return min(1.0, progress.bytes_read / progress.bytes_total)
        done, total = progress.maps_done, progress.maps_total
    elif progress.phase == "reducing":
        done, total = progress.reduces_done, progress.reduces_total
    else:
        return None
    return done / total if total else None


def line(progress: Progress, left_s: float | None) -> str:
    """One line for a log."""
    shown = [_steps(progress) + progress.phase, _of("maps", *_maps(progress))]
    if progress.reduces_total:
        shown.append(_of("reduces", *_reduces(progress)))
    shown.append(rates(progress))
    if progress.attempts_failed:
        shown.append(f"{number(progress.attempts_failed)} attempts failed")
    shown.append(f"{duration(progress.elapsed_s)} so far")
    if left_s is not None:
        shown.append(f"{duration(left_s)} left")
    return ", ".join(shown)


def rates(progress: Progress) -> str:
    """Records and bytes read, in all and per second."""
    elapsed_s = max(progress.elapsed_s, 1e-3)
    shown = f"{number(progress.records)} records"
    if progress.records:
        shown += f" ({number(progress.records / elapsed_s)}/s)"
    if progress.bytes_read:
        speed = size(progress.bytes_read / elapsed_s)
        shown += f", {size(progress.bytes_read)} ({speed}/s)"
    return shown


def _steps(progress: Progress) -> str:
    if progress.steps == 1:
        return ""
    return f"step {progress.step} of {progress.steps}, "


def _maps(progress: Progress) -> tuple[int, int | None]:
    return progress.maps_done, progress.maps_total


def _reduces(progress: Progress) -> tuple[int, int | None]:
    return progress.reduces_done, progress.reduces_total


def _of(what: str, done: int, total: int | None) -> str:
    return f"{what} {number(done)}/{'?' if total is None else number(total)}"


class _Bars:
    """Two bars, map and reduce, redrawn when told to."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        class _Console(Console):
            def on_broken_pipe(self) -> None:
                # rich would send stdout to nowhere and exit: our pairs are there.
                raise BrokenPipeError

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]:>9}", markup=False),
            TextColumn("{task.fields[more]}", markup=False),
            console=_Console(file=stream, highlight=False),
            auto_refresh=False,
            transient=True,
            # What user code prints is not ours to move; stdout is data.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._map = self._add("map")
        self._reduce = self._add("reduce")
        self._progress.start()

    def _add(self, name: str) -> rich.progress.TaskID:
        return self._progress.add_task(name, total=None, count="", more="")

    def show(self, progress: Progress, left_s: float | None) -> None:
        left = "" if left_s is None else f"  {duration(left_s)} left"
        mapping = progress.phase in ("starting", "sampling", "mapping")
        done = _share(progress) if progress.phase == "mapping" else None
        maps_done, maps_total = _maps(progress)
        self._progress.update(
            self._map,
            description=_steps(progress) + "map",
            # Of thousands, so that bytes show what happens within a split too.
            total=1000 if done is not None else maps_total,
            completed=int(1000 * done) if done is not None else maps_done,
            count=_count(maps_done, maps_total),
            more=rates(progress) + (left if mapping else ""),
        )
        failed = progress.attempts_failed
        self._progress.update(
            self._reduce,
            description="reduce",
            total=progress.reduces_total,
            completed=progress.reduces_done,
            count=_count(*_reduces(progress)),
            more=f"{number(progress.workers)} workers, {duration(progress.elapsed_s)}"
            + (f", {number(failed)} attempts failed" if failed else "")
            + ("" if mapping else left),
        )
        self._progress.refresh()

    def note(self, note: str) -> None:
        self._progress.console.print(f"note: {note}", markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


def _count(done: int, total: int | None) -> str:
    return f"{number(done)}/{'?' if total is None else number(total)}"
