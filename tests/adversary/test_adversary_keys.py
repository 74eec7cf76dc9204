"""Row 16: a wrong key, none, or one for another coordinator is refused, both ends say
why, and who was refused ends with exit code 4 after a few tries."""

import pytest
import zmq
from adversary_lines import SAID_FIRST, Proxy
from adversary_scene import PASSWORD, wait

import mincer
from mincer.errors import RefusedError
from mincer.net.keys import KeyPair, Keys, keys_of_password, read_key_file
from mincer.net.sockets import make_dealer

NO_KEY = "has not the key of this cluster"


@pytest.fixture
def job(tmp_path):
    """A job file and its input, for the command line."""
    (tmp_path / "job.py").write_text(
        "def mapfn(key, line):\n    yield line, 1\n\nreducefn = sum\n"
    )
    (tmp_path / "secret.txt").write_text("the very secret input\n")
    return [tmp_path / "job.py", tmp_path / "secret.txt"]


@pytest.fixture
def other_key(cluster, tmp_path):
    """The key of another cluster."""
    path = tmp_path / "other.key"
    cluster.start("keygen", path).exit_code()
    return path


def said(process):
    return "\n".join(process.lines)


def test_a_worker_with_a_wrong_key_ends_with_4_and_both_ends_say_why(
    cluster, other_key
):
    before = len(cluster.coordinator.lines)
    worker = cluster.worker(key=other_key)
    assert worker.exit_code() == 4
    assert f"refused by {cluster.address}: what listens there {NO_KEY}" in said(worker)
    assert "Give the same password or key file" in said(worker)
    line = cluster.coordinator.until("refused 1|refused this", after=before)
    assert "does not know this coordinator's key" in line.string


def test_a_driver_with_a_wrong_key_ends_with_4_and_nothing_of_its_job_has_left(
    cluster, other_key, job
):
    with Proxy(cluster.port) as proxy:
        where = ["--runner", "cluster", "--address", proxy.address]
        driver = cluster.start("run", *job, *where, "--key-file", other_key)
        assert driver.exit_code() == 4
        assert f"refused by the coordinator at {proxy.address}" in said(driver)
        assert "Give the same password or key file" in said(driver)
    assert proxy.passed
    for one in proxy.passed:
        assert len(one.said["up"]) <= SAID_FIRST


def test_a_driver_of_python_is_refused_with_an_error_of_its_own(cluster, other_key):
    with (
        mincer.Cluster(cluster.address, key_file=other_key) as driver,
        pytest.raises(RefusedError, match=NO_KEY),
    ):
        mincer.Job(lambda key, value: [(key, value)]).run({1: 1}, runner=driver)


def test_a_wrong_password_is_refused_as_a_wrong_key_is(cluster):
    worker = cluster.start("worker", cluster.address, "-p", "a wrong one, and long")
    assert worker.exit_code() == 4
    assert NO_KEY in said(worker)


def test_the_right_password_of_another_cluster_is_refused(tmp_path, cluster):
    words = ["serve", "127.0.0.1:0", "-p", PASSWORD, "--cluster", "one"]
    coordinator = cluster.start(*words)
    port = coordinator.until(r"coordinator at \S+:(\d+)")[1]
    where = f"127.0.0.1:{port}"
    worker = cluster.start("worker", where, "-p", PASSWORD, "--cluster", "two")
    assert worker.exit_code() == 4
    same = cluster.start("worker", where, "-p", PASSWORD, "--cluster", "one")
    same.until("joined")
    same.end()
    coordinator.end()


def test_without_a_key_nothing_is_tried(cluster, job):
    worker = cluster.start("worker", cluster.address)
    assert worker.exit_code() == 2
    assert "a worker needs the password or the key file" in said(worker)
    driver = cluster.start("run", *job, "--runner", "cluster")
    assert driver.exit_code() == 2
    assert "a cluster needs its password or its key file" in said(driver)


def test_an_empty_password_is_refused_at_both_ends(cluster):
    for words in (["serve", "127.0.0.1:0"], ["worker", cluster.address]):
        process = cluster.start(*words, "-p", "")
        assert process.exit_code() == 2
        assert "the password is empty" in said(process)


def test_a_key_for_another_coordinator_is_not_used_with_this_one(cluster, tmp_path):
    """Of a limited key, the secret is allowed here; but it expects another end."""
    path = cluster.key_for("worker", "misled")
    other = Keys.of_secret(bytes(32)).server
    lines = path.read_text().splitlines()
    from zmq.utils import z85

    lines[-1] = f"coordinator {z85.decode(other).hex()}"
    path.write_text("\n".join(lines) + "\n")
    worker = cluster.worker(key=path)
    assert worker.exit_code() == 4
    assert NO_KEY in said(worker)


def test_a_key_that_is_not_on_the_list_is_refused_and_both_ends_say_why(cluster):
    path = cluster.key_for("worker", "unlisted")
    (cluster.allowed / "unlisted.pub").unlink()
    before = len(cluster.coordinator.lines)
    worker = cluster.worker(key=path)
    assert worker.exit_code() == 4
    assert "the coordinator does not know this key" in said(worker)
    cluster.coordinator.until("refused 127.0.0.1: its key is not known", after=before)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_is_not_used(cluster, tmp_path, mode):
    path = tmp_path / "open.key"
    path.write_bytes(cluster.key.read_bytes())
    path.chmod(mode)
    for words in (["serve", "127.0.0.1:0"], ["worker", cluster.address]):
        process = cluster.start(*words, "--key-file", path)
        assert process.exit_code() == 2
        assert "others than you can read the key file" in said(process)
        assert f"chmod 600 {path}" in said(process)


def test_many_guesses_are_a_few_lines_of_the_coordinator(cluster):
    before = len(cluster.coordinator.lines)
    server = read_key_file(str(cluster.key)).server
    context = zmq.Context()
    try:
        for n in range(60):
            wrong = keys_of_password("guess") if n == 0 else None
            keys = wrong.of_role("worker") if wrong else KeyPair.fresh()
            dealer = make_dealer(context, keys, server)
            monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH)
            dealer.connect(f"tcp://{cluster.address}")
            wait(lambda m=monitor: m.poll(0))
            dealer.disable_monitor()
            monitor.close(0)
            dealer.close(0)
    finally:
        context.destroy(0)
    cluster.coordinator.until(r"refused .*\d+ times more", after=before)
    told = [line for line in cluster.coordinator.lines[before:] if "refused" in line]
    assert len(told) <= 5
