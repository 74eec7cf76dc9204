"""Row 17: thousands that connect and say nothing, or begin and do not go on, and those
that knock with keys that are not known: legitimate workers work on, and others join."""

import contextlib
import resource
import threading

import pytest
import zmq
from adversary_lines import command, greeting, hang_up
from adversary_scene import descriptors, dial, resident_bytes, wait

from mincer.net.keys import KeyPair, read_key_file
from mincer.net.sockets import make_dealer

MANY = 2000
GROWTH_BYTES_MAX = 80_000_000
#: Those that may wait at a time, and a cluster's own: fewer than come at once.
DESCRIPTORS_MAX = 1000 + 200


@pytest.fixture(autouse=True)
def room():
    """Descriptors for a flood, in this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(before[1], MANY + 2000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, before[0]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


class Flood:
    """So many connections to a port at a time: who is hung up on comes again."""

    def __init__(self, port, said, many=MANY):
        self.port = port
        self.said = said
        self.came = 0
        self._lines = [None] * many
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._is_over:
            for nth, line in enumerate(self._lines):
                if self._is_over:
                    return
                if line is None or self._has_ended(line):
                    with contextlib.suppress(OSError):
                        self._lines[nth] = dial(self.port, self.said)
                        self.came += 1

    @staticmethod
    def _has_ended(line):
        line.setblocking(False)
        try:
            if line.recv(4096):
                return False
        except BlockingIOError:
            return False
        except OSError:
            pass
        line.close()
        return True

    def __enter__(self):
        self._thread.start()
        wait(lambda: self.came >= len(self._lines))
        return self

    def __exit__(self, *exception):
        self._is_over = True
        self._thread.join()
        for line in filter(None, self._lines):
            hang_up(line)
            line.close()


@pytest.mark.guard(180)
@pytest.mark.parametrize(
    "said",
    [b"", greeting(b"CURVE"), greeting(b"CURVE") + command(b"HELLO", bytes(194))[:150]],
    ids=["idle", "half-open", "half a command"],
)
def test_legitimate_workers_work_on_and_others_join_while_thousands_wait(cluster, said):
    coordinator = cluster.coordinator
    memory = resident_bytes(coordinator.pid)
    before = len(coordinator.lines)
    with Flood(cluster.port, said):
        for _ in range(2):
            cluster.check()
        worker = cluster.join()
        # Who is hung up on is here again at once, so for a moment there may be more.
        coordinator.until("too many have connected and said nothing")
        wait(lambda: descriptors(coordinator.pid) < DESCRIPTORS_MAX)
        cluster.check()
        assert resident_bytes(coordinator.pid) - memory < GROWTH_BYTES_MAX
    assert cluster.workers[0].process.poll() is None
    wait(lambda: descriptors(coordinator.pid) < 200)
    # A flood is a few lines.
    assert len(coordinator.lines) - before < 40
    worker.end()


@pytest.mark.guard(180)
def test_who_knocks_with_unknown_keys_again_and_again_does_not_keep_others_out(cluster):
    """They know the coordinator's public key, as one does whose own was revoked: each
    handshake is answered in full, and refused."""
    server = read_key_file(str(cluster.key)).server
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3000)
    is_over = threading.Event()
    knocks = []

    def knock():
        dealers = []
        while not is_over.is_set():
            dealer = make_dealer(context, KeyPair.fresh(), server)
            dealer.connect(f"tcp://{cluster.address}")
            dealers.append(dealer)
            knocks.append(1)
            if len(dealers) > 100:
                dealers.pop(0).close(0)
            is_over.wait(0.002)
        for dealer in dealers:
            dealer.close(0)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        wait(lambda: len(knocks) > 200)
        cluster.check()
        worker = cluster.join()
        cluster.check()
        wait(lambda: len(knocks) > 500)
    finally:
        is_over.set()
        thread.join()
        context.destroy(0)
    worker.end()
