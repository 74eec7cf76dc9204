"""A job on an engine, at the driver: what is committed, added up, and told."""

import pytest
from engine_loopback import Loopback

import mincer
from mincer.errors import CancelledError, InputError, OutputError, UserCodeError
from mincer.runners.base import JobControl
from mincer.runners.engine import job as module
from mincer.runners.engine import tasks


def by_seven(key, n):
    yield n % 7, n


JOB = mincer.Job(by_seven, sum, parts=3)
NUMBERS = list(range(100))
SUMS = {k: sum(range(k, 100, 7)) for k in range(7)}


def test_parts_are_written_by_the_workers(tmp_path):
    with JOB.run(NUMBERS, runner=Loopback(), output=tmp_path / "out") as results:
        assert results.to_dict() == SUMS
        assert len(results.paths) == 3
        assert results.report.bytes_written > 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "_SUCCESS",
        "part-00000",
        "part-00001",
        "part-00002",
    ]


def test_or_here_where_they_do_not_see_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "is_shared", lambda token: False)
    with JOB.run(NUMBERS, runner=Loopback(), output=tmp_path / "out") as results:
        assert results.to_dict() == SUMS


def test_a_part_that_is_gone_is_told(tmp_path, monkeypatch):
    def close(self):
        made = real(self)
        self.abort()
        return made

    from mincer.sinks.part_file import PartFile

    real = PartFile.close
    monkeypatch.setattr(PartFile, "close", close)
    with pytest.raises(OutputError, match="part 0 of the output is gone"):
        JOB.run(NUMBERS, runner=Loopback(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_records_left_out_are_added_up_over_all_tasks(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text("1\nx\n2\n" + "3\n" * 1_500_000)

    def number(key, line):
        yield "sum", int(line)

    job = mincer.Job(number, sum, skip_bad_records=3)
    with job.run(tmp_path, runner=Loopback()) as results:
        assert results.report.records_skipped == 3
    with pytest.raises(UserCodeError, match="invalid literal") as caught:
        mincer.Job(number, sum, skip_bad_records=2).run(tmp_path, runner=Loopback())
    assert caught.value.where.value == "'x'"


def test_the_account():
    loopback = Loopback()
    with JOB.run(NUMBERS, runner=loopback) as results:
        report = results.report
    assert report.runner == "loopback"
    assert (report.records, report.pairs_mapped, report.pairs) == (100, 100, 7)
    assert report.attempts == {"done": report.splits + 3}
    assert report.bytes_shuffled > 0
    assert report.input_from == {"read by workers": report.splits}


def test_input_that_only_the_driver_sees_is_told(tmp_path, monkeypatch):
    path = tmp_path / "input"
    path.write_text("a\n")
    source = mincer.sources.text(path)

    def opened(path):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr("mincer.sources.compressed.open_input", opened)
    with pytest.raises(InputError, match="No such file") as caught:
        mincer.Job(by_seven).run(source, runner=Loopback())
    assert "put it where all workers see it" in caught.value.hint


def test_a_source_is_looked_at_before_anything_is_made(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        JOB.run(tmp_path / "nothing", runner=Loopback(), output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cancel_ends_the_planning():
    control = JobControl()
    control.cancel()
    order = mincer.arguments.job_order(
        (JOB.plain(),),
        NUMBERS,
        workers=None,
        memory=None,
        output=None,
        format=None,
        params=None,
        overwrite=False,
        limit=None,
    )
    with pytest.raises(CancelledError):
        Loopback().run(order, control)


@pytest.mark.parametrize(
    ("size_bytes", "parts", "groups"),
    [
        (None, 16, 2),
        (100, 1, 1),
        (120 << 20, 30, 2),
        (2 << 30, 64, 32),
        (8 << 30, 64, 64),
    ],
)
def test_groups_follow_from_the_slots_and_the_input(size_bytes, parts, groups):
    class Source:
        pass

    class Order:
        source = Source()

    Order.source.size_bytes = size_bytes
    job = module.EngineJob(Order, JobControl(), "engine", 2, 100, streams=True)
    assert job._groups(parts, JOB) == groups


def test_what_does_not_stream_has_a_group_a_part_when_nothing_is_known():
    class Order:
        class source:
            size_bytes = None

    job = module.EngineJob(Order, JobControl(), "engine", 2, 100, streams=False)
    assert job._groups(16, JOB) == 16
    Order.source.size_bytes = 100 << 20
    assert job._groups(16, JOB) == 16
    assert job._groups(25, mincer.Job(by_seven, sum)) == 4
