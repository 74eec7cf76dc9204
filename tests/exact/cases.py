"""What is compared: a job, its input, and the program by hand that says it right."""

import os
from functools import cache
from pathlib import Path

import inputs
from watched import run_watched

__all__ = ["CASES", "FULL", "SCALE", "by_hand", "paths_of"]

HERE = Path(__file__).resolve().parent
#: 1 is the full size: 200 MB of words, 1 GB of records, 20 M values of one key.
SCALE = float(os.environ.get("MINCER_EXACT_SCALE", "0.01"))
FULL = SCALE == 1

#: name: (job, source, program by hand, input, in output order)
CASES = {
    "library": ("words", "library", "library", None, False),
    "many words": ("words", "text", "words", inputs.many_words, False),
    "many words, own sum": ("words_by_own", "text", "words", inputs.many_words, False),
    "uncombined": ("words_uncombined", "text", "words", inputs.many_words, False),
    "total order": ("order", "text", "order", inputs.records, True),
    "one key": ("one_key", "text", "one_key", inputs.starts, False),
    "json lines": ("spending", "jsonl", "spending", inputs.json_lines, False),
    "gz": ("words", "text", "words", inputs.prose, False),
    "dict": ("words", "dict", "texts", inputs.prose, False),
    "generator": ("words", "generator", "texts", inputs.prose, False),
}


def paths_of(case, scale):
    make = CASES[case][3]
    if make is None:
        return tuple(inputs.library()[:: 1 if FULL else 10])
    ending = ".gz" if case == "gz" else ".txt"
    return (inputs.made(make.__name__ + ending, scale, make),)


@cache
def by_hand(program, paths):
    watched = run_watched(str(HERE / "by_hand" / "programs.py"), program, *paths)
    assert watched.returncode == 0, watched.stderr
    return watched.stdout.strip()
