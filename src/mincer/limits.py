"""Every limit of mincer, each with its reason."""

from __future__ import annotations

#: What blocks, buffers and the reading of input take beside the tables of pairs.
BUFFER_BYTES = 24_000_000

#: With less room for data than this a process would spill all the time.
ROOM_BYTES_MIN = 16_000_000

# The control plane (mincer.core)

#: A worker that has not been heard of for this long is lost: fifteen missed heartbeats
#: of a second. Long enough for a full link, short enough that a job does not stand
#: still (Hadoop waits 600 s, Dask 300 s, Spark 120 s).
LEASE_S = 15.0

#: A task whose attempts took this many workers with them is the cause, not the victim.
WORKERS_LOST_MAX = 4

#: A worker on which this many attempts failed by its own fault (its disk is full) gets
#: no more tasks: once may be chance, and twice something else that has ended since.
WORKER_FAULTS_MAX = 3

#: How often a living worker may fail to give back the output of one task before the job
#: fails: without it a reader that can read nothing would make maps run for ever. An
#: output that went with its worker does not count: workers may come and go.
OUTPUT_LOSSES_MAX = 8

#: A backup copy starts when an attempt has run this many times the median of its like.
#: At 1 half of all tasks would be copied; at 2 only what stands out.
BACKUP_MEDIANS = 2.0

#: The median of fewer finished tasks than this says nothing.
BACKUP_FINISHED_MIN = 3

#: No backup copy before this: a second is what is noticed, and short tasks vary most.
BACKUP_S_MIN = 1.0

#: So much work, as the last attempts tell, is given to a slot at once: enough that the
#: way to the coordinator and back does not matter, too little to be waited for.
QUEUE_S = 0.02

#: So many attempts are given to a slot at once: their answers fit in one pipe.
QUEUE_MAX = 400

#: Nothing is queued before so many attempts of its kind have told how long they take.
QUEUE_FINISHED_MIN = 8

#: What waits in a slot behind an attempt that has run this long is given to idle slots.
RECALL_S = 0.1

#: How many ended jobs are remembered by name, so that a late repetition of their
#: submission does not start them again: 1024 names are 0.1 MB.
JOBS_REMEMBERED = 1024

#: How many ended jobs a coordinator still lists for people: what a team has run today,
#: at a KB each.
JOBS_LISTED = 100

#: Of a job, and of its negative: a scale that people can remember, with room in it.
PRIORITY_MAX = 100

#: How many of its last moves a task can tell in a `Bug`.
STORY_MOVES_MAX = 16

#: Python itself takes 15 MB, mincer in a child 25; below this nothing useful fits.
MEMORY_BYTES_MIN = 64_000_000

#: A child is ended when its resident memory passes its limit by this share. The flow
#: stays below the limit by itself; this is for what the user's own code holds.
MEMORY_OVERSHOOT = 1.05

# The user's code (mincer.worker.modules)

#: The user's own modules and their data files, all together: they go to every worker.
#: Code is a few MB; more than this is a data set that lies beside it by accident.
MODULES_BYTES_MAX = 256_000_000

#: glibc gives a large block back to the system at once, and takes it again at once:
#: with blocks of a MiB coming and going that is a fifth of a sort. Larger than our
#: blocks, smaller than what would hold a child above its limit.
MALLOC_THRESHOLD_BYTES = 16_000_000


def parse_size(given: str | int, name: str) -> int:
    """Return a size in bytes: `512MB` is 512 × 10**6, `512MiB` is 512 × 2**20, a number
    alone is bytes. Raises a `UsageError` that calls the argument `name`."""
    import re

    from mincer.errors import UsageError, preview

    if isinstance(given, int) and not isinstance(given, bool):
        if given > 0:
            return given
    elif isinstance(given, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*", given, re.I)
        if found is not None and (found[2] or not found[3]):
            power = " KMGT".index(found[2].upper() or " ")
            size_bytes = int(float(found[1]) * (1024 if found[3] else 1000) ** power)
            if size_bytes > 0:
                return size_bytes
    raise UsageError(
        f"{name} must be a size such as '512MB', '2GiB' or bytes, not {preview(given)}"
    )
