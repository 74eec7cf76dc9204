"""The table among the peers: who is ahead, who is out and why, what is older."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import peers_table, racing
from benchmarks.peers.environments import PEERS
from benchmarks.programs import OUT, Program
from benchmarks.results import Results

WORDS, BLOCKS = (
    cell for cell in peers_table.cells() if cell.name in ("words-1m", "blocks-1m")
)
FAST, SLOW = {"wall_s": 1.0, "tree_mb": 50.0}, {"wall_s": 2.0, "tree_mb": 60.0}


def kept(**programs):
    timed = {
        label.replace("_", " "): {"said": "", "runs": 3} | cost
        for label, cost in programs.items()
    }
    return {WORDS.key: {"programs": timed, "code": "now", "date": "2026-01-01"}}


def row(figures, code="now"):
    section = peers_table.section(figures, code)
    (found,) = [line for line in section if line.startswith("| words 1 MB")]
    return found


def test_mincer_is_ahead_of_the_best_that_races():
    assert row(kept(mincer=FAST, joblib=SLOW)).endswith("| joblib: 2.00 × |")
    behind = row(kept(mincer=SLOW, joblib=FAST))
    assert behind.endswith("| **not** joblib: 0.50 × |")


def test_native_code_and_programs_by_hand_do_not_race():
    polars = next(peer.label for peer in PEERS if peer.native)
    figures = kept(mincer=SLOW, joblib=SLOW, by_hand=FAST, **{polars: FAST})
    assert row(figures).endswith(
        "| joblib: 1.00 × |".replace("joblib", "**not** joblib")
    )


def test_a_time_out_is_a_result_and_a_reason_is_told():
    figures = kept(
        mincer=FAST,
        joblib={"said": "> 600 s"},
        **{"ray, tasks": {"said": "left out: no wheel"}},
    )
    assert "> 600 s" in row(figures)
    section = peers_table.section(figures, "now")
    assert "* ray, tasks: left out: no wheel" in section


def test_lines_that_are_older_than_the_code_are_named():
    assert f"code: {WORDS.key}." in "\n".join(
        peers_table.section(kept(mincer=FAST), "later")
    )
    assert "code: none." in "\n".join(peers_table.section(kept(mincer=FAST), "now"))


def test_without_figures_there_is_no_table():
    assert peers_table.section({}, "now") == []


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run one line of the table with programs of ours in the places of all."""

    def run(codes):
        def program(label):
            code = codes.get(label, "print('a', 1, sep='\\t', file=open(OUT, 'w'))")
            code = code.replace("OUT", repr(OUT))
            return Program(label, (sys.executable, "-c", code))

        monkeypatch.setattr(racing, "FOLDER", tmp_path / "bench")
        monkeypatch.setattr(
            peers_table,
            "ready",
            lambda name: "no Java" if name == "pyspark" else Path(sys.executable),
        )
        monkeypatch.setattr(
            peers_table, "_program", lambda peer, python, cell: program(peer.label)
        )
        cell = replace(WORDS, mincer=program("mincer"), by_hand=program("by hand"))
        monkeypatch.setattr(peers_table, "cells", lambda quick: [cell])
        results = Results(tmp_path / "results.json")
        peers_table.run({"peers"}, results, {}, lambda text: None, quick=True)
        return results.kept[cell.key]["programs"]

    return run


def test_every_peer_has_its_place(ran):
    programs = ran(
        {
            "joblib": "print('b', 1, sep='\\t', file=open(OUT, 'w'))",
            "mrjob, local": "import sys; sys.exit(3)",
            "polars": "import sys; sys.exit('no memory')",
        }
    )
    assert programs.keys() == {"mincer", "by hand", *(peer.label for peer in PEERS)}
    assert programs["joblib"]["said"] == "another result"
    assert programs["mrjob, local"]["said"] == "does not do this"
    assert programs["polars"]["said"] == "failed: no memory"
    assert "no Java" in programs["pyspark, RDD local[2]"]["said"]
    assert programs["duckdb"]["wall_s"] > 0


class Timed(peers_table._Rounds):
    """Runs nothing: a program takes the seconds that are given for it."""

    def __init__(self, seconds):
        super().__init__(WORDS, {peer.name: Path("python") for peer in PEERS}, print)
        self.seconds = seconds
        self.order = []

    def _once(self, name):
        self.order.append(name)
        self.runs[name].append(SimpleNamespace(wall_s=self.seconds[name], tree_bytes=1))


def test_each_begins_once_and_who_comes_near_runs_more_often():
    labels = ["mincer", "by hand", *(peer.label for peer in PEERS)]
    seconds = dict.fromkeys(labels, 3.0) | {"mincer": 1.0, "joblib": 1.1, "polars": 0.1}
    rounds = Timed(seconds | {labels[-1]: 61.0})
    figures = rounds.run(peers_table.ROUNDS)
    assert rounds.order[: 2 * len(labels) - 1] == [*labels, *labels[1:-1], "mincer"]
    runs = {name: figures[name]["runs"] for name in labels}
    often = {"mincer", "joblib"}
    assert runs == dict.fromkeys(labels, 3) | dict.fromkeys(often, 7) | {labels[-1]: 1}


def test_who_is_out_does_not_come_near():
    labels = ["mincer", "by hand", *(peer.label for peer in PEERS)]
    for out in ("mincer", "joblib"):
        rounds = Timed(dict.fromkeys(labels, 3.0) | {"mincer": 1.0, "joblib": 0.5})
        rounds.said[out] = "another result"
        figures = rounds.run(peers_table.ROUNDS)
        assert {figures[name]["runs"] for name in labels} == {0, 3}


def test_a_line_that_does_not_exist_is_refused(ran):
    with pytest.raises(SystemExit, match="peers:nothing"):
        peers_table.run({"peers:nothing"}, None, {}, print)


def test_native_engines_have_no_blocks():
    native = [peer for peer in PEERS if peer.native]
    assert native
    assert all(BLOCKS.workload not in peer.forms for peer in native)
