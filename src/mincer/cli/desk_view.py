"""What a coordinator has told, as lines for people and as a document for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mincer.cli.figures import duration, number, size
from mincer.cli.table import COLUMNS_MAX, cut, printable, table

if TYPE_CHECKING:
    from mincer.wire.frames import JobRow, StatusTold, WorkerRow

__all__ = [
    "cancelled_line",
    "document",
    "job_lines",
    "jobs_lines",
    "status_document",
    "status_lines",
    "workers_lines",
]

#: Of the id of a job, in a table: more when two of them begin alike.
_ID_CHARS_MIN = 8
_ENDS = ("done", "failed", "cancelled", "lost")


# --- for machines


def status_document(told: StatusTold) -> dict[str, Any]:
    """See docs/commands.md; fields may be added, and none is taken away."""
    import msgspec

    fields = msgspec.structs.asdict(told)
    del fields["ask"]
    return fields


def document(name: str, rows: Sequence[JobRow] | Sequence[WorkerRow]) -> dict[str, Any]:
    """The same of a list of jobs or workers, under its name."""
    import msgspec

    return {name: [msgspec.structs.asdict(row) for row in rows]}


# --- for people


def status_lines(told: StatusTold) -> Iterator[str]:
    """How a coordinator is."""
    here = printable(told.address)
    yield f"coordinator at {here}, up {duration(told.up_s)}"
    jobs = told.jobs
    now = [
        f"{number(n)} {one}"
        for one, n in jobs.items()
        if one not in _ENDS and (n or one != "ready to fetch")
    ]
    over = [f"{number(n)} {one}" for one, n in jobs.items() if n and one in _ENDS]
    yield from _facts(
        ("version", f"mincer {told.mincer}, Python {told.python}"),
        ("workers", _count(told.workers, "worker")),
        ("slots", f"{number(told.slots_used)} of {number(told.slots)} in use"),
        ("drivers", _count(told.drivers, "driver")),
        ("jobs", ", ".join(now)),
        ("over", ", ".join(over) or "no job yet"),
        ("relayed", size(told.relayed_bytes)),
        ("dropped", _count(told.dropped, "message")),
        ("refused", _count(told.refused, "connection")),
    )


def jobs_lines(rows: Sequence[JobRow]) -> Iterator[str]:
    """The table of jobs, with a line below those that have no result."""
    if not rows:
        yield "no jobs"
        return
    heads = ["JOB", "NAME", "STATE", "MAPS", "REDUCES", "TIME", "SLOTS"]
    cells = [
        [
            one,
            row.name,
            _doing(row),
            _share(row.maps_done, row.maps_total),
            _share(row.reduces_done, row.reduces_total),
            duration(row.elapsed_s),
            number(row.slots),
        ]
        for one, row in zip(_short_ids(rows), rows, strict=True)
    ]
    if any(row.priority for row in rows):
        heads.append("PRIORITY")
        for some, row in zip(cells, rows, strict=True):
            some.append(str(row.priority))
    right = "MAPS REDUCES TIME SLOTS PRIORITY"
    head, *lines = table(heads, cells, right, shrink="NAME")
    yield head
    for line, row in zip(lines, rows, strict=True):
        yield line
        if row.reason:
            yield cut(f"    {printable(row.reason)}", COLUMNS_MAX)


def job_lines(row: JobRow) -> Iterator[str]:
    """All that is known of one job."""
    yield f"job {row.job}"
    ended = f", ended {duration(row.ended_s)} ago" if row.ended_s is not None else ""
    is_running = row.state == "running"
    facts = [
        ("name", printable(row.name)),
        ("by", printable(row.by)),
        ("state", f"running, {row.phase}" if is_running else row.state),
        ("step", f"{row.step} of {row.steps}"),
        ("maps", _share(row.maps_done, row.maps_total)),
        ("reduces", _share(row.reduces_done, row.reduces_total)),
        ("input", f"{_count(row.records, 'record')}, {size(row.bytes_read)}"),
        ("time", f"{duration(row.elapsed_s)}{ended}"),
        ("slots", f"{number(row.slots)} on {_count(row.workers, 'worker')}"),
        ("priority", str(row.priority)),
        ("failed", _count(row.attempts_failed, "attempt")),
        ("reason", printable(row.reason)),
    ]
    yield from _facts(*((name, text) for name, text in facts if text))


def cancelled_line(row: JobRow) -> str:
    """What is told of a job that was cancelled just now."""
    return f"job {row.job} ({printable(row.name)}) is cancelled"


def workers_lines(rows: Sequence[WorkerRow]) -> Iterator[str]:
    """The table of workers."""
    if not rows:
        yield "no workers"
        return
    heads = ["WORKER", "ADDRESS", "SLOTS", "DONE", "KEEPS", "HERE", "HEARD"]
    cells = [
        [
            row.name,
            row.address,
            _share(row.slots_used, row.slots),
            number(row.attempts_done),
            size(row.kept_bytes),
            duration(row.here_s),
            duration(row.heard_s),
        ]
        for row in rows
    ]
    words = [_word(row) for row in rows]
    if any(words):
        heads.append("STATE")
        for some, word in zip(cells, words, strict=True):
            some.append(word)
    yield from table(heads, cells, "SLOTS DONE KEEPS HERE HEARD", shrink="WORKER")


def _word(row: WorkerRow) -> str:
    if row.draining:
        return "draining"
    return "shunned" if row.shunned else ""


def _doing(row: JobRow) -> str:
    """What a job does, in a word or two."""
    if row.state != "running":
        return row.state.partition(" ")[0]
    return f"{row.phase} {row.step}/{row.steps}" if row.steps > 1 else row.phase


def _share(done: int, total: int | None) -> str:
    if total == 0:
        return "-"
    return f"{number(done)}/{'?' if total is None else number(total)}"


def _short_ids(rows: Sequence[JobRow]) -> list[str]:
    """The beginnings of their ids, all of one length, each of one job."""
    ids = [row.job for row in rows]
    chars = _ID_CHARS_MIN
    while len({one[:chars] for one in ids}) < len(ids):
        chars += 1
    return [one[:chars] for one in ids]


def _count(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def _facts(*facts: tuple[str, str]) -> Iterator[str]:
    for name, text in facts:
        yield f"  {name:9} {text}"
