"""The peers: their environments, and that the work they share is done right."""

import importlib
import json
import random
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from benchmarks.peers import command, environments, tasks, work
from benchmarks.peers.environments import PEERS, WORKLOADS, Peer, ready


def each(function, items):
    """A round of tasks in this process."""
    return [function(item) for item in items]


@pytest.fixture
def run(tmp_path):
    """Run a workload of the task peers; the lines of its output, in order."""

    def run(workload, inputs):
        out = tmp_path / "out"
        tasks.programs(each)[workload](str(out), [str(path) for path in inputs])
        paths = sorted(out.iterdir()) if out.is_dir() else [out]
        left = set(tmp_path.iterdir()) - {out, *inputs}
        assert not left, "a program leaves its output only"
        return [line for path in paths for line in path.read_text("utf-8").splitlines()]

    return run


@pytest.fixture
def texts(tmp_path):
    """Four files of words, some of them in all files, most in one."""
    chosen = random.Random(5)
    paths = []
    for number in range(4):
        lines = [
            " ".join(chosen.choices(["The", "the", "cat,", *map(str, range(999))], k=7))
            for _ in range(50)
        ]
        path = tmp_path / f"part-{number:02d}.txt"
        path.write_text("\n".join([*lines, "", "Ende"]) + "\n", "utf-8")
        paths.append(path)
    return paths


@pytest.mark.parametrize("workload", ["tiny", "words", "words_blocks", "distinct"])
def test_words_are_counted(run, texts, workload):
    expected = Counter(" ".join(p.read_text("utf-8") for p in texts).lower().split())
    lines = run(workload, texts)
    assert sorted(lines) == sorted(f"{word}\t{n}" for word, n in expected.items())


def test_an_index_has_every_line_of_a_word_once_and_in_order(run, texts):
    expected = defaultdict(list)
    for number, path in enumerate(texts):
        for line_number, line in enumerate(path.read_text("utf-8").splitlines()):
            for word in sorted(set(line.lower().split())):
                expected[word].append(str((10 + number) * 10_000_000 + line_number))
    lines = run("index", texts)
    assert sorted(lines) == sorted(f"{w}\t{' '.join(n)}" for w, n in expected.items())


def test_records_come_in_one_total_order(run, tmp_path):
    chosen = random.Random(6)
    paths, records = [], []
    for number in range(3):
        path = tmp_path / f"part-{number:02d}.txt"
        lines = [
            "".join(chosen.choices("0aZ~!", k=10)) + "." * 89 + "\n" for _ in range(200)
        ]
        path.write_text("".join(lines), "utf-8")
        paths.append(path)
        records += lines
    assert [f"{line}\n" for line in run("sort", paths)] == sorted(records)


def test_json_lines_are_grouped_over_the_files(run, tmp_path):
    rows = [[("a", 3), ("b", 5), ("a", 7)], [("c", 1), ("a", 2)]]
    paths = []
    for number, records in enumerate(rows):
        path = tmp_path / f"part-{number:02d}.txt"
        made = [json.dumps({"user_id": u, "amount": a}) + "\n" for u, a in records]
        path.write_text("".join(made), "utf-8")
        paths.append(path)
    assert sorted(run("group", paths)) == ["a\t12\t3\t7", "b\t5\t1\t5", "c\t1\t1\t1"]


def test_the_task_peers_do_every_workload():
    assert set(tasks.programs(each)) == set(WORKLOADS)


def test_a_block_ends_with_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(work, "BLOCK_SIZE_BYTES", 10)
    path = tmp_path / "part-00.txt"
    path.write_text("a b c d\ne f g h\ni j\n", "utf-8")
    assert list(work.blocks(str(path))) == ["a b c d\ne f g h\n", "i j\n"]


# --- the command line of the programs


def test_the_named_workload_is_run(monkeypatch):
    calls = []
    monkeypatch.setattr(sys, "argv", ["program.py", "words", "OUT", "a.txt", "b.txt"])
    command.main({"words": lambda out, inputs: calls.append((out, inputs))})
    assert calls == [("OUT", ["a.txt", "b.txt"])]


def test_what_a_peer_does_not_do_ends_with_3(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program.py", "sort", "OUT", "a.txt"])
    with pytest.raises(SystemExit) as ended:
        command.main({})
    assert ended.value.code == 3


def test_a_short_command_line_is_answered_with_the_usage(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program.py", "sort"])
    with pytest.raises(SystemExit, match=r"^usage: program\.py WORKLOAD OUT INPUT"):
        command.main({})


# --- the environments


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_has_its_program_and_lower_bounds(peer):
    folder = environments.HERE / peer.name
    compile((folder / "program.py").read_text("utf-8"), "program.py", "exec")
    wanted = [
        line
        for line in (folder / "requirements.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    ]
    assert wanted
    assert all(">=" in line for line in wanted)
    assert set(peer.forms) <= set(WORKLOADS)


def test_the_native_peers_are_known():
    assert {peer.name for peer in PEERS if peer.native} == {"polars", "duckdb"}


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """A peer of ours, whose requirements the test writes."""
    here = tmp_path / "peers"
    (here / "made_up").mkdir(parents=True)
    monkeypatch.setattr(environments, "HERE", here)
    monkeypatch.setattr(environments, "BUILD", tmp_path / "build")
    monkeypatch.setattr(environments, "PEERS", (Peer("made_up", "made up"),))
    return here / "made_up" / "requirements.txt"


def test_an_environment_is_made_once_and_finds_the_benchmark(made_up):
    made_up.write_text("# nothing\n", "utf-8")
    python = ready("made_up")
    found = [str(python), "-c", "import benchmarks.peers.work as w; print(w.WORKERS)"]
    run = subprocess.run(found, cwd=made_up.parent, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("2\n", "")
    mark = python.parent / "mark"
    mark.touch()
    assert ready("made_up") == python
    assert mark.exists(), "made again without a reason"


def test_what_pip_cannot_install_is_the_reason_and_not_kept(made_up):
    made_up.write_text("./there-is-no-such-folder\n", "utf-8")
    assert str(ready("made_up")).startswith("pip failed: ERROR: ")
    assert not list(environments.BUILD.glob("*/made-of.txt"))


def test_other_requirements_ask_for_another_environment(made_up):
    made_up.write_text("# one\n", "utf-8")
    before = environments.stamp_text(made_up)
    made_up.write_text("# two\n", "utf-8")
    assert environments.stamp_text(made_up) != before


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Reading\nERROR: no such thing\nHint: look\n\n", "ERROR: no such thing"),
        ("one\ntwo\n", "two"),
        ("\n", "it said nothing"),
    ],
)
def test_the_line_that_says_what_was_wrong(said, line):
    assert environments.complaint(said) == line


def test_a_python_that_makes_no_environment_is_a_reason(made_up, monkeypatch):
    made_up.write_text("# nothing\n", "utf-8")

    def create(*arguments, **options):
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(environments.venv, "create", create)
    assert str(ready("made_up")).startswith("this Python makes no environment: ")


def test_an_unknown_peer_is_a_mistake():
    with pytest.raises(KeyError):
        ready("nobody")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("no such file", None),
    ],
)
def test_the_version_of_java_is_read(said, version):
    assert environments.java_version(said) == version


@pytest.mark.parametrize(
    ("found", "reason"), [(None, "no Java: install"), (11, "Java 11 only: install")]
)
def test_a_peer_without_its_java_is_left_out_with_what_to_install(
    monkeypatch, found, reason
):
    monkeypatch.setattr(environments, "java_found", lambda: found)
    monkeypatch.setattr(environments, "java_install", lambda: "not root")
    answer = ready("pyspark")
    assert answer.startswith(reason)
    assert "openjdk-17-jre-headless" in answer
    assert answer.endswith("not root")


def test_the_list_says_who_is_left_out(monkeypatch, capsys):
    listing = importlib.import_module("benchmarks.peers.__main__")
    answers = {peer.name: environments.BUILD for peer in PEERS}
    monkeypatch.setattr(listing, "ready", (answers | {"ray": "pip failed: x"}).get)
    assert listing.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(PEERS)
    assert [line for line in lines if not line.endswith(" ready")] == [
        "ray               ray, tasks             left out: pip failed: x"
    ]
