"""What is shown of a coordinator: every field to machines, the figures to people."""

import json
import re
from pathlib import Path

import pytest

from mincer.cli.desk_view import (
    cancelled_line,
    document,
    job_lines,
    jobs_lines,
    status_document,
    status_lines,
    workers_lines,
)
from mincer.wire.frames import JobRow, StatusTold, WorkerRow

JOB = "3f2a91c0" + "0" * 24
NO_JOBS = dict.fromkeys(
    ["waiting for input", "running", "done", "failed", "cancelled", "lost"], 0
)


def job(**more):
    fields = {
        "job": JOB,
        "number": 1,
        "name": "wordcount",
        "by": "host-12",
        "state": "running",
        "phase": "mapping",
        "step": 1,
        "steps": 1,
        "maps_done": 12,
        "maps_total": 1200,
        "reduces_done": 0,
        "reduces_total": 8,
        "records": 12_345,
        "bytes_read": 1_230_000,
        "elapsed_s": 65.0,
        "ended_s": None,
        "workers": 2,
        "slots": 4,
        "priority": 0,
        "attempts_failed": 0,
    }
    return JobRow(**{**fields, **more})


def worker(**more):
    fields = {
        "number": 1,
        "name": "host-12",
        "address": "10.0.0.1:40213",
        "slots": 4,
        "slots_used": 3,
        "mincer": "0.1.0",
        "python": "3.11",
        "here_s": 7500.0,
        "heard_s": 0.4,
        "draining": False,
        "shunned": False,
        "attempts_done": 1200,
        "kept_bytes": 1_200_000_000,
    }
    return WorkerRow(**{**fields, **more})


def status(**more):
    fields = {
        "ask": 1,
        "coordinator": "a word",
        "address": "10.0.0.1:11235",
        "mincer": "0.1.0",
        "python": "3.11",
        "up_s": 7500.0,
        "workers": 1,
        "drivers": 0,
        "slots": 4,
        "slots_used": 3,
        "jobs": NO_JOBS,
        "relayed_bytes": 0,
        "dropped": 1,
        "refused": 2,
    }
    return StatusTold(**{**fields, **more})


# --- for people


def test_how_a_coordinator_is():
    jobs = {**NO_JOBS, "running": 2, "done": 14, "lost": 1}
    assert list(status_lines(status(jobs=jobs, relayed_bytes=1_200_000))) == [
        "coordinator at 10.0.0.1:11235, up 2 h 05 min",
        "  version   mincer 0.1.0, Python 3.11",
        "  workers   1 worker",
        "  slots     3 of 4 in use",
        "  drivers   0 drivers",
        "  jobs      0 waiting for input, 2 running",
        "  over      14 done, 1 lost",
        "  relayed   1.20 MB",
        "  dropped   1 message",
        "  refused   2 connections",
    ]
    assert "  over      no job yet" in list(status_lines(status()))


def test_jobs_in_a_table():
    rows = [
        job(),
        job(job="ab" * 16, name="", state="waiting for input", maps_total=None),
        job(job="ef" * 16, state="ready to fetch", phase="committing"),
        job(job="cd" * 16, steps=3, step=2, phase="reducing", reduces_total=0),
    ]
    assert list(jobs_lines(rows)) == [
        "JOB       NAME       STATE             MAPS  REDUCES        TIME  SLOTS",
        "3f2a91c0  wordcount  mapping       12/1,200      0/8  1 min 05 s      4",
        "abababab             waiting           12/?      0/8  1 min 05 s      4",
        "efefefef  wordcount  ready         12/1,200      0/8  1 min 05 s      4",
        "cdcdcdcd  wordcount  reducing 2/3  12/1,200        -  1 min 05 s      4",
    ]


def test_a_priority_is_shown_where_there_is_one():
    lines = list(jobs_lines([job(priority=-5), job(job="ab" * 16)]))
    assert lines[0].endswith("SLOTS  PRIORITY")
    assert lines[1].endswith("4        -5")


def test_why_a_job_has_no_result_stands_below_it():
    row = job(state="failed", reason="map 0 failed 4 times \x1b" + "x" * 200)
    _, line, why = jobs_lines([row])
    assert "failed" in line
    assert why.startswith("    map 0 failed 4 times ?xxx")
    assert len(why) == 80


def test_ids_are_as_long_as_they_have_to_be():
    rows = [job(job="1" * 32), job(job="1" * 9 + "2" * 23)]
    assert [line.split()[0] for line in jobs_lines(rows)][1:] == [
        "1" * 10,
        "1" * 9 + "2",
    ]


def test_the_widest_table_fits_as_long_as_it_can():
    rows = [
        job(
            name="n" * 300,
            steps=12,
            step=10,
            phase="committing",
            maps_done=12_345,
            maps_total=12_345,
            elapsed_s=35_999,
        )
    ]
    assert max(map(len, jobs_lines(rows))) == 80


def test_all_that_is_known_of_a_job():
    row = job(
        state="failed", ended_s=300.0, reason="why", attempts_failed=4, priority=7
    )
    assert list(job_lines(row)) == [
        f"job {JOB}",
        "  name      wordcount",
        "  by        host-12",
        "  state     failed",
        "  step      1 of 1",
        "  maps      12/1,200",
        "  reduces   0/8",
        "  input     12,345 records, 1.23 MB",
        "  time      1 min 05 s, ended 5 min 00 s ago",
        "  slots     4 on 2 workers",
        "  priority  7",
        "  failed    4 attempts",
        "  reason    why",
    ]
    assert "  state     running, mapping" in list(job_lines(job(name="")))
    assert "  name" not in "\n".join(job_lines(job(name="")))


def test_workers_in_a_table():
    assert list(workers_lines([worker()])) == [
        "WORKER   ADDRESS         SLOTS   DONE    KEEPS        HERE   HEARD",
        "host-12  10.0.0.1:40213    3/4  1,200  1.20 GB  2 h 05 min  0.40 s",
    ]
    rows = [worker(draining=True, shunned=True), worker(shunned=True), worker()]
    ends = [line.split()[-1] for line in workers_lines(rows)]
    assert ends == ["STATE", "draining", "shunned", "s"]


def test_where_there_is_nothing_that_is_said():
    assert list(jobs_lines([])) == ["no jobs"]
    assert list(workers_lines([])) == ["no workers"]


def test_what_was_cancelled_is_named():
    row = job(name="a\x1bb")
    assert cancelled_line(row) == f"job {JOB} (a?b) is cancelled"


# --- for machines


@pytest.mark.parametrize(
    "told",
    [status_document(status()), document("jobs", [job()]), document("workers", [])],
)
def test_a_document_is_json(told):
    assert json.loads(json.dumps(told)) == told


@pytest.mark.parametrize("kind", [JobRow, WorkerRow, StatusTold])
def test_every_field_is_documented(kind):
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert set(kind.__struct_fields__) - {"ask"} <= documented


def test_a_document_has_every_field():
    assert set(status_document(status())) == {
        *("coordinator", "address", "mincer", "python", "up_s", "workers", "drivers"),
        *("slots", "slots_used", "jobs", "relayed_bytes", "dropped", "refused"),
    }
    (row,) = document("jobs", [job()])["jobs"]
    assert list(row) == list(JobRow.__struct_fields__)
    assert (row["state"], row["maps_total"], row["reason"]) == ("running", 1200, "")
    (row,) = document("workers", [worker()])["workers"]
    assert list(row) == list(WorkerRow.__struct_fields__)
