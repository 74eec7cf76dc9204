"""Kaylee's names do what they did there, and what was wrong there is gone."""

import inspect
import os
import re
import signal
import threading
import warnings

import pytest
from compat_ends import InThread, ended, free_port, listens, until

import mincer
from mincer.compat import kaylee
from mincer.compat.kaylee import Client, Server
from mincer.errors import (
    InputError,
    RefusedError,
    TimedOutError,
    UsageError,
    UserCodeError,
)

pytestmark = pytest.mark.cluster

TEXT = b"red blue red\ngreen red\n\nblue\n"
COUNTS = {b"red": 3, b"blue": 2, b"green": 1}

SCRIPT = """
import mmap
from itertools import count
from mincer.compat.kaylee import Server

f = open("colours.txt", "rb")
mm = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)

def datafn():
    numbers = count(0)
    while mm.tell() < mm.size():
        yield next(numbers), memoryview(mm.readline())
    mm.close()

def mapfn(k1, v):
    for w in v.bytes.split():
        yield w, 1

def reducefn(k2, v):
    return sum(v)

s = Server()
s.connect({address})
s.mapfn = mapfn
s.reducefn = reducefn
s.datafn = datafn
s.start()
print(sorted(s.results().items(), key=lambda x: x[1], reverse=True)[:2])
"""


def datafn():
    yield from enumerate(TEXT.splitlines())


def mapfn(k1, v):
    for word in v.split():
        yield word, 1


def reducefn(k2, vs):
    return sum(vs)


class Script:
    """A server with its script's settings, and clients for it."""

    def __init__(self, **attributes):
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.server = Server()
        self.server.datafn = datafn
        self.server.mapfn = mapfn
        self.server.reducefn = reducefn
        self.server.progress = False
        for name, value in attributes.items():
            setattr(self.server, name, value)

    def client(self):
        client = Client()
        client.connect(self.address)
        return InThread(client.start)

    def run(self, timeout=None):
        client = self.client()
        try:
            self.server.connect(self.address)
            self.server.start(timeout)
            return self.server.results()
        finally:
            client.end()


# --- the names


def test_the_names_and_their_defaults_are_those_that_were():
    for end in (Server, Client):
        parameters = inspect.signature(end().connect).parameters
        given = dict(list(parameters.items())[:3])
        assert [*given] == ["push_addr", "pull_addr", "control_addr"]
        assert {one.default for one in given.values()} == {None}
    assert inspect.signature(Server().start).parameters["timeout"].default is None
    assert mincer.compat.kaylee is kaylee
    for name in ("datafn", "mapfn", "reducefn"):
        assert getattr(Server(), name) is None
    assert Server().results() is None


@pytest.mark.guard(90)
@pytest.mark.parametrize("is_worker_first", [True, False])
def test_a_script_runs(is_worker_first, processes, tmp_path, home):
    (tmp_path / "colours.txt").write_bytes(TEXT)
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"

    def worker():
        return processes.python("-m", "mincer.compat.kaylee", address)

    if is_worker_first:
        client = worker()
        until(lambda: "waiting for a coordinator" in client.stderr.readline())
    server = processes.script(SCRIPT.format(address=repr(address)))
    if not is_worker_first:
        until(lambda: listens(port))
        assert not listens(port, "127.0.0.2")
        client = worker()
    out, err, code = ended(server)
    assert (out, code) == ("[(b'red', 3), (b'blue', 2)]\n", 0)
    # It tells of who only looked if somebody listens there, and may know his address.
    looked = re.compile("refused (somebody|.*: it left in the middle of the handshake)")
    assert [line for line in err.splitlines() if not looked.search(line)] == []
    _, err, code = ended(client)
    assert "has ended" in err
    assert code == 0
    assert os.listdir(home) == ["own.key"]


# --- the rules


def test_words_are_counted_and_start_returns():
    assert Script().run() == COUNTS


def test_a_server_may_start_again():
    script = Script()
    assert script.run() == COUNTS
    script.server.datafn = lambda: [(1, b"blue")]
    client = script.client()
    script.server.start()
    client.end()
    assert script.server.results() == {b"blue": 1}


def test_values_are_an_iterator_read_once():
    def reducefn(k2, vs):
        first = next(vs)
        return first, sum(vs)

    script = Script(datafn=lambda: [(1, b"a a a")], reducefn=reducefn)
    assert script.run() == {b"a": (1, 2)}


@pytest.mark.parametrize(
    ("item", "given"),
    [
        (memoryview(b"some"), (b"some", b"some", b"some")),
        (b"some", (b"some", b"some", b"some")),
        ("some", ("some", "some", None)),
        (7, (7, None, None)),
    ],
)
def test_data_can_be_asked_for_as_a_message_was(item, given):
    def mapfn(k1, v):
        buffer = getattr(v, "buffer", None)
        yield k1, (v, getattr(v, "bytes", None), buffer and bytes(buffer))

    script = Script(
        datafn=lambda: [[1, item]], mapfn=mapfn, reducefn=lambda k2, vs: [*vs]
    )
    assert script.run() == {1: [given]}


def test_the_first_address_is_used_and_of_the_others_is_warned_once():
    address = f"tcp://127.0.0.1:{free_port()}"
    others = ("tcp://127.0.0.1:1", "tcp://127.0.0.1:2")
    for end, more in ((Server(), {}), (Client(), {"ctrl_addr": others[0]})):
        with pytest.warns(UserWarning, match="only the first address") as told:
            end.connect(address, *others, **more)
        assert len(told) == 1
        assert told[0].filename == __file__
        with warnings.catch_warnings(action="error"):
            end.connect(address)  # in place of the one before
    end.kill()


def test_a_client_that_is_killed_returns():
    script = Script()
    client = Client()
    client.connect(script.address)
    running = InThread(client.start)
    until(lambda: client._worker._thread is not None)
    client.kill()
    running.end()
    client.start()  # and stays away
    client.connect(script.address)
    client.kill()
    client.start()


def test_it_gives_up_after_the_time_that_it_was_given():
    script = Script(datafn=lambda: [(1, b"one")])
    script.server.connect(script.address)
    with pytest.raises(TimedOutError, match=r"not done after 0\.1 seconds"):
        script.server.start(timeout=0.1)
    assert script.server.results() is None
    assert script.run(timeout=30) == {b"one": 1}


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"datafn": None}, "datafn must be a function"),
        ({"mapfn": None}, "mapfn must be a function, called as mapfn"),
        ({"reducefn": None}, "no reducefn"),
        ({"reducefn": lambda vs: 0}, "cannot be called with"),
    ],
)
def test_what_is_wrong_with_a_server_is_told_before_it_starts(attributes, told):
    with pytest.raises(UsageError, match=told):
        Script(**attributes).server.start()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ipc:///somewhere", "no address of TCP"),
        ("tcp://127.0.0.1:many", "has no port"),
        ("tcp://*:5555", r"a stranger at 0\.0\.0\.0:5555"),
        ("192.0.2.1", r"a stranger at 192\.0\.2\.1"),
    ],
)
@pytest.mark.parametrize("end", [Server, Client])
def test_an_address_that_will_not_do_is_told(end, address, told):
    with pytest.raises(UsageError, match=told) as error:
        end().connect(address)
    assert error.value.hint


def test_what_datafn_gives_is_pairs():
    script = Script(datafn=lambda: ["abc"])
    script.server.connect(script.address)
    with pytest.raises(InputError, match="is not a pair"):
        script.server.start()


# --- what was wrong there


def test_an_exception_ends_the_job():
    def mapfn(k1, v):
        raise KeyError(v)

    with pytest.raises(UserCodeError, match="KeyError"):
        Script(mapfn=mapfn).run()


@pytest.mark.guard(90)
def test_what_a_dead_worker_had_is_done_again_and_counted_once(processes, tmp_path):
    def mapfn(k1, v):
        yield "pairs", 1
        if v == b"last" and not os.path.exists(marker):
            open(marker, "w").close()
            signal.pause()

    marker = str(tmp_path / "killed")
    script = Script(datafn=lambda: [(1, b"first"), (2, b"last")], mapfn=mapfn)
    script.server.connect(script.address)
    running = InThread(script.server.start)
    words = ("-m", "mincer.compat.kaylee", script.address)
    first = processes.python(*words)
    until(lambda: os.path.exists(marker))
    first.kill()
    second = processes.python(*words)
    running.end()
    assert script.server.results() == {"pairs": 2}
    assert ended(second)[2] == 0


def test_pairs_do_not_travel_one_by_one():
    script = Script(
        datafn=lambda: [(1, b"many")], mapfn=lambda k1, v: ((n, 1) for n in range(9999))
    )
    assert len(script.run()) == 9999
    report = script.server.report
    assert report.pairs_mapped == 9999
    assert sum(report.attempts.values()) < 40


def test_who_has_not_the_key_of_the_user_is_refused(monkeypatch, tmp_path):
    script = Script()
    script.server.connect(script.address)
    own = os.environ["MINCER_HOME"]
    monkeypatch.setenv("MINCER_HOME", str(tmp_path / "home of another"))
    with pytest.raises(RefusedError):
        script.client().end()
    monkeypatch.setenv("MINCER_HOME", own)
    client = script.client()
    script.server.start()
    client.end()
    assert script.server.results() == COUNTS


def test_with_a_password_it_goes_beyond_loopback(monkeypatch):
    monkeypatch.setenv("MINCER_PASSWORD", "set by the user")
    script = Script()
    port = script.address.rpartition(":")[2]
    script.server.connect(f"tcp://*:{port}")
    assert listens(int(port), "127.0.0.2")
    script.address = f"tcp://127.0.0.2:{port}"
    client = script.client()
    script.server.start()
    client.end()
    assert script.server.results() == COUNTS


def test_nothing_is_left():
    before = set(threading.enumerate())
    Script().run()
    assert set(threading.enumerate()) <= before
