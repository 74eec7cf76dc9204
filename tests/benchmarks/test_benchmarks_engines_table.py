"""The table of the engines: what is in it, and what is said of a missing one."""

import importlib.util

import pytest

from benchmarks import engines_table

KEPT = {
    "ours_s": 2.1,
    "theirs_s": 2.0,
    "theirs": "files",
    "opponents_s": {"files": 2.0, "classic": 9.5},
    "pairs": 7,
    "ratio": 1.05,
    "low": 1.0,
    "high": 1.2,
    "start_s": 4.4,
    "code": "now",
}


def test_what_was_measured_is_in_the_table():
    kept = {"11-spark-words-120m": KEPT, "11-ray-json-2m": KEPT | {"ratio": 1.3}}
    lines = list(engines_table.section(kept, "now"))
    rows = [line for line in lines if line.startswith("| 11-")]
    assert rows[0] == (
        "| 11-spark-words-120m | words, 120 MB, on Spark | ≤ 1.10 × "
        "| 1.05 × [1.00, 1.20] | met | 7 | 2.1 | 2.0 (files) | classic 9.5 | 4.4 |  |"
    )
    assert "**missed**" in rows[1]
    assert "older than the code" in list(engines_table.section(kept, "later"))[-2]


def test_without_figures_there_is_no_table():
    assert list(engines_table.section({}, "now")) == []


@pytest.mark.parametrize("wanted", [{"11-ray-words-120m"}, {"11"}])
def test_a_missing_engine_is_told(wanted, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    told = engines_table.run(wanted, None, {}, print)
    assert any("11-ray-words-120m: ray is missing" in one for one in told)


def test_every_engine_has_each_work():
    names = [race.name for race in engines_table.races()]
    assert len(names) == len(set(names)) == 9
