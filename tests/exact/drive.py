"""Run one of the jobs by `job.run` and print the digest of its pairs.
usage: python drive.py JOB SOURCE RUNNER MEMORY ORDERED INPUT..."""

import sys

import jobs

import mincer
from mincer.testing import digest


def numbered(paths):
    n = 0
    for path in paths:
        with open(path, newline="\n", encoding="utf-8") as file:
            for line in file:
                yield n, line.rstrip("\n")
                n += 1


SOURCES = {
    "text": list,
    "library": lambda paths: mincer.sources.text(paths, errors="replace"),
    "jsonl": mincer.sources.jsonl,
    "dict": lambda paths: dict(numbered(paths)),
    "generator": numbered,
}


def main(job, source, runner, memory, ordered, *paths):
    more = {} if runner == "inline" else {"workers": 2, "memory": memory}
    results = getattr(jobs, job).run(
        SOURCES[source](paths), runner=runner, progress=False, **more
    )
    # Its own peak is looked at from outside, and the digest must not be part of it.
    print("done", flush=True)
    if sys.stdin.readline():
        print(digest(results, ordered=ordered == "ordered"))


if __name__ == "__main__":
    main(*sys.argv[1:])
