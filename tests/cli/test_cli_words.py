"""The table that reads a plain `mincer run`, held against click's own."""

import random

import click
import pytest

from mincer.cli import commands
from mincer.cli.run import RunOptions
from mincer.cli.words import FLAGS, TAKERS, plain_options

RUN = commands.cli.commands["run"]
GOOD = {
    "format": ["tsv", "pickle"],
    "runner": ["local", "inline"],
    "workers": ["1", "12"],
    "parts": ["3"],
    "limit": ["7"],
    "skip_bad_records": ["0", "5"],
    "priority": ["0", "100"],
}


def by_click(words):
    with RUN.make_context("run", list(words)) as context:
        return RunOptions(**context.params)


def test_it_knows_every_option_and_no_other():
    flags, takers = {}, {}
    for one in RUN.params:
        if isinstance(one, click.Option):
            known = flags if one.is_flag else takers
            known |= dict.fromkeys(one.opts, one.name)
    assert flags == FLAGS
    assert takers == TAKERS


@pytest.mark.parametrize("seed", range(200))
def test_it_reads_what_click_reads(seed):
    choose = random.Random(seed)
    takers = choose.sample(sorted(TAKERS), 4)
    pieces = [
        ["job.py"],
        *([name] for name in choose.choices(["a", "b/*", "-"], k=2)),
        *([one, choose.choice(GOOD.get(TAKERS[one], ["a=b"]))] for one in takers),
        *([one] for one in choose.sample(sorted(FLAGS), 2)),
    ]
    choose.shuffle(pieces)
    words = [word for piece in pieces for word in piece]
    assert plain_options(words) == by_click(words)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["-q"],
        ["job.py", "--help"],
        ["job.py", "--nothing"],
        ["job.py", "-w"],
        ["job.py", "-w", "0"],
        ["job.py", "-w", "many"],
        ["job.py", "-w2"],
        ["job.py", "--parts=3"],
        ["job.py", "--skip-bad-records", "-1"],
        ["job.py", "--priority", "-1"],
        ["job.py", "--priority", "101"],
        ["job.py", "--format", "xml"],
        ["job.py", "-o", "-q"],
        ["job.py", "--", "-a"],
    ],
)
def test_what_is_not_plain_is_left_to_click(words):
    assert plain_options(words) is None
