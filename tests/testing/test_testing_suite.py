"""The runner suite finds what is wrong with a runner: bugs are planted, and caught."""

import pytest

from mincer.errors import MincerError
from mincer.runners.inline import Inline
from mincer.runners.results import Results
from mincer.structs import replace
from mincer.testing import RunnerSuite

CASES = RunnerSuite()
#: A case fails by what it compares, or by an error of the job that it did not expect.
CAUGHT = (AssertionError, MincerError)


class Broken(Inline):
    """An inline runner whose order or columns a subclass spoils."""

    def order(self, order):
        return order

    def columns(self, part, keys, values):
        return keys, values

    def run(self, order, control):
        good = super().run(self.order(order), control)

        def read(number, part):
            keys = [key for key, _ in part]
            values = [value for _, value in part]
            yield self.columns(number, keys, values)

        parts = [
            lambda number=number, part=part: read(number, part)
            for number, part in enumerate(good.parts)
        ]
        return Results(parts, len(good), good.counters, good.report, good.paths)

    def steps(self, order, **changes):
        steps = tuple(replace(step, **changes) for step in order.steps)
        return replace(order, steps=steps)


class LosesAPair(Broken):
    def columns(self, part, keys, values):
        return keys[1:], values[1:]


class RepeatsPairs(Broken):
    def columns(self, part, keys, values):
        return keys * 2, values * 2


class TellsKeysByTheirText(Broken):
    def order(self, order):
        mapfn = order.steps[0].mapfn

        def spelled(key, value):
            return [(repr(k), v) for k, v in mapfn(key, value)]

        return self.steps(order, mapfn=spelled)


class ForgetsToSort(Broken):
    def columns(self, part, keys, values):
        return keys[::-1], values[::-1]


class IgnoresPartitionfn(Broken):
    def order(self, order):
        return self.steps(order, partitionfn=None)


class ForgetsTheBudget(Broken):
    def order(self, order):
        return self.steps(order, skip_bad_records=0)


class ForgetsParams(Broken):
    def order(self, order):
        return replace(order, params={"factor": 0})


PLANTED = [
    (LosesAPair, "test_a_job_runs_any_number_of_times"),
    (LosesAPair, "test_chained_steps"),
    (RepeatsPairs, "test_chained_steps"),
    (RepeatsPairs, "test_user_classes_as_keys_and_values"),
    (TellsKeysByTheirText, "test_user_classes_as_keys_and_values"),
    (ForgetsToSort, "test_a_key_function_sorts"),
    (ForgetsToSort, "test_nan_is_sorted_last"),
    (ForgetsToSort, "test_values_sorted_without_a_reducer"),
    (IgnoresPartitionfn, "test_ranges_without_sorting"),
    (IgnoresPartitionfn, "test_partitionfn_decides_the_part"),
    (ForgetsParams, "test_context_tells_of_the_attempt"),
]


def make_run(runner):
    def run(job, source, **options):
        return job.run(source, runner=runner, progress=False, **options)

    return run


@pytest.mark.parametrize(("bug", "case"), PLANTED)
def test_planted_bugs_are_caught(bug, case):
    getattr(CASES, case)(make_run(Inline()))
    with pytest.raises(CAUGHT):
        getattr(CASES, case)(make_run(bug()))


def test_a_budget_that_is_forgotten_is_caught(tmp_path):
    CASES.test_nothing_of_it_stays_in_a_class_either(make_run(Inline()), tmp_path)
    with pytest.raises(Exception, match="unlucky 13"):
        CASES.test_nothing_of_it_stays_in_a_class_either(
            make_run(ForgetsTheBudget()), tmp_path
        )


def test_every_case_is_a_test_of_the_whole_suite():
    names = [name for name in dir(RunnerSuite) if name.startswith("test_")]
    assert len(names) > 65
    parents = [vars(kind) for kind in RunnerSuite.__mro__]
    for name in names:
        assert sum(name in names_of for names_of in parents) == 1, name
