"""Row 18: the coordinator makes no objects of bytes. In its process pickle, marshal and
cloudpickle are tripwires that raise and are written down: whole jobs pass without one,
and what is sent to it as a pickle, by strangers and by members, is never one."""

import os
import pickle
from pathlib import Path

import cloudpickle
import pytest
from adversary_lines import command, greeting
from adversary_member import Member
from adversary_scene import Cluster, check_job, dial, is_closed

import mincer
from mincer.net.membership import ENROL
from mincer.wire import frames, pulls
from mincer.wire.packets import PACKET, write_packet

SCRIPT = Path(__file__).with_name("serve_with_tripwire.py")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "tripped").touch()
    os.environ["MINCER_TEST_TRIPPED"] = str(folder / "tripped")
    made = Cluster(folder, workers=2, script=SCRIPT)
    yield made
    made.end()
    del os.environ["MINCER_TEST_TRIPPED"]


@pytest.fixture(autouse=True)
def nothing_tripped(cluster):
    yield
    assert (cluster.folder / "tripped").read_text() == ""


class Bomb:
    """Whoever unpickles it makes a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.fixture
def bombs(tmp_path):
    path = tmp_path / "exploded"
    yield [pickle.dumps(Bomb(path), protocol) for protocol in (0, 2, 5)] + [
        cloudpickle.dumps(lambda: Bomb(path))
    ]
    assert not path.exists()


class Own:
    """Of a class that only a pickle can bring."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return self.value == other.value

    def __hash__(self):
        return hash(self.value)


def emit_own(key, value):
    yield Own(value % 3), Own(value)


def gather_own(key, values):
    return sorted(one.value for one in values)


def fail(key, value):
    raise ValueError(Own(value))


def test_the_tripwire_would_be_noticed(cluster, tmp_path):
    """Otherwise this file proves nothing."""
    script = tmp_path / "trips.py"
    text = SCRIPT.read_text().replace('main(["serve", *sys.argv[1:]])', "pickle.loads")
    script.write_text(text.replace("sys.exit(pickle.loads)", "pickle.loads(b'N.')"))
    file = tmp_path / "tripped"
    file.touch()
    process = cluster.start(script, environment={"MINCER_TEST_TRIPPED": str(file)})
    assert process.exit_code() == 1
    assert "pickle.loads" in file.read_text()


def test_whole_jobs_pass_without_a_pickle_being_read(cluster):
    with cluster.driver() as driver:
        check_job(driver)
        job = mincer.Job(emit_own, gather_own, parts=2)
        with job.run({n: n for n in range(30)}, runner=driver) as results:
            found = {key.value: value for key, value in results}
        assert found == {rest: list(range(rest, 30, 3)) for rest in range(3)}
        job = mincer.Job(emit_own, partitionfn=mincer.by_range, parts=2, sort_keys=hash)
        with job.run({n: n for n in range(30)}, runner=driver) as results:
            assert len(list(results)) == 30
        with pytest.raises(mincer.errors.UserCodeError, match="ValueError"):
            mincer.Job(fail, max_attempts=1).run({1: 1}, runner=driver)


def test_what_strangers_send_is_not_decoded(cluster, bombs):
    for bomb in bombs:
        for said in (bomb, greeting(b"CURVE") + command(b"HELLO", bomb[:200])):
            line = dial(cluster.port, said + bomb)
            assert is_closed(line)
            line.close()


@pytest.mark.parametrize("role", ["worker", "driver", "observer"])
def test_what_members_send_is_not_unpickled(cluster, bombs, role):
    with Member(cluster, cluster.key, role) as member:
        # In place of the key that is enrolled, before there is a member.
        member.until(lambda: member.membership._door.is_up)
        for bomb in bombs:
            member.membership._door.send([ENROL + bomb])
            member.membership._door.send([bomb])
        member.join()
        for bomb in bombs:
            packet = member.line._session.send(bomb)
            member.raw(*write_packet(member.line.life, packet))
            member.raw(PACKET + bomb)
            member.raw(b"G" + bomb)
            member.raw(bomb)
            member.raw(bomb, bomb)
            member.raw(b"D" + bomb, bulk=True)
            head = pulls.write_pull(pulls.Chunk(0, 0, 1, 0), bomb)
            member.raw(*head, bulk=True)
        member.line.say(frames.Draining(is_done=True))
        member.turn_for(1.0)


def test_a_bomb_as_a_blob_passes_through_unread(cluster, bombs):
    """Where bytes are opaque by design: counters, notes, names, paths, digests."""
    job = "f" * 32
    with Member(cluster, cluster.key, "driver") as member:
        member.join()
        for bomb in bombs:
            blob = frames.Blob(bomb[:32].ljust(32), len(bomb))
            step = frames.StepTold(blob, 1, True, False, False)
            output = (bomb[:8000], bomb[:16].ljust(16))
            member.line.say(
                frames.Submit(job, bytes(16), repr(bomb)[:4000], [step], output=output)
            )
            path = bomb[:8000]
            file = frames.FileTold(path, path, 1, 1, bomb[:32].ljust(32))
            member.line.say(frames.Files(job, 0, [file]))
            member.line.say(frames.Splits(job, 0, [frames.SplitRow(0, 0, 1)]))
        member.turn_for(1.0)
        member.line.say(frames.Taken(job))
        member.until(lambda: member.line.is_clear)
