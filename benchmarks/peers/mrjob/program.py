"""mrjob: its local runner on two cores, with the mapper over a whole file.

Tried and not kept: the mapper by line with a combiner, the form of its handbook.
"""

import logging
import shutil
from functools import partial

from benchmarks.peers.command import main
from benchmarks.peers.mrjob.job import Workload
from benchmarks.peers.work import WORKERS

OPTIONS = ["-r", "local", "--num-cores", str(WORKERS), "--no-conf", "--quiet"]


def run(workload: str, out: str, inputs: list[str]) -> None:
    """Run the job; its output is a folder of parts."""
    shutil.rmtree(out, ignore_errors=True)
    named = ["--workload", workload, "--output-dir", out, "--no-cat-output"]
    # It warns that it was not configured, in spite of --quiet.
    logging.getLogger("mrjob").setLevel(logging.ERROR)
    with Workload([*OPTIONS, *named, *inputs]).make_runner() as runner:
        runner.run()


if __name__ == "__main__":
    main(
        {
            "tiny": partial(run, "words"),
            "words": partial(run, "words"),
            "words_blocks": partial(run, "words_blocks"),
            "distinct": partial(run, "words"),
            "group": partial(run, "group"),
            "index": partial(run, "index"),
            "sort": partial(run, "sort"),
        }
    )
