"""The table says what was reached, what was missed, and what is older than the code."""

from dataclasses import replace

import pytest

from benchmarks.results import Results, aims, table
from benchmarks.rows import races

RACES = {race.name: race for race in races()}
SIDE = {
    "label": "mincer",
    "wall_s": 1.5,
    "cpu_s": 2.5,
    "tree_mb": 100.0,
    "tree_pss_mb": 60.0,
    "largest_mb": 40.0,
}


def figures(**more):
    return {
        "ours": SIDE,
        "theirs": SIDE | {"label": "by hand"},
        "pairs": 7,
        "ratio": 0.9,
        "low": 0.85,
        "high": 0.97,
        "over_s": 0.1,
        "digest": "5 lines",
        "opponents_s": {},
        "commit": "abc",
        "dirty": False,
        "code": "now",
        "date": "2026-01-01",
        "machine": "2 cores",
        "coordinator_mb": 60.0,
        "coordinator_tenth_mb": 55.0,
    } | more


def heads(text):
    """What the list on top of the table says: word → names."""
    said = [line for line in text.splitlines() if line.startswith("* **")]
    return {
        line[4:].partition("**")[0]: line.partition(": ")[2].rstrip(".")
        for line in said
    }


def test_rows_that_are_older_than_the_code_are_named():
    kept = {"1-120m-sum": figures(), "2-120m": figures(code="before")}
    text = table(list(RACES.values()), kept, "now")
    assert heads(text)["Older than the code"] == "2-120m"
    (row,) = [line for line in text.splitlines() if line.startswith("| 2-120m | words")]
    assert "older than the code" in row
    assert heads(table(list(RACES.values()), kept, "before"))[
        "Older than the code"
    ].startswith("1-120m-sum")


def test_rows_without_figures_are_named():
    text = table([RACES["6"], RACES["4"]], {"6": figures()}, "now")
    assert heads(text)["Not measured"] == "4"


@pytest.mark.parametrize(("ratio", "met"), [(0.95, True), (0.96, False)])
def test_a_ratio_is_held_against_its_target(ratio, met):
    (aim,) = aims(RACES["1-120m-sum"], figures(ratio=ratio))
    assert (aim.said, aim.met) == ("≤ 0.95 ×", met)
    text = table([RACES["1-120m-sum"]], {"1-120m-sum": figures(ratio=ratio)}, "now")
    assert heads(text)["Missed"] == ("none" if met else "1-120m-sum")


def test_memory_is_a_target_of_its_own():
    big = figures(ratio=0.5, ours=SIDE | {"tree_mb": 301.0})
    fast, small = aims(RACES["3-sum"], big)
    assert fast.met
    assert not small.met
    assert (small.said, small.reached) == ("tree ≤ 300 MB", "301 MB")


def test_the_largest_process_is_held_against_its_limit():
    _, within = aims(RACES["8-data"], figures(ours=SIDE | {"largest_mb": 111.0}))
    assert (within.said, within.met) == ("a process ≤ 110 MB", False)


def test_seconds_over_start_up_are_a_target():
    (aim,) = aims(RACES["7-items"], figures(over_s=0.31))
    assert not aim.met


def test_a_row_with_notes_leads_to_them():
    kept = {"4": figures()}
    notes = "# Notes\n\n## Row 4\n\nThree tries.\n"
    assert "notes.md#row-4" in table([RACES["4"]], kept, "now", notes=notes)
    assert "notes.md" not in table([RACES["4"]], kept, "now")


def test_figures_are_kept_until_there_are_newer_ones(tmp_path):
    path = tmp_path / "results.json"
    Results(path).keep("6", figures(ratio=2.0))
    Results(path).keep("4", figures())
    Results(path).keep("6", figures(ratio=3.0))
    kept = Results(path).kept
    assert (kept["6"]["ratio"], sorted(kept)) == (3.0, ["4", "6"])


def test_each_race_has_its_name_and_something_to_reach():
    every = races()
    assert len(RACES) == len(every)
    assert {race.row for race in every} >= set("123456789")
    for race in every:
        if race.row != "growth":
            assert aims(race, figures()), race.name
    quick = races(quick=True)
    assert {race.row for race in quick} == set("123456789")


def test_a_race_without_a_target_still_shows_its_ratio():
    race = replace(RACES["growth-1m"], title="words")
    assert "0.90 ×" in table([race], {"growth-1m": figures()}, "now")
