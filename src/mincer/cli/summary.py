"""What a finished job did, in a few lines for the person who waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mincer.cli.figures import duration, number, size
from mincer.errors import OutputError

if TYPE_CHECKING:
    from mincer.runners.report import Report

__all__ = ["summary", "write_report"]

#: More counters than this fill the screen; `-v` and `--report` have them all.
_COUNTERS_MAX = 20


def summary(report: Report, *, verbose: bool = False) -> str:
    """The lines that stand on stderr after success."""
    pairs = f"{number(report.pairs)} {_plural('pair', report.pairs)}"
    lines = [f"{report.name}: {pairs} in {duration(report.elapsed_s)}"]
    lines += [f"  {name:9} {text}" for name, text in _facts(report)]
    if verbose:
        lines += [f"  {name:9} {text}" for name, text in _details(report)]
    lines += [f"  {name:9} {text}" for name, text in _counters(report, verbose)]
    lines += [f"  {'note':9} {note}" for note in report.notes]
    return "\n".join(lines) + "\n"


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    read = [f"{number(report.records)} {_plural('record', report.records)}"]
    if report.bytes_read:
        read.append(f"{size(report.bytes_read)} at {report.megabytes_per_s:,.1f} MB/s")
    if report.records_skipped:
        bad = _plural("bad one", report.records_skipped)
        read.append(f"{number(report.records_skipped)} {bad} left out")
    yield "input", ", ".join(read)
    times = []
    if report.map_s:
        times.append(f"map {duration(report.map_s)}")
    if report.reduce_s:
        times.append(f"reduce {duration(report.reduce_s)}")
    if report.workers:
        times.append(f"{number(report.workers)} {_plural('worker', report.workers)}")
    if times:
        yield "times", ", ".join(times)
    if report.attempts_failed:
        outcomes = sorted(report.attempts.items())
        yield "attempts", ", ".join(f"{number(n)} {outcome}" for outcome, n in outcomes)
    if report.output is not None:
        parts = f"{number(report.parts)} {_plural('part', report.parts)}"
        written = f", {size(report.bytes_written)}" if report.bytes_written else ""
        yield "output", f"{report.output} ({parts}{written})"


def _details(report: Report) -> Iterator[tuple[str, str]]:
    yield "job", f"{report.job} on {report.runner}"
    yield "tasks", f"{number(report.splits)} maps, {number(report.parts)} parts"
    if report.cpu_s:
        yield "processor", duration(report.cpu_s)
    if report.memory_bytes_max:
        yield "memory", f"{size(report.memory_bytes_max)} at most in one worker"
    if report.bytes_spilled or report.bytes_shuffled:
        spilled, shuffled = size(report.bytes_spilled), size(report.bytes_shuffled)
        yield "data", f"{spilled} spilled, {shuffled} shuffled"
    if report.backups_won:
        copies = "1 copy" if report.backups_won == 1 else f"{report.backups_won} copies"
        saved = f", some {duration(report.saved_s)} saved" if report.saved_s else ""
        yield "backup", f"{copies} won{saved}"
    if any(report.bytes_by_way.values()):
        some = [f"{size(n)} {way}" for way, n in report.bytes_by_way.items() if n]
        yield "ways", ", ".join(some)
    if report.input_from:
        ways = sorted(report.input_from.items())
        yield "splits", ", ".join(f"{number(n)} {way}" for way, n in ways)


def _counters(report: Report, verbose: bool) -> Iterator[tuple[str, str]]:
    counters = sorted(report.counters.items())
    shown = counters if verbose else counters[:_COUNTERS_MAX]
    for name, count in shown:
        yield "counter", f"{name} = {number(count)}"
    if len(shown) < len(counters):
        yield "counter", f"… and {len(counters) - len(shown)} more (see them with -v)"


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def write_report(report: dict[str, Any], path: str) -> None:
    """Write a report as JSON."""
    import json

    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    except OSError as error:
        raise OutputError(
            f"cannot write the report {path}: {error.strerror}"
        ) from error
