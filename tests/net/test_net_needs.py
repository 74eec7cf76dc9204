"""Needs: which outputs count, and which of them have to be fetched."""

from mincer.net import needs
from mincer.net.needs import Segments, ToldStep
from mincer.wire.rows import CommitRow, StartRow

ME = 1


def row(commits, withdrawals=0):
    return StartRow((0, "reduce", 0, 0), commits=commits, withdrawals=withdrawals)


def commit(index, keeper, number=0):
    return CommitRow(index, number, keeper, 10)


def mine(commit):
    return commit.keeper == ME


def test_needs_of_different_kinds_are_never_equal():
    assert needs.Code(0) != needs.Packet(0)
    assert len({needs.Code(0), needs.Packet(0), needs.Code(0)}) == 2


def test_a_reduce_reads_the_commits_that_counted_when_it_was_ordered():
    step = ToldStep()
    step.add_commits(0, [commit(0, 1), commit(1, 2)])
    step.add_commits(2, [commit(1, 3, number=1)])
    step.add_withdrawals(0, [1])
    assert [one.keeper for one in step.commits(row(2))] == [1, 2]
    assert [one.keeper for one in step.commits(row(3, 1))] == [1, 3]


def test_what_is_kept_here_needs_no_fetching():
    step = ToldStep()
    step.add_commits(0, [commit(n, keeper) for n, keeper in enumerate([1, 3, 2, 3])])
    assert list(step.segments(row(4), mine)) == [Segments(2, 0), Segments(3, 0)]
    assert step.maps(row(4), Segments(3, 0), mine) == [(1, 0), (3, 0)]
    assert list(step.segments(row(1), mine)) == []


def test_many_maps_are_fetched_in_several_pulls(monkeypatch):
    monkeypatch.setattr(needs, "MAPS_MAX", 2)
    step = ToldStep()
    step.add_commits(0, [commit(n, 2) for n in range(5)])
    some = list(step.segments(row(5), mine))
    assert some == [Segments(2, 0), Segments(2, 1), Segments(2, 2)]
    maps = [step.maps(row(5), one, mine) for one in some]
    assert maps == [[(0, 0), (1, 0)], [(2, 0), (3, 0)], [(4, 0)]]
