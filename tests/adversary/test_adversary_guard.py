"""Row 19: when the thread that answers who may connect has died, nobody comes in, and
the coordinator stops and says why."""

import os
from pathlib import Path

import pytest
from adversary_scene import Cluster, wait

from mincer.net.keys import KeyPair, read_key_file
from mincer.net.sockets import make_dealer

SCRIPT = Path(__file__).with_name("serve_with_mortal_guard.py")


@pytest.fixture
def doomed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINCER_TEST_DIE", str(tmp_path / "die"))
    made = Cluster(tmp_path, workers=1, script=SCRIPT)
    yield made
    made.end()


def test_a_coordinator_whose_guard_dies_lets_nobody_in_and_stops(doomed):
    doomed.check()
    before = doomed.coordinator.lines
    (doomed.folder / "die").touch()
    late = doomed.worker()
    assert doomed.coordinator.exit_code() == 1
    told = "\n".join(doomed.coordinator.lines[len(before) :])
    assert "the thread that checks keys has died" in told
    assert "nobody can connect any more" in told
    # Neither has been refused: they wait for the next coordinator.
    assert not any("joined" in line for line in late.lines)
    for worker in (late, doomed.workers[0]):
        assert worker.process.poll() is None, worker.lines
    doomed.workers[0].until("waiting for a coordinator", after=2)


def test_with_the_next_coordinator_all_goes_on(doomed):
    (doomed.folder / "die").touch()
    late = doomed.worker()
    assert doomed.coordinator.exit_code() == 1
    (doomed.folder / "die").unlink()
    again = doomed.start("serve", doomed.address, "--key-file", doomed.key)
    again.until("coordinator at")
    late.until("joined")
    doomed.check()


def test_a_valid_key_does_not_help_while_nobody_answers(doomed):
    """The last moment of a coordinator whose guard is dead: it fails closed."""
    import zmq

    keys = read_key_file(str(doomed.key))
    (doomed.folder / "die").touch()
    context = zmq.Context()
    try:
        for pair in (keys.of_role("worker"), KeyPair.fresh()):
            dealer = make_dealer(context, pair, keys.server)
            monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
            dealer.connect(f"tcp://{doomed.address}")
            wait(lambda: doomed.coordinator.process.poll() is not None)
            assert not monitor.poll(0)
            dealer.disable_monitor()
            monitor.close(0)
            dealer.close(0)
    finally:
        context.destroy(0)


@pytest.mark.parametrize("words", [["serve", "127.0.0.1:0"], ["worker"]])
def test_nothing_switches_security_off(cluster, words):
    """No option, and nothing of the environment or of a settings file."""
    for option in ("--no-auth", "--insecure", "--no-encryption", "--allow-any"):
        process = cluster.start(*words, option)
        assert process.exit_code() == 2
        assert "No such option" in "\n".join(process.lines)
    for name in ("MINCER_INSECURE", "MINCER_NO_AUTH"):
        made = {**os.environ, name: "1"}
        process = cluster.start("serve", "127.0.0.1:0", environment=made)
        process.until("no password was given, so one was made")
        process.end()
