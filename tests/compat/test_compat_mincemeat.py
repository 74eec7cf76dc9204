"""mincemeatpy's names do what they did there, and what was wrong there is gone."""

import inspect
import math
import os
import re
import signal
import socket

import pytest
from compat_ends import InThread, ended, free_port, listens, until

import mincer
from mincer.compat import mincemeat
from mincer.errors import InputError, RefusedError, UsageError, UserCodeError

pytestmark = pytest.mark.cluster

PASSWORD = "correct horse battery staple"
RHYME = [
    "one two buckle my shoe",
    "three four knock at the door",
    "five six pick up sticks",
    "one two three",
]
COUNTS = {"one": 2, "two": 2, "three": 2, "the": 1}

SCRIPT = """
from mincer.compat import mincemeat
import re

rhyme = ["one two buckle my shoe", "three four knock at the door", "one two three"]

def mapfn(k, v):
    for word in re.findall("[a-z]+", v):
        yield word, 1

def reducefn(k, vs):
    total = vs[0]
    for v in vs[1:]:
        total += v
    return total

s = mincemeat.Server()
s.datasource = dict(enumerate(rhyme))
s.mapfn = mapfn
s.reducefn = reducefn
results = s.run_server(password={password!r}, port={port})
print(sorted(results.items()))
"""


def mapfn(k, v):
    for w in re.findall("[a-z]+", v):
        yield w, 1


def reducefn(k, vs):
    return sum(vs)


class Script:
    """A server with its script's settings, and clients for it."""

    def __init__(self, **attributes):
        self.port = free_port()
        self.server = mincemeat.Server()
        self.server.datasource = dict(enumerate(RHYME))
        self.server.mapfn = mapfn
        self.server.reducefn = reducefn
        self.server.progress = False
        for name, value in attributes.items():
            setattr(self.server, name, value)

    def client(self, password="", host="localhost"):
        client = mincemeat.Client()
        client.password = password
        return InThread(client.conn, host, self.port)

    def run(self, clients=1):
        started = [self.client() for _ in range(clients)]
        try:
            return self.server.run_server(port=self.port)
        finally:
            for client in started:
                client.end()


# --- the names


def test_the_names_and_their_defaults_are_those_that_were():
    assert mincemeat.VERSION == "0.1.4"
    assert mincemeat.DEFAULT_PORT == 11235
    defaults = inspect.signature(mincemeat.Server().run_server).parameters
    assert [one.default for one in defaults.values()] == ["", 11235]
    assert mincemeat.Client().password == ""
    assert callable(mincemeat.run_client)
    assert mincer.compat.mincemeat is mincemeat
    for name in ("datasource", "mapfn", "reducefn", "collectfn", "password"):
        assert getattr(mincemeat.Server(), name) is None


@pytest.mark.guard(90)
def test_a_script_runs_whose_worker_was_there_before(processes):
    port = free_port()
    words = ("-m", "mincer.compat.mincemeat", "-p", PASSWORD, "-P", port, "-v")
    worker = processes.python(*words, "localhost")
    until(lambda: "waiting" in worker.stderr.readline())
    server = processes.script(SCRIPT.format(password=PASSWORD, port=port))
    out, err, code = ended(server)
    assert "('one', 2)" in out
    assert "('buckle', 1)" in out
    assert (err, code) == ("", 0)
    _, err, code = ended(worker)
    assert f"the coordinator at 127.0.0.1:{port} has ended" in err
    assert code == 0


@pytest.mark.guard(90)
def test_a_script_without_a_password_runs_whose_worker_comes_later(processes, home):
    port = free_port()
    server = processes.script(SCRIPT.format(password="", port=port))
    until(lambda: listens(port))
    assert not listens(port, "127.0.0.2")
    worker = processes.python("-m", "mincer.compat.mincemeat", "-P", port)
    assert "('two', 2)" in ended(server)[0]
    assert ended(worker) == ("", "", 0)
    assert os.listdir(home) == ["own.key"]


def test_the_command_line_is_that_of_the_original(processes):
    told = processes.python("-m", "mincer.compat.mincemeat", "--version")
    assert ended(told) == ("mincemeat.py 0.1.4\n", "", 0)
    told = processes.python("-m", "mincer.compat.mincemeat", "--help")
    out, _, _ = ended(told)
    for word in ("-p", "-P", "-v", "-V", "--version", "server_name", "11235"):
        assert word in out


def test_with_a_wrong_password_the_command_says_so(processes):
    script = Script()
    running = InThread(script.server.run_server, PASSWORD, script.port)
    words = ("-m", "mincer.compat.mincemeat", "-p", "another", "-P", script.port)
    _, err, code = ended(processes.python(*words))
    assert err.startswith("error: refused by 127.0.0.1")
    assert code == 4
    script.client(PASSWORD).end()
    running.end()


# --- the rules


def test_words_are_counted():
    found = Script().run(clients=2)
    assert {word: found[word] for word in COUNTS} == COUNTS


def test_a_server_may_run_again():
    script = Script()
    script.server.datasource = script.run()  # a step that reads what another made
    script.server.mapfn = lambda word, count: [(count, 1)]
    assert script.run() == {1: 13, 2: 3}


def test_values_are_a_list():
    def reducefn(k, vs):
        vs.sort()
        return vs

    script = Script(
        datasource={n: n for n in (3, 1, 2)},
        mapfn=lambda k, v: [(None, v)],
        reducefn=reducefn,
    )
    assert script.run() == {None: [1, 2, 3]}


def test_collectfn_runs_once_for_each_key_of_a_record():
    script = Script(
        datasource={1: "a b a", 2: "a"},
        mapfn=lambda k, v: ((w, "any") for w in v.split()),
        collectfn=lambda k, vs: len(vs),
    )
    assert script.run() == {"a": 3, "b": 1}


def test_functions_see_their_globals_closures_and_imports():
    base = 2

    def mapfn(k, v):
        yield math.floor(v) + base + len(RHYME), 1

    assert Script(datasource={1: 0.5}, mapfn=mapfn).run() == {6: 1}


class DictLike:
    """Has what mincemeatpy asked for and nothing else; yields a key twice."""

    def __iter__(self):
        yield from ("one", "two", "one")

    def __getitem__(self, key):
        return f"{key} {key}"


def test_a_source_is_anything_dict_like_and_no_key_of_it_is_dropped():
    assert Script(datasource=DictLike()).run() == {"one": 4, "two": 2}


def test_of_nothing_comes_nothing():
    assert Script(datasource={}).run() == {}


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({"datasource": None}, "datasource must be a dict"),
        ({"datasource": ["a line"]}, r"dict\(enumerate\(items\)\)"),
        ({"mapfn": None}, "mapfn must be a function, called as mapfn"),
        ({"mapfn": lambda v: []}, "cannot be called with"),
        ({"reducefn": None}, "no reducefn"),
        ({"reducefn": lambda vs: 0}, "cannot be called with"),
        ({"collectfn": lambda vs: 0}, "cannot be called with"),
    ],
)
def test_what_is_wrong_with_a_server_is_told_before_it_starts(attributes, told):
    with pytest.raises(UsageError, match=told):
        Script(**attributes).server.run_server()


# --- what was wrong there


def test_an_exception_ends_the_job_and_no_worker():
    def mapfn(k, v):
        yield v, 1 / k

    script = Script(datasource={2: "fine", 0: "not fine"}, mapfn=mapfn)
    client = script.client()
    with pytest.raises(UserCodeError, match="ZeroDivisionError") as told:
        script.server.run_server(port=script.port)
    assert "'not fine'" in told.value.where.value
    assert "yield v, 1 / k" in told.value.user_traceback
    client.end()


def test_an_exception_of_the_source_is_told():
    class Broken(DictLike):
        def __getitem__(self, key):
            raise OSError("the disk is gone")

    script = Script(datasource=Broken())
    with pytest.raises(InputError, match="the source raised at item 0"):
        script.server.run_server(port=script.port)


def test_peers_that_hang_block_nothing():
    script = Script()
    running = InThread(script.server.run_server, port=script.port)
    until(lambda: listens(script.port))
    silent = [socket.create_connection(("127.0.0.1", script.port)) for _ in range(20)]
    silent[0].sendall(b"\xff\0\0\0\0\0\0\0\x01\x7f")  # half a greeting of ZeroMQ
    script.client().end()
    assert running.end()["one"] == 2
    for one in silent:
        one.close()


@pytest.mark.guard(90)
def test_a_worker_that_is_killed_is_replaced(processes, tmp_path):
    def mapfn(k, v):
        if v == "first" and not os.path.exists(marker):
            open(marker, "w").close()
            yield "of a worker that died", 1
            signal.pause()
        yield v, 1

    marker = str(tmp_path / "killed")
    script = Script(datasource={1: "first", 2: "second"}, mapfn=mapfn)
    running = InThread(script.server.run_server, port=script.port)
    words = ("-m", "mincer.compat.mincemeat", "-P", script.port)
    first = processes.python(*words)
    until(lambda: os.path.exists(marker))
    first.kill()
    second = processes.python(*words)
    assert running.end() == {"first": 1, "second": 1}
    assert ended(second)[2] == 0


def test_records_and_keys_share_tasks():
    script = Script(
        datasource={n: n for n in range(2_000)}, mapfn=lambda k, v: [(v % 1000, 1)]
    )
    assert script.run() == dict.fromkeys(range(1000), 2)
    report = script.server.report
    assert (report.records, report.pairs) == (2_000, 1_000)
    assert sum(report.attempts.values()) < 400


def test_what_is_between_map_and_reduce_does_not_pass_the_server(monkeypatch):
    hubs = []
    serve = mincemeat.Serve
    monkeypatch.setattr(
        mincemeat, "Serve", lambda *a, **n: hubs.append(serve(*a, **n)) or hubs[-1]
    )
    script = Script(
        datasource={n: n for n in range(10)},
        mapfn=lambda k, v: ((n, bytes([v]) * 100_000) for n in range(10)),
        reducefn=lambda k, vs: sum(map(len, vs)),
    )
    assert script.run(clients=2) == dict.fromkeys(range(10), 1_000_000)
    assert hubs[0]._coordinator.hub.relayed_bytes < 1_000_000


def test_progress_and_counters_are_there():
    def mapfn(k, v):
        mincer.count("lines")
        yield v, 1

    seen = []
    script = Script(mapfn=mapfn, progress=seen.append)
    script.run()
    assert script.server.report.counters == {"lines": 4}
    assert seen[-1].phase == "done"


# --- who may join


def test_a_client_with_another_password_is_refused_and_the_job_goes_on():
    script = Script()
    running = InThread(script.server.run_server, PASSWORD, script.port)
    with pytest.raises(RefusedError, match="refused by"):
        script.client("another").end()
    script.client(PASSWORD).end()
    assert running.end()["one"] == 2


def test_with_a_password_all_interfaces_are_listened_at():
    script = Script()
    running = InThread(script.server.run_server, PASSWORD, script.port)
    until(lambda: listens(script.port, "127.0.0.2"))
    script.client(PASSWORD, "127.0.0.2").end()
    running.end()


def test_what_was_set_is_a_secret_as_well(monkeypatch):
    monkeypatch.setenv("MINCER_PASSWORD", "set by the user")
    script = Script()
    running = InThread(script.server.run_server, port=script.port)
    until(lambda: listens(script.port, "127.0.0.2"))
    script.client().end()
    running.end()


def test_without_a_password_nobody_goes_beyond_loopback():
    client = mincemeat.Client()
    with pytest.raises(UsageError, match=r"at 192\.0\.2\.1:7") as told:
        client.conn("192.0.2.1", 7)
    line = "python -m mincer.compat.mincemeat -p PASSWORD -P 7 192.0.2.1"
    assert told.value.hint.startswith(line)


def test_another_user_is_refused(monkeypatch, tmp_path):
    script = Script()
    running = InThread(script.server.run_server, port=script.port)
    until(lambda: listens(script.port))
    own = os.environ["MINCER_HOME"]
    monkeypatch.setenv("MINCER_HOME", str(tmp_path / "home of another"))
    with pytest.raises(RefusedError):
        script.client().end()
    monkeypatch.setenv("MINCER_HOME", own)
    script.client().end()
    running.end()
