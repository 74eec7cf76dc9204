"""What `run` takes, what it refuses before anything starts, and the order it makes."""

import io
import sys

import pytest

import mincer
from mincer.arguments import job_order, progress_view, run_by
from mincer.errors import UsageError
from mincer.job import Step
from mincer.runners.inline import Inline
from mincer.sinks.base import Sink

NOTHING = dict.fromkeys(
    ["workers", "memory", "output", "format", "params", "limit"], None
) | {"overwrite": False}


def mapfn(key, value):
    yield key, value


def order(source=(1,), **options):
    return job_order((Step(mapfn),), source, **NOTHING | options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"workers": 0}, "workers must be an int, at least 1, not 0"),
        ({"workers": "2"}, "workers must be an int"),
        ({"workers": True}, "workers must be an int"),
        ({"limit": 0}, "limit must be an int"),
        ({"memory": 63_999_999}, "memory must be at least 64MB"),
        ({"memory": "1MB"}, "memory must be at least 64MB"),
        ({"memory": "much"}, "memory"),
        ({"memory": 1e9}, "memory must be a size"),
        ({"memory": True}, "memory must be a size"),
        ({"format": "tsv"}, "format='tsv' was given without an output"),
        ({"overwrite": True}, "overwrite=True was given without an output"),
        ({"overwrite": 1}, "overwrite must be True or False"),
        ({"output": "out", "format": "xml"}, "format must be one of tsv, jsonl"),
        ({"output": "out", "format": ["tsv"]}, "format must be one of"),
        ({"output": 3}, "output must be the path of a folder, not 3"),
        ({"output": ""}, "output must be the path of a folder"),
        ({"params": [("a", 1)]}, "params must be a mapping"),
        ({"params": {1: 2}}, "the names in params must be str, not 1"),
    ],
)
def test_what_is_refused(options, says):
    with pytest.raises(UsageError) as caught:
        order(**options)
    assert says in str(caught.value)


def test_the_order_holds_what_was_given():
    params = {"a": 1}
    made = order(workers=2, memory="128MB", params=params, limit=5)
    assert (made.workers, made.memory_bytes, made.records_max) == (2, 128_000_000, 5)
    assert made.params == params
    assert made.params is not params
    assert len(made.job) == 32
    assert made.job != order().job
    assert made.name == "mapfn"
    assert made.sink is None


def test_a_chain_is_named_after_its_steps():
    steps = (Step(mapfn, name="first"), Step(mapfn))
    assert job_order(steps, [1], **NOTHING).name == "first → mapfn"


def test_an_output_is_a_folder_or_a_sink(tmp_path):
    sink = order(output=tmp_path / "out", format="jsonl").sink
    assert isinstance(sink, Sink)
    assert order(output=sink).sink is sink
    with pytest.raises(UsageError, match="for an output that is a folder"):
        order(output=sink, overwrite=True)


@pytest.mark.parametrize(
    "runner", ["serve", "flink", "", None, 3, Inline, mincer.Job(mapfn)]
)
def test_what_is_no_runner_is_told_what_is(runner):
    with pytest.raises(UsageError, match=r"'inline', 'local'"):
        run_by(runner, None, None)


def test_a_runner_that_is_given_has_its_own_workers():
    runner = Inline()
    assert run_by(runner, None, None) == runner.run
    with pytest.raises(UsageError, match="that has its own"):
        run_by(runner, 2, None)


def test_the_local_runner_is_made_for_one_job_and_closed(monkeypatch):
    calls = []

    class Local:
        def __init__(self, workers=None, memory=None):
            calls.append((workers, memory))

        def __enter__(self):
            return self

        def __exit__(self, *error):
            calls.append("closed")

        def run(self, order, control):
            return order.name

    fake = type(sys)("mincer.runners.local")
    fake.Local = Local
    monkeypatch.setitem(sys.modules, "mincer.runners.local", fake)
    made = order(workers=3, memory="1GB")
    assert run_by("local", 3, "1GB")(made, None) == "mapfn"
    assert calls == [(3, 10**9), "closed"]


def test_progress_is_shown_on_a_terminal_only(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert progress_view(None)[0] is None
    assert progress_view(False)[0] is None
    assert progress_view(print)[0] is print
    with pytest.raises(UsageError, match="progress must be"):
        progress_view("yes")


def test_a_view_is_closed_by_what_comes_with_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    show, close = progress_view(True)
    assert callable(show)
    close()
