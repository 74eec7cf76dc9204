"""A child is killed at each point of an attempt: the result is exact all the same."""

import pytest
from fault_jobs import (
    again,
    counted,
    deadly_reduce,
    first_of_each,
    gathered,
    itself,
    large_and_deadly,
    numbered,
)

import mincer

MAP_POINTS = ["map:start", "map:batch", "map:written", "map:committed"]
REDUCE_POINTS = ["reduce:start", "reduce:keys", "reduce:written"]


def run(job, numbers, kill_at, **options):
    """Both children die at the point, and those in their places do not."""
    local = mincer.Local(workers=2)
    local._kill_at = dict.fromkeys(range(2), kill_at)
    with local:
        results = job.run(numbers.source(), runner=local, **options)
    deaths = [note for note in results.report.notes if "SIGKILL" in note]
    assert deaths, f"nobody was killed at {kill_at}"
    assert results.report.attempts["failed"] == len(deaths)
    return results


def check(results, numbers):
    expected = counted(numbers.lines)
    assert sorted(results) == sorted(expected.items())
    assert dict(results.counters) == {
        "records": len(numbers.lines),
        "keys": len(expected),
        "values": len(numbers.lines),
    }
    assert results.report.records == len(numbers.lines)
    assert results.report.pairs_mapped == len(numbers.lines)
    assert results.report.pairs == len(expected)


@pytest.mark.parametrize("output", [None, "out"])
@pytest.mark.parametrize(
    "point", [*MAP_POINTS, "map:committed*3", *REDUCE_POINTS, "reduce:written*2"]
)
def test_a_job_with_a_reduce(numbers, spill, tmp_path, point, output):
    job = mincer.Job(numbered, gathered, parts=4)
    if output is not None:
        output = tmp_path / output
    with run(job, numbers, point, output=output) as results:
        check(results, numbers)
        if output is not None:
            names = sorted(path.name for path in output.iterdir())
            assert names == ["_SUCCESS", *(f"part-0000{n}" for n in range(4))]


@pytest.mark.parametrize("output", [None, "out"])
@pytest.mark.parametrize("point", ["map:start", "map:batch", "map:written"])
def test_a_job_without_a_reduce(numbers, spill, tmp_path, point, output):
    if output is not None:
        output = tmp_path / output
    with run(mincer.Job(itself), numbers, point, output=output) as results:
        assert list(results) == [(int(line), int(line)) for line in numbers.lines]
        assert dict(results.counters) == {"records": len(numbers.lines)}
        if output is not None:
            assert len(list(output.iterdir())) == results.report.splits + 1


@pytest.mark.parametrize("point", ["sample:batch", "sample:mapped"])
def test_a_job_whose_ranges_are_sampled(numbers, spill, point):
    job = mincer.Job(
        numbered, gathered, parts=4, partitionfn=mincer.by_range, sort_keys=True
    )
    local = mincer.Local(workers=2)
    local._kill_at = {0: point, 1: point}
    with local, job.run(numbers.source(), runner=local) as results:
        assert list(results) == sorted(counted(numbers.lines).items())
        check(results, numbers)
        assert any("sample" in note for note in results.report.notes)


@pytest.mark.parametrize(
    ("point", "fatal"), [("map:committed*4", -1), ("reduce:written*2", -1), ("", 5000)]
)
def test_a_job_of_two_steps(numbers, spill, tmp_path, point, fatal):
    job = mincer.Job(numbered, gathered, parts=4).then(again, gathered, parts=2)
    params = {"marker": str(tmp_path / "marker"), "fatal": fatal}
    with run(job, numbers, point, params=params) as results:
        expected = {}
        for line in numbers.lines:
            expected.setdefault(int(line) % 7, []).append(int(line))
        assert results.to_dict() == expected
        assert results.counters["records"] == len(numbers.lines)


def test_a_map_that_has_spilled_already(numbers, spill, tmp_path):
    job = mincer.Job(large_and_deadly, first_of_each, parts=2)
    fatal = len(numbers.lines) * 9 // 10
    with mincer.Local(workers=1, memory="80MB") as local:
        results = job.run(
            numbers.source(split_size="1GB"),
            runner=local,
            params={"marker": str(tmp_path / "marker"), "fatal": fatal},
        )
        with results:
            assert results.report.splits == 1
            assert results.report.attempts["failed"] == 1
            check(results, numbers)


def test_a_reducer_in_the_middle_of_its_part(numbers, spill, tmp_path):
    job = mincer.Job(numbered, deadly_reduce, parts=2, sort_keys=True)
    params = {"marker": str(tmp_path / "marker"), "fatal": 1500}
    with (
        mincer.Local(workers=2) as local,
        job.run(numbers.source(), runner=local, params=params) as results,
    ):
        assert results.report.attempts["failed"] == 1
        check(results, numbers)
