"""The input of a job: told to the coordinator as it comes, and who has which."""

import pytest

from mincer.core.events import InputEnded, SplitsAdded
from mincer.net.intake import Intake
from mincer.net.same_file import ONLY_DRIVER
from mincer.net.survey import HOLD_S
from mincer.wire import frames

JOB = "0" * 32
REAL = frames.FileTold(b"f", b"/f", 1, 1, b"d" * 16)
SPOOL = frames.FileTold(b"/spool", b"/spool", 0, -1, ONLY_DRIVER)


def reads(*files, start=0):
    extents = [frames.Extent(file, start, start + 1) for file in files]
    return frames.SplitRow(0, 0, 10, extents)


def found(first, files, bits):
    return frames.FilesFound(JOB, first, files, bits)


@pytest.fixture
def intake():
    """A file, and three splits of it."""
    intake = Intake(JOB)
    assert intake.add_files(0, [REAL])
    assert intake.add_splits(0, [reads(0, start=n) for n in range(3)])
    return intake


def test_what_is_said_twice_is_kept_once(intake):
    assert not intake.add_splits(0, [reads(0)])
    assert not intake.add_files(0, [REAL])
    assert (len(intake.splits), len(intake.files)) == (3, 1)
    assert intake.add_splits(3, [reads(0)])


def test_what_leaves_a_gap_is_not_taken(intake):
    assert not intake.add_splits(4, [reads(0)])
    assert not intake.add_files(2, [REAL])
    assert (len(intake.splits), len(intake.files)) == (3, 1)


def test_behind_the_end_there_is_nothing_new(intake):
    intake.has_ended = True
    assert not intake.add_splits(3, [reads(0)])
    assert len(intake.splits) == 3


def test_workers_are_to_be_asked_for_files_that_others_may_have():
    intake = Intake(JOB)
    assert not intake.add_files(0, [SPOOL])
    assert intake.add_files(1, [SPOOL, REAL])
    assert not intake.add_files(3, [])


def test_the_coordinator_is_told_as_it_comes(intake):
    (added,) = intake.events(0.0)
    assert added == SplitsAdded(JOB, 0, (10,) * 3, (0,) * 3)
    assert list(intake.events(0.0)) == []
    intake.add_files(1, [SPOOL, SPOOL, REAL])
    intake.add_splits(3, [reads(3, 0), reads(1), reads(), reads(99)])
    intake.has_ended = True
    assert list(intake.events(0.0)) == [
        SplitsAdded(JOB, 3, (10,) * 4, (3, -1, -1, -1)),
        InputEnded(JOB),
    ]
    assert list(intake.events(0.0)) == []


def test_an_empty_input_has_an_end_too():
    intake = Intake(JOB)
    assert list(intake.events(0.0)) == []
    intake.has_ended = True
    assert list(intake.events(0.0)) == [InputEnded(JOB)]
    assert list(intake.events(0.0)) == []


def test_splits_wait_for_those_who_are_asked_where_the_input_is(intake):
    assert intake.deadline is None
    intake.survey.ask(1, 1, now=5.0)
    assert list(intake.events(5.0)) == []
    assert intake.deadline == 5.0 + HOLD_S
    assert intake.found(1, found(0, 1, b"\x01")) == (0,)
    (added,) = intake.events(5.0)
    assert len(added.sizes) == 3
    assert intake.deadline is None


def test_who_hangs_is_not_waited_for_long(intake):
    intake.survey.ask(1, 1, now=5.0)
    (added,) = intake.events(5.0 + HOLD_S)
    assert len(added.sizes) == 3


def test_who_is_gone_is_not_waited_for(intake):
    intake.survey.ask(1, 1, now=5.0)
    intake.forget(1)
    assert len(list(intake.events(5.0))) == 1


def test_nobody_is_waited_for_before_there_are_splits():
    intake = Intake(JOB)
    intake.survey.ask(1, 1, now=5.0)
    assert list(intake.events(9.0)) == []
    assert intake.deadline is None


def test_a_worker_can_find_what_others_may_have_and_nothing_else(intake):
    assert intake.found(1, found(0, 1, b"\xff")) == (0,)
    assert intake.found(1, found(1, 1, b"\xff")) == ()
    intake.add_files(1, [SPOOL, REAL])
    assert intake.found(1, found(0, 3, b"\xff")) == (0, 2)
    assert intake.found(1, found(1, 2, b"\x02")) == (2,)
    assert intake.found(1, found(0, 3, b"")) == ()


def test_what_not_all_workers_can_read_is_told_once(intake):
    intake.add_files(1, [REAL, SPOOL])
    intake.add_splits(3, [reads(1), reads(2, 1)])
    all_of_it = [*((0, n, n + 1) for n in range(3)), (1, 0, 1), (2, 0, 1)]
    assert intake.spans(set()) == all_of_it
    assert intake.spans({1, 2}) == all_of_it
    intake.found(1, found(0, 3, b"\x07"))
    assert intake.spans({1}) == [(2, 0, 1)]
    assert intake.spans({1, 2}) == all_of_it
    intake.found(2, found(0, 3, b"\x01"))
    assert intake.spans({1, 2}) == [(1, 0, 1), (2, 0, 1)]
    assert intake.spans({1}) == [(2, 0, 1)]


def test_with_a_worker_goes_what_it_can_read(intake):
    intake.found(1, found(0, 1, b"\x01"))
    assert intake.spans({1}) == []
    intake.forget(1)
    assert len(intake.spans({1})) == 3


def test_where_no_file_matters_there_are_no_homes():
    intake = Intake(JOB)
    intake.add_files(0, [SPOOL])
    intake.add_splits(0, [reads(0), reads()])
    assert list(intake.events(0.0)) == [SplitsAdded(JOB, 0, (10, 10))]
