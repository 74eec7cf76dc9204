"""One job by a runner whose workers are there: from submission to the last byte.

    python benchmarks/submitting.py local|cluster JOBFILE:NAME OUT [INPUT...]

Prints `took SECONDS` on the last line. Before the clock runs, a tiny job has been
through the same runner: children are started, functions are known, connections stand.
"""

import importlib
import sys
import time
from pathlib import Path

import mincer

_FORMATS = {"sort": "lines"}


def main() -> None:
    runner_name, jobfile, out, *inputs = sys.argv[1:]
    file, _, name = jobfile.partition(":")
    sys.path.insert(0, str(Path(__file__).parent / "jobs"))
    module = importlib.import_module(file.removesuffix(".py"))
    job = getattr(module, name or "job")
    source = inputs or module.source
    warm = importlib.import_module("words").by_sum
    runner = mincer.Local(workers=2) if runner_name == "local" else mincer.Cluster()
    with runner:
        for _ in range(2):
            warm.run(dict.fromkeys(range(4), "a b"), runner=runner).close()
        before = time.perf_counter()
        results = job.run(
            source,
            runner=runner,
            output=out,
            format=_FORMATS.get(module.__name__, "tsv"),
        )
        took_s = time.perf_counter() - before
        report = results.report
    if runner_name == "cluster":
        ways = report.bytes_by_way
        print(f"shuffled by way: {ways}")
        assert ways["file"] == ways["relayed"] == 0, ways
        if report.splits > 1:  # of the small inputs for a quick look there is one
            assert ways["direct"] > 0, ways
            assert report.workers == 2, report.workers
    print(f"took {took_s:.6f}")


if __name__ == "__main__":
    main()
