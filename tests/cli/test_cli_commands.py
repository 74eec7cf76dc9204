"""The words that click knows: what it hands on, what it refuses."""

import pytest

from mincer.cli import commands
from mincer.cli.main import main


def test_what_it_has_read_is_run(monkeypatch):
    run = []
    monkeypatch.setattr(commands, "execute", lambda options: run.append(options) or 7)
    assert main(["run", "job.py", "a", "--parts=3", "-w2", "-D", "x=1"]) == 7
    (options,) = run
    assert (options.jobfile, options.inputs) == ("job.py", ("a",))
    assert (options.parts, options.workers, options.params) == (3, 2, ("x=1",))


def test_a_priority_may_be_below_zero(monkeypatch):
    run = []
    monkeypatch.setattr(commands, "execute", lambda options: run.append(options) or 7)
    assert main(["run", "job.py", "a", "--priority", "-5"]) == 7
    assert run[0].priority == -5


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "job.py", "-w", "0"], "'-w'"),
        (["run", "job.py", "--priority", "101"], "'--priority'"),
        (["run", "job.py", "--format", "xml"], "'xml' is not one of"),
        (["run"], "Missing argument"),
    ],
)
def test_what_is_wrong_is_explained(words, told, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err
