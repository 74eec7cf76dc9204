"""Orders of jobs, as a door makes them, for tests of what drivers do with them."""

from mincer.arguments import job_order


def order_of(job, source, **more):
    options = dict.fromkeys(
        ("workers", "memory", "output", "format", "params", "limit")
    )
    return job_order(job._steps, source, **{**options, "overwrite": False, **more})
