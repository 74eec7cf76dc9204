"""How far a job is: a picture for people, with no power over anything."""

from __future__ import annotations

from mincer.core.active_job import ActiveJob
from mincer.core.plan import Phase
from mincer.core.task import State
from mincer.ids import JobId
from mincer.structs import Struct

__all__ = ["JobSnapshot", "PhaseSnapshot", "StepSnapshot", "snapshot_of"]


class PhaseSnapshot(Struct):
    """The tasks of one kind in one step."""

    waiting: int = 0
    ready: int = 0
    running: int = 0
    committing: int = 0
    done: int = 0
    #: None: not known yet.
    total: int | None = 0


class StepSnapshot(Struct):
    samples: PhaseSnapshot
    maps: PhaseSnapshot
    reduces: PhaseSnapshot


class JobSnapshot(Struct):
    """One job at one moment."""

    job: JobId
    #: "starting", "sampling", "mapping", "reducing" or "committing".
    state: str
    #: The step in work, from 0.
    step: int
    steps: tuple[StepSnapshot, ...]
    attempts_started: int
    #: Failed, whoever was to blame but a lost worker or output.
    attempts_failed: int
    #: Ended with their worker, or because what they read was lost.
    attempts_lost: int
    backups: int
    skipped_records: int
    nondeterministic_maps: int
    #: Workers that may be given tasks, and how many others are here.
    workers_healthy: int
    workers_other: int
    #: Slots that this job has just now, and the workers whose they are.
    slots_in_use: int = 0
    workers_in_use: int = 0


_WORDS = {"sample": "sampling", "map": "mapping", "reduce": "reducing"}


def snapshot_of(job: ActiveJob, workers: int, workers_healthy: int) -> JobSnapshot:
    tally = job.tally
    state, step = _place_of(job)
    return JobSnapshot(
        job=job.id,
        state=state,
        step=step,
        steps=tuple(
            StepSnapshot(
                samples=_counts(s.sample, True),
                maps=_counts(s.map, s.ended),
                reduces=_counts(s.reduce, True),
            )
            for s in job.tasks.steps
        ),
        attempts_started=tally.attempts_started,
        attempts_failed=tally.attempts_failed,
        attempts_lost=tally.attempts_lost,
        backups=tally.backups,
        skipped_records=tally.skipped_records,
        nondeterministic_maps=tally.nondeterministic_maps,
        workers_healthy=workers_healthy,
        workers_other=workers - workers_healthy,
        slots_in_use=len(job.attempts.slots),
        workers_in_use=len({slot.worker for slot in job.attempts.slots}),
    )


def _counts(phase: Phase | None, total_known: bool) -> PhaseSnapshot:
    if phase is None:
        return PhaseSnapshot()
    return PhaseSnapshot(
        waiting=phase.counts[State.WAITING],
        ready=phase.counts[State.READY],
        running=phase.counts[State.RUNNING],
        committing=phase.counts[State.COMMITTING],
        done=phase.counts[State.DONE],
        total=len(phase.tasks) if total_known else None,
    )


def _place_of(job: ActiveJob) -> tuple[str, int]:
    """What the job does now, in one word, and in which step."""
    if not job.tally.attempts_started:
        return "starting", 0
    for phase in job.tasks.phases:
        ended = phase.kind != "map" or job.tasks.steps[phase.step].ended
        made = phase.counts[State.DONE] + phase.counts[State.COMMITTING]
        if not ended or made < len(phase.tasks):
            return _WORDS[phase.kind], phase.step
    return "committing", len(job.tasks.steps) - 1
