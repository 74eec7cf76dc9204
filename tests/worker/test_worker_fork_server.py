"""The fork server: it forks, reaps when told, and goes when its driver goes."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from mincer.worker import fork_server
from mincer.worker.fork_server import ForkServer
from mincer.worker.page import Page
from mincer.worker.pipes import read_frame


@pytest.fixture
def server():
    server = ForkServer()
    yield server
    server.close()


@pytest.fixture
def fork(tmp_path):
    """Fork a child; return what it reads from and the end that it answers at."""
    pages, ends = [], []

    def fork(server, name):
        page_path = str(tmp_path / name)
        pages.append(Page(page_path, create=True))
        theirs, orders = os.pipe()
        replies, answers = os.pipe()
        try:
            server.fork(name, theirs, answers, page_path, page_path + ".stack", "")
        finally:
            os.close(theirs)
            os.close(answers)
            ends.extend((orders, replies))
        return orders, replies

    yield fork
    for end in ends:
        os.close(end)
    for page in pages:
        page.close()


def test_a_child_leads_a_group_and_tells_its_id(server, fork):
    _, replies = fork(server, "one")
    pid = read_frame(replies)
    assert server.pid("one") == pid
    assert os.getpgid(pid) == pid
    assert server.pid("nobody") == 0


def test_a_child_is_there_until_it_is_ended(server, fork):
    _, replies = fork(server, "one")
    pid = read_frame(replies)
    assert not server.has_ended("one")
    os.kill(pid, signal.SIGTERM)
    assert os.read(replies, 1) == b""  # its end of the pipe is closed
    while not server.has_ended("one"):
        pass
    assert psutil.pid_exists(pid)  # not reaped: no other process can have the id
    assert server.end("one") == -signal.SIGTERM
    assert not psutil.pid_exists(pid)
    assert server.end("one") == 1


def test_children_of_a_server_that_is_closed_end(server, fork):
    pids = [read_frame(fork(server, name)[1]) for name in ("one", "two")]
    assert server.close() == 0
    assert server.close() == 0
    assert not any(map(psutil.pid_exists, pids))
    assert server.has_ended("one")
    assert server.end("one") == 0
    with pytest.raises(ConnectionError):
        fork(server, "three")


def test_a_server_that_is_killed_is_noticed(server, fork):
    _, replies = fork(server, "one")
    read_frame(replies)
    os.kill(server._pid, signal.SIGKILL)
    assert server.pid("one") == 0
    assert server.end("one") == -signal.SIGKILL
    assert os.read(replies, 1) == b""  # the child ends by itself


def test_it_is_begun_once_and_taken_once():
    fork_server.begin()
    fork_server.begin()
    first, second = fork_server.take(), fork_server.take()
    assert first is not second
    first.close()
    second.close()
    fork_server.begin()
    fork_server.end_spare()
    fork_server.end_spare()
    assert not fork_server._spare


def test_the_spare_of_another_process_is_left_alone(monkeypatch):
    fork_server.begin()
    spare = fork_server._spare[0]
    with monkeypatch.context() as patched:
        patched.setattr(spare, "_owner", -1)
        other = fork_server.take()
        assert other is not spare
        other.close()
    spare.close()


def test_a_begin_that_cannot_be_is_told_by_the_take(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    fork_server.begin()
    with pytest.raises(OSError, match="No such file"):
        fork_server.take()


def test_it_ends_with_its_driver_and_takes_the_children_along(tmp_path):
    code = (
        "import os, sys\n"
        "from mincer.worker.fork_server import ForkServer\n"
        "from mincer.worker.page import Page\n"
        "from mincer.worker.pipes import read_frame\n"
        "(theirs, _), (replies, answers) = os.pipe(), os.pipe()\n"
        "page = Page(sys.argv[1], create=True)\n"
        "server = ForkServer()\n"
        "server.fork('one', theirs, answers, page.path, page.path + '.stack', '')\n"
        "os.close(answers)\n"
        "print(server._pid, read_frame(replies), flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "page")],
        stdout=subprocess.PIPE,
        check=True,
    )
    server, child = map(int, done.stdout.split())
    for pid in (server, child):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
            pass
