"""Commands become frames: orders together, and members introduced before they meet."""

import pytest

from mincer.core import commands as c
from mincer.ids import AttemptId, TaskId
from mincer.net import dispatch as module
from mincer.net.book import Book
from mincer.net.dispatch import Dispatch
from mincer.net.members import Members
from mincer.wire import frames
from mincer.wire.packets import read_packet

JOB, TOKEN = "0" * 32, b"t" * 16
BLOB = frames.Blob(b"d" * 32, 1)
STEP = frames.StepTold(BLOB, 2, True, False, False)


def attempt(kind, index, number=0):
    return AttemptId(TaskId(JOB, 0, kind, index), number)


class Desk:
    """A dispatch, two workers, a driver, and a job of theirs."""

    def __init__(self):
        self.members = Members("a word", ("0", "3"), 10)
        self.books = {}
        self.out = []
        self.dispatch = Dispatch(self.members, self.books, self.out)
        self.a, self.b = self.join("a"), self.join("b")
        self.driver = self.join("driver", "driver")
        submit = frames.Submit(JOB, TOKEN, "a job", [STEP])
        self.book = self.books[JOB] = Book(submit, self.driver.number)
        self.book.intake.add_splits(0, [frames.SplitRow(0, n, 1) for n in range(1000)])

    def join(self, name, role="worker"):
        hello = frames.Hello(
            frames.PROTOCOL, "0", "3", role, name, address="tcp://here:1"
        )
        member = self.members.greet(name.ljust(40), role, hello, 0.0).joined
        self.dispatch.joined(member)
        return member

    def obey(self, *some):
        self.dispatch.obey_all(list(some), 1.0)

    def told(self, member, union=frames.ToWorker):
        found = [
            frames.Decoder(union).decode(read_packet(message)[1].payload)
            for key, _, message in self.out
            if key == member.key
        ]
        self.out[:] = [one for one in self.out if one[0] != member.key]
        return found

    def done(self, id, worker):
        frame = frames.Done(JOB, frames.name_of(id), 10, 1, frames.Account())
        self.book.done(frame, id, worker.number, 7.5)


@pytest.fixture
def desk():
    return Desk()


def kinds(some):
    return [type(frame).__name__ for frame in some]


def test_orders_to_one_worker_are_said_together_and_in_order(desk):
    desk.obey(
        *(c.StartAttempt(desk.a.id, attempt("map", n)) for n in range(3)),
        c.StartAttempt(desk.b.id, attempt("map", 3)),
        c.StartAttempt(desk.a.id, attempt("map", 4)),
        c.CancelAttempt(desk.a.id, attempt("map", 0)),
        c.StartAttempt(desk.a.id, attempt("map", 5)),
    )
    told = desk.told(desk.a)
    assert kinds(told) == ["JobTold", "Trusted", "Start", "CancelOne", "Start"]
    assert [row.attempt[2] for row in told[2].rows] == [0, 1, 2, 4]
    assert kinds(desk.told(desk.b)) == ["JobTold", "Trusted", "Start"]
    assert desk.book.outcomes["cancelled"] == 1
    assert attempt("map", 0) not in desk.book.running


def test_many_orders_are_said_in_several_frames(desk, monkeypatch):
    desk.obey(*(c.StartAttempt(desk.a.id, attempt("map", n)) for n in range(450)))
    starts = [one for one in desk.told(desk.a) if isinstance(one, frames.Start)]
    assert [len(one.rows) for one in starts] == [200, 200, 50]
    monkeypatch.setattr(module, "_EXTENTS_MAX", 3)
    desk.obey(*(c.StartAttempt(desk.a.id, attempt("map", n)) for n in range(500, 506)))
    assert [len(one.rows) for one in desk.told(desk.a)] == [4, 2]


def test_who_is_to_pull_and_who_is_pulled_from_are_told_of_each_other(desk):
    desk.done(attempt("map", 0), desk.b)
    desk.obey(c.PublishOutput(attempt("map", 0), 0))
    desk.obey(c.StartAttempt(desk.a.id, attempt("reduce", 0), commits=1))
    assert kinds(desk.told(desk.a)) == [
        "MemberTold",
        "JobTold",
        "Trusted",
        "Commits",
        "Start",
    ]
    assert [one.member for one in desk.told(desk.b)] == [desk.a.number]
    desk.obey(c.StartAttempt(desk.a.id, attempt("reduce", 1), commits=1))
    assert kinds(desk.told(desk.a)) == ["Start"]
    desk.members.remove(desk.b)
    assert desk.dispatch.left(desk.b)
    assert kinds(desk.told(desk.a)) == ["MemberGone"]
    assert not desk.dispatch.left(desk.b)


def test_nobody_is_told_of_himself_or_of_who_is_gone(desk):
    for index, worker in enumerate([desk.a, desk.b]):
        desk.done(attempt("map", index), worker)
        desk.obey(c.PublishOutput(attempt("map", index), index))
    desk.members.remove(desk.b)
    desk.dispatch.left(desk.b)
    desk.obey(c.StartAttempt(desk.a.id, attempt("reduce", 0), commits=2))
    assert kinds(desk.told(desk.a)) == ["JobTold", "Trusted", "Commits", "Start"]


def test_an_output_is_committed_by_the_driver_that_knows_its_keeper(desk):
    desk.done(attempt("reduce", 0), desk.a)
    desk.obey(c.CommitOutput(attempt("reduce", 0)))
    told = desk.told(desk.driver, frames.ToDriver)
    assert kinds(told) == ["MemberTold", "CommitAsked"]
    assert told[1].output.keeper == desk.a.number
    assert [one.member for one in desk.told(desk.a)] == [desk.driver.number]
    desk.members.remove(desk.driver)
    desk.obey(c.CommitOutput(attempt("reduce", 0)))
    assert desk.out == []


def test_the_keeper_is_told_what_to_discard(desk):
    desk.done(attempt("map", 0), desk.a)
    desk.obey(c.DiscardOutput(attempt("map", 0)), c.DiscardOutput(attempt("map", 9)))
    assert desk.told(desk.a) == [frames.Discard(JOB, (0, "map", 0, 0))]
    assert attempt("map", 0) in desk.book.outputs  # its account may count still
    del desk.books[JOB]
    desk.obey(c.DiscardOutput(attempt("map", 0)))
    assert desk.out == []


def test_steps_are_released_where_the_job_is_known(desk):
    desk.obey(c.StartAttempt(desk.a.id, attempt("map", 0)))
    desk.told(desk.a)
    desk.obey(c.ReleaseStep(JOB, 0), c.ReleaseStep("f" * 32, 0))
    assert desk.told(desk.a) == [frames.Release(JOB, 0)]
    assert desk.told(desk.b) == []


def test_calls_back_and_ends_are_told(desk):
    desk.obey(c.RecallAttempts(desk.a.id, attempt("map", 0)))
    assert desk.told(desk.a) == [frames.Recall(JOB, (0, "map", 0, 0))]
    desk.done(attempt("map", 0), desk.a)
    desk.obey(c.FinishJob(JOB, (attempt("map", 0),)))
    told = desk.told(desk.driver, frames.ToDriver)
    assert kinds(told) == ["AccountsTold", "JobDone"]
    desk.obey(c.FailJob(JOB, "why"), c.FailJob("f" * 32, "why"))
    assert kinds(desk.told(desk.driver, frames.ToDriver)) == ["JobFailed"]


def test_workers_that_are_gone_are_told_nothing(desk):
    desk.members.remove(desk.a)
    desk.dispatch.left(desk.a)
    desk.obey(
        c.StartAttempt(desk.a.id, attempt("map", 0)),
        c.CancelAttempt(desk.a.id, attempt("map", 0), True),
        c.RecallAttempts(desk.a.id, attempt("map", 0)),
    )
    assert desk.out == []


def test_who_takes_in_nothing_is_marked_as_gone(desk):
    desk.a.session._kept_bytes_max = 1
    desk.obey(c.StartAttempt(desk.a.id, attempt("map", 0)))
    assert desk.a.is_gone(0.0)
