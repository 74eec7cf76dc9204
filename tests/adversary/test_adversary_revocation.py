"""A key that is taken off the allow-list is cut off at once, what it has enrolled with
it; those who knew it are told, and it comes in no more."""

import os

import pytest
from adversary_member import Member
from adversary_scene import wait

import mincer
from mincer.net.membership import Standing
from mincer.wire import frames

#: The folder is looked at once a second.
SOON_S = 10.0


def test_a_worker_whose_file_is_removed_is_cut_off_and_both_ends_say_so(cluster):
    worker = cluster.join(key=cluster.key_for("worker", "w"))
    name = worker.until("joined .* as (.*)")[1]
    before = len(cluster.coordinator.lines)
    (cluster.allowed / "w.pub").unlink()
    assert worker.exit_code(SOON_S) == 4
    assert "its key was taken off the list" in "\n".join(worker.lines)
    cluster.coordinator.until(f"cut off {name}: its key was taken off", after=before)
    again = cluster.worker(key=cluster.folder / "w.key")
    assert again.exit_code() == 4
    assert "does not know this key" in "\n".join(again.lines)


def test_a_connection_that_stays_open_is_not_heard_any_more(cluster):
    key = cluster.key_for("driver", "d")
    with Member(cluster, key, "driver") as member:
        member.join()
        (cluster.allowed / "d.pub").unlink()
        member.until(lambda: member.line.refused is not None, SOON_S)
        assert member.line.refused.code == "revoked"
        # It has not closed its connections, and goes on as if nothing was.
        member.told.clear()
        member.line.refused = None
        blob = frames.Blob(bytes(32), 1)
        step = frames.StepTold(blob, 1, True, False, False)
        member.line.say(frames.Submit("d" * 32, bytes(16), "a job", [step]))
        member.line.say(frames.CancelJob("d" * 32, "because"))
        member.turn_for(1.5)
        assert member.told == []
        assert not member.line.is_clear, "it was heard"


def block_reduce(key, values):
    """Waits for a file, so that the job stands still as long as it is not there."""
    import threading

    while not os.path.exists(mincer.context().params["go"]):
        threading.Event().wait(0.02)
    return sorted(values)


def has_mapped(status):
    return status.maps_total and status.maps_done == status.maps_total


def emit(key, value):
    yield value % 2, value


@pytest.fixture
def without_others(cluster):
    """Only those of the test work."""
    for worker in cluster.workers:
        worker.end()
    cluster.workers.clear()
    yield
    cluster.workers.append(cluster.join())


@pytest.mark.guard(120)
def test_those_who_knew_it_are_told_that_it_is_gone(cluster, tmp_path, without_others):
    """A worker has made the maps; another was told of it, to pull from it."""
    go = tmp_path / "go"
    worker = cluster.join(key=cluster.key_for("worker", "maker"))
    with cluster.driver() as driver:
        job = mincer.Job(emit, block_reduce, parts=2)
        handle = job.submit({0: 0, 1: 1}, runner=driver, params={"go": str(go)})
        wait(lambda: handle.status() and has_mapped(handle.status()))
        with Member(cluster, cluster.key, "worker", slots=1) as other:
            other.join()
            other.until(lambda: other.heard(frames.MemberTold))
            told = other.heard(frames.MemberTold)
            (cluster.allowed / "maker.pub").unlink()
            gone = other.until(lambda: other.heard(frames.MemberGone), SOON_S)
            assert gone.member == told.member
        assert worker.exit_code(SOON_S) == 4
        go.touch()
        late = cluster.join()
        with handle.result() as results:
            assert results.to_dict() == {0: [0], 1: [1]}
        late.end()


def test_what_a_revoked_key_has_enrolled_is_cut_off_with_it(cluster):
    key = cluster.key_for("observer", "o")
    with (
        Member(cluster, key, "observer") as one,
        Member(cluster, key, "observer") as two,
    ):
        one.join()
        two.join()
        (cluster.allowed / "o.pub").unlink()
        for member in (one, two):
            member.until(
                lambda m=member: m.membership.standing is Standing.REFUSED, SOON_S
            )


def test_the_whole_folder_may_go(cluster):
    worker = cluster.join(key=cluster.key_for("worker", "last"))
    moved = cluster.folder / "moved"
    os.rename(cluster.allowed, moved)
    assert worker.exit_code(SOON_S) == 4
    os.rename(moved, cluster.allowed)
    back = cluster.worker(key=cluster.folder / "last.key")
    wait(
        lambda: (
            back.process.poll() is not None or any("joined" in x for x in back.lines)
        )
    )
    back.end()
