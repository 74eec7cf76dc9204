"""A key of one role does what that role does and nothing else; who was given no task of
a job gets nothing of its data; and who lies about himself does no harm to others."""

import pytest
from adversary_member import Member
from adversary_scene import check_job, wait

import mincer
from mincer.net.membership import Standing
from mincer.wire import frames, pulls

JOB = "e" * 32
TOKEN = b"a wrong token!!!"


@pytest.fixture(scope="module")
def keys(cluster):
    """A key file for each role."""
    made = {
        role: cluster.key_for(role, f"limited-{role}")
        for role in ("worker", "driver", "observer")
    }
    cluster.join(key=made["worker"]).end()
    return made


@pytest.mark.parametrize("role", ["worker", "driver", "observer"])
def test_a_key_of_one_role_is_refused_as_any_other(cluster, keys, role):
    for claims in {"worker", "driver", "observer", "coordinator", "root"} - {role}:
        with Member(cluster, keys[role], role, claims=claims) as member:
            member.until(lambda m=member: m.membership.standing is Standing.REFUSED)
            assert f"your key is that of a {role}" in member.membership.why


def test_a_worker_has_no_way_to_be_a_driver_and_it_is_told_so(cluster, keys, tmp_path):
    (tmp_path / "job.py").write_text("def mapfn(key, line):\n    yield line, 1\n")
    (tmp_path / "in.txt").write_text("a\n")
    where = ["--runner", "cluster", "--address", cluster.address]
    words = ["run", tmp_path / "job.py", tmp_path / "in.txt", *where]
    for role in ("worker", "observer"):
        driver = cluster.start(*words, "--key-file", keys[role])
        assert driver.exit_code() == 2
        assert f"this key file is for the role {role}" in "\n".join(driver.lines)
    worker = cluster.worker(key=keys["driver"])
    assert worker.exit_code() == 2
    coordinator = cluster.start("serve", "127.0.0.1:0", "--key-file", keys["worker"])
    assert coordinator.exit_code() == 2
    assert "a coordinator needs that of the cluster" in "\n".join(coordinator.lines)


def submission(job=JOB):
    blob = frames.Blob(bytes(32), 1)
    step = frames.StepTold(blob, 1, True, False, False)
    return frames.Submit(job, TOKEN, "a job", [step])


@pytest.mark.parametrize("role", ["worker", "observer"])
def test_what_a_driver_says_is_not_heard_from_others(cluster, keys, role):
    with Member(cluster, keys[role], role) as member:
        member.join()
        for frame in (
            submission(),
            frames.Splits(JOB, 0, [frames.SplitRow(0, 0, 1)]),
            frames.InputEnd(JOB),
            frames.CancelJob(JOB, "because"),
        ):
            member.line.say(frame)
        member.until(lambda: member.line.is_clear)
        member.turn_for(0.5)
        assert member.told == []


def slow(key, value):
    """Waits for a file, so that the job stands still as long as it is not there."""
    import os
    import threading

    while not os.path.exists(mincer.context().params["go"]):
        threading.Event().wait(0.02)
    yield value % 7, value


def collect(key, values):
    return sorted(values)


@pytest.fixture
def running(cluster, tmp_path):
    """A job of somebody else that is in work; exact in the end."""
    go = tmp_path / "go"
    with cluster.driver() as driver:
        job = mincer.Job(slow, collect, parts=2)
        handle = job.submit(
            {n: n for n in range(50)}, runner=driver, params={"go": str(go)}
        )
        wait(lambda: handle.status() and handle.status().workers)
        (name,) = driver._client._driver._jobs
        yield name
        go.touch()
        with handle.result() as results:
            assert results.to_dict() == {
                rest: list(range(rest, 50, 7)) for rest in range(7)
            }


def test_another_driver_cannot_touch_a_job_that_is_not_his(cluster, keys, running):
    job = running
    with Member(cluster, keys["driver"], "driver") as member:
        member.join()
        for frame in (
            frames.CancelJob(job, "because"),
            submission(job),
            frames.InputEnd(job),
            frames.Taken(job),
            frames.Committed(job, (0, "reduce", 0, 0)),
        ):
            member.line.say(frame)
        member.until(lambda: member.line.is_clear)
        member.turn_for(0.5)
        assert member.told == []


def test_a_worker_that_was_given_no_task_of_a_job_gets_nothing_of_it(
    cluster, keys, running
):
    """By way of the coordinator it may ask anybody for anything, and has no token."""
    job = running
    things = [
        pulls.BlobOf(job, TOKEN, bytes(32)),
        pulls.PacketOf(job, TOKEN, 0),
        pulls.InputOf(job, TOKEN, 0, 0, 1 << 20),
        pulls.SegmentsOf(job, TOKEN, 0, 0, 2, [(0, 0)]),
        pulls.OutputOf(job, TOKEN, (0, "map", 0, 0)),
    ]
    for role in ("worker", "driver"):
        with Member(cluster, keys[role], role) as member:
            member.join()
            numbers = range(1, member.number + 1)
            asked = 0
            for number in numbers:
                for thing in things:
                    asked += 1
                    head = pulls.Open(number, 0, asked, thing)
                    member.raw(*pulls.write_pull(head), bulk=True)
            # The worker that has it in work denies, and the driver; it hears its own
            # questions as well, and nothing of those who have left.
            member.until(lambda m=member: len(m.pulled) >= 3 * len(things))
            member.turn_for(0.5)
            kinds = {type(one) for one in member.pulled}
            assert kinds == {pulls.Open, pulls.Denied}
            assert member.heard(frames.JobTold) is None
            assert member.heard(frames.MemberTold) is None


def test_an_observer_pulls_nothing(cluster, keys, running):
    with Member(cluster, keys["observer"], "observer") as member:
        member.join()
        for number in range(member.number + 1):
            head = pulls.Open(number, 0, number, pulls.PacketOf(running, TOKEN, 0))
            member.raw(*pulls.write_pull(head), bulk=True)
        member.turn_for(0.5)
        assert member.pulled == []


def test_chunks_that_nobody_asked_for_change_nothing(cluster, keys, running):
    with Member(cluster, keys["worker"], "worker") as member:
        member.join()
        for number in range(1, member.number):
            for pull in range(1, 30):
                for reply in (
                    pulls.Opened(number, 0, pull, [5]),
                    pulls.Chunk(number, 0, pull, 0),
                    pulls.Denied(number, 0, pull, "no", lost=[(0, 0)]),
                ):
                    data = b"lies!" if isinstance(reply, pulls.Chunk) else None
                    member.raw(*pulls.write_pull(reply, data), bulk=True)
        member.turn_for(0.5)


def test_a_worker_that_says_what_it_has_not_done_changes_nothing(
    cluster, keys, running
):
    job = running
    account = frames.Account([2**63 - 1] * 7, (2**62, 2**62, ""))
    error = frames.ErrorTold("JobError", "\x1b[2J lies")
    with Member(cluster, keys["worker"], "worker") as member:
        member.join()
        for index in range(20):
            for number in range(3):
                name = (0, "map", index, number)
                member.line.say(frames.Done(job, name, 5, 5, account))
                member.line.say(frames.Failed(job, name, "hopeless", error))
                member.line.say(frames.Returned(job, [name]))
                member.line.say(frames.Working(job, [(name, 2**62, 2**62)]))
        member.until(lambda: member.line.is_clear)


def test_a_name_that_another_has_is_not_its(cluster, keys):
    """Nor does what it calls itself move the cursor of somebody's terminal."""
    taken = cluster.workers[0].until("joined .* as (.*)")[1]
    with Member(cluster, keys["worker"], "worker", name=taken) as member:
        member.join()
        with cluster.driver() as driver:
            check_job(driver)
    other = Member(cluster, keys["worker"], "worker", claims="a\x1b[2Jb")
    before = len(cluster.coordinator.lines)
    with other:
        other.until(lambda: other.membership.standing is Standing.REFUSED)
    cluster.coordinator.until("refused", after=before)
    assert not any("\x1b" in line for line in cluster.coordinator.lines)


@pytest.mark.parametrize(
    "address", ["ipc:///tmp/mincer-socket", "inproc://bell", "tcp://a b:1", "x" * 4000]
)
def test_an_address_that_is_none_is_refused_before_anybody_is_told(
    cluster, keys, address
):
    with Member(cluster, keys["worker"], "worker", address=address) as member:
        member.until(lambda: member.membership.standing is Standing.REFUSED)
        assert "others cannot pull from" in member.membership.why


def test_a_key_makes_no_more_members_than_a_machine_has(cluster, keys):
    """A hundred at a time; those that have left give way."""
    key = cluster.key_for("observer", "many")
    made = []
    try:
        while len(made) < 101:
            made.append(Member(cluster, key, "observer"))
            made[-1].until(
                lambda: (
                    made[-1].membership.standing in (Standing.JOINED, Standing.REFUSED)
                )
            )
            for one in made[:-1]:
                one.turn()
        assert made[-1].membership.standing is Standing.REFUSED
        assert "does not enrol" in made[-1].membership.why
    finally:
        for one in made:
            one.close()
